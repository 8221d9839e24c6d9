//! The policy documents as they stand at IAM and S3: what the computed half judges.

use crate::aws::Cloud;
use crate::model::{Desired, Purpose};
use crate::plan::{BucketState, Observed};
use crate::prove::canonical::canonical;
use policies::{Policy, PolicyKind};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One document, and where it stands.
#[derive(Debug)]
pub(crate) struct LiveDocument {
    /// In words: `the inline policy "storage"`.
    pub(crate) place: String,
    pub(crate) value: Value,
    pub(crate) policy: Policy,
}

impl LiveDocument {
    fn new(kind: PolicyKind, place: String, value: &Value) -> Result<Self, String> {
        let policy =
            Policy::from_value(kind, value).map_err(|error| format!("{place}: {error}"))?;
        Ok(Self {
            place,
            value: value.clone(),
            policy,
        })
    }
}

/// Every document that bears on what the role may do.
#[derive(Debug)]
pub struct LiveDocuments {
    trust: LiveDocument,
    identity: Vec<LiveDocument>,
    buckets: BTreeMap<Purpose, LiveDocument>,
}

impl LiveDocuments {
    /// Reads them, the attached policies of others included.
    ///
    /// # Errors
    /// In words, when something that bears on the answer cannot be read: then nothing is computed.
    pub async fn read(cloud: &Cloud, desired: &Desired) -> Result<Self, String> {
        let observed = cloud.observe(desired).await.map_err(|f| f.to_string())?;
        let role = observed.role.as_ref().ok_or("there is no role")?;
        let attached = role.attached.known();
        let attached = attached.ok_or("attached policies cannot be read")?;
        let mut documents = BTreeMap::new();
        for arn in attached {
            let own = observed.policy.as_ref().filter(|p| p.arn == *arn);
            let document = match own {
                Some(policy) => policy.document.clone(),
                None => match cloud.observe_policy(arn).await {
                    Ok(Some(policy)) => policy.document,
                    Ok(None) => return Err(format!("{arn} is attached, and cannot be found")),
                    Err(failure) => {
                        return Err(format!(
                            "{arn} is attached, is not ours, and cannot be read: {}\nhint: detach it, or let the caller read it (iam:GetPolicy, iam:GetPolicyVersion)",
                            failure.message
                        ));
                    }
                },
            };
            documents.insert(arn.clone(), document);
        }
        Self::new(&observed, &documents)
    }

    /// Out of the reads; `attached` are the attached policies by their ARNs.
    fn new(observed: &Observed, attached: &BTreeMap<String, Value>) -> Result<Self, String> {
        let role = observed.role.as_ref().ok_or("there is no role")?;
        let trust = LiveDocument::new(
            PolicyKind::Trust,
            "the trust policy".to_string(),
            &role.trust,
        )?;
        let inline = role.inline.known();
        let inline = inline.ok_or("inline policies cannot be read")?;
        let inline = inline
            .iter()
            .map(|(name, value)| (format!("the inline policy {name:?}"), value));
        let attached = attached
            .iter()
            .map(|(arn, value)| (format!("the attached policy {arn}"), value));
        let identity = inline
            .chain(attached)
            .map(|(place, value)| LiveDocument::new(PolicyKind::Identity, place, value))
            .collect::<Result<_, _>>()?;
        let mut buckets = BTreeMap::new();
        for (purpose, state) in &observed.buckets {
            let BucketState::Present(bucket) = state else {
                return Err(format!("there is no {purpose} bucket"));
            };
            let place = format!("the policy of the {purpose} bucket");
            let policy = bucket.policy.known();
            if let Some(value) = policy.ok_or(format!("{place} cannot be read"))? {
                let document = LiveDocument::new(PolicyKind::Resource, place, value)?;
                buckets.insert(*purpose, document);
            }
        }
        Ok(Self {
            trust,
            identity,
            buckets,
        })
    }

    /// On the role.
    pub(crate) fn identity(&self) -> &[LiveDocument] {
        &self.identity
    }

    /// On a bucket.
    pub(crate) fn bucket(&self, purpose: Purpose) -> Option<&LiveDocument> {
        self.buckets.get(&purpose)
    }

    /// On the role: who may assume it.
    pub(crate) fn trust(&self) -> &LiveDocument {
        &self.trust
    }

    /// SHA-256 of every document by its place.
    pub fn hashes(&self) -> BTreeMap<String, String> {
        [&self.trust]
            .into_iter()
            .chain(&self.identity)
            .chain(self.buckets.values())
            .map(|document| {
                let hash = Sha256::digest(canonical(&document.value));
                (document.place.clone(), hex::encode(hash))
            })
            .collect()
    }
}
