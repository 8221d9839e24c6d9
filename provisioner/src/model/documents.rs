//! The policy documents of one set-up.

use crate::model::bucket::Purpose;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every document that a set-up writes, rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Documents {
    /// Who may assume the role.
    pub trust: Option<Value>,
    /// What the role may do.
    pub permission: Option<Value>,
    /// The policy of each bucket that has one.
    pub buckets: BTreeMap<Purpose, Value>,
}

impl Documents {
    /// The policy of the bucket with `purpose`.
    pub fn bucket_policy(&self, purpose: Purpose) -> Option<&Value> {
        self.buckets.get(&purpose)
    }
}
