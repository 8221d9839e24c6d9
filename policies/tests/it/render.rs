//! The documents themselves: golden files to read and review, and what must never be in them.

use policies::render::{
    BucketPolicy, CrossAccountTrust, CustomerKeys, EndpointPolicy, EventTarget, KeyArn, KeyUse,
    PermissionExtra, RequiredEncryption, ServiceTrust, SessionExtra, SessionGrant, Source,
    TenantBucket, TenantPermissions, bucket_policy, endpoint_policy, key_policy, permission_policy,
    queue_policy, service_trust_policy, session_policy, topic_policy, trust_policy,
};
use policies::{Budget, Document, RenderError};
use types::{
    AccountId, BucketAccess, BucketName, ExternalId, KeyPrefix, Partition, Region, RoleArn,
};

pub(crate) fn account() -> AccountId {
    AccountId::parse("222222222222").unwrap()
}

pub(crate) fn bucket(name: &str) -> BucketName {
    BucketName::parse(name).unwrap()
}

pub(crate) fn prefix(text: &str) -> KeyPrefix {
    KeyPrefix::parse(text).unwrap()
}

pub(crate) fn region() -> Region {
    Region::parse("eu-central-1").unwrap()
}

pub(crate) fn key() -> KeyArn {
    KeyArn::parse("arn:aws:kms:eu-central-1:222222222222:key/mrk-1234").unwrap()
}

pub(crate) fn trust() -> CrossAccountTrust {
    CrossAccountTrust {
        vendor: RoleArn::parse("arn:aws:iam::111111111111:role/byos/broker").unwrap(),
        external_id: ExternalId::parse("pulse-org-acme").unwrap(),
        extras: [].into(),
    }
}

pub(crate) fn tenant_role() -> RoleArn {
    RoleArn::parse("arn:aws:iam::222222222222:role/byos-acme").unwrap()
}

pub(crate) fn permissions() -> TenantPermissions {
    TenantPermissions {
        partition: Partition::Aws,
        account: account(),
        prefix: prefix("extractions/orgs/acme/"),
        data: Some(TenantBucket {
            bucket: bucket("acme-data"),
            key: None,
        }),
        results: Some(TenantBucket {
            bucket: bucket("acme-results"),
            key: None,
        }),
        extras: [].into(),
    }
}

pub(crate) fn all_permissions() -> TenantPermissions {
    let with_key = |name| TenantBucket {
        bucket: bucket(name),
        key: Some(key()),
    };
    TenantPermissions {
        data: Some(with_key("acme-data")),
        results: Some(with_key("acme-results")),
        extras: [
            PermissionExtra::ReadVersions,
            PermissionExtra::ListUploads,
            PermissionExtra::DeleteProbeVersions,
        ]
        .into(),
        ..permissions()
    }
}

pub(crate) fn grants() -> Vec<SessionGrant> {
    vec![
        SessionGrant {
            bucket: bucket("acme-data"),
            prefix: prefix("extractions/orgs/acme/"),
            access: BucketAccess::ReadOnly,
        },
        SessionGrant {
            bucket: bucket("acme-results"),
            prefix: prefix("extractions/orgs/acme/"),
            access: BucketAccess::ReadWrite,
        },
    ]
}

fn source(name: &str) -> Source {
    Source {
        bucket: bucket(name),
        account: account(),
        target_prefix: format!("{name}/"),
    }
}

pub(crate) fn plain_bucket() -> BucketPolicy {
    BucketPolicy {
        partition: Partition::Aws,
        bucket: bucket("acme-results"),
        encryption: None,
        customer_keys: CustomerKeys::Unmentioned,
        access_logs: vec![],
        inventories: vec![],
    }
}

pub(crate) fn full_bucket() -> BucketPolicy {
    BucketPolicy {
        encryption: Some(RequiredEncryption::Kms(key())),
        customer_keys: CustomerKeys::Refused,
        access_logs: vec![source("acme-data"), source("acme-other")],
        inventories: vec![source("acme-data")],
        ..plain_bucket()
    }
}

/// Every kind of document, by the name of its golden file.
pub(crate) fn every_document() -> Vec<(&'static str, Document)> {
    let target = |service: &str| EventTarget {
        partition: Partition::Aws,
        destination: format!("arn:aws:{service}:eu-central-1:222222222222:acme-events"),
        sources: vec![source("acme-results")],
    };
    let both = [SessionExtra::Tags, SessionExtra::SourceIdentity];
    let documents = [
        ("trust", trust_policy(&trust())),
        (
            "trust_with_tags_and_source_identity",
            trust_policy(&CrossAccountTrust {
                extras: both.into(),
                ..trust()
            }),
        ),
        (
            "trust_ec2",
            service_trust_policy(&ServiceTrust::Ec2 {
                partition: Partition::Aws,
            }),
        ),
        (
            "trust_ecs_tasks",
            service_trust_policy(&ServiceTrust::EcsTasks {
                partition: Partition::Aws,
                account: account(),
                region: region(),
            }),
        ),
        ("permission", permission_policy(&permissions())),
        (
            "permission_with_everything",
            permission_policy(&all_permissions()),
        ),
        (
            "permission_whole_buckets",
            permission_policy(&TenantPermissions {
                prefix: KeyPrefix::root(),
                ..permissions()
            }),
        ),
        ("session", session_policy(Partition::Aws, &grants())),
        ("bucket", bucket_policy(&plain_bucket())),
        ("bucket_with_everything", bucket_policy(&full_bucket())),
        ("queue", queue_policy(&target("sqs"))),
        ("topic", topic_policy(&target("sns"))),
        (
            "key",
            key_policy(&KeyUse {
                region: region(),
                role: tenant_role(),
                event_sources: vec![source("acme-results")],
                inventories: vec![source("acme-data")],
            }),
        ),
        (
            "endpoint",
            endpoint_policy(&EndpointPolicy {
                role: tenant_role(),
                data: Some(bucket("acme-data")),
                results: Some(bucket("acme-results")),
            }),
        ),
    ];
    documents
        .into_iter()
        .map(|(name, document)| (name, document.unwrap_or_else(|err| panic!("{name}: {err}"))))
        .collect()
}

/// To accept what is rendered: `BYOS_BLESS=1 cargo test -p policies golden`.
#[test]
fn every_document_is_as_its_golden_file_says() {
    let folder = crate::support::in_repository("policies/golden");
    for (name, document) in every_document() {
        let file = folder.join(format!("{name}.json"));
        if std::env::var_os("BYOS_BLESS").is_some() {
            std::fs::write(&file, document.pretty()).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(document.pretty(), golden, "{}", file.display());
    }
}

#[test]
fn every_golden_file_has_its_document() {
    let folder = crate::support::in_repository("policies/golden");
    let known: Vec<String> = every_document()
        .iter()
        .map(|(name, _)| format!("{name}.json"))
        .collect();
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name}");
    }
}

#[test]
fn a_prefix_with_wildcards_and_variables_means_itself() {
    let document = permission_policy(&TenantPermissions {
        prefix: prefix("a*b?/${aws:username}/"),
        ..permissions()
    })
    .unwrap();
    let text = document.compact();
    assert!(text.contains("a${*}b${?}/${$}{aws:username}/*"), "{text}");
}

#[test]
fn a_prefix_that_no_policy_can_hold_is_refused() {
    let outcome = permission_policy(&TenantPermissions {
        prefix: prefix("kunde/日本/"),
        ..permissions()
    });
    assert_eq!(outcome.unwrap_err(), RenderError::Character('日'));
}

#[test]
fn the_partition_comes_from_the_input() {
    let document = permission_policy(&TenantPermissions {
        partition: Partition::AwsCn,
        ..all_permissions()
    })
    .unwrap();
    let text = document.compact();
    assert!(!text.contains("arn:aws:s3"), "{text}");
    assert!(text.contains("s3.eu-central-1.amazonaws.com.cn"), "{text}");
    let china = service_trust_policy(&ServiceTrust::Ec2 {
        partition: Partition::AwsCn,
    });
    assert!(china.unwrap().compact().contains("ec2.amazonaws.com.cn"));
}

#[test]
fn nothing_asked_for_is_an_error_and_not_an_empty_document() {
    let nothing = TenantPermissions {
        data: None,
        results: None,
        ..permissions()
    };
    assert_eq!(permission_policy(&nothing).unwrap_err(), RenderError::Empty);
    assert_eq!(
        session_policy(Partition::Aws, &[]).unwrap_err(),
        RenderError::Empty
    );
}

#[test]
fn a_session_for_two_buckets_fits_even_with_a_long_prefix() {
    let long = prefix(&format!("{}/orgs/acme/", "p".repeat(70)));
    let grants: Vec<SessionGrant> = grants()
        .into_iter()
        .map(|grant| SessionGrant {
            bucket: bucket(&"b".repeat(63)),
            prefix: long.clone(),
            ..grant
        })
        .collect();
    let document = session_policy(Partition::AwsUsGov, &grants).unwrap();
    assert!(document.size() <= 2_048, "{}", document.size());
}

#[test]
fn a_session_that_would_not_fit_is_refused_with_both_numbers() {
    let grants: Vec<SessionGrant> = (0..20)
        .map(|n| SessionGrant {
            bucket: bucket(&format!("bucket-{n}")),
            prefix: prefix(&format!("{}{n}/", "p".repeat(40))),
            access: BucketAccess::ReadWrite,
        })
        .collect();
    let outcome = session_policy(Partition::Aws, &grants);
    assert!(
        matches!(
            outcome,
            Err(RenderError::TooLong { budget: Budget::SessionPolicy, size, limit: 2_048 }) if size > 2_048
        ),
        "{outcome:?}"
    );
}

#[test]
fn a_policy_that_is_too_long_to_manage_can_still_stand_inline() {
    let document = permission_policy(&TenantPermissions {
        prefix: prefix(&format!("{}/", "p".repeat(450))),
        ..all_permissions()
    })
    .unwrap();
    assert!(Budget::InlineRolePolicies.check(&document).is_ok());
    assert!(
        Budget::ManagedPolicy.check(&document).is_err(),
        "{}",
        document.size()
    );
}

#[test]
fn an_alias_is_no_key() {
    for text in [
        "arn:aws:kms:eu-central-1:222222222222:alias/mine",
        "arn:aws:kms:eu-central-1:222222222222:key/*",
        "arn:aws:s3:::bucket",
        "1234",
    ] {
        assert!(KeyArn::parse(text).is_err(), "{text}");
    }
}
