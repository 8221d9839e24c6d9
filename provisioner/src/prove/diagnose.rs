//! Why a call was refused: the one cause that can be named, and the next step.

use crate::failure::Failure;
use crate::prove::documents::LiveDocuments;
use policies::{Decision, Layer, PolicySet, Principal, Request, evaluate, near_misses};
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
    let cause = |cause: &str, hint: &str| {
        Some(Cause {
            cause: cause.to_string(),
            hint: hint.to_string(),
        })
    };
    let words = failure.message.to_ascii_lowercase();
    if words.contains("service control policy") {
        return cause(
            "a service control policy of the customer's organisation denies it",
            "whoever runs the organisation has to exempt the role",
        );
    }
    if words.contains("resource control policy") {
        return cause(
            "a resource control policy of the customer's organisation denies it",
            "whoever runs the organisation has to exempt the role",
        );
    }
    if words.contains("kms:")
        || failure
            .code
            .as_deref()
            .is_some_and(|c| c.starts_with("KMS"))
    {
        return cause(
            "the KMS key does not let the role use it",
            "add the statement that \"provisioner render policy\" prints to the policy of the key, and check that the key is enabled",
        );
    }
    if words.contains("vpc endpoint policy") {
        return cause(
            "the policy of a VPC endpoint denies it",
            "add the role and the buckets to that policy: \"provisioner render policy\" prints it",
        );
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
            let near = near_misses(&request, &policies);
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
    let ask = |id: Option<&str>| {
        let principal = Principal::session(vendor.clone(), "test");
        let mut request = Request::new(principal, "sts:AssumeRole", role.to_string())
            .owned_by(role.account().clone());
        if let Some(id) = id {
            request = request.with("sts:ExternalId", id);
        }
        let policies = PolicySet {
            resource: Some(trust),
            ..PolicySet::default()
        };
        near_misses(&request, &policies)
            .first()
            .map(ToString::to_string)
    };
    let detail = ask(Some(external_id))?;
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
