//! Who refused a call, by the words of the refusal.
//!
//! A refusal proves something about the role only when the role's own policies refused. A denial
//! of the organisation, of a bucket policy or of a key may be gone tomorrow, and hides meanwhile
//! what the role could do.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// The policies of the one who called.
    IdentityPolicy,
    /// The trust policy of the role.
    TrustPolicy,
    /// The store does not say.
    Unspecified,
    /// The policy of the bucket.
    BucketPolicy,
    /// The policy of the KMS key, or the lack of a right to use it.
    Key,
    /// A service control policy of the organisation.
    ServiceControlPolicy,
    /// A resource control policy of the organisation.
    ResourceControlPolicy,
    /// The boundary of the role.
    Boundary,
    /// The policy of the session.
    SessionPolicy,
    /// The policy of a VPC endpoint.
    VpcEndpoint,
}

/// The words of AWS, the most special first.
/// Source: IAM user guide, "Troubleshoot access denied error messages".
const WORDS: [(&str, Denial); 9] = [
    ("to perform: kms:", Denial::Key),
    ("service control policy", Denial::ServiceControlPolicy),
    ("resource control policy", Denial::ResourceControlPolicy),
    ("vpc endpoint policy", Denial::VpcEndpoint),
    ("permissions boundary", Denial::Boundary),
    ("session policy", Denial::SessionPolicy),
    ("role trust policy", Denial::TrustPolicy),
    ("resource-based policy", Denial::BucketPolicy),
    ("identity-based policy", Denial::IdentityPolicy),
];

impl Denial {
    /// Who refused; `None` when it is no refusal, but any other failure: an unknown key, a clock
    /// that is wrong, a store that is busy, an answer of something else than the store.
    pub fn of(failure: &Failure) -> Option<Self> {
        if failure.status != Some(403) || !failure.is("AccessDenied") {
            return None;
        }
        let words = failure.message.to_ascii_lowercase();
        let found = WORDS.iter().find(|(text, _)| words.contains(text));
        Some(match found {
            // To a role, its trust policy is the resource's.
            Some((_, Self::BucketPolicy)) if failure.call == "sts:AssumeRole" => Self::TrustPolicy,
            Some((_, denial)) => *denial,
            None => Self::Unspecified,
        })
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::IdentityPolicy => "the caller's own policies",
            Self::TrustPolicy => "the trust policy",
            Self::Unspecified => "somebody whom the store does not name",
            Self::BucketPolicy => "the bucket policy",
            Self::Key => "the KMS key",
            Self::ServiceControlPolicy => "a service control policy of the organisation",
            Self::ResourceControlPolicy => "a resource control policy of the organisation",
            Self::Boundary => "the permissions boundary",
            Self::SessionPolicy => "the session policy",
            Self::VpcEndpoint => "the policy of a VPC endpoint",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Details, Fault};

    fn failure(call: &str, status: u16, code: Option<&str>, message: &str) -> Failure {
        Failure::from(Details {
            call: call.to_string(),
            resource: "b".to_string(),
            code: code.map(str::to_string),
            message: message.to_string(),
            status: Some(status),
            request_id: None,
            fault: Fault::Caller,
            hint: String::new(),
            bucket_region: None,
        })
    }

    #[test]
    fn the_words_of_aws_tell_who_refused() {
        let user = "User: arn:aws:sts::2:assumed-role/r/s is not authorized to perform";
        for (words, denial) in [
            (
                ": s3:PutObject on resource: x because no identity-based policy allows the s3:PutObject action",
                Denial::IdentityPolicy,
            ),
            (
                ": s3:PutObject on resource: x with an explicit deny in a resource-based policy",
                Denial::BucketPolicy,
            ),
            (
                ": s3:PutObject on resource: x with an explicit deny in a service control policy",
                Denial::ServiceControlPolicy,
            ),
            (
                ": s3:PutObject on resource: x with an explicit deny in a resource control policy",
                Denial::ResourceControlPolicy,
            ),
            (
                ": s3:PutObject on resource: x because no permissions boundary allows the s3:PutObject action",
                Denial::Boundary,
            ),
            (
                ": s3:PutObject on resource: x because no session policy allows the s3:PutObject action",
                Denial::SessionPolicy,
            ),
            (
                ": s3:PutObject because no VPC endpoint policy allows the s3:PutObject action",
                Denial::VpcEndpoint,
            ),
            (
                ": kms:GenerateDataKey on resource: k because no resource-based policy allows the kms:GenerateDataKey action",
                Denial::Key,
            ),
            ("", Denial::Unspecified),
        ] {
            let found = Denial::of(&failure(
                "s3:PutObject",
                403,
                Some("AccessDenied"),
                &format!("{user}{words}"),
            ));
            assert_eq!(found, Some(denial), "{words}");
        }
        let trust = "with an explicit deny in a resource-based policy";
        let found = Denial::of(&failure("sts:AssumeRole", 403, Some("AccessDenied"), trust));
        assert_eq!(found, Some(Denial::TrustPolicy));
    }

    #[test]
    fn nothing_but_access_denied_is_a_refusal() {
        for (status, code) in [
            (403, None),
            (403, Some("InvalidAccessKeyId")),
            (403, Some("SignatureDoesNotMatch")),
            (403, Some("RequestTimeTooSkewed")),
            (403, Some("AllAccessDisabled")),
            (400, Some("ExpiredToken")),
            (404, Some("NoSuchBucket")),
            (503, Some("SlowDown")),
            (200, Some("AccessDenied")),
        ] {
            assert_eq!(
                Denial::of(&failure("s3:GetObject", status, code, "Access Denied")),
                None
            );
        }
    }
}
