//! How much each kind of change matters.
//!
//! For a statement that denies, everything is the other way round: less is worse.

use super::{ChangeKind, Notes, Severity, on};
use crate::catalogue::{self, Access};
use crate::evaluate::Context;
use crate::evaluate::pattern::{ArnPattern, Variables};
use crate::normalize::{ACCOUNT, ANYONE, Clause, Item, NormalStatement, UNIQUE};
use std::collections::{BTreeMap, BTreeSet};

/// Of a statement that grants and was not there before.
pub(super) fn of_grant(statement: &NormalStatement) -> Severity {
    let names = |clause: &Option<Clause>, wanted: &dyn Fn(&str) -> bool| {
        clause.as_ref().is_some_and(|clause| {
            clause.negated || clause.items.iter().any(|item| wanted(&item.normal))
        })
    };
    let everyone = names(&statement.principals, &|name| name == ANYONE);
    let somebody = names(&statement.principals, &|name| !name.starts_with("service "));
    let everything = names(&statement.resources, &|name| name == "*");
    let worst = statement
        .actions
        .items
        .iter()
        .map(|item| of_action(&item.normal))
        .max()
        .unwrap_or(Severity::Low);
    if everyone && statement.conditions.is_empty() {
        Severity::Critical
    } else if somebody || statement.actions.negated {
        worst.max(Severity::High)
    } else if everything {
        worst.max(Severity::Medium)
    } else {
        worst
    }
}

/// Of being allowed to do `action`, which may hold wildcards.
fn of_action(action: &str) -> Severity {
    if action.bytes().all(|b| b == b'*') {
        return Severity::Critical;
    }
    let worst = catalogue::entries_like(action)
        .unwrap_or_default()
        .iter()
        .filter_map(|name| catalogue::entry(name))
        .map(|entry| entry.access)
        .max();
    match worst {
        Some(Access::List | Access::Tagging) => Severity::Low,
        Some(Access::Read | Access::Write) | None => Severity::Medium,
        Some(Access::Permissions) => Severity::High,
    }
}

fn only_in(one: &BTreeSet<Item>, other: &BTreeSet<Item>) -> Vec<Item> {
    one.difference(other).cloned().collect()
}

/// Whether a longer list grants: it does in a plain clause of an Allow, and in a negated clause
/// of a Deny.
fn more_grants(notes: &Notes<'_>, clause: &Clause) -> bool {
    notes.new.allows != clause.negated
}

/// Actions that came and went.
pub(super) fn actions(notes: &mut Notes<'_>) {
    let (before, after) = (&notes.old.actions, &notes.new.actions);
    let (came, went) = (
        only_in(&after.items, &before.items),
        only_in(&before.items, &after.items),
    );
    let grants = more_grants(notes, after);
    let allows = notes.new.allows;
    for (items, kind, gained) in [
        (came, ChangeKind::ActionAdded, grants),
        (went, ChangeKind::ActionRemoved, !grants),
    ] {
        for item in items {
            let what = format!("{}{}", item.shown, on(notes.new));
            let (severity, note) = match (gained, allows) {
                (true, true) => (of_action(&item.normal), format!("gains {what}")),
                (true, false) => (Severity::High, format!("no longer denies {what}")),
                (false, true) => (Severity::Low, format!("loses {what}")),
                (false, false) => (Severity::Medium, format!("now denies {what}")),
            };
            notes.add(severity, kind, note);
        }
    }
}

/// Resources that came and went.
pub(super) fn resources(notes: &mut Notes<'_>, before: &Clause, after: &Clause) {
    let grants = more_grants(notes, after);
    let allows = notes.new.allows;
    for item in only_in(&after.items, &before.items) {
        let narrower = before
            .items
            .iter()
            .find(|old| covers(&item.normal, &old.normal));
        let wider = before
            .items
            .iter()
            .find(|old| covers(&old.normal, &item.normal));
        let (severity, note) = if let Some(wider) = wider {
            (
                Severity::Low,
                format!("names {}, part of {}", item.shown, wider.shown),
            )
        } else {
            let breadth = if item.normal == "*" {
                Severity::High
            } else {
                Severity::Medium
            };
            let how = match narrower {
                Some(old) => format!(
                    "the resource is widened from {} to {}",
                    old.shown, item.shown
                ),
                None => format!("also on {}", item.shown),
            };
            (if grants { breadth } else { Severity::Medium }, how)
        };
        notes.add(severity, ChangeKind::ResourceAdded, note);
    }
    for item in only_in(&before.items, &after.items) {
        if after
            .items
            .iter()
            .any(|new| covers(&new.normal, &item.normal))
        {
            continue;
        }
        let severity = match (grants, allows) {
            (true, true) => Severity::Low,
            (true, false) | (false, true) => Severity::Medium,
            (false, false) => Severity::High,
        };
        let note = format!("no longer on {}", item.shown);
        notes.add(severity, ChangeKind::ResourceRemoved, note);
    }
}

/// Whether everything that matches `narrow` matches `wide`; wildcards of `narrow` count as text,
/// which is right for patterns that end in a star.
fn covers(wide: &str, narrow: &str) -> bool {
    ArnPattern::resource(wide, Variables::Literal)
        .ok()
        .and_then(|pattern| pattern.covers(narrow, &Context::new()))
        == Some(true)
}

/// Principals that came and went.
pub(super) fn principals(notes: &mut Notes<'_>, before: &Clause, after: &Clause) {
    let (came, went) = (
        only_in(&after.items, &before.items),
        only_in(&before.items, &after.items),
    );
    let grants = more_grants(notes, after);
    for item in &came {
        let part = before.items.iter().find(|old| {
            account_of(&old.normal)
                .is_some_and(|own| Some(own) == item.normal.strip_prefix(ACCOUNT))
        });
        let (severity, kind, note) = if item.normal == ANYONE {
            let note = "the principal is widened to anyone".to_string();
            (Severity::Critical, ChangeKind::PrincipalWidened, note)
        } else if let Some(part) = part {
            let note = format!(
                "the principal is widened from {} to {}",
                part.shown, item.shown
            );
            (Severity::High, ChangeKind::PrincipalWidened, note)
        } else if let Some(id) = item.normal.strip_prefix(UNIQUE) {
            let note = format!("AWS shows {id}: the principal was deleted, or made again");
            (Severity::High, ChangeKind::PrincipalReplaced, note)
        } else {
            let note = match grants {
                true => format!("admits {}", item.shown),
                false => format!("keeps {} out", item.shown),
            };
            (Severity::High, ChangeKind::PrincipalAdded, note)
        };
        notes.add(if grants { severity } else { Severity::Medium }, kind, note);
    }
    for item in &went {
        let severity = if grants {
            Severity::Low
        } else {
            Severity::High
        };
        let note = match item.normal.strip_prefix(UNIQUE) {
            Some(id) => format!("{id} goes, which stands for a principal that no longer exists"),
            None if grants => format!("no longer admits {}", item.shown),
            None => format!("no longer keeps {} out", item.shown),
        };
        notes.add(severity, ChangeKind::PrincipalRemoved, note);
    }
}

/// The account of a user's, role's or session's ARN.
fn account_of(principal: &str) -> Option<&str> {
    let mut fields = principal.splitn(6, ':');
    (fields.next() == Some("arn")).then_some(())?;
    fields.nth(3)
}

/// Conditions of one key: operators, each with its values.
type Demands<'a> = BTreeMap<&'a str, &'a BTreeSet<String>>;

/// Conditions that came, went and changed.
pub(super) fn conditions(notes: &mut Notes<'_>) {
    let (before, after) = (by_key(notes.old), by_key(notes.new));
    let allows = notes.new.allows;
    let keys: BTreeSet<&Item> = before.keys().chain(after.keys()).copied().collect();
    for key in keys {
        let (severity, kind, note) = match (before.get(key), after.get(key)) {
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) => {
                let severity = match allows {
                    true if narrows(old, new) => Severity::Low,
                    true => of_safeguard(&key.normal).min(Severity::High),
                    false => Severity::Medium,
                };
                let note = format!("{}: {} instead of {}", key.shown, words(new), words(old));
                (severity, ChangeKind::ConditionChanged, note)
            }
            (Some(old), None) => {
                let note = format!("no longer looks at {} ({})", key.shown, words(old));
                let severity = if allows {
                    of_safeguard(&key.normal)
                } else {
                    Severity::Medium
                };
                (severity, ChangeKind::ConditionRemoved, note)
            }
            (None, Some(new)) => {
                let note = format!("now looks at {} ({})", key.shown, words(new));
                let severity = if allows {
                    Severity::Low
                } else {
                    Severity::High
                };
                (severity, ChangeKind::ConditionAdded, note)
            }
            (None, None) => continue,
        };
        notes.add(severity, kind, note);
    }
}

fn by_key(statement: &NormalStatement) -> BTreeMap<&Item, Demands<'_>> {
    let mut keys: BTreeMap<&Item, Demands<'_>> = BTreeMap::new();
    for ((operator, key), values) in &statement.conditions {
        keys.entry(key).or_default().insert(operator, values);
    }
    keys
}

/// Whether the same operators now accept less: fewer values, or for a negated one, more.
fn narrows(old: &Demands<'_>, new: &Demands<'_>) -> bool {
    old.len() == new.len()
        && old.iter().all(|(operator, before)| {
            new.get(operator).is_some_and(|after| {
                if operator.contains("Not") {
                    after.is_superset(before)
                } else {
                    after.is_subset(before)
                }
            })
        })
}

/// " when sts:ExternalId StringEquals org-7", or nothing without conditions.
pub(super) fn when(statement: &NormalStatement) -> String {
    let conditions: Vec<String> = by_key(statement)
        .iter()
        .map(|(key, demands)| format!("{} {}", key.shown, words(demands)))
        .collect();
    match &conditions[..] {
        [] => String::new(),
        _ => format!(" when {}", conditions.join(" and ")),
    }
}

fn words(demands: &Demands<'_>) -> String {
    demands
        .iter()
        .map(|(operator, values)| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            format!("{operator} {}", values.join(" or "))
        })
        .collect::<Vec<_>>()
        .join(" and ")
}

/// Of taking a condition on `key` away from a statement that grants.
fn of_safeguard(key: &str) -> Severity {
    match key {
        "sts:externalid" => Severity::Critical,
        "aws:principalarn"
        | "aws:principalorgid"
        | "aws:resourceaccount"
        | "aws:sourceaccount"
        | "aws:sourcearn"
        | "kms:viaservice"
        | "s3:prefix" => Severity::High,
        _ => Severity::Medium,
    }
}
