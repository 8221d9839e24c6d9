//! Lifecycle rules: kept and checked as AWS does; the sandbox does not carry them out.

use super::table::Setting;
use super::{Answer, Turn, simple};
use crate::node::{Node, Shape, malformed, optional, repeated, required};
use crate::random;
use http::{HeaderValue, StatusCode};
use s3s::{S3Result, s3_error};
use std::collections::BTreeSet;

/// Where the bucket's answer to small objects is kept, and the header that carries it.
const SIZE_RULE: &str = "x-amz-transition-default-minimum-object-size";
const SIZE_RULES: [&str; 2] = ["all_storage_classes_128K", "varies_by_storage_class"];

const CLASSES: &[&str] = &[
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
];

const TAG: Shape = Shape::Group(&[
    required("Key", Shape::Text),
    required("Value", Shape::AnyText),
]);

const FILTER: Shape = Shape::Group(&[
    optional("Prefix", Shape::AnyText),
    optional("Tag", TAG),
    optional("ObjectSizeGreaterThan", Shape::Number),
    optional("ObjectSizeLessThan", Shape::Number),
    optional(
        "And",
        Shape::Group(&[
            optional("Prefix", Shape::AnyText),
            repeated("Tag", TAG, 0, 10),
            optional("ObjectSizeGreaterThan", Shape::Number),
            optional("ObjectSizeLessThan", Shape::Number),
        ]),
    ),
]);

pub(super) static SHAPE: Shape = Shape::Group(&[repeated(
    "Rule",
    Shape::Group(&[
        optional("ID", Shape::AnyText),
        required("Status", Shape::OneOf(&["Enabled", "Disabled"])),
        optional("Prefix", Shape::AnyText),
        optional("Filter", FILTER),
        optional(
            "Expiration",
            Shape::Group(&[
                optional("Days", Shape::Number),
                optional("Date", Shape::Date),
                optional("ExpiredObjectDeleteMarker", Shape::Bool),
            ]),
        ),
        repeated(
            "Transition",
            Shape::Group(&[
                optional("Days", Shape::Number),
                optional("Date", Shape::Date),
                required("StorageClass", Shape::OneOf(CLASSES)),
            ]),
            0,
            10,
        ),
        optional(
            "NoncurrentVersionExpiration",
            Shape::Group(&[
                optional("NoncurrentDays", Shape::Number),
                optional("NewerNoncurrentVersions", Shape::Number),
            ]),
        ),
        repeated(
            "NoncurrentVersionTransition",
            Shape::Group(&[
                optional("NoncurrentDays", Shape::Number),
                optional("NewerNoncurrentVersions", Shape::Number),
                required("StorageClass", Shape::OneOf(CLASSES)),
            ]),
            0,
            10,
        ),
        optional(
            "AbortIncompleteMultipartUpload",
            Shape::Group(&[required("DaysAfterInitiation", Shape::Number)]),
        ),
    ]),
    1,
    1_000,
)]);

/// Checks what the grammar cannot; gives names to rules without one, as AWS does.
pub(super) fn check(_: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    let mut names = BTreeSet::new();
    for rule in &mut node.children {
        check_rule(rule)?;
        if rule.value("ID").unwrap_or_default().is_empty() {
            rule.children.retain(|child| child.name != "ID");
            rule.children
                .insert(0, Node::text("ID", random::upload_id()));
        }
        let name = rule.value("ID").unwrap_or_default().to_string();
        if name.len() > 255 {
            return Err(s3_error!(
                InvalidArgument,
                "ID length should not exceed allowed limit of 255"
            ));
        }
        if !names.insert(name) {
            return Err(s3_error!(
                InvalidArgument,
                "Rule ID must be unique. Found same ID for more than one rule"
            ));
        }
    }
    Ok(())
}

fn check_rule(rule: &Node) -> S3Result<()> {
    let actions = [
        "Expiration",
        "Transition",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionTransition",
        "AbortIncompleteMultipartUpload",
    ];
    if !actions.iter().any(|action| rule.child(action).is_some()) {
        return Err(s3_error!(
            InvalidRequest,
            "At least one action needs to be specified in a rule"
        ));
    }
    if rule.child("Filter").is_some() == rule.child("Prefix").is_some() {
        return Err(malformed());
    }
    check_filter(rule)?;
    if let Some(expiration) = rule.child("Expiration") {
        if expiration.children.len() != 1 {
            return Err(malformed());
        }
        check_positive(expiration, "Days", "Expiration")?;
    }
    if let Some(noncurrent) = rule.child("NoncurrentVersionExpiration") {
        check_positive(noncurrent, "NoncurrentDays", "NoncurrentVersionExpiration")?;
    }
    if let Some(abort) = rule.child("AbortIncompleteMultipartUpload") {
        check_positive(
            abort,
            "DaysAfterInitiation",
            "AbortIncompleteMultipartUpload",
        )?;
    }
    check_transitions(rule)
}

fn check_filter(rule: &Node) -> S3Result<()> {
    let Some(filter) = rule.child("Filter") else {
        return Ok(());
    };
    if filter.children.len() > 1 {
        return Err(malformed());
    }
    let and = filter.child("And");
    if and.is_some_and(|and| and.children.len() < 2) {
        return Err(malformed());
    }
    let has_tags =
        filter.child("Tag").is_some() || and.is_some_and(|and| and.child("Tag").is_some());
    if has_tags && rule.child("AbortIncompleteMultipartUpload").is_some() {
        return Err(s3_error!(
            InvalidRequest,
            "AbortIncompleteMultipartUpload cannot be specified with Tags."
        ));
    }
    if has_tags
        && rule
            .child("Expiration")
            .is_some_and(|e| e.child("ExpiredObjectDeleteMarker").is_some())
    {
        return Err(s3_error!(
            InvalidRequest,
            "ExpiredObjectDeleteMarker cannot be specified with Tags."
        ));
    }
    Ok(())
}

fn check_transitions(rule: &Node) -> S3Result<()> {
    let mut classes = BTreeSet::new();
    for transition in rule.all("Transition") {
        let class = transition.value("StorageClass").unwrap_or_default();
        if transition.child("Days").is_some() == transition.child("Date").is_some() {
            return Err(malformed());
        }
        if !classes.insert(class) {
            return Err(s3_error!(
                InvalidRequest,
                "'StorageClass' must be different for 'Transition' actions in same 'Rule'"
            ));
        }
        let Some(days) = number(transition, "Days") else {
            continue;
        };
        if matches!(class, "STANDARD_IA" | "ONEZONE_IA") && days < 30 {
            return Err(s3_error!(
                InvalidArgument,
                "'Days' in Transition action must be greater than or equal to 30 for storageClass \
                 '{class}'"
            ));
        }
        let expiration = rule
            .child("Expiration")
            .and_then(|node| number(node, "Days"));
        if expiration.is_some_and(|expiration| expiration <= days) {
            return Err(s3_error!(
                InvalidArgument,
                "'Days' in the Expiration action for filter must be greater than 'Days' in the \
                 Transition action"
            ));
        }
    }
    Ok(())
}

fn check_positive(node: &Node, name: &str, action: &str) -> S3Result<()> {
    if number(node, name) == Some(0) {
        return Err(s3_error!(
            InvalidArgument,
            "'{name}' for {action} action must be a positive integer"
        ));
    }
    Ok(())
}

fn number(node: &Node, name: &str) -> Option<u32> {
    node.value(name)?.parse().ok()
}

pub(super) fn get(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let mut answer = simple::get(turn, setting)?;
    let rule = turn
        .bucket
        .settings
        .get(SIZE_RULE)
        .map(|node| node.text.as_str());
    with_size_rule(&mut answer, rule.unwrap_or(SIZE_RULES[0]));
    Ok(answer)
}

pub(super) fn put(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let rule = match turn.headers.get(SIZE_RULE).map(HeaderValue::as_bytes) {
        None => SIZE_RULES[0],
        Some(given) => SIZE_RULES
            .into_iter()
            .find(|rule| rule.as_bytes() == given)
            .ok_or_else(|| s3_error!(InvalidRequest, "Value for {SIZE_RULE} header is invalid."))?,
    };
    let mut answer = simple::put(turn, setting)?;
    turn.change(|bucket| {
        bucket
            .settings
            .insert(SIZE_RULE.to_string(), Node::text("Rule", rule));
        Ok(())
    })?;
    with_size_rule(&mut answer, rule);
    Ok(answer)
}

pub(super) fn delete(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    turn.change(|bucket| {
        bucket.settings.remove(SIZE_RULE);
        bucket.settings.remove(setting.query);
        Ok(())
    })?;
    Ok(Answer::status(StatusCode::NO_CONTENT))
}

fn with_size_rule(answer: &mut Answer, rule: &str) {
    if let Ok(value) = HeaderValue::from_str(rule) {
        answer.headers.insert(SIZE_RULE, value);
    }
}
