//! How much a change of a bucket can hurt.

use super::Standing;
use crate::model::{LockMode, Versioning};
use crate::plan::change::Risk;
use crate::plan::policy;
use crate::plan::setting::Setting;
use crate::plan::wanted::Origin;

/// How much the change can hurt, and what a reviewer should know.
pub(super) fn assess(
    risk: &mut Risk,
    notes: &mut Vec<String>,
    before: Option<&Setting>,
    after: &Setting,
    standing: &Standing,
) {
    let mut note = |level: Risk, text: String| {
        *risk = (*risk).max(level);
        notes.push(text);
    };
    match (before, after) {
        (before, Setting::Policy(document)) => {
            let old = before.and_then(|b| match b {
                Setting::Policy(document) => Some(document),
                _ => None,
            });
            let meaning = policy::meaning(old, Some(document));
            for text in meaning.notes {
                note(meaning.risk, text);
            }
        }
        (_, Setting::PublicAccessBlock(_)) if standing.origin == Origin::Adopted => note(
            Risk::Medium,
            "whoever reads this bucket publicly today no longer can".to_string(),
        ),
        (Some(Setting::Ownership(old)), Setting::Ownership(_)) => note(
            Risk::Medium,
            format!("ownership was {old}: ACLs of this bucket and its objects stop to count"),
        ),
        (_, Setting::Versioning(Versioning::Enabled)) => note(
            Risk::Low,
            "deleted and overwritten objects stay as old versions, and cost".to_string(),
        ),
        (Some(_), Setting::Versioning(Versioning::Suspended)) => note(
            Risk::Medium,
            "overwritten objects are no longer kept".to_string(),
        ),
        (Some(Setting::Encryption(old)), Setting::Encryption(new))
            if old.algorithm != new.algorithm =>
        {
            note(
                Risk::Medium,
                format!(
                    "new objects: {} instead of {}",
                    new.algorithm, old.algorithm
                ),
            );
        }
        (_, Setting::ObjectLock(Some(lock))) if lock.mode == LockMode::Compliance => note(
            Risk::Severe,
            format!(
                "nobody, not even the root user, can delete objects for {} days",
                lock.days
            ),
        ),
        (_, Setting::ObjectLock(_)) => note(
            Risk::High,
            "object lock can never be turned off again on this bucket".to_string(),
        ),
        (before, Setting::Lifecycle(doc)) => {
            let old: Vec<_> = match before {
                Some(Setting::Lifecycle(old)) => old.rules.iter().collect(),
                _ => Vec::new(),
            };
            for rule in &doc.rules {
                let deletes = rule.expiration.is_some() || rule.noncurrent_days.is_some();
                if deletes && !old.contains(&rule) && !rule.id.starts_with("byos-probe") {
                    note(Risk::High, format!("the rule {} deletes objects", rule.id));
                }
            }
            for rule in old
                .iter()
                .filter(|r| !doc.rules.iter().any(|n| n.id == r.id))
            {
                note(Risk::Medium, format!("the rule {} goes", rule.id));
            }
        }
        _ => {}
    }
}
