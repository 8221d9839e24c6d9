//! A store that speaks S3 but lacks half of it: what it lacks is reported and no failure.

use crate::aws::Aws;
use crate::cycle::sandboxed;
use sandbox::{Fault, FaultEffect, FaultOn};
use serde_json::json;

fn lacking(aws: &Aws, api: &str, status: u16, code: &'static str) {
    aws.sandbox.inject(Fault {
        on: FaultOn::Api(api.to_string()),
        skip: 0,
        times: u32::MAX,
        effect: FaultEffect::Answer { status, code },
    });
}

fn file(aws: &Aws) -> String {
    let text = format!(
        "org_id = \"acme\"\nregion = \"us-east-1\"\ncompatible = {{ endpoint = \"{}\" }}\nresults.versioning = \"enabled\"\nresults.cors = [{{ origins = [\"https://a.example.com\"], methods = [\"GET\"] }}]\n",
        aws.sandbox.endpoint()
    );
    aws.write("compatible.toml", &text).display().to_string()
}

sandboxed! {
    async fn buckets_are_set_up_without_iam_and_sts(aws) {
        let file = file(&aws);
        let ended = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(aws.sandbox.calls().iter().all(|call| call.service == "s3"));
        assert_eq!(aws.run(&["drift", "--file", &file]).code, Some(0));
        let down = aws.run(&["destroy", "--file", &file, "--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
    }
}

sandboxed! {
    async fn what_the_store_lacks_is_reported_and_no_failure(aws) {
        for (api, status, code) in [
            ("GetBucketOwnershipControls", 501, "NotImplemented"),
            ("PutBucketOwnershipControls", 501, "NotImplemented"),
            ("GetBucketLogging", 405, "MethodNotAllowed"),
            ("GetBucketTagging", 501, "NotImplemented"),
            ("PutBucketTagging", 501, "NotImplemented"),
            ("GetBucketEncryption", 404, "ERROR_NO_SUCH_ENCRYPTION"),
            ("PutBucketCors", 501, "NotImplemented"),
            ("GetBucketCors", 501, "NotImplemented"),
            ("ListBucketInventoryConfigurations", 400, "InvalidRequest"),
        ] {
            lacking(&aws, api, status, code);
        }
        let file = file(&aws);
        let ended = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let unsupported = ended.result()["unsupported"].as_array().unwrap();
        assert!(unsupported.iter().any(|line| line.as_str().unwrap().contains("cors")), "{unsupported:?}");
        // Without tags it is the journal that knows what is ours.
        let again = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(again.result()["changes_made"], 0, "{}", again.stderr);
        assert_eq!(aws.run(&["drift", "--file", &file]).code, Some(0));
        let down = aws.run(&["destroy", "--file", &file, "--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
        assert_eq!(aws.calls_of("DeleteBucket").len(), 2);
    }
}

// While it refuses public ACLs, Ceph 16 refuses every upload, too.
sandboxed! {
    async fn public_acls_are_ignored_there_and_not_refused(aws) {
        let file = file(&aws);
        let plan = aws.run(&["plan", "--file", &file]);
        let changes = plan.result()["plan"]["changes"].as_array().unwrap();
        let blocks: Vec<_> = changes
            .iter()
            .filter(|change| change["part"] == "public_access_block")
            .map(|change| &change["after"])
            .collect();
        let ignored = json!({
            "block_public_acls": false,
            "ignore_public_acls": true,
            "block_public_policy": true,
            "restrict_public_buckets": true,
        });
        assert_eq!(blocks, [&ignored, &ignored]);
    }
}
