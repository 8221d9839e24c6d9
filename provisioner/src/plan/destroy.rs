//! Taking a tenant's set-up down: what was adopted is let go, what was made is deleted, and
//! nothing at all is touched while a bucket still holds data.

use crate::model::{Desired, ORIGIN_TAG, OWNER_TAG, Purpose, UNMANAGED_TAG};
use crate::plan::change::{Action, Blocker, Cause, Change, Finding, FindingKind, Resource, Risk};
use crate::plan::diff::policy_deletion;
use crate::plan::observed::{BucketState, Observed, ObservedBucket, ObservedRole, Read};
use crate::plan::setting::{Field, Setting};
use crate::plan::step::{IamResource, Step};
use crate::plan::{Plan, PlanKind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What lies in a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Current objects.
    pub objects: u64,
    /// Versions that are not current.
    pub versions: u64,
    /// Delete markers.
    pub markers: u64,
    /// Uploads in progress.
    pub uploads: u64,
    /// The count stopped here: there is more.
    pub truncated: bool,
}

impl Contents {
    /// Whether the bucket can be deleted as it is.
    pub fn is_empty(&self) -> bool {
        self.objects + self.versions + self.markers + self.uploads == 0
    }
}

impl std::fmt::Display for Contents {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let more = if self.truncated { "at least " } else { "" };
        write!(
            out,
            "{more}{} objects, {} old versions, {} delete markers, {} open uploads",
            self.objects, self.versions, self.markers, self.uploads
        )
    }
}

/// How far a take-down may go; given each time, never stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestroyOptions {
    /// Deletes all data first.
    pub empty_buckets: bool,
    /// Overrides governance retention while doing so.
    pub bypass_governance: bool,
    /// Names that our journal says we made, for stores that keep no tags.
    pub claimed: BTreeSet<String>,
    /// Those of them that a run made which did not end.
    pub unfinished: BTreeSet<String>,
}

/// The plan that takes `desired` down. `contents` holds what lies in each bucket of ours.
pub fn destroy(
    desired: &Desired,
    observed: &Observed,
    contents: &BTreeMap<Purpose, Contents>,
    options: &DestroyOptions,
) -> Plan {
    let mut draft = Draft {
        desired,
        options,
        changes: Vec::new(),
        findings: Vec::new(),
        blockers: Vec::new(),
    };
    // The role first: whoever still writes loses access before the buckets go.
    draft.iam(observed);
    for bucket in desired.buckets.iter().rev() {
        let resource = Resource::Bucket {
            purpose: bucket.purpose,
            name: bucket.name.to_string(),
        };
        match observed.buckets.get(&bucket.purpose) {
            None | Some(BucketState::Absent) => {}
            Some(BucketState::Present(there)) => {
                let lies_there = contents.get(&bucket.purpose).copied().unwrap_or_default();
                draft.bucket(&resource, bucket.name.as_str(), there, lies_there);
            }
            Some(BucketState::Elsewhere(region)) => draft.blockers.push(Blocker {
                resource,
                message: format!("the bucket stands in {region}, not in {}", desired.region),
                hint: format!("set region = \"{region}\""),
            }),
            Some(BucketState::TakenByOther(refusal)) => draft.findings.push(Finding {
                resource,
                part: "itself".to_string(),
                kind: FindingKind::Attention,
                message: format!("somebody else has the name, or a policy keeps this caller out, so it was not touched ({refusal})"),
            }),
        }
    }
    Plan {
        kind: PlanKind::Destroy,
        tenant: desired.tenant.clone(),
        owner: desired.owner.clone(),
        fingerprint: observed.fingerprint(),
        changes: draft.changes,
        findings: draft.findings,
        blockers: draft.blockers,
        notices: Vec::new(),
    }
}

struct Draft<'a> {
    desired: &'a Desired,
    options: &'a DestroyOptions,
    changes: Vec<Change>,
    findings: Vec<Finding>,
    blockers: Vec<Blocker>,
}

/// Whose a thing is.
enum Whose {
    Created,
    Adopted,
    Foreign,
}

impl Draft<'_> {
    fn whose(
        &mut self,
        resource: &Resource,
        name: &str,
        tags: &Read<BTreeMap<String, String>>,
    ) -> Whose {
        let claimed = match tags {
            Read::Known(_) => &self.options.unfinished,
            Read::Unsupported => &self.options.claimed,
            Read::Unreadable(refusal) => {
                self.blockers.push(Blocker {
                    resource: resource.clone(),
                    message: format!(
                        "its tags cannot be read, so nobody can say whose it is: {refusal}"
                    ),
                    hint: "grant the caller the right to read tags (see: provisioner deployer-policy --with-destroy)".to_string(),
                });
                return Whose::Foreign;
            }
        };
        let tag = |key: &str| tags.known().and_then(|t| t.get(key)).map(String::as_str);
        match (tag(OWNER_TAG), tag(ORIGIN_TAG)) {
            (Some(owner), Some("adopted")) if owner == self.desired.owner => Whose::Adopted,
            (Some(owner), _) if owner == self.desired.owner => Whose::Created,
            (None, _) if claimed.contains(name) => Whose::Created,
            _ => Whose::Foreign,
        }
    }

    fn foreign(&mut self, resource: Resource) {
        self.findings.push(Finding {
            resource,
            part: "itself".to_string(),
            kind: FindingKind::Unmanaged,
            message: "it is not ours and stays".to_string(),
        });
    }

    fn delete(&mut self, resource: &Resource, part: &str, risk: Risk, note: &str, step: Step) {
        self.changes.push(Change {
            resource: resource.clone(),
            part: part.to_string(),
            action: Action::Delete,
            cause: Cause::TakenDown,
            risk,
            notes: if note.is_empty() {
                Vec::new()
            } else {
                vec![note.to_string()]
            },
            before: None,
            after: None,
            asked: None,
            step,
            inverse: Vec::new(),
        });
    }

    fn bucket(
        &mut self,
        resource: &Resource,
        name: &str,
        there: &ObservedBucket,
        contents: Contents,
    ) {
        match self.whose(resource, name, &there.tags) {
            Whose::Foreign => self.foreign(resource.clone()),
            Whose::Adopted => self.let_go(resource, name, there),
            Whose::Created => self.delete_bucket(resource, name, contents),
        }
    }

    fn delete_bucket(&mut self, resource: &Resource, name: &str, contents: Contents) {
        if !contents.is_empty() {
            if !self.options.empty_buckets {
                self.blockers.push(Blocker {
                    resource: resource.clone(),
                    message: format!("it is not empty: {contents}"),
                    hint: "move the data away, or add --empty-buckets to delete all of it"
                        .to_string(),
                });
                return;
            }
            let step = Step::EmptyBucket {
                bucket: name.to_string(),
                bypass_governance: self.options.bypass_governance,
            };
            let note = format!("DELETES DATA: {contents}");
            self.delete(resource, "contents", Risk::Severe, &note, step);
        }
        let step = Step::DeleteBucket {
            bucket: name.to_string(),
        };
        let note = "anybody may take the name afterwards";
        self.delete(resource, "itself", Risk::High, note, step);
    }

    /// Takes our tags away and leaves the rest to its owner.
    fn let_go(&mut self, resource: &Resource, name: &str, there: &ObservedBucket) {
        let mut tags = there.tags.known().cloned().unwrap_or_default();
        for key in [OWNER_TAG, ORIGIN_TAG, UNMANAGED_TAG] {
            tags.remove(key);
        }
        let step = if tags.is_empty() {
            Step::RemoveSetting {
                bucket: name.to_string(),
                field: Field::Tags,
                id: None,
            }
        } else {
            Step::PutSetting {
                bucket: name.to_string(),
                setting: Setting::Tags(tags),
            }
        };
        let note = "the bucket was taken over, so it stays with its data and its settings";
        self.delete(resource, "tags", Risk::Low, note, step);
    }

    fn iam(&mut self, observed: &Observed) {
        let Some(role) = &self.desired.role else {
            return;
        };
        let name = role.arn.name();
        if let Some(there) = &observed.role {
            let resource = Resource::Role {
                name: name.to_string(),
            };
            match self.whose(&resource, name, &there.tags) {
                Whose::Foreign => return self.foreign(resource),
                Whose::Adopted => self.let_role_go(&resource, name),
                Whose::Created => self.delete_role(&resource, name, there),
            }
        }
        if let Some(profile) = &observed.instance_profile
            && profile.role.as_deref().is_none_or(|r| r == name)
        {
            let resource = Resource::InstanceProfile {
                name: profile.name.clone(),
            };
            if let Whose::Created = self.whose(&resource, &profile.name, &profile.tags) {
                self.delete_profile(name, &profile.name, profile.role.is_some(), observed);
            }
        }
        if let Some(policy) = &observed.policy {
            let resource = Resource::Policy {
                arn: policy.arn.clone(),
            };
            match self.whose(&resource, &policy.arn, &policy.tags) {
                Whose::Created => {
                    for step in policy_deletion(policy) {
                        self.delete(&resource, "itself", Risk::High, "", step);
                    }
                }
                Whose::Adopted | Whose::Foreign => self.foreign(resource),
            }
        }
    }

    /// In the order that IAM demands: out of every profile, policies off, then the role.
    fn delete_role(&mut self, resource: &Resource, name: &str, there: &ObservedRole) {
        for profile in there.profiles.known().into_iter().flatten() {
            let step = Step::RemoveRoleFromProfile {
                name: profile.clone(),
                role: name.to_string(),
            };
            self.delete(resource, "profile", Risk::High, "", step);
        }
        for arn in there.attached.known().into_iter().flatten() {
            let step = Step::DetachPolicy {
                role: name.to_string(),
                arn: arn.clone(),
            };
            self.delete(resource, "attachment", Risk::High, "", step);
        }
        for inline in there.inline.known().into_iter().flat_map(BTreeMap::keys) {
            let step = Step::DeleteInlinePolicy {
                role: name.to_string(),
                name: inline.clone(),
            };
            self.delete(resource, "permissions", Risk::High, "", step);
        }
        let step = Step::DeleteRole {
            role: name.to_string(),
        };
        let note = "whoever uses the role loses access";
        self.delete(resource, "itself", Risk::High, note, step);
    }

    fn delete_profile(&mut self, role: &str, profile: &str, carries: bool, observed: &Observed) {
        let resource = Resource::InstanceProfile {
            name: profile.to_string(),
        };
        let removed_with_role = observed
            .role
            .as_ref()
            .and_then(|r| r.profiles.known())
            .is_some_and(|profiles| profiles.iter().any(|p| p == profile));
        if carries && !removed_with_role {
            let step = Step::RemoveRoleFromProfile {
                name: profile.to_string(),
                role: role.to_string(),
            };
            self.delete(&resource, "role", Risk::High, "", step);
        }
        let step = Step::DeleteInstanceProfile {
            name: profile.to_string(),
        };
        self.delete(&resource, "itself", Risk::High, "", step);
    }

    fn let_role_go(&mut self, resource: &Resource, name: &str) {
        let step = Step::Untag {
            resource: IamResource::Role(name.to_string()),
            keys: [OWNER_TAG, ORIGIN_TAG, UNMANAGED_TAG]
                .map(str::to_string)
                .into(),
        };
        let note = "the role was taken over, so it stays";
        self.delete(resource, "tags", Risk::Low, note, step);
    }
}
