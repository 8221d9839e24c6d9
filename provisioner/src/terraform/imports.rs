//! Import blocks for what is there already, so that a set-up that was made directly can go on by
//! Terraform without anything being made again.
//!
//! Terraform passes over a block whose resource is in its state, so the blocks may stay.

use super::tree::{indexed, numbered, reference, text};
use super::{TerraformError, check, print};
use crate::model::{Attachment, Desired, Purpose};
use crate::plan::{BucketState, Observed, ObservedBucket, Read};
use hcl::expr::Expression;
use hcl::structure::{Attribute, Block, Body};

/// Which resource of the module stands for which setting, and whether it is there.
type Setting = (&'static str, fn(&ObservedBucket) -> bool);

const SETTINGS: [Setting; 11] = [
    ("aws_s3_bucket", |_| true),
    ("aws_s3_bucket_public_access_block", |b| {
        is_there(&b.public_access)
    }),
    ("aws_s3_bucket_policy", |b| is_there(&b.policy)),
    ("aws_s3_bucket_ownership_controls", |b| {
        is_there(&b.ownership)
    }),
    ("aws_s3_bucket_versioning", |b| is_there(&b.versioning)),
    ("aws_s3_bucket_server_side_encryption_configuration", |b| {
        is_there(&b.encryption)
    }),
    ("aws_s3_bucket_object_lock_configuration", |b| {
        matches!(b.object_lock, Read::Known(Some(Some(_))))
    }),
    ("aws_s3_bucket_lifecycle_configuration", |b| {
        is_there(&b.lifecycle)
    }),
    ("aws_s3_bucket_cors_configuration", |b| is_there(&b.cors)),
    ("aws_s3_bucket_logging", |b| is_there(&b.logging)),
    (
        "aws_s3_bucket_notification",
        |b| matches!(&b.notifications, Read::Known(n) if *n != Default::default()),
    ),
];

fn is_there<T>(read: &Read<Option<T>>) -> bool {
    matches!(read, Read::Known(Some(_)))
}

/// The file of import blocks; `None` when nothing of what is wanted is there.
///
/// # Errors
/// For text that must not stand in a configuration.
pub fn imports(desired: &Desired, observed: &Observed) -> Result<Option<String>, TerraformError> {
    let mut blocks = Vec::new();
    for bucket in &desired.buckets {
        if let Some(BucketState::Present(there)) = observed.buckets.get(&bucket.purpose) {
            let wanted = super::bucket::resources_of(bucket);
            for (resource, is_there) in SETTINGS {
                if wanted.contains(&resource) && is_there(there) {
                    let place = in_module(resource, bucket.purpose.as_str());
                    blocks.push(import(place, bucket.name.as_str()));
                }
            }
            inventories(&mut blocks, bucket.purpose, desired, there);
        }
    }
    role(&mut blocks, desired, observed);
    if blocks.is_empty() {
        return Ok(None);
    }
    let body = Body::from(blocks);
    check(&body)?;
    Ok(Some(print(&body)?))
}

fn inventories(
    blocks: &mut Vec<Block>,
    purpose: Purpose,
    desired: &Desired,
    there: &ObservedBucket,
) {
    let (Some(bucket), Read::Known(known)) = (desired.bucket(purpose), &there.inventories) else {
        return;
    };
    for inventory in &bucket.inventories {
        if known.iter().any(|k| k.id == inventory.id) {
            let key = format!("{purpose}/{}", inventory.id);
            let id = format!("{}:{}", bucket.name, inventory.id);
            blocks.push(import(in_module("aws_s3_bucket_inventory", &key), &id));
        }
    }
}

fn role(blocks: &mut Vec<Block>, desired: &Desired, observed: &Observed) {
    let (Some(role), Some(there)) = (&desired.role, &observed.role) else {
        return;
    };
    let name = role.arn.name();
    let place = reference("module", &["storage", "aws_iam_role", "this"]);
    blocks.push(import(place, name));
    let counted = |resource| numbered("module", &["storage", resource, "this"], 0);
    match &role.attachment {
        Attachment::Inline { name: policy } => {
            if matches!(&there.inline, Read::Known(all) if all.contains_key(policy)) {
                let id = format!("{name}:{policy}");
                blocks.push(import(counted("aws_iam_role_policy"), &id));
            }
        }
        Attachment::Managed { arn, .. } => {
            if observed.policy.is_some() {
                blocks.push(import(counted("aws_iam_policy"), arn.as_str()));
            }
            if matches!(&there.attached, Read::Known(all) if all.iter().any(|a| a == arn.as_str()))
            {
                let id = format!("{name}/{arn}");
                blocks.push(import(counted("aws_iam_role_policy_attachment"), &id));
            }
        }
    }
    if let (Some(profile), Some(_)) = (&role.instance_profile, &observed.instance_profile) {
        blocks.push(import(counted("aws_iam_instance_profile"), profile));
    }
}

fn in_module(resource: &'static str, key: &str) -> Expression {
    indexed("module", &["storage", resource, "this"], key)
}

fn import(to: Expression, id: &str) -> Block {
    Block::builder("import")
        .add_attribute(Attribute::new("to", to))
        .add_attribute(Attribute::new("id", text(id)))
        .build()
}
