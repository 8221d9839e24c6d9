//! What changes when one document takes the place of another, and how much that matters.
//!
//! The notes are for the person who must say yes to a plan: "gains s3:DeleteObject on
//! arn:aws:s3:::results/*", "the principal is widened from a role to its account".

mod risk;

use crate::normalize::{Clause, Item, Normal, NormalStatement};
use std::fmt;

/// How much a change matters to security.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It takes permissions away, or adds harmless ones.
    Low,
    /// It widens what can be read or written.
    Medium,
    /// It takes a safeguard away, or lets someone change permissions.
    High,
    /// It opens the door to anyone, or to another tenant.
    Critical,
}

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A statement that was not there.
    StatementAdded,
    /// A statement that is gone.
    StatementRemoved,
    /// Someone is named who was not.
    PrincipalAdded,
    /// Someone is no longer named.
    PrincipalRemoved,
    /// The one who was named is now part of a larger group.
    PrincipalWidened,
    /// AWS shows a unique id: the principal was deleted, and perhaps made again.
    PrincipalReplaced,
    /// An action more.
    ActionAdded,
    /// An action less.
    ActionRemoved,
    /// A resource more.
    ResourceAdded,
    /// A resource less.
    ResourceRemoved,
    /// A condition more.
    ConditionAdded,
    /// A condition less.
    ConditionRemoved,
    /// A condition with other values.
    ConditionChanged,
    /// `${...}` becomes, or ceases to be, a variable.
    VariablesChanged,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// How much it matters.
    pub severity: Severity,
    /// What kind.
    pub kind: ChangeKind,
    /// In which statement: its `Sid`, or its place.
    pub statement: String,
    /// In words.
    pub note: String,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.statement, self.note)
    }
}

/// What changes from `old` to `new`, the gravest first; empty when both mean the same.
pub fn diff(old: &Normal, new: &Normal) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.has_variables != new.has_variables {
        changes.push(Change {
            severity: Severity::Medium,
            kind: ChangeKind::VariablesChanged,
            statement: "Version".into(),
            note: format!(
                "policy variables are {} replaced",
                if new.has_variables {
                    "now"
                } else {
                    "no longer"
                }
            ),
        });
    }
    let mut gone: Vec<&NormalStatement> = old.statements.difference(&new.statements).collect();
    for statement in new.statements.difference(&old.statements) {
        let label = new.label(statement);
        match counterpart(statement, label, &gone, old) {
            Some(at) => compare(gone.remove(at), statement, label, &mut changes),
            None => whole(statement, label, ChangeKind::StatementAdded, &mut changes),
        }
    }
    for statement in gone {
        let label = old.label(statement);
        whole(statement, label, ChangeKind::StatementRemoved, &mut changes);
    }
    changes.sort_by(|a, b| {
        (b.severity, &a.statement, a.kind, &a.note).cmp(&(
            a.severity,
            &b.statement,
            b.kind,
            &b.note,
        ))
    });
    changes.dedup();
    changes
}

/// The old statement that `statement` most likely replaces: the one of the same name, or else the
/// one that shares the most with it.
fn counterpart(
    statement: &NormalStatement,
    label: &str,
    candidates: &[&NormalStatement],
    old: &Normal,
) -> Option<usize> {
    let usable = |candidate: &NormalStatement| candidate.allows == statement.allows;
    let same_name = candidates
        .iter()
        .position(|candidate| usable(candidate) && old.label(candidate) == label);
    same_name.or_else(|| {
        candidates
            .iter()
            .enumerate()
            .filter(|(_, candidate)| usable(candidate))
            .map(|(at, candidate)| (shared(candidate, statement), at))
            .filter(|(shared, _)| *shared > 0)
            .max_by_key(|(shared, at)| (*shared, std::cmp::Reverse(*at)))
            .map(|(_, at)| at)
    })
}

fn shared(one: &NormalStatement, other: &NormalStatement) -> usize {
    let common = |a: &Clause, b: &Clause| a.items.intersection(&b.items).count();
    let optional = |a: &Option<Clause>, b: &Option<Clause>| match (a, b) {
        (Some(a), Some(b)) => common(a, b),
        _ => 0,
    };
    // A condition in common says little: all statements of a policy may share one.
    common(&one.actions, &other.actions) + optional(&one.resources, &other.resources)
}

fn whole(statement: &NormalStatement, label: &str, kind: ChangeKind, changes: &mut Vec<Change>) {
    let added = kind == ChangeKind::StatementAdded;
    let what = format!("{}{}", list(&statement.actions), on(statement));
    let when = risk::when(statement);
    let whom = statement.principals.as_ref().map(list);
    let (severity, note) = match (added, statement.allows) {
        (true, true) => (
            risk::of_grant(statement),
            match whom {
                Some(whom) => format!("admits {whom} to {what}{when}"),
                None => format!("gains {what}{when}"),
            },
        ),
        (true, false) => {
            let whom = whom.map(|whom| format!(" to {whom}")).unwrap_or_default();
            let note = format!("now denies {what}{whom}{when}");
            (Severity::Medium, note)
        }
        (false, true) => (
            Severity::Low,
            match whom {
                Some(whom) => format!("no longer admits {whom} to {what}{when}"),
                None => format!("loses {what}{when}"),
            },
        ),
        (false, false) => (Severity::High, format!("no longer denies {what}{when}")),
    };
    changes.push(Change {
        severity,
        kind,
        statement: label.to_string(),
        note,
    });
}

/// Where changes of one statement go.
struct Notes<'a> {
    old: &'a NormalStatement,
    new: &'a NormalStatement,
    label: &'a str,
    changes: &'a mut Vec<Change>,
}

impl Notes<'_> {
    fn add(&mut self, severity: Severity, kind: ChangeKind, note: String) {
        self.changes.push(Change {
            severity,
            kind,
            statement: self.label.to_string(),
            note,
        });
    }
}

fn compare(old: &NormalStatement, new: &NormalStatement, label: &str, changes: &mut Vec<Change>) {
    let mut notes = Notes {
        old,
        new,
        label,
        changes,
    };
    if old.actions.negated == new.actions.negated {
        risk::actions(&mut notes);
    } else {
        turned_round(&mut notes, &new.actions, ChangeKind::ActionAdded, "actions");
    }
    if let (Some(before), Some(after)) = (&old.resources, &new.resources) {
        if before.negated == after.negated {
            risk::resources(&mut notes, before, after);
        } else {
            turned_round(&mut notes, after, ChangeKind::ResourceAdded, "resources");
        }
    }
    if let (Some(before), Some(after)) = (&old.principals, &new.principals) {
        if before.negated == after.negated {
            risk::principals(&mut notes, before, after);
        } else {
            turned_round(&mut notes, after, ChangeKind::PrincipalAdded, "principals");
        }
    }
    risk::conditions(&mut notes);
}

/// `Action` became `NotAction`, or the reverse: hardly ever what was meant.
fn turned_round(notes: &mut Notes<'_>, after: &Clause, kind: ChangeKind, what: &str) {
    notes.add(
        Severity::High,
        kind,
        format!("its {what} become {}", list(after)),
    );
}

/// " on arn:aws:s3:::results/*", or nothing for a trust policy.
fn on(statement: &NormalStatement) -> String {
    match &statement.resources {
        Some(clause) => format!(" on {}", list(clause)),
        None => String::new(),
    }
}

fn list(clause: &Clause) -> String {
    let items = join(clause.items.iter());
    if clause.negated {
        format!("all but {items}")
    } else {
        items
    }
}

fn join<'a>(items: impl Iterator<Item = &'a Item>) -> String {
    items
        .map(|item| item.shown.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
