//! Rules about conditions that never hold, or hold too often.

use super::{Findings, Rule};
use crate::catalogue;
use crate::diff::Severity;
use crate::evaluate::condition::Operator;
use crate::normalize::NormalStatement;

const ENCRYPTION: &str = "s3:x-amz-server-side-encryption";

pub(super) fn check(statement: &NormalStatement, findings: &mut Findings<'_>) {
    for (name, key) in statement.conditions.keys() {
        let Some(operator) = Operator::parse(name) else {
            continue;
        };
        if operator.fails_when_absent() {
            for action in absent_from(statement, &key.normal) {
                let verb = if statement.allows {
                    "granted"
                } else {
                    "denied"
                };
                let note = format!(
                    "{action} never carries {}, so it is never {verb} here",
                    key.shown
                );
                findings.add(Severity::High, Rule::AbsentKey, note);
            }
        }
        let trap = !statement.allows
            && operator.negated
            && key.normal.starts_with(ENCRYPTION)
            && !statement.demands_presence(&key.normal);
        if trap {
            let note = format!(
                "uploads without the header are denied as well: add Null {} \"false\"",
                key.shown
            );
            findings.add(Severity::Medium, Rule::EncryptionTrap, note);
        }
    }
}

/// The actions of the statement that cannot carry `key`; for a pattern, only if nothing that it
/// matches can.
fn absent_from(statement: &NormalStatement, key: &str) -> Vec<String> {
    if statement.actions.negated {
        return Vec::new();
    }
    let cannot = |action: &str| match catalogue::entries_like(action) {
        Some(entries) if !entries.is_empty() => {
            entries.iter().all(|name| !catalogue::may_carry(name, key))
        }
        _ => false,
    };
    statement
        .actions
        .items
        .iter()
        .filter(|item| cannot(&item.normal))
        .map(|item| item.shown.clone())
        .collect()
}
