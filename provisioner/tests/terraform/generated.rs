//! Random specifications: whatever the model accepts, every way of applying it ends the same.

use proptest::prelude::*;
use provisioner::model::{
    AttachmentSpec, BlockedEncryption, BucketSpec, CorsRule, Desired, EncryptionSpec,
    InventorySpec, LifecycleRule, LockMode, LogKeyFormat, LoggingSpec, NotificationsSpec,
    ObjectLock, RoleSpec, StorageClass, TenantSpec, Transition, TransitionMinimum, Versioning,
    compile,
};
use std::collections::{BTreeMap, BTreeSet};

/// Specifications without KMS keys, networks and destinations of events: a store in memory has none.
pub(crate) fn desired() -> impl Strategy<Value = Desired> {
    (
        bucket(),
        bucket(),
        role(),
        prop::bool::ANY,
        tags(),
        base_path(),
    )
        .prop_map(
            |(data, results, role, list_uploads, tags, base_path)| TenantSpec {
                org_id: "acme".to_string(),
                project: "pulse".to_string(),
                region: "eu-central-1".to_string(),
                account: Some("222222222222".to_string()),
                data,
                results,
                role,
                list_uploads,
                tags,
                base_path,
                ..TenantSpec::default()
            },
        )
        .prop_filter_map("the model refuses it", |spec| compile(&spec, None).ok())
}

fn bucket() -> impl Strategy<Value = BucketSpec> {
    let settings = (
        prop::option::of(prop_oneof![
            Just(Versioning::Enabled),
            Just(Versioning::Suspended)
        ]),
        prop_oneof![
            Just(EncryptionSpec::AwsDefault),
            Just(EncryptionSpec::SseS3)
        ],
        prop::option::of(prop_oneof![
            Just(BTreeSet::from([BlockedEncryption::SseC])),
            Just(BTreeSet::new())
        ]),
        prop::bool::ANY,
        prop::option::of(1_u32..=365),
        prop::collection::vec(rule(), 0..4),
        prop::option::of(prop_oneof![
            Just(TransitionMinimum::AllStorageClasses128K),
            Just(TransitionMinimum::VariesByStorageClass)
        ]),
    );
    let deliveries = (
        prop::option::of(prop::collection::vec(cors(), 1..3)),
        prop::option::of(logging()),
        prop::option::of(Just(true)),
        prop::collection::vec(inventory(), 0..3),
        prop::option::of(1_u32..=36_500),
        tags(),
    );
    (settings, deliveries).prop_map(|(settings, deliveries)| {
        let (versioning, encryption, blocked_encryption, refuse, abort, mut lifecycle, minimum) =
            settings;
        let (mut cors, logging, event_bridge, mut inventory, lock, tags) = deliveries;
        // No two rules for one origin: Terraform would not keep their order.
        for (at, rule) in cors.iter_mut().flatten().enumerate() {
            rule.origins = vec![format!("https://app-{at}.example.com")];
        }
        for (at, rule) in lifecycle.iter_mut().enumerate() {
            rule.id = format!("rule-{at}");
        }
        for (at, inventory) in inventory.iter_mut().enumerate() {
            inventory.id = format!("list-{at}");
        }
        BucketSpec {
            refuse_other_encryption: refuse && encryption != EncryptionSpec::AwsDefault,
            refuse_customer_keys: refuse,
            // Only together with versioning; the filter would throw most cases away.
            object_lock: lock
                .filter(|_| versioning == Some(Versioning::Enabled))
                .map(|days| ObjectLock {
                    mode: LockMode::Governance,
                    days,
                }),
            versioning,
            encryption,
            blocked_encryption,
            abort_incomplete_days: abort,
            lifecycle,
            transition_minimum: minimum,
            cors,
            logging,
            notifications: event_bridge.map(|event_bridge| NotificationsSpec {
                event_bridge,
                entries: Vec::new(),
            }),
            inventory,
            tags,
            ..BucketSpec::default()
        }
    })
}

fn rule() -> impl Strategy<Value = LifecycleRule> {
    let filter = (
        prefix(),
        tags(),
        prop::option::of(0_u64..1_000_000),
        prop::option::of(1_000_001_u64..9_000_000),
    );
    let acts = prop_oneof![
        (400_u32..900).prop_map(|days| LifecycleRule {
            expire_days: Some(days),
            transitions: vec![Transition {
                days: 60,
                class: StorageClass::StandardIa
            }],
            ..LifecycleRule::default()
        }),
        (100_u32..900, prop::option::of(1_u32..=100)).prop_map(|(days, keep)| LifecycleRule {
            noncurrent_expire_days: Some(days),
            noncurrent_keep: keep,
            noncurrent_transitions: vec![Transition {
                days: 40,
                class: StorageClass::GlacierIr
            }],
            ..LifecycleRule::default()
        }),
        (1_u32..90).prop_map(|days| LifecycleRule {
            expire_days: Some(days),
            ..LifecycleRule::default()
        }),
    ];
    (filter, acts).prop_map(
        |((prefix, tags, larger_than, smaller_than), acts)| LifecycleRule {
            prefix,
            tags,
            larger_than,
            smaller_than,
            ..acts
        },
    )
}

fn cors() -> impl Strategy<Value = CorsRule> {
    (
        prop::option::of("[a-z]{1,8}"),
        prop::sample::subsequence(vec!["GET", "PUT", "POST", "DELETE", "HEAD"], 1..=5),
        prop::option::of(0_u32..9_000),
        prop::bool::ANY,
    )
        .prop_map(|(id, methods, max_age_seconds, wide)| CorsRule {
            id,
            origins: Vec::new(),
            methods: methods.into_iter().map(String::from).collect(),
            headers: wide.then(|| "*".to_string()).into_iter().collect(),
            expose_headers: wide.then(|| "ETag".to_string()).into_iter().collect(),
            max_age_seconds,
        })
}

fn logging() -> impl Strategy<Value = LoggingSpec> {
    let format = prop_oneof![
        Just(LogKeyFormat::Simple),
        Just(LogKeyFormat::PartitionedByEventTime),
        Just(LogKeyFormat::PartitionedByDeliveryTime)
    ];
    (prop::option::of(prefix()), format).prop_map(|(prefix, key_format)| LoggingSpec {
        target: None,
        prefix,
        key_format,
    })
}

fn inventory() -> impl Strategy<Value = InventorySpec> {
    (prefix(), prop::bool::ANY, prop::bool::ANY).prop_map(|(prefix, all_versions, columns)| {
        InventorySpec {
            prefix,
            all_versions,
            fields: columns.then(|| "Size".to_string()).into_iter().collect(),
            ..InventorySpec::default()
        }
    })
}

fn role() -> impl Strategy<Value = RoleSpec> {
    let description = prop::option::of("[ -#&-~\u{a1}-\u{ff}]{1,60}");
    (description, prop::bool::ANY, prop::bool::ANY, tags()).prop_map(
        |(description, managed, session_tags, tags)| RoleSpec {
            vendor_role: Some("arn:aws:iam::111111111111:role/byos-gateway".to_string()),
            description,
            policy: match managed {
                true => AttachmentSpec::Managed,
                false => AttachmentSpec::Inline,
            },
            session_tags,
            path: managed.then(|| "/byos/".to_string()),
            tags,
            ..RoleSpec::default()
        },
    )
}

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(
        "[A-Za-z][A-Za-z0-9 _.:/=+@-]{0,8}[a-z]",
        "[a-z0-9 Ü]{0,6}[a-z]",
        0..3,
    )
}

fn prefix() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z!_.()=+@,: -]{1,6}[a-z]/".prop_map(String::from)
    ]
}

fn base_path() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,9}/".prop_map(String::from)]
}
