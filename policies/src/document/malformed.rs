//! Why a document is refused.

use super::PolicyKind;

/// A document that IAM would not take: where, and which rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy is malformed{}: {reason}", if path.is_empty() { String::new() } else { format!(" at {path}") })]
pub struct Malformed {
    /// The place, `Statement[0].Action`; empty for the document itself.
    pub path: String,
    /// The rule.
    pub reason: Reason,
}

/// A rule of the policy grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Longer than any policy may be.
    #[error("it is longer than any policy may be")]
    TooLong,
    /// Not JSON, or the same key twice in one object.
    #[error("it is not well-formed JSON: {0}")]
    NotJson(String),
    /// A character outside U+0009, U+000A, U+000D and U+0020 to U+00FF.
    #[error("character {0:?} may not stand in a policy")]
    Character(char),
    /// An object was expected.
    #[error("it must be an object")]
    NotAnObject,
    /// A text, or a list of texts, was expected.
    #[error("it must be a text or a list of texts")]
    NotText,
    /// A list that must name something names nothing.
    #[error("the list is empty")]
    EmptyList,
    /// An element that the grammar does not have.
    #[error("element {0:?} does not exist here")]
    UnknownElement(String),
    /// A required element is missing.
    #[error("element {0:?} is missing")]
    Missing(&'static str),
    /// Two elements that exclude each other.
    #[error("{0:?} and {1:?} may not stand together")]
    Both(&'static str, &'static str),
    /// An element that this kind of policy may not have.
    #[error("a {1} has no element {0:?}")]
    Forbidden(&'static str, PolicyKind),
    /// Neither of the two versions.
    #[error("the version must be \"2012-10-17\" or \"2008-10-17\"")]
    Version,
    /// Neither Allow nor Deny.
    #[error("the effect must be \"Allow\" or \"Deny\"")]
    Effect,
    /// A `Sid` outside its alphabet.
    #[error("a Sid may hold only letters and digits")]
    Sid,
    /// Two statements with one `Sid`.
    #[error("Sid {0:?} stands twice")]
    DuplicateSid(String),
    /// Not `service:Name`.
    #[error("action {0:?} must be \"*\" or look like service:Name")]
    Action(String),
    /// Not an `sts:` action, in a trust policy.
    #[error("a trust policy may name only sts actions, not {0:?}")]
    TrustAction(String),
    /// Not a resource.
    #[error("resource {0:?} is not valid: {1}")]
    Resource(String, &'static str),
    /// Not a principal.
    #[error("principal {0:?} is not valid")]
    Principal(String),
    /// Not an operator.
    #[error("condition operator {0:?} does not exist")]
    Operator(String),
    /// Not a condition key.
    #[error("condition key {0:?} must look like prefix:name")]
    ConditionKey(String),
    /// Not a value for its operator.
    #[error("condition value {0:?} is not valid: {1}")]
    ConditionValue(String, &'static str),
}

impl Malformed {
    pub(super) fn at(path: &str, reason: Reason) -> Self {
        Self {
            path: path.to_string(),
            reason,
        }
    }
}
