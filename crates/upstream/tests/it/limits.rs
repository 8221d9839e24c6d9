//! What a session may do, judged by the IAM evaluator: the tenant's places and nothing beside them.

use crate::fixtures::{ROLE, START, ScriptedSts, aws, by_role, clock, mapping, random};
use policies::{Policy, PolicyKind, PolicySet, Principal, RenderError, Request, evaluate};
use types::{BucketAccess, BucketAlias, BucketMapping, RoleArn, StorageConfig};
use upstream::{CacheLimits, CredentialCache, SessionPolicyError, TenantAccess};

fn read_only(bucket: &str, prefix: &str) -> BucketMapping {
    BucketMapping {
        access: BucketAccess::ReadOnly,
        ..mapping(aws("eu-central-1"), bucket, prefix)
    }
}

fn with_places(places: Vec<BucketMapping>) -> StorageConfig {
    let mut config = by_role("acme", 1);
    config.buckets = places
        .into_iter()
        .enumerate()
        .map(|(number, place)| {
            let alias = BucketAlias::parse(format!("bucket-{number}")).unwrap();
            (alias, place)
        })
        .collect();
    config
}

/// The session policy as STS gets it.
async fn policy_of(config: &StorageConfig) -> String {
    let clock = clock();
    let sts = ScriptedSts::new(&clock);
    let limits = CacheLimits::default();
    let cache = CredentialCache::new(sts.clone(), clock, random(1), limits);
    let access = TenantAccess::of(config).unwrap();
    cache.get(&access, START).await.unwrap();
    sts.calls()[0].session_policy().to_string()
}

/// Whether a role that may do everything may still do this in a session with `policy`.
fn allows(policy: &str, action: &str, resource: &str, prefix: Option<&str>) -> bool {
    let everything = r#"{"Version":"2012-10-17","Statement":
        {"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let everything = Policy::parse(PolicyKind::Identity, everything).unwrap();
    let session = Policy::parse(PolicyKind::Session, policy).unwrap();
    let who = Principal::session(RoleArn::parse(ROLE).unwrap(), "byos-acme");
    let mut request = Request::new(who, action, format!("arn:aws:s3:::{resource}"));
    if let Some(prefix) = prefix {
        request = request.with("s3:prefix", prefix);
    }
    let policies = PolicySet {
        identity: vec![&everything],
        session: Some(vec![&session]),
        ..PolicySet::default()
    };
    evaluate(&request, &policies).is_allowed()
}

#[tokio::test]
async fn a_session_reads_what_is_read_only_and_writes_what_is_not() {
    let config = with_places(vec![
        read_only("customer-data", "in/"),
        mapping(aws("eu-central-1"), "customer-results", "out/"),
    ]);
    let policy = policy_of(&config).await;
    for (action, resource, prefix, allowed) in [
        ("s3:GetObject", "customer-data/in/x", None, true),
        ("s3:GetObjectVersion", "customer-data/in/x", None, true),
        ("s3:ListBucket", "customer-data", Some("in/"), true),
        ("s3:ListBucket", "customer-data", Some("in/deeper/"), true),
        ("s3:GetBucketLocation", "customer-data", None, true),
        ("s3:GetObject", "customer-results/out/x", None, true),
        ("s3:PutObject", "customer-results/out/x", None, true),
        ("s3:DeleteObject", "customer-results/out/x", None, true),
        (
            "s3:AbortMultipartUpload",
            "customer-results/out/x",
            None,
            true,
        ),
        (
            "s3:ListMultipartUploadParts",
            "customer-results/out/x",
            None,
            true,
        ),
        (
            "s3:ListBucketMultipartUploads",
            "customer-results",
            Some("out/"),
            true,
        ),
        ("s3:ListBucket", "customer-results", Some("out/"), true),
        // The data bucket is read from and nothing else.
        ("s3:PutObject", "customer-data/in/x", None, false),
        ("s3:DeleteObject", "customer-data/in/x", None, false),
        ("s3:DeleteObjectVersion", "customer-data/in/x", None, false),
        ("s3:AbortMultipartUpload", "customer-data/in/x", None, false),
        // Beside the prefix.
        ("s3:GetObject", "customer-data/x", None, false),
        ("s3:GetObject", "customer-data/inx", None, false),
        ("s3:GetObject", "customer-data/out/x", None, false),
        ("s3:PutObject", "customer-results/x", None, false),
        ("s3:PutObject", "customer-results/in/x", None, false),
        ("s3:ListBucket", "customer-data", Some(""), false),
        ("s3:ListBucket", "customer-data", None, false),
        ("s3:ListBucket", "customer-data", Some("other/"), false),
        // A version is gone for good: only what probes wrote may be deleted so.
        (
            "s3:DeleteObjectVersion",
            "customer-results/out/x",
            None,
            false,
        ),
        // Beside the buckets, and what no tenant needs.
        ("s3:GetObject", "customer-data-2/in/x", None, false),
        ("s3:GetObject", "another/in/x", None, false),
        ("s3:PutObjectAcl", "customer-results/out/x", None, false),
        ("s3:PutBucketPolicy", "customer-results", None, false),
        ("s3:DeleteBucket", "customer-results", None, false),
        ("s3:PutBucketAcl", "customer-data", None, false),
    ] {
        assert_eq!(
            allows(&policy, action, resource, prefix),
            allowed,
            "{action} {resource} {prefix:?} by {policy}"
        );
    }
}

#[tokio::test]
async fn a_prefix_with_wildcards_means_itself() {
    let config = with_places(vec![mapping(aws("eu-central-1"), "customer", "a*?/$x/")]);
    let policy = policy_of(&config).await;
    assert!(allows(&policy, "s3:PutObject", "customer/a*?/$x/k", None));
    assert!(allows(
        &policy,
        "s3:ListBucket",
        "customer",
        Some("a*?/$x/")
    ));
    for key in [
        "customer/abc/$x/k",
        "customer/a/other/q/$x/k",
        "customer/aXY/$x/k",
    ] {
        assert!(!allows(&policy, "s3:PutObject", key, None), "{key}");
    }
    assert!(!allows(
        &policy,
        "s3:ListBucket",
        "customer",
        Some("abc/$x/")
    ));
}

#[tokio::test]
async fn a_whole_bucket_may_be_listed_whole() {
    let config = with_places(vec![mapping(aws("eu-central-1"), "customer", "")]);
    let policy = policy_of(&config).await;
    assert!(allows(&policy, "s3:ListBucket", "customer", None));
    assert!(allows(
        &policy,
        "s3:ListBucket",
        "customer",
        Some("anything")
    ));
    assert!(allows(&policy, "s3:PutObject", "customer/anything", None));
}

#[test]
fn no_session_is_asked_for_without_a_limit() {
    let nothing = with_places(Vec::new());
    assert_eq!(
        TenantAccess::of(&nothing).unwrap_err(),
        SessionPolicyError::from(RenderError::Empty)
    );
}

#[tokio::test]
async fn a_policy_beyond_what_aws_takes_is_refused_before_it_is_sent() {
    let long = "p".repeat(500) + "/";
    let places = (0..8).map(|n| mapping(aws("eu-central-1"), &format!("bucket-{n}"), &long));
    let config = with_places(places.collect());
    let refused = TenantAccess::of(&config).unwrap_err();
    let reason = std::error::Error::source(&refused).unwrap();
    assert!(matches!(
        reason.downcast_ref(),
        Some(RenderError::TooLong { limit: 2_048, .. })
    ));
}
