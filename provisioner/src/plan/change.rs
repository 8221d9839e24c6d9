//! What a plan consists of: changes, findings, blockers.

use crate::model::Purpose;
use crate::plan::setting::Field;
use crate::plan::step::Step;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// How much a change can hurt. The order is the gate of `--max-risk`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// It only adds or tightens.
    #[default]
    Low,
    /// It can change behaviour that somebody relies on.
    Medium,
    /// It widens access, or deletes what can be made again.
    High,
    /// It opens to the public, deletes data, or cannot be undone.
    Severe,
}

impl Risk {
    /// As in words and flags.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Severe => "severe",
        }
    }
}

/// A thing that a change is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Resource {
    /// A bucket.
    Bucket {
        /// What it is for.
        purpose: Purpose,
        /// Its name.
        name: String,
    },
    /// The role.
    Role {
        /// Its name.
        name: String,
    },
    /// The managed policy.
    Policy {
        /// Its ARN.
        arn: String,
    },
    /// The instance profile.
    InstanceProfile {
        /// Its name.
        name: String,
    },
}

impl std::fmt::Display for Resource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bucket { purpose, name } => write!(out, "{purpose} bucket {name}"),
            Self::Role { name } => write!(out, "role {name}"),
            Self::Policy { arn } => write!(out, "policy {arn}"),
            Self::InstanceProfile { name } => write!(out, "instance profile {name}"),
        }
    }
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made or set for the first time.
    Create,
    /// It is set to another value.
    Update,
    /// It goes.
    Delete,
}

/// Why there is a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was never there.
    Missing,
    /// It is there with another value than the one last applied.
    ChangedByHand,
    /// The specification asks for another value than the one last applied.
    SpecificationChanged,
    /// It belongs to something that is being taken down.
    TakenDown,
    /// It is being taken over.
    Adopted,
}

/// One difference, the step that removes it, and the steps that undo that step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What it is about.
    pub resource: Resource,
    /// Which part of it: `policy`, `trust`, `itself`.
    pub part: String,
    /// What happens.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// How much it can hurt.
    pub risk: Risk,
    /// What a reviewer should know.
    pub notes: Vec<String>,
    /// What stands there.
    pub before: Option<Value>,
    /// What will stand there.
    pub after: Option<Value>,
    /// What the specification asks for, when `after` also keeps what belongs to others.
    pub asked: Option<Value>,
    /// The call.
    pub step: Step,
    /// Undoes the step, in this order.
    pub inverse: Vec<Step>,
}

impl Change {
    /// Names the part that it changes.
    pub fn key(&self) -> String {
        format!("{}/{}", self.resource, self.part)
    }
}

/// Something worth knowing that no step changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub resource: Resource,
    /// Which part of it.
    pub part: String,
    /// What kind of finding.
    pub kind: FindingKind,
    /// In words.
    pub message: String,
}

/// What kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// AWS set it by itself.
    AwsDefault,
    /// It is left to others, by consent or because the specification does not mention it.
    Unmanaged,
    /// The store does not have it.
    Unsupported,
    /// The caller may not see it, so nobody can say whether it is right.
    Unreadable,
    /// It is wrong and cannot be put right by a step.
    Attention,
}

impl FindingKind {
    /// Whether it means that the set-up is, or may be, not as desired.
    pub const fn is_drift(self) -> bool {
        matches!(self, Self::Unreadable | Self::Attention)
    }
}

/// Why a plan cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// What it is about.
    pub resource: Resource,
    /// What is in the way.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// Whether things that are there already may be taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Adoption {
    /// No: they block the plan.
    #[default]
    Refuse,
    /// Yes, but these settings stay as they are.
    Take {
        /// Left to their owner.
        leave: BTreeSet<Field>,
    },
}
