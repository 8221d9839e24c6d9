//! A plan for people: signs first, colour only on top of them.

use crate::plan::{Action, Cause, Change, Plan, PlanKind, Resource, Risk};
use serde_json::Value;
use std::fmt::Write;

/// Whether colours may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// The terminal shows them.
    On,
    /// A file, a pipe, or NO_COLOR.
    Off,
}

impl Colour {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::On => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Off => text.to_string(),
        }
    }
}

impl Action {
    /// `+`, `~`, `-`.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Delete => "-",
        }
    }

    const fn colour(self) -> &'static str {
        match self {
            Self::Create => "32",
            Self::Update => "33",
            Self::Delete => "31",
        }
    }
}

impl Plan {
    /// The whole plan as text.
    pub fn show(&self, colour: Colour) -> String {
        let mut out = String::new();
        let what = match self.kind {
            PlanKind::Apply => "set-up",
            PlanKind::Destroy => "take-down",
        };
        let _ = writeln!(out, "{what} of {}", self.owner);
        let mut last: Option<&Resource> = None;
        for change in &self.changes {
            if last != Some(&change.resource) {
                let _ = writeln!(out, "\n  {}", change.resource);
                last = Some(&change.resource);
            }
            show_change(&mut out, change, colour);
        }
        for finding in &self.findings {
            let _ = writeln!(
                out,
                "\n  i {} {} [{}]: {}",
                finding.resource,
                finding.part,
                finding_word(finding.kind),
                finding.message
            );
        }
        for notice in &self.notices {
            let _ = writeln!(out, "\n  i {notice}");
        }
        for blocker in &self.blockers {
            let sign = colour.paint("31", "! BLOCKED");
            let _ = writeln!(
                out,
                "\n  {sign} {}: {}\n    hint: {}",
                blocker.resource, blocker.message, blocker.hint
            );
        }
        let _ = write!(out, "\n{}", self.summary());
        out
    }

    /// One line: how much changes, and how much that can hurt.
    pub fn summary(&self) -> String {
        let count = |action: Action| self.changes.iter().filter(|c| c.action == action).count();
        if self.changes.is_empty() && self.blockers.is_empty() {
            return match self.is_settled() {
                true => "No changes. Everything is as desired.\n".to_string(),
                false => "No changes, but see the findings above.\n".to_string(),
            };
        }
        let mut line = format!(
            "Plan: {} to add, {} to change, {} to remove; highest risk: {}.\n",
            count(Action::Create),
            count(Action::Update),
            count(Action::Delete),
            self.max_risk().as_str()
        );
        if !self.blockers.is_empty() {
            let _ = match self.blockers.len() {
                1 => writeln!(line, "1 thing blocks it."),
                n => writeln!(line, "{n} things block it."),
            };
        }
        line
    }
}

fn show_change(out: &mut String, change: &Change, colour: Colour) {
    let sign = colour.paint(change.action.colour(), change.action.sign());
    let _ = write!(out, "    {sign} {}", change.part);
    let cause = match change.cause {
        Cause::ChangedByHand => " (changed by hand)",
        Cause::SpecificationChanged => " (new specification)",
        Cause::Adopted => " (taken over)",
        Cause::Missing | Cause::TakenDown => "",
    };
    let _ = write!(out, "{cause}");
    if change.risk > Risk::Low {
        let _ = write!(
            out,
            " {}",
            colour.paint("35", &format!("[risk: {}]", change.risk.as_str()))
        );
    }
    out.push('\n');
    for note in &change.notes {
        let _ = writeln!(out, "        {note}");
    }
    show_values(out, change, colour);
}

/// Scalars and small objects line by line; documents are said by their notes.
fn show_values(out: &mut String, change: &Change, colour: Colour) {
    let is_document =
        |value: &Value| value.get("Statement").is_some() || value.get("trust").is_some();
    let document = [&change.before, &change.after]
        .into_iter()
        .flatten()
        .any(is_document);
    if document {
        return;
    }
    let mut before = Vec::new();
    let mut after = Vec::new();
    flatten("", change.before.as_ref(), &mut before);
    flatten("", change.after.as_ref(), &mut after);
    for line in before.iter().filter(|line| !after.contains(line)) {
        let _ = writeln!(out, "        {} {line}", colour.paint("31", "-"));
    }
    for line in after.iter().filter(|line| !before.contains(line)) {
        let _ = writeln!(out, "        {} {line}", colour.paint("32", "+"));
    }
}

fn flatten(path: &str, value: Option<&Value>, lines: &mut Vec<String>) {
    let joined = |key: &str| match path {
        "" => key.to_string(),
        path => format!("{path}.{key}"),
    };
    match value {
        None | Some(Value::Null) => {}
        Some(Value::Object(fields)) => {
            for (key, value) in fields {
                flatten(&joined(key), Some(value), lines);
            }
        }
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                let key = item
                    .get("id")
                    .and_then(Value::as_str)
                    .map_or_else(|| at.to_string(), str::to_string);
                flatten(&joined(&key), Some(item), lines);
            }
        }
        Some(scalar) => lines.push(match path {
            "" => scalar.to_string(),
            path => format!("{path} = {scalar}"),
        }),
    }
}

fn finding_word(kind: crate::plan::FindingKind) -> &'static str {
    use crate::plan::FindingKind;
    match kind {
        FindingKind::AwsDefault => "AWS default",
        FindingKind::Unmanaged => "unmanaged",
        FindingKind::Unsupported => "unsupported",
        FindingKind::Unreadable => "UNREADABLE",
        FindingKind::Attention => "ATTENTION",
    }
}
