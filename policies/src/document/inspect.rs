//! Questions that AWS asks about a document beyond its grammar, when it is attached.

use super::{Effect, Policy, PrincipalElement};
use crate::evaluate::condition::{Condition, Test};
use types::BucketName;

/// Keys that tie an otherwise public grant to someone. Source: S3 user guide, "The meaning of
/// public".
const TIES: [&str; 16] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

impl Policy {
    /// The ARNs and unique ids that statements name as principals. AWS refuses a document that
    /// names one that does not exist.
    pub fn named_principals(&self) -> impl Iterator<Item = &str> {
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(|clause| &clause.elements)
            .filter_map(|element| match element {
                PrincipalElement::Arn(text) | PrincipalElement::UniqueId(text) => {
                    Some(text.as_str())
                }
                _ => None,
            })
    }

    /// Whether every resource is this bucket or something in it: S3 refuses other bucket policies.
    pub fn is_about_bucket(&self, bucket: &BucketName) -> bool {
        self.statements
            .iter()
            .filter_map(|statement| statement.resources.as_ref())
            .flat_map(|clause| &clause.texts)
            .all(|text| {
                let name = text.splitn(6, ':').nth(5).unwrap_or_default();
                let is_s3 = text.split(':').nth(2) == Some("s3");
                is_s3 && name.split('/').next() == Some(bucket.as_str())
            })
    }

    /// Whether it grants something to everybody: what public-access block refuses.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(|statement| {
            let anyone = statement.principals.as_ref().is_some_and(|clause| {
                clause.negated || clause.elements.contains(&PrincipalElement::Anyone)
            });
            statement.effect == Effect::Allow
                && anyone
                && !statement.conditions.iter().any(ties_to_someone)
        })
    }
}

/// Whether a condition leaves only callers that its author knows: a fixed value of a key that
/// says who calls, without a wildcard (networks count as fixed).
fn ties_to_someone(condition: &Condition) -> bool {
    let operator = condition.operator;
    let fixed = operator.test == Test::IpAddress
        || condition.written.values.iter().all(|value| {
            // In an ARN the account is what counts.
            let account = value.split(':').nth(4).unwrap_or(value);
            !account.contains(['*', '?', '$'])
        });
    TIES.contains(&condition.key.as_str())
        && !operator.negated
        && operator.fails_when_absent()
        && fixed
        && !condition
            .written
            .values
            .iter()
            .any(|value| value == "0.0.0.0/0" || value == "::/0")
}
