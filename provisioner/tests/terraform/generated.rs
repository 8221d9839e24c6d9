//! Random specifications: whatever the model accepts, every way of applying it ends the same.

use proptest::prelude::*;
use provisioner::model::{
    AttachmentSpec, BlockedEncryption, BucketSpec, ComputeService, CorsRule, Desired,
    EncryptionSpec, InventoryFormat, InventoryFrequency, InventorySpec, LifecycleRule, LockMode,
    LogKeyFormat, LoggingSpec, Namespace, NotificationSpec, NotificationsSpec, ObjectLock,
    RoleSpec, StorageClass, TenantSpec, Transition, TransitionMinimum, Versioning, VpcEndpointKind,
    VpcEndpointSpec, compile,
};
use std::collections::{BTreeMap, BTreeSet};

/// A bucket of another team that takes logs and inventories.
pub(crate) const FOREIGN_LOGS: &str = "somebody-elses-logs";
/// A policy that somebody else has made to bound roles.
pub(crate) const BOUNDARY: &str = "arn:aws:iam::222222222222:policy/limits";

/// Specifications of everything that a tenant can ask for.
pub(crate) fn desired() -> impl Strategy<Value = Desired> {
    let names = (
        org_id(),
        "[a-z][a-z0-9]{0,8}",
        "[a-z]{1,6}",
        prop::option::weighted(0.3, "[a-z][a-z0-9]{0,6}"),
        prop::option::weighted(0.3, "[A-Za-z0-9_+=,.@:/-]{2,12}"),
        base_path(),
        prop_oneof![Just("eu-central-1"), Just("us-east-1"), Just("eu-west-3")],
        prop_oneof![3 => Just(Namespace::Global), 1 => Just(Namespace::AccountRegional)],
    );
    let rest = (
        bucket(),
        bucket(),
        role(),
        prop::bool::ANY,
        tags(),
        prop::option::weighted(0.3, vpc_endpoint()),
    );
    (names, rest)
        .prop_map(|(names, rest)| {
            let (
                org_id,
                project,
                environment,
                bucket_prefix,
                external,
                base_path,
                region,
                namespace,
            ) = names;
            let (data, results, role, list_uploads, tags, vpc_endpoint) = rest;
            TenantSpec {
                org_id,
                project,
                environment,
                bucket_prefix,
                external_id_prefix: external,
                region: region.to_string(),
                namespace,
                account: Some("222222222222".to_string()),
                data: in_region(data, region),
                results: in_region(results, region),
                role,
                list_uploads,
                tags,
                base_path,
                vpc_endpoint,
                ..TenantSpec::default()
            }
        })
        .prop_filter_map("the model refuses it", |spec| compile(&spec, None).ok())
}

/// Keys and receivers of events stand where the bucket stands.
fn in_region(mut bucket: BucketSpec, region: &str) -> BucketSpec {
    if let EncryptionSpec::SseKms { key, .. } = &mut bucket.encryption {
        *key = key.replace("REGION", region);
    }
    for entry in bucket.notifications.iter_mut().flat_map(|n| &mut n.entries) {
        entry.destination = entry.destination.replace("REGION", region);
    }
    bucket
}

fn bucket() -> impl Strategy<Value = BucketSpec> {
    let settings = (
        prop::option::of(prop_oneof![
            Just(Versioning::Enabled),
            Just(Versioning::Suspended)
        ]),
        encryption(),
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
        prop::option::of(notifications()),
        prop::collection::vec(inventory(), 0..3),
        prop::option::of((lock_mode(), 1_u32..=36_500)),
        tags(),
    );
    (settings, deliveries).prop_map(|(settings, deliveries)| {
        let (versioning, encryption, blocked_encryption, refuse, abort, mut lifecycle, minimum) =
            settings;
        let (mut cors, logging, notifications, mut inventory, lock, tags) = deliveries;
        // No two rules for one origin: Terraform would not keep their order.
        for (at, rule) in cors.iter_mut().flatten().enumerate() {
            rule.origins = vec![
                format!("https://app-{at}.example.com"),
                format!("http://localhost:{at}"),
            ];
        }
        for (at, rule) in lifecycle.iter_mut().enumerate() {
            rule.id = format!("{}{at}", rule.id);
        }
        for (at, inventory) in inventory.iter_mut().enumerate() {
            inventory.id = format!("{}{at}", inventory.id);
        }
        BucketSpec {
            refuse_other_encryption: refuse && encryption != EncryptionSpec::AwsDefault,
            refuse_customer_keys: refuse,
            // Only together with versioning; the filter would throw most cases away.
            object_lock: lock
                .filter(|_| versioning == Some(Versioning::Enabled))
                .map(|(mode, days)| ObjectLock { mode, days }),
            versioning,
            encryption,
            blocked_encryption,
            abort_incomplete_days: abort,
            lifecycle,
            transition_minimum: minimum,
            cors,
            logging,
            notifications,
            inventory,
            tags,
            ..BucketSpec::default()
        }
    })
}

fn encryption() -> impl Strategy<Value = EncryptionSpec> {
    let kms = ("[0-9a-f-]{8,36}", 0..3).prop_map(|(id, kind)| EncryptionSpec::SseKms {
        key: format!("arn:aws:kms:REGION:222222222222:key/{id}"),
        bucket_key: kind == 1,
        dual_layer: kind == 2,
    });
    prop_oneof![
        Just(EncryptionSpec::AwsDefault),
        Just(EncryptionSpec::SseS3),
        kms
    ]
}

fn lock_mode() -> impl Strategy<Value = LockMode> {
    prop_oneof![Just(LockMode::Governance), Just(LockMode::Compliance)]
}

fn rule() -> impl Strategy<Value = LifecycleRule> {
    let filter = (
        words(12),
        prefix(),
        tags(),
        prop::option::of(0_u64..1_000_000),
        prop::option::of(1_000_001_u64..9_000_000),
    );
    let acts = prop_oneof![
        (400_u32..900).prop_map(|days| LifecycleRule {
            expire_days: Some(days),
            transitions: vec![
                Transition {
                    days: 60,
                    class: StorageClass::StandardIa
                },
                Transition {
                    days: 300,
                    class: StorageClass::Glacier
                }
            ],
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
        Just(LifecycleRule {
            expire_delete_markers: true,
            ..LifecycleRule::default()
        }),
    ];
    (filter, acts).prop_map(
        |((id, prefix, tags, larger_than, smaller_than), acts)| LifecycleRule {
            id,
            prefix,
            tags: match acts.expire_delete_markers {
                true => BTreeMap::new(),
                false => tags,
            },
            larger_than,
            smaller_than,
            ..acts
        },
    )
}

fn cors() -> impl Strategy<Value = CorsRule> {
    (
        prop::option::of(words(20)),
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
    (foreign(), prop::option::of(prefix()), format).prop_map(|(target, prefix, key_format)| {
        LoggingSpec {
            target,
            prefix,
            key_format,
        }
    })
}

/// Mostly our own logs bucket.
fn foreign() -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.25, Just(FOREIGN_LOGS.to_string()))
}

fn notifications() -> impl Strategy<Value = NotificationsSpec> {
    let destinations = vec![
        "arn:aws:sqs:REGION:222222222222:new-documents",
        "arn:aws:sns:REGION:222222222222:Removed_1",
        "arn:aws:lambda:REGION:222222222222:function:on-tag",
    ];
    let entry = (
        prop::sample::select(destinations),
        "[A-Za-z0-9_-]{1,12}",
        prefix(),
        prop_oneof![
            Just(String::new()),
            "\\.[a-z(), =]{1,4}".prop_map(String::from)
        ],
    );
    (prop::bool::ANY, prop::collection::vec(entry, 0..4)).prop_map(|(event_bridge, entries)| {
        // S3 refuses two entries that one event would match.
        let events = [
            &["s3:ObjectCreated:*"][..],
            &[
                "s3:ObjectRemoved:Delete",
                "s3:ObjectRemoved:DeleteMarkerCreated",
            ],
            &["s3:ObjectTagging:Put", "s3:ObjectRestore:*"],
        ];
        let entries = entries.into_iter().zip(events).enumerate();
        NotificationsSpec {
            event_bridge,
            entries: entries
                .map(
                    |(at, ((destination, id, prefix, suffix), events))| NotificationSpec {
                        id: format!("{id}{at}"),
                        destination: destination.to_string(),
                        events: events.iter().map(ToString::to_string).collect(),
                        prefix,
                        suffix,
                    },
                )
                .collect(),
        }
    })
}

fn inventory() -> impl Strategy<Value = InventorySpec> {
    let target = (
        foreign(),
        prop::option::of(prop_oneof![Just(String::new()), prefix()]),
    );
    let form = (
        prop_oneof![
            Just(InventoryFormat::Csv),
            Just(InventoryFormat::Orc),
            Just(InventoryFormat::Parquet)
        ],
        prop_oneof![
            Just(InventoryFrequency::Daily),
            Just(InventoryFrequency::Weekly)
        ],
        prop::sample::subsequence(vec!["Size", "ETag", "EncryptionStatus"], 0..=3),
    );
    (
        "[A-Za-z0-9._-]{0,8}",
        prefix(),
        prop::bool::ANY,
        target,
        form,
    )
        .prop_map(|(id, prefix, all_versions, target, form)| {
            let ((destination, destination_prefix), (format, frequency, fields)) = (target, form);
            InventorySpec {
                id,
                prefix,
                all_versions,
                destination,
                destination_prefix,
                format,
                frequency,
                fields: fields.into_iter().map(String::from).collect(),
                ..InventorySpec::default()
            }
        })
}

fn role() -> impl Strategy<Value = RoleSpec> {
    let shape = (
        prop::option::weighted(0.3, "[A-Za-z0-9+=,.@_-]{1,20}"),
        prop::option::of(prop_oneof![
            Just("/".to_string()),
            "(/[A-Za-z0-9+=,.@_-]{1,8}){1,2}/".prop_map(String::from)
        ]),
        prop::bool::ANY,
        prop::option::weighted(0.3, Just(BOUNDARY.to_string())),
    );
    let trust = prop_oneof![
        2 => prop::bool::ANY.prop_map(|session_tags| RoleSpec {
            vendor_role: Some("arn:aws:iam::111111111111:role/byos-gateway".to_string()),
            session_tags,
            ..RoleSpec::default()
        }),
        1 => (
            prop::sample::subsequence(vec![ComputeService::Ec2, ComputeService::EcsTasks], 1..=2),
            prop::option::of(3_600_u32..=43_200),
        )
            .prop_map(|(services, max_session_seconds)| RoleSpec {
                compute: services.into_iter().collect(),
                max_session_seconds,
                ..RoleSpec::default()
            }),
    ];
    let description = prop::option::of(prop_oneof![1 => Just(String::new()), 9 => words(60)]);
    (description, shape, trust, tags()).prop_map(
        |(description, (name, path, managed, boundary), trust, tags)| RoleSpec {
            description,
            name,
            path,
            boundary,
            policy: match managed {
                true => AttachmentSpec::Managed,
                false => AttachmentSpec::Inline,
            },
            tags,
            ..trust
        },
    )
}

fn vpc_endpoint() -> impl Strategy<Value = VpcEndpointSpec> {
    prop::bool::ANY.prop_map(|gateway| match gateway {
        true => VpcEndpointSpec {
            vpc_id: "vpc-0123456789abcdef0".to_string(),
            route_table_ids: vec!["rtb-0123456789abcdef0".to_string()],
            ..VpcEndpointSpec::default()
        },
        false => VpcEndpointSpec {
            vpc_id: "vpc-0123456789abcdef0".to_string(),
            kind: VpcEndpointKind::Interface,
            subnet_ids: vec!["subnet-0123456789abcdef0".to_string()],
            security_group_ids: vec!["sg-0123456789abcdef0".to_string()],
            ..VpcEndpointSpec::default()
        },
    })
}

/// What people write for people, quotes and lone markers included; the model refuses `${` and `%{`.
fn words(length: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        2 => "[!-~]".prop_map(String::from),
        1 => prop::sample::select(vec!["\"", "\\", "$", "%", "&", "<", "'", "{", "}", "é", "ÿ", "¡"])
            .prop_map(String::from),
        1 => Just("a b".to_string()),
    ];
    prop::collection::vec(piece, 1..=length / 3).prop_map(|pieces| pieces.concat())
}

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(
        "[A-Za-zÀÖØß-öø-ÿ][A-Za-z0-9 _.:/=+@ü-]{0,8}[a-z]",
        "([a-z0-9 Ü_.:/=+@-]{0,8}[a-z])?",
        0..5,
    )
}

fn prefix() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z!_.()=+@,: -]{1,6}[a-z]/".prop_map(String::from)
    ]
}

fn org_id() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("acme".to_string()),
        "[A-Za-z0-9_-]{1,20}".prop_map(String::from),
        "[A-Za-z0-9_-]{64}".prop_map(String::from),
    ]
}

fn base_path() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "([A-Za-z0-9!_.()=+@,: -]{1,9}/){1,3}".prop_map(String::from)
    ]
}
