//! The root module of one tenant: a provider, a call of the module `tenant-storage`, outputs.

use super::TerraformError;
use super::tree::{Fields, foreign_tags, map, reference, text, texts};
use crate::model::{
    Attachment, BlockedEncryption, ComputeService, CorsRule, Desired, DesiredBucket, DesiredRole,
    Destination, Encryption, Inventory, InventoryFormat, InventoryFrequency, LifecycleRule,
    LockMode, LogKeyFormat, Logging, Namespace, Notification, Notifications, ObjectLock,
    Transition, TransitionMinimum, Trust, Versioning, VpcEndpoint, VpcEndpointKind,
};
use hcl::expr::Expression;
use hcl::structure::{Attribute, Block, Body};
use std::collections::BTreeSet;

/// Where the module stands below the root of the configuration.
const SOURCE: &str = "./terraform/modules/tenant-storage";

/// Outputs of the root module: name, description, output of the module.
const OUTPUTS: [(&str, &str, &str); 6] = [
    (
        "bucket_ids",
        "The names of the buckets by purpose.",
        "bucket_ids",
    ),
    (
        "bucket_arns",
        "The ARNs of the buckets by purpose.",
        "bucket_arns",
    ),
    ("role_arn", "The ARN of the role.", "role_arn"),
    ("role_name", "The name of the role.", "role_name"),
    (
        "policy_arn",
        "The ARN of the permission policy; null when it is inline.",
        "policy_arn",
    ),
    (
        "instance_profile_arn",
        "The ARN of the instance profile; null without one.",
        "instance_profile_arn",
    ),
];

pub(super) fn root(desired: &Desired) -> Result<Body, TerraformError> {
    let (Some((_, account)), Some(role)) = (desired.aws(), &desired.role) else {
        return Err(TerraformError::NotAws);
    };
    let mut body = Body::builder()
        .add_block(requirements())
        .add_block(
            Block::builder("provider")
                .add_label("aws")
                .add_attribute(Attribute::new("region", text(&desired.region)))
                // Whoever runs this with the keys of another account is stopped at once.
                .add_attribute(Attribute::new("allowed_account_ids", texts([account])))
                .build(),
        )
        .add_block(storage(desired, role));
    for (name, description, output) in OUTPUTS {
        body = body.add_block(
            Block::builder("output")
                .add_label(name)
                .add_attribute(Attribute::new("description", text(description)))
                .add_attribute(Attribute::new(
                    "value",
                    reference("module", &["storage", output]),
                ))
                .build(),
        );
    }
    Ok(body.build())
}

/// The same as the module's own, so that the root says what it needs.
fn requirements() -> Block {
    Block::builder("terraform")
        .add_attribute(Attribute::new("required_version", text(">= 1.5.7")))
        .add_block(
            Block::builder("required_providers")
                .add_attribute(Attribute::new(
                    "aws",
                    Fields::default()
                        .with("source", text("hashicorp/aws"))
                        .with("version", text("~> 6.40")),
                ))
                .build(),
        )
        .build()
}

fn storage(desired: &Desired, role: &DesiredRole) -> Block {
    let buckets = desired
        .buckets
        .iter()
        .fold(Fields::default(), |fields, bucket| {
            fields.with(bucket.purpose.as_str(), self::bucket(bucket))
        });
    let mut block = Block::builder("module")
        .add_label("storage")
        .add_attribute(Attribute::new("source", text(SOURCE)))
        .add_attribute(Attribute::new("owner", text(&desired.owner)))
        .add_attribute(Attribute::new(
            "key_prefix",
            text(desired.key_prefix.as_str()),
        ))
        .add_attribute(Attribute::new("list_uploads", desired.list_uploads))
        .add_attribute(Attribute::new("buckets", buckets))
        .add_attribute(Attribute::new("role", self::role(role)));
    if let Some(endpoint) = &desired.vpc_endpoint {
        block = block.add_attribute(Attribute::new("vpc_endpoint", vpc_endpoint(endpoint)));
    }
    block.build()
}

fn bucket(bucket: &DesiredBucket) -> Expression {
    Fields::default()
        .with("name", text(&bucket.name))
        .with_some(
            "namespace",
            (bucket.namespace == Namespace::AccountRegional).then(|| text("account_regional")),
        )
        .with_some("versioning", bucket.versioning.map(versioning))
        .with_some("encryption", encryption(&bucket.encryption))
        .with_some(
            "blocked_encryption",
            bucket.blocked_encryption.as_ref().map(blocked),
        )
        .with_flag("refuse_other_encryption", bucket.refuse_other_encryption)
        .with_flag("refuse_customer_keys", bucket.refuse_customer_keys)
        .with(
            "abort_incomplete_days",
            bucket.lifecycle.abort_incomplete_days,
        )
        .with_list(
            "lifecycle_rules",
            bucket.lifecycle.rules.iter().map(lifecycle_rule).collect(),
        )
        .with_some(
            "transition_minimum",
            bucket.lifecycle.transition_minimum.map(transition_minimum),
        )
        .with_list(
            "cors_rules",
            bucket.cors.iter().flatten().map(cors_rule).collect(),
        )
        .with_some("logging", bucket.logging.as_ref().map(logging))
        .with_some(
            "notifications",
            bucket.notifications.as_ref().map(notifications),
        )
        .with_list(
            "inventories",
            bucket.inventories.iter().map(inventory).collect(),
        )
        .with_some("object_lock", bucket.object_lock.as_ref().map(object_lock))
        .with_some("tags", foreign_tags(&bucket.tags))
        .into()
}

fn versioning(versioning: Versioning) -> Expression {
    text(match versioning {
        Versioning::Enabled => "Enabled",
        Versioning::Suspended => "Suspended",
    })
}

fn encryption(encryption: &Encryption) -> Option<Expression> {
    let fields = Fields::default();
    match encryption {
        Encryption::AwsDefault => None,
        Encryption::SseS3 => Some(fields.with("algorithm", text("AES256")).into()),
        Encryption::SseKms {
            key,
            bucket_key,
            dual_layer,
        } => {
            let algorithm = match dual_layer {
                true => "aws:kms:dsse",
                false => "aws:kms",
            };
            Some(
                fields
                    .with("algorithm", text(algorithm))
                    .with("kms_key", text(key.as_str()))
                    .with_flag("bucket_key", *bucket_key)
                    .into(),
            )
        }
    }
}

fn blocked(types: &BTreeSet<BlockedEncryption>) -> Vec<Expression> {
    texts(types.iter().map(|BlockedEncryption::SseC| "SSE-C"))
}

fn lifecycle_rule(rule: &LifecycleRule) -> Expression {
    let transitions = |all: &[Transition]| {
        all.iter()
            .map(|transition| {
                Fields::default()
                    .with("days", transition.days)
                    .with("class", text(transition.class.as_str()))
                    .into()
            })
            .collect()
    };
    Fields::default()
        .with("id", text(&rule.id))
        .with_some("prefix", some_text(&rule.prefix))
        .with_some("tags", (!rule.tags.is_empty()).then(|| map(&rule.tags)))
        .with_some("larger_than", rule.larger_than)
        .with_some("smaller_than", rule.smaller_than)
        .with_some("expire_days", rule.expire_days)
        .with_flag("expire_delete_markers", rule.expire_delete_markers)
        .with_some("noncurrent_expire_days", rule.noncurrent_expire_days)
        .with_some("noncurrent_keep", rule.noncurrent_keep)
        .with_list("transitions", transitions(&rule.transitions))
        .with_list(
            "noncurrent_transitions",
            transitions(&rule.noncurrent_transitions),
        )
        .into()
}

fn transition_minimum(minimum: TransitionMinimum) -> Expression {
    text(match minimum {
        TransitionMinimum::AllStorageClasses128K => "all_storage_classes_128K",
        TransitionMinimum::VariesByStorageClass => "varies_by_storage_class",
    })
}

fn cors_rule(rule: &CorsRule) -> Expression {
    Fields::default()
        .with_some("id", rule.id.as_ref().map(text))
        .with("origins", texts(&rule.origins))
        .with("methods", texts(&rule.methods))
        .with_list("headers", texts(&rule.headers))
        .with_list("expose_headers", texts(&rule.expose_headers))
        .with_some("max_age_seconds", rule.max_age_seconds)
        .into()
}

fn logging(logging: &Logging) -> Expression {
    let format = match logging.key_format {
        LogKeyFormat::Simple => None,
        LogKeyFormat::PartitionedByEventTime => Some("event_time"),
        LogKeyFormat::PartitionedByDeliveryTime => Some("delivery_time"),
    };
    Fields::default()
        .with("target", text(&logging.target))
        .with("prefix", text(&logging.prefix))
        .with_some("key_format", format.map(text))
        .into()
}

fn notifications(notifications: &Notifications) -> Expression {
    let of = |kind: fn(&Destination) -> bool| {
        notifications
            .entries
            .iter()
            .filter(|entry| kind(&entry.destination))
            .map(notification)
            .collect()
    };
    Fields::default()
        .with("event_bridge", notifications.event_bridge)
        .with_list("queues", of(|d| matches!(d, Destination::Queue(_))))
        .with_list("topics", of(|d| matches!(d, Destination::Topic(_))))
        .with_list("functions", of(|d| matches!(d, Destination::Function(_))))
        .into()
}

fn notification(entry: &Notification) -> Expression {
    Fields::default()
        .with("id", text(&entry.id))
        .with("arn", text(entry.destination.arn().as_str()))
        .with("events", texts(&entry.events))
        .with_some("prefix", some_text(&entry.prefix))
        .with_some("suffix", some_text(&entry.suffix))
        .into()
}

fn inventory(inventory: &Inventory) -> Expression {
    let format = match inventory.format {
        InventoryFormat::Csv => "CSV",
        InventoryFormat::Orc => "ORC",
        InventoryFormat::Parquet => "Parquet",
    };
    let frequency = match inventory.frequency {
        InventoryFrequency::Daily => "Daily",
        InventoryFrequency::Weekly => "Weekly",
    };
    Fields::default()
        .with("id", text(&inventory.id))
        .with("destination", text(&inventory.destination))
        .with("destination_account", text(&inventory.destination_account))
        .with("destination_prefix", text(&inventory.destination_prefix))
        .with("format", text(format))
        .with("frequency", text(frequency))
        .with_flag("all_versions", inventory.all_versions)
        .with_some("prefix", some_text(&inventory.prefix))
        .with_list("fields", texts(&inventory.fields))
        .into()
}

fn object_lock(lock: &ObjectLock) -> Expression {
    let mode = match lock.mode {
        LockMode::Governance => "GOVERNANCE",
        LockMode::Compliance => "COMPLIANCE",
    };
    Fields::default()
        .with("mode", text(mode))
        .with("days", lock.days)
        .into()
}

fn role(role: &DesiredRole) -> Expression {
    let (kind, name) = match &role.attachment {
        Attachment::Inline { name } => ("inline", name),
        Attachment::Managed { name, .. } => ("managed", name),
    };
    let fields = Fields::default()
        .with("name", text(role.arn.name()))
        .with("path", text(role.arn.path()))
        .with("description", text(&role.description))
        .with("max_session_seconds", role.max_session_seconds)
        .with_some(
            "permissions_boundary",
            role.boundary.as_ref().map(|arn| text(arn.as_str())),
        )
        .with("policy_kind", text(kind))
        .with("policy_name", text(name));
    let fields = match &role.trust {
        Trust::CrossAccount {
            vendor,
            external_id,
            session_tags,
        } => fields.with(
            "vendor",
            Fields::default()
                .with("role_arn", text(vendor.to_string()))
                .with("external_id", text(external_id))
                .with_flag("session_tags", *session_tags),
        ),
        Trust::Compute { services } => fields.with(
            "compute_services",
            texts(services.iter().map(|service| match service {
                ComputeService::Ec2 => "ec2",
                ComputeService::EcsTasks => "ecs_tasks",
            })),
        ),
    };
    fields.with_some("tags", foreign_tags(&role.tags)).into()
}

fn vpc_endpoint(endpoint: &VpcEndpoint) -> Expression {
    let kind = match endpoint.kind {
        VpcEndpointKind::Gateway => "gateway",
        VpcEndpointKind::Interface => "interface",
    };
    Fields::default()
        .with("vpc_id", text(&endpoint.vpc_id))
        .with("kind", text(kind))
        .with_list("route_table_ids", texts(&endpoint.route_table_ids))
        .with_list("subnet_ids", texts(&endpoint.subnet_ids))
        .with_list("security_group_ids", texts(&endpoint.security_group_ids))
        .into()
}

fn some_text(value: &str) -> Option<Expression> {
    (!value.is_empty()).then(|| text(value))
}
