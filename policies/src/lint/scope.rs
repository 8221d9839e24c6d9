//! Rules about actions and resources.

use super::{Findings, Rule};
use crate::catalogue::{self, Entry, ResourceType};
use crate::diff::Severity;
use crate::document::PolicyKind;
use crate::normalize::{Item, NormalStatement};

pub(super) fn check(statement: &NormalStatement, findings: &mut Findings<'_>) {
    for (clause, element) in [
        (Some(&statement.actions), "NotAction"),
        (statement.resources.as_ref(), "NotResource"),
    ] {
        if clause.is_some_and(|clause| clause.negated) && statement.allows {
            let note = format!("{element} grants whatever it does not name");
            findings.add(Severity::High, Rule::Negated, note);
        }
    }
    for action in &statement.actions.items {
        existing(action, findings);
        if statement.allows {
            wildcard_action(action, findings);
        }
        right_type(statement, action, findings);
    }
    if statement.allows {
        breadth(statement, findings);
        owner(statement, findings);
    }
    mixed(statement, findings);
}

fn existing(action: &Item, findings: &mut Findings<'_>) {
    let is_pattern = action.normal.contains(['*', '?']);
    let matches_nothing = is_pattern
        && catalogue::entries_like(&action.normal).is_some_and(|entries| entries.is_empty());
    if matches_nothing || (!is_pattern && catalogue::is_unknown(&action.normal)) {
        let hint = hint(&action.shown);
        let note = format!("{} does not exist{hint}", action.shown);
        findings.add(Severity::High, Rule::UnknownAction, note);
    }
}

/// What an API operation's name was meant to be.
fn hint(action: &str) -> String {
    let operation = action.split_once(':').map_or(action, |(_, name)| name);
    match catalogue::actions_of(operation) {
        Some(known) => format!(
            ": the operation {operation} needs {}",
            known.actions.join(", ")
        ),
        None => String::new(),
    }
}

fn wildcard_action(action: &Item, findings: &mut Findings<'_>) {
    if !action.normal.contains(['*', '?']) {
        return;
    }
    let severity = match action.normal.split_once(':') {
        None => Severity::Critical,
        Some((_, "*")) => Severity::High,
        Some(_) => Severity::Medium,
    };
    let note = format!(
        "{} grants actions that nobody asked for, today's and tomorrow's",
        action.shown
    );
    findings.add(severity, Rule::WildcardAction, note);
}

/// Whether a resource can be a bucket, and whether it can be an object; `None` when it is not S3.
fn can_be(resource: &str) -> Option<(bool, bool)> {
    if resource == "*" {
        return Some((true, true));
    }
    let name = resource.splitn(6, ':').nth(5)?;
    if resource.split(':').nth(2) != Some("s3") {
        return None;
    }
    let slash = name.contains('/');
    Some((!slash, slash || name.contains('*')))
}

fn right_type(statement: &NormalStatement, action: &Item, findings: &mut Findings<'_>) {
    let Some(clause) = statement
        .resources
        .as_ref()
        .filter(|clause| !clause.negated)
    else {
        return;
    };
    let Some(entry) = catalogue::entry(&action.normal) else {
        return;
    };
    let fits = |resource: &Item| match (can_be(&resource.normal), wanted(entry)) {
        (Some((bucket, _)), Some(ResourceType::Bucket)) => bucket,
        (Some((_, object)), Some(ResourceType::Object)) => object,
        (None, Some(ResourceType::Bucket | ResourceType::Object)) => false,
        (_, Some(ResourceType::None)) => {
            resource.normal == "*" || resource.normal.ends_with(":::*")
        }
        _ => true,
    };
    if !clause.items.iter().any(fits) {
        let what = match wanted(entry) {
            Some(ResourceType::Bucket) => "a bucket",
            Some(ResourceType::Object) => "an object",
            _ => "\"*\"",
        };
        let note = format!(
            "{} is done to {what}, and no resource here is one",
            action.shown
        );
        findings.add(Severity::High, Rule::WrongResource, note);
    }
}

fn wanted(entry: &Entry) -> Option<ResourceType> {
    let [one] = entry.resources else {
        return None;
    };
    Some(*one)
}

fn mixed(statement: &NormalStatement, findings: &mut Findings<'_>) {
    let Some(clause) = statement
        .resources
        .as_ref()
        .filter(|clause| !clause.negated)
    else {
        return;
    };
    let exact: Vec<(bool, bool)> = clause
        .items
        .iter()
        .filter_map(|item| can_be(&item.normal))
        .filter(|both| *both != (true, true))
        .collect();
    let both = exact.iter().any(|(bucket, _)| *bucket) && exact.iter().any(|(_, object)| *object);
    let named = statement
        .actions
        .items
        .iter()
        .all(|item| catalogue::entry(&item.normal).is_some());
    if both && named && statement.allows {
        let note =
            "it names buckets and objects: each action is done to one of the two only".into();
        findings.add(Severity::Low, Rule::MixedResources, note);
    }
}

fn breadth(statement: &NormalStatement, findings: &mut Findings<'_>) {
    let Some(clause) = statement
        .resources
        .as_ref()
        .filter(|clause| !clause.negated)
    else {
        return;
    };
    let needs_resource = statement.actions.items.iter().any(|item| {
        catalogue::entry(&item.normal).is_none_or(|entry| entry.resources != [ResourceType::None])
    });
    // In a key's own policy `*` is the key; through S3 only, the role's own policy names it.
    let own_key = findings.kind == PolicyKind::Resource || statement.demands("kms:viaservice");
    let only_keys = statement
        .actions
        .items
        .iter()
        .all(|item| item.normal.starts_with("kms:"));
    for item in &clause.items {
        if item.normal == "*" && needs_resource && !(only_keys && own_key) {
            findings.add(
                Severity::Medium,
                Rule::WildcardResource,
                "it grants on every resource".into(),
            );
        }
        if item.normal.contains(":alias/") && only_keys {
            let note = format!("{}: IAM does not follow aliases, name the key", item.shown);
            findings.add(Severity::High, Rule::KeyAlias, note);
        }
        let whole = findings.kind == PolicyKind::Identity
            && item.normal.contains(":s3:::")
            && item.normal.ends_with("/*")
            && item.normal.matches('/').count() == 1;
        if whole {
            let note = format!(
                "{} is every object of the bucket, not one tenant's",
                item.shown
            );
            findings.add(Severity::Low, Rule::WholeBucket, note);
        }
    }
}

fn owner(statement: &NormalStatement, findings: &mut Findings<'_>) {
    let on_buckets = statement.actions.items.iter().any(|item| {
        catalogue::entry(&item.normal).is_some_and(|entry| {
            item.normal.starts_with("s3:") && entry.resources != [ResourceType::None]
        })
    });
    let guarded =
        statement.demands("aws:resourceaccount") || statement.demands("s3:resourceaccount");
    if findings.kind == PolicyKind::Identity && on_buckets && !guarded {
        let note =
            "without aws:ResourceAccount, a deleted bucket that someone else re-creates is as good"
                .into();
        findings.add(Severity::Low, Rule::MissingResourceAccount, note);
    }
}
