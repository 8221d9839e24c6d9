//! The action catalogue against parliament's copy of the same reference.

use policies::catalogue::{self, Access, Entry, ResourceType};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Younger than the judge's data: AWS added them in 2025 and 2026.
const YOUNGER: [&str; 3] = [
    "s3:GetBucketAbac",
    "s3:PutBucketAbac",
    "s3:UpdateObjectEncryption",
];

/// The judge knows them on access grants and Storage Lens only; buckets came in 2025.
const BUCKETS_CAME_LATER: [&str; 3] = [
    "s3:ListTagsForResource",
    "s3:TagResource",
    "s3:UntagResource",
];

#[derive(serde::Deserialize)]
struct Row {
    service: String,
    action: String,
    access: String,
    resources: BTreeSet<String>,
    keys: BTreeSet<String>,
}

fn judge() -> BTreeMap<String, Row> {
    let python = crate::support::tool("BYOS_PYTHON", "tests/.tools/venv/bin/python", "Python");
    let script = crate::support::in_repository("policies/tests/judges/catalogue.py");
    crate::support::run(Command::new(python).arg(script), "")
        .lines()
        .map(|line| serde_json::from_str::<Row>(line).unwrap())
        .map(|row| (format!("{}:{}", row.service, row.action), row))
        .collect()
}

fn ours() -> impl Iterator<Item = (String, &'static Entry)> {
    catalogue::SERVICES.into_iter().flat_map(|service| {
        service
            .actions
            .iter()
            .map(move |entry| (format!("{}:{}", service.prefix, entry.name), entry))
    })
}

fn resource(name: &str) -> Option<ResourceType> {
    Some(match name {
        "bucket" => ResourceType::Bucket,
        "object" => ResourceType::Object,
        "role" => ResourceType::Role,
        "user" => ResourceType::User,
        "policy" => ResourceType::ManagedPolicy,
        "instance-profile" => ResourceType::InstanceProfile,
        "root-user" => ResourceType::RootUser,
        "self-session" => ResourceType::SelfSession,
        "key" => ResourceType::Key,
        "alias" => ResourceType::Alias,
        _ => return None,
    })
}

fn access(name: &str) -> Access {
    match name {
        "List" => Access::List,
        "Read" => Access::Read,
        "Tagging" => Access::Tagging,
        "Write" => Access::Write,
        "Permissions management" => Access::Permissions,
        other => panic!("unknown access level {other}"),
    }
}

/// A key of the judge as it would stand on a request.
fn sample(key: &str) -> String {
    key.replace("<key>", "x").replace("${TagKey}", "x")
}

#[test]
fn every_entry_agrees_with_the_judge() {
    let judge = judge();
    let mut wrong = Vec::new();
    for (name, entry) in ours() {
        let Some(row) = judge.get(&name) else {
            if !YOUNGER.contains(&name.as_str()) {
                wrong.push(format!("{name}: the judge does not know it"));
            }
            continue;
        };
        if BUCKETS_CAME_LATER.contains(&name.as_str()) {
            continue;
        }
        if entry.access != access(&row.access) {
            wrong.push(format!("{name}: {:?}, not {}", entry.access, row.access));
        }
        let mut resources: BTreeSet<_> = row.resources.iter().filter_map(|r| resource(r)).collect();
        if resources.is_empty() {
            resources.insert(ResourceType::None);
        }
        if entry.resources.iter().copied().collect::<BTreeSet<_>>() != resources {
            wrong.push(format!("{name}: {:?}, not {resources:?}", entry.resources));
        }
        let theirs: Vec<String> = row
            .keys
            .iter()
            .filter(|key| !key.starts_with("aws:"))
            .map(|key| sample(key))
            .collect();
        for key in theirs.iter().filter(|key| !entry.carries(key)) {
            wrong.push(format!("{name}: lacks {key}"));
        }
        for known in entry.keys.iter().flat_map(|group| group.iter()) {
            let stem = known.trim_end_matches('*');
            if !theirs.iter().any(|key| key.starts_with(stem)) {
                wrong.push(format!("{name}: has {known}, which the judge does not"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_action_of_the_judge_is_listed_or_outside_what_is_covered() {
    let missing: Vec<String> = judge()
        .into_keys()
        .filter(|action| catalogue::is_unknown(action))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
