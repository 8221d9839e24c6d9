//! A compatible store that can be asked for a setting but refuses to take it: said once, kept in
//! mind, and neither a failure nor a difference.

use crate::aws::Aws;
use crate::cycle::sandboxed;
use sandbox::{Fault, FaultEffect, FaultOn};

/// As the RADOS Gateway answers about access logs: it can be asked for them, not given any.
fn refuses(aws: &Aws, api: &str, times: u32) {
    aws.sandbox.inject(Fault {
        on: FaultOn::Api(api.to_string()),
        skip: 0,
        times,
        effect: FaultEffect::Answer {
            status: 405,
            code: "MethodNotAllowed",
        },
    });
}

fn file(aws: &Aws) -> String {
    let endpoint = aws.sandbox.endpoint();
    let text = format!(
        "org_id = \"acme\"\nregion = \"us-east-1\"\ncompatible = {{ endpoint = \"{endpoint}\" }}\ndata.cors = [{{ origins = [\"https://a.example.com\"], methods = [\"GET\"] }}]\n"
    );
    aws.write("compatible.toml", &text).display().to_string()
}

sandboxed! {
    async fn what_was_refused_is_not_tried_again_and_no_difference(aws) {
        refuses(&aws, "PutBucketCors", 1);
        let file = file(&aws);
        let first = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(first.code, Some(0), "{}", first.stderr);
        assert_eq!(first.result()["unsupported"].as_array().unwrap().len(), 1);
        let planned = aws.writes().len();
        assert_eq!(first.result()["changes_made"], planned - 1, "what was refused was not made");
        aws.sandbox.forget_calls();
        let drift = aws.run(&["drift", "--file", &file]);
        assert_eq!(drift.code, Some(0), "{}", drift.json);
        let findings = drift.result()["plan"]["findings"].to_string();
        assert!(findings.contains("unsupported") && findings.contains("cors"), "{findings}");
        let second = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(second.result()["changes_made"], 0, "{}", second.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn what_was_refused_is_tried_again_once_something_else_is_asked_for(aws) {
        refuses(&aws, "PutBucketCors", 1);
        let file = file(&aws);
        assert_eq!(aws.run(&["apply", "--file", &file, "--yes"]).code, Some(0));
        let cors = "data.cors=[{ origins = [\"https://b.example.com\"], methods = [\"GET\"] }]";
        let other = ["--file", &file, "--set", cors];
        let changed = aws.run(&[&["apply", "--yes"], &other[..]].concat());
        assert_eq!(changed.result()["changes_made"], 1, "{}", changed.stderr);
        assert_eq!(aws.run(&[&["drift"], &other[..]].concat()).code, Some(0));
    }
}

sandboxed! {
    async fn what_was_refused_is_tried_again_after_the_take_down(aws) {
        refuses(&aws, "PutBucketCors", 1);
        let file = file(&aws);
        for command in ["apply", "destroy", "apply"] {
            let ended = aws.run(&[command, "--file", &file, "--yes"]);
            assert_eq!(ended.code, Some(0), "{command}: {}", ended.stderr);
        }
        assert_eq!(aws.calls_of("PutBucketCors").len(), 2);
    }
}
