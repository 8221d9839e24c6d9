//! Why a call was refused: the one cause that can be named, and the next step.

use crate::failure::Failure;
use crate::prove::denial::Denial;
use crate::prove::documents::LiveDocuments;
use policies::{Decision, Layer, Missing, PolicySet, Principal, Request, evaluate, near_misses};
use types::{AccountId, RoleArn};

/// A refused call in the words of IAM.
#[derive(Debug)]
pub struct Refused<'a> {
    /// Who asked.
    pub principal: Principal,
    /// The IAM action.
    pub action: &'a str,
    /// What it was about.
    pub resource: String,
    /// Whose that is.
    pub owner: AccountId,
    /// For listings.
    pub prefix: Option<String>,
}

/// The cause, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Cause {
    /// In words.
    pub cause: String,
    /// The next step.
    pub hint: String,
}

/// What the store's own words say, when they say it.
pub fn from_words(failure: &Failure) -> Option<Cause> {
    let (cause, hint) = match Denial::of(failure) {
        Some(denial) => from_denial(denial, failure)?,
        None => from_code(failure)?,
    };
    Some(Cause { cause, hint })
}

fn from_denial(denial: Denial, failure: &Failure) -> Option<(String, String)> {
    let (cause, hint) = match denial {
        Denial::ServiceControlPolicy => (
            "a service control policy of the customer's organisation denies it",
            "whoever runs the organisation has to exempt the role, or to allow the call where nothing does",
        ),
        Denial::ResourceControlPolicy => (
            "a resource control policy of the customer's organisation denies it",
            "whoever runs the organisation has to exempt the role",
        ),
        Denial::Key if failure.message.contains("identity-based policy") => (
            "no policy of the role lets it use the KMS key",
            "\"provisioner drift\" shows how the role differs, \"provisioner apply\" puts it right; set encryption.key when the bucket encrypts with another key than was written down",
        ),
        Denial::Key => (
            "the policy of the KMS key does not let the role use it",
            "add the statement that \"provisioner render policy\" prints to the policy of the key, and check that the key is enabled",
        ),
        Denial::VpcEndpoint => (
            "the policy of a VPC endpoint denies it",
            "add the role and the buckets to that policy: \"provisioner render policy\" prints it",
        ),
        Denial::Boundary => (
            "the permissions boundary of the role does not allow it",
            "widen the boundary, or set another with role.boundary and run \"provisioner apply\"",
        ),
        Denial::SessionPolicy => (
            "the session was narrowed by the vendor and does not allow it",
            "nothing is wrong in the customer's account: this is the vendor's to repair",
        ),
        Denial::IdentityPolicy
        | Denial::TrustPolicy
        | Denial::BucketPolicy
        | Denial::Unspecified => return None,
    };
    Some((cause.to_string(), hint.to_string()))
}

/// Answers that are no refusal, but mean one thing here.
fn from_code(failure: &Failure) -> Option<(String, String)> {
    let bucket = &failure.resource;
    if let Some(region) = &failure.bucket_region
        && matches!(failure.status, Some(301 | 307 | 400))
    {
        return Some((
            format!("the bucket {bucket} stands in {region}"),
            format!("set region = {region:?} for this tenant"),
        ));
    }
    if failure.is("NoSuchBucket") {
        return Some((
            format!("there is no bucket {bucket}"),
            "\"provisioner apply\" makes it; when it was there before, see first whether somebody else has the name now".to_string(),
        ));
    }
    None
}

/// What the documents say, when they can be read.
pub fn from_documents(
    refused: &Refused<'_>,
    documents: &LiveDocuments,
    bucket: Option<crate::model::Purpose>,
) -> Option<Cause> {
    let mut request = Request::new(
        refused.principal.clone(),
        refused.action,
        refused.resource.clone(),
    )
    .owned_by(refused.owner.clone())
    .with("aws:SecureTransport", "true")
    .with("s3:TlsVersion", "1.3");
    if let Some(prefix) = &refused.prefix {
        request = request.with("s3:prefix", prefix.clone());
    }
    let policies = PolicySet {
        identity: documents.identity().iter().map(|d| &d.policy).collect(),
        resource: bucket
            .and_then(|purpose| documents.bucket(purpose))
            .map(|document| &document.policy),
        ..PolicySet::default()
    };
    match evaluate(&request, &policies) {
        Decision::ExplicitDeny { by } if by.layer == Layer::Resource => Some(Cause {
            cause: format!("bucket policy conflict: {by} denies {}", refused.action),
            hint: "change that statement so that it exempts the role".to_string(),
        }),
        Decision::ExplicitDeny { by } => Some(Cause {
            cause: format!("{by} denies {}", refused.action),
            hint: "\"provisioner drift\" shows how the role differs, \"provisioner apply\" puts it right".to_string(),
        }),
        Decision::ImplicitDeny { layer } => {
            let mut near = near_misses(&request, &policies);
            // A statement about this very resource tells more than one about another.
            near.sort_by_key(|miss| {
                let elsewhere = |m: &Missing| matches!(m, Missing::Resource { .. });
                miss.missing.iter().any(elsewhere)
            });
            let detail = near.first().map_or_else(String::new, |miss| format!(" ({miss})"));
            Some(Cause {
                cause: format!("no statement of the {layer} allows {}{detail}", refused.action),
                hint: "\"provisioner drift\" shows how the role differs, \"provisioner apply\" puts it right".to_string(),
            })
        }
        Decision::Allowed { .. } => None,
    }
}

/// Why the role could not be assumed, by its trust policy.
pub fn from_trust(
    vendor: &RoleArn,
    role: &RoleArn,
    external_id: &str,
    documents: &LiveDocuments,
) -> Option<Cause> {
    let trust = &documents.trust().policy;
    let own = super::computed::anything();
    let principal = Principal::session(vendor.clone(), "test");
    let request = Request::new(principal, "sts:AssumeRole", role.to_string())
        .owned_by(role.account().clone())
        .with("sts:ExternalId", external_id);
    let policies = PolicySet {
        identity: vec![&own],
        resource: Some(trust),
        ..PolicySet::default()
    };
    let detail = match evaluate(&request, &policies) {
        Decision::Allowed { .. } => return None,
        Decision::ExplicitDeny { by } => format!("{by} denies it"),
        Decision::ImplicitDeny { .. } => near_misses(&request, &policies).first().map_or_else(
            || "no statement allows sts:AssumeRole".to_string(),
            ToString::to_string,
        ),
    };
    Some(Cause {
        cause: format!(
            "the role's trust policy does not admit {vendor} with the external id {external_id} ({detail})"
        ),
        hint:
            "\"provisioner drift\" shows how the trust differs, \"provisioner apply\" puts it right"
                .to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Details, Fault};

    fn refused(message: &str) -> Failure {
        Failure::from(Details {
            call: "s3:PutObject".to_string(),
            resource: "b".to_string(),
            code: Some("AccessDenied".to_string()),
            message: message.to_string(),
            status: Some(403),
            request_id: None,
            fault: Fault::Caller,
            hint: String::new(),
            bucket_region: None,
        })
    }

    #[test]
    fn the_words_of_aws_name_what_no_document_of_ours_shows() {
        for (words, cause) in [
            (
                "... with an explicit deny in a service control policy",
                "service control policy",
            ),
            (
                "... with an explicit deny in a resource control policy",
                "resource control policy",
            ),
            (
                "... is not authorized to perform: kms:GenerateDataKey on resource",
                "KMS key",
            ),
            (
                "... because no VPC endpoint policy allows the s3:PutObject action",
                "VPC endpoint",
            ),
        ] {
            let found = from_words(&refused(words)).unwrap();
            assert!(found.cause.contains(cause), "{words}: {found:?}");
        }
        assert_eq!(from_words(&refused("Access Denied")), None);
    }
}
