//! The session policy of an AssumeRole call: this tenant's buckets and prefixes, and no more,
//! whatever the customer's role would allow.

use serde_json::json;
use types::{BucketAccess, BucketMapping, Partition};

/// The longest session policy, in characters. Source: AWS STS AssumeRole, parameter `Policy`.
pub const MAX_SESSION_POLICY_CHARS: usize = 2_048;

/// Why no session policy can be made for a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionPolicyError {
    /// AWS would refuse it, and a session without a policy is never asked for.
    #[error(
        "the session policy has {chars} characters, more than AWS accepts \
         ({MAX_SESSION_POLICY_CHARS}): fewer buckets or shorter prefixes are needed"
    )]
    TooLong {
        /// How long it came out.
        chars: usize,
    },
    /// No bucket: there is nothing to limit the session to.
    #[error("the configuration has no bucket")]
    NoBucket,
}

/// The policy text for `places`.
pub(crate) fn limited_to<'a>(
    partition: Partition,
    places: impl Iterator<Item = &'a BucketMapping>,
) -> Result<String, SessionPolicyError> {
    let mut statements = Vec::new();
    for mapping in places {
        let bucket = format!("arn:{partition}:s3:::{}", mapping.location.bucket);
        let below = format!("{}*", literal(mapping.location.prefix.as_str()));
        statements.push(json!({
            "Effect": "Allow",
            "Action": object_actions(mapping.access),
            "Resource": format!("{bucket}/{below}"),
        }));
        statements.push(json!({
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            "Resource": bucket,
        }));
        let mut list = json!({
            "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket,
        });
        if !mapping.location.prefix.is_empty() {
            list["Condition"] = json!({ "StringLike": { "s3:prefix": below } });
        }
        statements.push(list);
    }
    if statements.is_empty() {
        return Err(SessionPolicyError::NoBucket);
    }
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    match text.chars().count() {
        fits if fits <= MAX_SESSION_POLICY_CHARS => Ok(text),
        chars => Err(SessionPolicyError::TooLong { chars }),
    }
}

fn object_actions(access: BucketAccess) -> &'static [&'static str] {
    match access {
        BucketAccess::ReadOnly => &["s3:GetObject", "s3:GetObjectVersion"],
        BucketAccess::ReadWrite => &[
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ],
    }
}

/// `text` with what IAM reads as wildcards and variables written so that it means itself.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' => out.push_str("${*}"),
            '?' => out.push_str("${?}"),
            '$' => out.push_str("${$}"),
            other => out.push(other),
        }
    }
    out
}
