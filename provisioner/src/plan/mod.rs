//! The pure half of every command: what is there ([`Observed`]), what shall be
//! ([`crate::model::Desired`]), and the ordered steps between them ([`Plan`]).

mod cause;
mod change;
mod destroy;
mod diff;
mod observed;
mod policy;
mod same;
mod setting;
mod show;
mod step;
mod wanted;

pub use change::{Action, Adoption, Blocker, Cause, Change, Finding, FindingKind, Resource, Risk};
pub use destroy::{Contents, DestroyOptions, destroy};
pub use diff::{DiffOptions, diff};
pub use observed::{
    BucketState, Observed, ObservedBucket, ObservedPolicy, ObservedProfile, ObservedRole, Read,
    Refusal,
};
pub use setting::{
    DestinationKind, EncryptionDoc, ExpirationDoc, Field, FilterDoc, InventoryDoc, LifecycleDoc,
    LoggingDoc, NotificationDoc, NotificationsDoc, OWNER_ENFORCED, PublicAccess, RuleDoc, Setting,
    TransitionDoc,
};
pub use show::Colour;
pub use step::{IamResource, Step};
pub use wanted::Origin;

use serde::{Deserialize, Serialize};
use types::TenantId;

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// Makes things as desired.
    Apply,
    /// Takes things down.
    Destroy,
}

/// The ordered steps from what is there to what shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it is for.
    pub kind: PlanKind,
    /// Whose set-up.
    pub tenant: TenantId,
    /// The value of the ownership tag.
    pub owner: String,
    /// Identifies the reads that it was made from.
    pub fingerprint: String,
    /// In the order in which they are made.
    pub changes: Vec<Change>,
    /// What no step changes.
    pub findings: Vec<Finding>,
    /// What forbids to apply it.
    pub blockers: Vec<Blocker>,
    /// Legal, but worth a second look.
    pub notices: Vec<String>,
}

impl Plan {
    /// Whether everything is as desired, as far as can be seen.
    pub fn is_settled(&self) -> bool {
        self.changes.is_empty()
            && self.blockers.is_empty()
            && !self.findings.iter().any(|f| f.kind.is_drift())
    }

    /// The highest risk of any change.
    pub fn max_risk(&self) -> Risk {
        self.changes
            .iter()
            .map(|c| c.risk)
            .max()
            .unwrap_or_default()
    }
}
