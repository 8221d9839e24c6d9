//! Taking down a bucket that holds something.

use crate::aws::Aws;
use crate::cycle::sandboxed;
use aws_sdk_s3::primitives::ByteStream;
use futures_util::StreamExt;

const RESULTS: &str = "byos-prod-acme-results";
const VERSIONED: [&str; 2] = ["--set", "results.versioning=enabled"];

async fn put(client: &aws_sdk_s3::Client, key: String) {
    let body = ByteStream::from_static(b"x");
    client
        .put_object()
        .bucket(RESULTS)
        .key(key)
        .body(body)
        .send()
        .await
        .unwrap();
}

sandboxed! {
    async fn a_full_bucket_stops_everything_and_is_counted(aws) {
        aws.applied(&VERSIONED);
        let client = aws.s3(&aws.customer);
        put(&client, "a".to_string()).await;
        put(&client, "a".to_string()).await;
        put(&client, "b".to_string()).await;
        client.delete_object().bucket(RESULTS).key("b").send().await.unwrap();
        client.create_multipart_upload().bucket(RESULTS).key("c").send().await.unwrap();
        aws.sandbox.forget_calls();
        let ended = aws.acme("destroy", &["--yes"]);
        assert_eq!(ended.code, Some(1));
        let message = ended.error()["message"].as_str().unwrap().to_string();
        assert!(message.contains("1 objects, 2 old versions, 1 delete markers, 1 open uploads"), "{message}");
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}

sandboxed! {
    async fn data_goes_only_with_the_name_typed_once_more_and_then_all_of_it(aws) {
        aws.applied(&VERSIONED);
        let client = aws.s3(&aws.customer);
        let keys = futures_util::stream::iter((0..1_050).map(|n| put(&client, format!("k{n:05}"))));
        keys.buffer_unordered(16).collect::<Vec<()>>().await;
        client.delete_object().bucket(RESULTS).key("k00001").send().await.unwrap();
        client.create_multipart_upload().bucket(RESULTS).key("c").send().await.unwrap();
        let refused = aws.acme("destroy", &["--yes", "--empty-buckets"]);
        assert_eq!(refused.error()["kind"], "declined", "{}", refused.stderr);
        let other = aws.acme("destroy", &["--yes", "--empty-buckets", "--confirm", "globex"]);
        assert_eq!(other.error()["kind"], "declined");
        aws.sandbox.forget_calls();
        let ended = aws.acme("destroy", &["--yes", "--empty-buckets", "--confirm", "acme"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(aws.calls_of("DeleteObjects").len(), 2, "1,051 versions and a marker in two batches");
        assert_eq!(aws.calls_of("AbortMultipartUpload").len(), 1);
        assert!(aws.calls_of("DeleteObjects").iter().all(|call| call.status == 200));
    }
}

sandboxed! {
    async fn versions_under_retention_are_named_and_the_bucket_is_kept(aws) {
        let locked = [
            "--set", "results.versioning=enabled",
            "--set", "results.object_lock={ mode = \"governance\", days = 1 }",
        ];
        aws.applied(&locked);
        let client = aws.s3(&aws.customer);
        put(&client, "kept".to_string()).await;
        let consent = ["--yes", "--empty-buckets", "--confirm", "acme"];
        let ended = aws.acme("destroy", &[&consent[..], &locked].concat());
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let message = ended.error()["message"].as_str().unwrap();
        assert!(message.contains("kept (") && message.contains("AccessDenied"), "{message}");
        assert!(ended.error()["hint"].as_str().unwrap().contains("--bypass-governance"));
        assert_eq!(aws.calls_of("DeleteBucket").len(), 0);
        let all = [&consent[..], &["--bypass-governance"], &locked].concat();
        let ended = aws.acme("destroy", &all);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
}

sandboxed! {
    async fn a_name_that_another_account_took_after_deletion_is_out_of_reach(aws) {
        aws.applied(&[]);
        let client = aws.s3(&aws.customer);
        client.delete_bucket().bucket("byos-prod-acme-data").send().await.unwrap();
        let vendor = types::AccountId::parse("111111111111").unwrap();
        let name = types::BucketName::parse("byos-prod-acme-data").unwrap();
        let region = types::Region::parse("eu-central-1").unwrap();
        aws.sandbox.create_bucket(&vendor, &name, &region).unwrap();
        aws.sandbox.forget_calls();
        let ended = aws.acme("apply", &["--yes"]);
        assert_eq!(ended.error()["kind"], "blocked", "{}", ended.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}
