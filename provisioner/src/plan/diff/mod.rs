//! From what is there to what shall be: the ordered steps, each with its risk and its undo.
//!
//! Pure. Whoever holds the same reads and the same specification gets the same plan.

mod assess;
mod bucket;
mod inventory;
mod permissions;
mod role;

pub(crate) use permissions::policy_deletion;

use crate::model::{Desired, Documents, ORIGIN_TAG, OWNER_TAG, Purpose, UNMANAGED_TAG};
use crate::plan::change::{
    Action, Adoption, Blocker, Cause, Change, Finding, FindingKind, Resource, Risk,
};
use crate::plan::observed::{Observed, Read};
use crate::plan::setting::Field;
use crate::plan::wanted::Origin;
use crate::plan::{Plan, PlanKind};
use std::collections::{BTreeMap, BTreeSet};

/// What a plan may assume beyond the reads.
#[derive(Debug, Clone, Default)]
pub struct DiffOptions {
    /// Whether things that are there already may be taken over.
    pub adoption: Adoption,
    /// Names of buckets, roles, policies and profiles that our own journal says we made, or were
    /// about to make when we were interrupted.
    pub claimed: BTreeSet<String>,
    /// Those of them that a run made which did not end: it may have been stopped before the tags.
    pub unfinished: BTreeSet<String>,
}

/// The plan that makes `observed` what `desired` says.
pub fn diff(
    desired: &Desired,
    documents: &Documents,
    observed: &Observed,
    options: &DiffOptions,
) -> Plan {
    let mut draft = Draft {
        desired,
        documents,
        options,
        changes: Vec::new(),
        findings: Vec::new(),
        blockers: Vec::new(),
    };
    for bucket in &desired.buckets {
        bucket::diff(&mut draft, bucket, observed.buckets.get(&bucket.purpose));
    }
    if let Some(role) = &desired.role {
        role::diff(&mut draft, role, observed);
    }
    Plan {
        kind: PlanKind::Apply,
        tenant: desired.tenant.clone(),
        owner: desired.owner.clone(),
        fingerprint: observed.fingerprint(),
        changes: draft.changes,
        findings: draft.findings,
        blockers: draft.blockers,
        notices: desired.notices.clone(),
    }
}

/// A plan being written.
struct Draft<'a> {
    desired: &'a Desired,
    documents: &'a Documents,
    options: &'a DiffOptions,
    changes: Vec<Change>,
    findings: Vec<Finding>,
    blockers: Vec<Blocker>,
}

/// Whose a thing is that is there already.
struct Standing {
    origin: Origin,
    /// Settings that stay as they are.
    unmanaged: BTreeSet<Field>,
    /// It carries no ownership tag yet.
    untagged: bool,
}

impl Draft<'_> {
    fn find(
        &mut self,
        resource: &Resource,
        part: impl ToString,
        kind: FindingKind,
        message: String,
    ) {
        self.findings.push(Finding {
            resource: resource.clone(),
            part: part.to_string(),
            kind,
            message,
        });
    }

    fn block(&mut self, resource: &Resource, message: String, hint: String) {
        self.blockers.push(Blocker {
            resource: resource.clone(),
            message,
            hint,
        });
    }

    /// Whether a thing with these tags may be changed, and how much of it is ours.
    fn standing(
        &mut self,
        resource: &Resource,
        name: &str,
        tags: &Read<BTreeMap<String, String>>,
    ) -> Option<Standing> {
        let none = BTreeMap::new();
        let (tags, claimed) = match tags {
            Read::Known(tags) => (tags, &self.options.unfinished),
            // Without tags it is the journal alone that knows.
            Read::Unsupported => (&none, &self.options.claimed),
            Read::Unreadable(reason) => {
                self.block(
                    resource,
                    format!("its tags cannot be read, so nobody can say whose it is: {reason}"),
                    "grant the caller the right to read tags (see: provisioner deployer-policy)"
                        .to_string(),
                );
                return None;
            }
        };
        match tags.get(OWNER_TAG) {
            Some(owner) if *owner == self.desired.owner => Some(Standing {
                origin: match tags.get(ORIGIN_TAG).map(String::as_str) {
                    Some("adopted") => Origin::Adopted,
                    _ => Origin::Created,
                },
                unmanaged: unmanaged_fields(tags),
                untagged: false,
            }),
            Some(other) => {
                self.block(
                    resource,
                    format!("it belongs to {other}, as its tag {OWNER_TAG} says"),
                    "choose another name, or take the other set-up down first".to_string(),
                );
                None
            }
            None if claimed.contains(name) => Some(Standing {
                origin: Origin::Created,
                unmanaged: BTreeSet::new(),
                untagged: true,
            }),
            None => self.untagged(resource, name),
        }
    }

    fn untagged(&mut self, resource: &Resource, name: &str) -> Option<Standing> {
        match &self.options.adoption {
            Adoption::Take { leave } => Some(Standing {
                origin: Origin::Adopted,
                unmanaged: leave
                    .iter()
                    .copied()
                    .filter(|f| f.may_stay_unmanaged())
                    .collect(),
                untagged: true,
            }),
            Adoption::Refuse => {
                let (message, hint) = if self.options.claimed.contains(name) {
                    (
                        format!(
                            "it carries no tag {OWNER_TAG} any more: somebody took the tag away, or deleted what was made here and made this"
                        ),
                        format!(
                            "if it is still the same, put the tag {OWNER_TAG} = {} back; else \"provisioner adopt\" with the same arguments takes it over",
                            self.desired.owner
                        ),
                    )
                } else {
                    (
                        format!(
                            "it exists already and carries no tag {OWNER_TAG}: it was not made here"
                        ),
                        "look at it with \"provisioner adopt\" and the same arguments, and take it over, or choose another name"
                            .to_string(),
                    )
                };
                self.block(resource, message, hint);
                None
            }
        }
    }
}

fn unmanaged_fields(tags: &BTreeMap<String, String>) -> BTreeSet<Field> {
    tags.get(UNMANAGED_TAG)
        .into_iter()
        .flat_map(|text| text.split(' '))
        .filter_map(Field::parse)
        .filter(|field| field.may_stay_unmanaged())
        .collect()
}

/// The tags that mark `standing`, beside those of the specification.
fn marked(tags: &BTreeMap<String, String>, standing: &Standing) -> BTreeMap<String, String> {
    let mut tags = tags.clone();
    tags.insert(ORIGIN_TAG.to_string(), standing.origin.as_str().to_string());
    if !standing.unmanaged.is_empty() {
        let names: Vec<&str> = standing.unmanaged.iter().map(|f| f.as_str()).collect();
        tags.insert(UNMANAGED_TAG.to_string(), names.join(" "));
    }
    tags
}

/// The tags of something that is about to be made.
fn marked_new(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut tags = tags.clone();
    tags.insert(ORIGIN_TAG.to_string(), Origin::Created.as_str().to_string());
    tags
}

fn bucket_resource(purpose: Purpose, name: &str) -> Resource {
    Resource::Bucket {
        purpose,
        name: name.to_string(),
    }
}

/// A change with nothing to say about it; callers add what there is to say.
fn change(
    resource: &Resource,
    part: impl ToString,
    action: Action,
    step: crate::plan::step::Step,
) -> Change {
    Change {
        resource: resource.clone(),
        part: part.to_string(),
        action,
        cause: match action {
            Action::Create => Cause::Missing,
            Action::Update | Action::Delete => Cause::ChangedByHand,
        },
        risk: Risk::Low,
        notes: Vec::new(),
        before: None,
        after: None,
        asked: None,
        step,
        inverse: Vec::new(),
    }
}
