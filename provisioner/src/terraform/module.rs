//! The root module of one tenant: a provider, a call of the module `tenant-storage`, outputs.

use super::TerraformError;
use super::bucket;
use super::tree::{Fields, foreign_tags, indexed, reference, text, texts};
use crate::model::{
    Attachment, ComputeService, Desired, DesiredRole, Purpose, Trust, VpcEndpoint, VpcEndpointKind,
};
use hcl::expr::Expression;
use hcl::structure::{Attribute, Block, Body};

/// Where the module stands below the root of the configuration.
const SOURCE: &str = "./terraform/modules/tenant-storage";

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
    for (name, description, value) in outputs(desired) {
        body = body.add_block(
            Block::builder("output")
                .add_label(name)
                .add_attribute(Attribute::new("description", text(description)))
                .add_attribute(Attribute::new("value", value))
                .build(),
        );
    }
    Ok(body.build())
}

/// The same names and values as `provisioner apply` prints.
fn outputs(desired: &Desired) -> Vec<(&'static str, &'static str, Expression)> {
    let whole = |output| reference("module", &["storage", output]);
    let of = |output, purpose: Purpose| indexed("module", &["storage", output], purpose.as_str());
    let mut outputs = vec![
        (
            "data_bucket",
            "The bucket that the role reads.",
            of("bucket_ids", Purpose::Data),
        ),
        (
            "data_bucket_arn",
            "Its ARN.",
            of("bucket_arns", Purpose::Data),
        ),
        (
            "results_bucket",
            "The bucket that the role reads and writes.",
            of("bucket_ids", Purpose::Results),
        ),
        (
            "results_bucket_arn",
            "Its ARN.",
            of("bucket_arns", Purpose::Results),
        ),
    ];
    if desired.bucket(Purpose::Logs).is_some() {
        outputs.push((
            "logs_bucket",
            "The bucket that receives logs and inventories.",
            of("bucket_ids", Purpose::Logs),
        ));
    }
    outputs.extend([
        (
            "region",
            "Where the buckets stand.",
            text(desired.region.as_str()),
        ),
        (
            "key_prefix",
            "What every key of the tenant begins with.",
            text(desired.key_prefix.as_str()),
        ),
        ("role_arn", "The role.", whole("role_arn")),
        ("role_name", "Its name.", whole("role_name")),
        (
            "policy_arn",
            "The permission policy; null when it is inline.",
            whole("policy_arn"),
        ),
        (
            "instance_profile",
            "The instance profile; null unless EC2 may take the role.",
            whole("instance_profile_name"),
        ),
        (
            "external_id",
            "What the gateway presents to take the role.",
            text(desired.external_id.as_str()),
        ),
    ]);
    outputs
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
            fields.with(bucket.purpose.as_str(), bucket::settings(bucket))
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
