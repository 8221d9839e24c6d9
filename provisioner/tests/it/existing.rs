//! What exists already: adopted with consent, let go and never deleted.

use crate::aws::Aws;
use crate::cycle::sandboxed;
use types::{AccountId, BucketName, Region};

fn own_bucket(aws: &Aws) {
    let customer = AccountId::parse("222222222222").unwrap();
    let name = BucketName::parse("byos-prod-acme-data").unwrap();
    let region = Region::parse("eu-central-1").unwrap();
    aws.sandbox
        .create_bucket(&customer, &name, &region)
        .unwrap();
}

sandboxed! {
    async fn looking_at_what_could_be_adopted_changes_nothing(aws) {
        own_bucket(&aws);
        let ended = aws.acme("adopt", &[]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert_eq!(aws.writes(), Vec::<String>::new());
        let changes = ended.result()["plan"]["changes"].as_array().unwrap();
        assert!(changes.iter().any(|change| change["cause"] == "adopted"));
    }
}

sandboxed! {
    async fn an_adopted_bucket_outlives_the_take_down_and_what_was_left_stays(aws) {
        own_bucket(&aws);
        let settings = ["--set", "data.versioning=enabled"];
        let ended = aws.acme("adopt", &["--yes", "--leave", "versioning,lifecycle", settings[0], settings[1]]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(aws.calls_of("PutBucketVersioning").len(), 0);
        // A new bucket of AWS blocks public access by itself, so only ours is written.
        assert_eq!(aws.calls_of("PutPublicAccessBlock").len(), 1);
        aws.sandbox.forget_calls();
        let again = aws.applied(&settings);
        assert_eq!(again.result()["changes_made"], 0);
        assert_eq!(aws.acme("drift", &settings).code, Some(0));
        let down = aws.acme("destroy", &["--yes"]);
        assert_eq!(down.code, Some(0), "{}", down.stderr);
        assert_eq!(aws.calls_of("DeleteBucket").len(), 1, "only the results bucket was made here");
        let ended = aws.acme("apply", &["--yes"]);
        assert_eq!(ended.error()["kind"], "blocked", "the bucket stays, and is nobody's again");
    }
}

sandboxed! {
    async fn public_access_cannot_be_left_to_its_owner(aws) {
        own_bucket(&aws);
        let ended = aws.acme("adopt", &["--yes", "--leave", "public_access_block"]);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.error()["kind"], "usage");
        assert_eq!(aws.writes(), Vec::<String>::new());
    }
}
