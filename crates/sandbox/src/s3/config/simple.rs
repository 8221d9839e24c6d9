//! Settings that are one document with few rules.

use super::table::{Absent, Setting};
use super::{Answer, Turn, absent};
use crate::disk::{BucketRecord, Versioning};
use crate::node::{Node, Shape, optional, repeated, required};
use http::StatusCode;
use s3s::{S3Result, s3_error};

pub(super) fn get(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    match (turn.bucket.settings.get(setting.query), setting.absent) {
        (Some(node), _) => Ok(Answer::document(node)),
        (None, Absent::Default(make)) => Ok(Answer::document(&make(&turn.bucket))),
        (None, Absent::Error(code, message)) => Err(absent(code, message)),
    }
}

pub(super) fn put(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let mut node = turn.document(setting.root)?;
    setting.shape.check(&node)?;
    (setting.check)(turn, &mut node)?;
    turn.change(|bucket| {
        (setting.apply)(bucket, &node)?;
        bucket.settings.insert(setting.query.to_string(), node);
        Ok(())
    })?;
    Ok(Answer::status(setting.put_status))
}

pub(super) fn delete(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    turn.change(|bucket| {
        bucket.settings.remove(setting.query);
        Ok(())
    })?;
    Ok(Answer::status(StatusCode::NO_CONTENT))
}

const SWITCHES: [&str; 4] = [
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
];

pub(super) static PUBLIC_ACCESS_BLOCK: Shape = Shape::Group(&[
    optional(SWITCHES[0], Shape::Bool),
    optional(SWITCHES[1], Shape::Bool),
    optional(SWITCHES[2], Shape::Bool),
    optional(SWITCHES[3], Shape::Bool),
]);

/// A switch that is not mentioned is off.
pub(super) fn complete_public_access_block(_: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    let said = |switch: &str| {
        node.value(switch)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    node.children = SWITCHES
        .iter()
        .map(|switch| Node::text(switch, said(switch).to_string()))
        .collect();
    Ok(())
}

pub(super) static VERSIONING: Shape = Shape::Group(&[
    optional("Status", Shape::OneOf(&["Enabled", "Suspended"])),
    optional("MfaDelete", Shape::OneOf(&["Enabled", "Disabled"])),
]);

pub(super) fn check_versioning(turn: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    if node.value("MfaDelete") == Some("Enabled") {
        return Err(crate::s3::fault::not_implemented("MFA delete"));
    }
    match node.value("Status") {
        None => Err(s3_error!(
            IllegalVersioningConfigurationException,
            "The Versioning element must be specified"
        )),
        Some("Suspended") if turn.bucket.object_lock => Err(s3_error!(
            InvalidBucketState,
            "An Object Lock configuration is present on this bucket, so the versioning state cannot \
             be changed."
        )),
        Some(_) => Ok(()),
    }
}

pub(super) fn apply_versioning(bucket: &mut BucketRecord, node: &Node) -> S3Result<()> {
    bucket.versioning = match node.value("Status") {
        Some("Enabled") => Versioning::Enabled,
        _ => Versioning::Suspended,
    };
    Ok(())
}

pub(super) static ENCRYPTION: Shape = Shape::Group(&[required(
    "Rule",
    Shape::Group(&[
        optional(
            "ApplyServerSideEncryptionByDefault",
            Shape::Group(&[
                required(
                    "SSEAlgorithm",
                    Shape::OneOf(&["AES256", "aws:kms", "aws:kms:dsse"]),
                ),
                optional("KMSMasterKeyID", Shape::Text),
            ]),
        ),
        optional("BucketKeyEnabled", Shape::Bool),
        optional(
            "BlockedEncryptionTypes",
            Shape::Group(&[repeated(
                "EncryptionType",
                Shape::OneOf(&["NONE", "SSE-C"]),
                1,
                2,
            )]),
        ),
    ]),
)]);

/// What AWS does with a new bucket since 2023, and since 2026 with SSE-C.
pub(super) fn default_encryption(_: &BucketRecord) -> Node {
    Node::new("ServerSideEncryptionConfiguration").with(
        Node::new("Rule")
            .with(
                Node::new("ApplyServerSideEncryptionByDefault")
                    .with(Node::text("SSEAlgorithm", "AES256")),
            )
            .with(Node::text("BucketKeyEnabled", "false"))
            .with(Node::new("BlockedEncryptionTypes").with(Node::text("EncryptionType", "SSE-C"))),
    )
}

/// What is left out stays as it was.
pub(super) fn complete_encryption(turn: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    let before = turn
        .bucket
        .settings
        .get("encryption")
        .cloned()
        .unwrap_or_else(|| default_encryption(&turn.bucket));
    let before = before.child("Rule").cloned().unwrap_or_default();
    let Some(rule) = node.children.first_mut() else {
        return Err(crate::node::malformed());
    };
    for name in [
        "ApplyServerSideEncryptionByDefault",
        "BucketKeyEnabled",
        "BlockedEncryptionTypes",
    ] {
        let kept = before.child(name).filter(|_| rule.child(name).is_none());
        if let Some(kept) = kept {
            rule.children.push(kept.clone());
        }
    }
    let by_default = rule.child("ApplyServerSideEncryptionByDefault");
    let algorithm = by_default.and_then(|rule| rule.value("SSEAlgorithm"));
    let key = by_default.and_then(|rule| rule.value("KMSMasterKeyID"));
    if algorithm == Some("AES256") && key.is_some() {
        return Err(s3_error!(
            InvalidArgument,
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or \
             aws:kms:dsse"
        ));
    }
    Ok(())
}

pub(super) static OWNERSHIP: Shape = Shape::Group(&[required(
    "Rule",
    Shape::Group(&[required(
        "ObjectOwnership",
        Shape::OneOf(&[
            "BucketOwnerEnforced",
            "BucketOwnerPreferred",
            "ObjectWriter",
        ]),
    )]),
)]);

pub(super) static CORS: Shape = Shape::Group(&[repeated(
    "CORSRule",
    Shape::Group(&[
        optional("ID", Shape::Text),
        repeated("AllowedHeader", Shape::Text, 0, 1_000),
        repeated("AllowedMethod", Shape::Text, 1, 1_000),
        repeated("AllowedOrigin", Shape::Text, 1, 1_000),
        repeated("ExposeHeader", Shape::Text, 0, 1_000),
        optional("MaxAgeSeconds", Shape::Number),
    ]),
    1,
    100,
)]);

pub(super) fn check_cors(_: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    for rule in &node.children {
        for method in rule.all("AllowedMethod") {
            if !["GET", "PUT", "HEAD", "POST", "DELETE"].contains(&method.text.as_str()) {
                return Err(s3_error!(
                    InvalidRequest,
                    "Found unsupported HTTP method in CORS config. Unsupported method is {}",
                    method.text
                ));
            }
        }
        for (element, what) in [
            ("AllowedOrigin", "AllowedOrigin"),
            ("AllowedHeader", "AllowedHeader"),
        ] {
            if let Some(wild) = rule
                .all(element)
                .find(|item| item.text.matches('*').count() > 1)
            {
                return Err(s3_error!(
                    InvalidRequest,
                    "{what} \"{}\" can not have more than one wildcard.",
                    wild.text
                ));
            }
        }
    }
    Ok(())
}

pub(super) static ACCELERATE: Shape =
    Shape::Group(&[required("Status", Shape::OneOf(&["Enabled", "Suspended"]))]);

pub(super) fn check_accelerate(turn: &Turn<'_>, _: &mut Node) -> S3Result<()> {
    if turn.bucket.name.contains('.') {
        return Err(s3_error!(
            InvalidRequest,
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
        ));
    }
    Ok(())
}

/// Nothing in the sandbox bills anyone, so only the default is taken.
pub(super) static REQUEST_PAYMENT: Shape =
    Shape::Group(&[required("Payer", Shape::OneOf(&["BucketOwner"]))]);

pub(super) fn default_request_payment(_: &BucketRecord) -> Node {
    Node::new("RequestPaymentConfiguration").with(Node::text("Payer", "BucketOwner"))
}
