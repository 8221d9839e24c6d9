//! IAM policy documents as data: floor 1, pure.
//!
//! One source of truth for every document that BYOS writes, and one evaluator for every place
//! that must know what a document means: the gateway's session policies, the sandbox's IAM, the
//! provisioner's proofs, the "denied, because" explanation.

pub mod catalogue;
pub mod diff;
pub mod document;
pub mod escape;
pub mod evaluate;
pub mod lint;
pub mod normalize;
pub mod render;

pub use diff::{Change, ChangeKind, Severity, diff};
pub use document::{Malformed, Policy, PolicyKind, Reason};
pub use evaluate::{
    Context, Decision, Layer, Missing, NearMiss, PolicySet, Principal, Request, StatementRef,
    evaluate, near_misses,
};
pub use lint::{Finding, Rule, lint};
pub use normalize::{Normal, NotAPolicy, normalize, same_meaning};
pub use render::{Budget, Document, RenderError};
