//! The session policy of an AssumeRole call: this tenant's buckets and prefixes, and no more,
//! whatever the customer's role would allow.

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
        let objects = format!("{bucket}/{}*", mapping.location.prefix);
        let mut on_objects = vec!["s3:GetObject", "s3:GetObjectVersion"];
        if mapping.access == BucketAccess::ReadWrite {
            on_objects.extend([
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ]);
        }
        statements.push(serde_json::json!({
            "Effect": "Allow", "Action": on_objects, "Resource": objects,
        }));
        statements.push(serde_json::json!({
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"],
            "Resource": bucket,
        }));
    }
    if statements.is_empty() {
        return Err(SessionPolicyError::NoBucket);
    }
    let text = serde_json::json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    match text.chars().count() {
        fits if fits <= MAX_SESSION_POLICY_CHARS => Ok(text),
        chars => Err(SessionPolicyError::TooLong { chars }),
    }
}
