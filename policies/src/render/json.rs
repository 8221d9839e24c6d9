//! A document that is ready to be sent.

use super::RenderError;
use crate::document::{Policy, PolicyKind, is_document_char};
use serde_json::Value;
use std::fmt;

/// A policy document as JSON, in IAM's own order of elements; it obeys its grammar.
#[derive(Debug, Clone)]
pub struct Document {
    value: Value,
    policy: Policy,
}

/// A quota of AWS on the size of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// All inline policies of a role together. Source: IAM quotas.
    InlineRolePolicies,
    /// One managed policy. Source: IAM quotas.
    ManagedPolicy,
    /// A trust policy, unless the account has a larger quota. Source: IAM quotas.
    TrustPolicy,
    /// The policy of a bucket. Source: S3 user guide, "Bucket policies".
    BucketPolicy,
    /// What AssumeRole takes as `Policy`. Source: STS, AssumeRole.
    SessionPolicy,
}

impl Budget {
    /// The most characters.
    pub const fn limit(self) -> usize {
        match self {
            Self::InlineRolePolicies => 10_240,
            Self::ManagedPolicy => 6_144,
            Self::TrustPolicy | Self::SessionPolicy => 2_048,
            Self::BucketPolicy => 20_480,
        }
    }

    /// Checks that `document` fits.
    pub fn check(self, document: &Document) -> Result<(), RenderError> {
        let size = document.size();
        if size > self.limit() {
            return Err(RenderError::TooLong {
                budget: self,
                size,
                limit: self.limit(),
            });
        }
        Ok(())
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::InlineRolePolicies => "inline policies of a role",
            Self::ManagedPolicy => "managed policy",
            Self::TrustPolicy => "trust policy",
            Self::BucketPolicy => "bucket policy",
            Self::SessionPolicy => "session policy",
        })
    }
}

impl Document {
    /// Checks `value` against the grammar of `kind`.
    pub fn new(kind: PolicyKind, value: Value) -> Result<Self, RenderError> {
        if let Some(bad) = compact(&value).chars().find(|c| !is_document_char(*c)) {
            return Err(RenderError::Character(bad));
        }
        let policy = Policy::from_value(kind, &value)?;
        Ok(Self { value, policy })
    }

    /// The JSON.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What it means.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The JSON in one line, without white space: what is sent.
    pub fn compact(&self) -> String {
        compact(&self.value)
    }

    /// The JSON with indentation: what people read and copy.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        write_value(&mut out, &self.value, Some(0));
        out.push('\n');
        out
    }

    /// Its size as IAM counts it: characters that are not white space.
    pub fn size(&self) -> usize {
        self.compact()
            .chars()
            .filter(|c| !c.is_whitespace())
            .count()
    }
}

fn compact(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, None);
    out
}

/// Elements of IAM in the order in which its own documents write them; others follow by name.
const ORDER: [&str; 12] = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn write_value(out: &mut String, value: &Value, indent: Option<usize>) {
    let open = |out: &mut String, bracket| {
        out.push(bracket);
        indent.map(|depth| depth + 1)
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            let inner = open(out, '[');
            for (at, item) in items.iter().enumerate() {
                separate(out, at, inner);
                write_value(out, item, inner);
            }
            new_line(out, indent);
            out.push(']');
        }
        Value::Object(object) if !object.is_empty() => {
            let inner = open(out, '{');
            let mut keys: Vec<&String> = object.keys().collect();
            let rank = |key: &str| ORDER.iter().position(|known| *known == key);
            keys.sort_by_key(|key| (rank(key).unwrap_or(ORDER.len()), *key));
            for (at, key) in keys.into_iter().enumerate() {
                separate(out, at, inner);
                out.push_str(&Value::String(key.clone()).to_string());
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write_value(out, &object[key], inner);
            }
            new_line(out, indent);
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn separate(out: &mut String, at: usize, inner: Option<usize>) {
    if at > 0 {
        out.push(',');
    }
    new_line(out, inner);
}

fn new_line(out: &mut String, indent: Option<usize>) {
    if let Some(depth) = indent {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
}
