//! The rules of lifecycle rules. Stores accept nonsense here, so it is refused before the call.

use super::text;
use crate::model::bucket::{
    ABORT_RULE_ID, Lifecycle, LifecycleRule, OUR_ID_PREFIX, PROBE_RULE_ID, StorageClass, Transition,
};
use crate::model::problems::Checks;
use crate::model::spec::BucketSpec;
use std::collections::BTreeSet;

/// Source: S3 user guide, "Lifecycle configuration elements".
const MAX_RULES: usize = 1_000;

pub(super) fn compile(
    bucket: &BucketSpec,
    probe_prefix: Option<String>,
    path: &str,
    default_abort_days: u32,
    checks: &mut Checks,
) -> Lifecycle {
    let abort_incomplete_days = bucket.abort_incomplete_days.unwrap_or(default_abort_days);
    checks.require(
        (1..=365).contains(&abort_incomplete_days),
        format!("{path}.abort_incomplete_days"),
        "it must be 1 to 365 days",
    );
    let here = format!("{path}.lifecycle");
    checks.require(
        bucket.lifecycle.len() + 2 <= MAX_RULES,
        &*here,
        "a bucket can have 1,000 lifecycle rules, two of which are ours",
    );
    let mut ids = BTreeSet::from([ABORT_RULE_ID, PROBE_RULE_ID].map(str::to_string));
    for (at, rule) in bucket.lifecycle.iter().enumerate() {
        let here = format!("{here}[{at}]");
        checks.require(
            ids.insert(our_id(&rule.id)),
            format!("{here}.id"),
            format!("{:?} is used twice, or is one of ours", rule.id),
        );
        check_rule(rule, &here, checks);
    }
    Lifecycle {
        abort_incomplete_days,
        probe_prefix,
        rules: bucket
            .lifecycle
            .iter()
            .map(|rule| LifecycleRule {
                id: our_id(&rule.id),
                ..rule.clone()
            })
            .collect(),
        transition_minimum: bucket.transition_minimum,
    }
}

fn our_id(id: &str) -> String {
    format!("{OUR_ID_PREFIX}{id}")
}

fn check_rule(rule: &LifecycleRule, path: &str, checks: &mut Checks) {
    checks.require(
        (1..=250).contains(&rule.id.len()),
        format!("{path}.id"),
        "a rule needs an id of at most 250 characters",
    );
    text::words(&rule.id, 255, &format!("{path}.id"), checks);
    text::plain(&rule.prefix, &format!("{path}.prefix"), checks);
    text::tags(&rule.tags, &format!("{path}.tags"), checks);
    let acts = rule.expire_days.is_some()
        || rule.expire_delete_markers
        || rule.noncurrent_expire_days.is_some()
        || !rule.transitions.is_empty()
        || !rule.noncurrent_transitions.is_empty();
    checks.require(
        acts,
        path,
        "the rule does nothing: give it an expiry or a transition",
    );
    checks.require(
        !(rule.expire_days.is_some() && rule.expire_delete_markers),
        path,
        "expire_days and expire_delete_markers exclude each other",
    );
    checks.require(
        !rule.expire_delete_markers || rule.tags.is_empty(),
        path,
        "expire_delete_markers cannot be limited by tags",
    );
    checks.require(
        rule.noncurrent_keep.is_none()
            || (rule.noncurrent_expire_days.is_some()
                && rule.noncurrent_keep.is_some_and(|n| (1..=100).contains(&n))),
        path,
        "noncurrent_keep must be 1 to 100 and needs noncurrent_expire_days",
    );
    if let (Some(above), Some(below)) = (rule.larger_than, rule.smaller_than) {
        checks.require(
            above < below,
            path,
            "larger_than must be below smaller_than",
        );
    }
    check_days(
        rule.expire_days,
        &rule.transitions,
        "expire_days",
        path,
        checks,
    );
    check_days(
        rule.noncurrent_expire_days,
        &rule.noncurrent_transitions,
        "noncurrent_expire_days",
        path,
        checks,
    );
}

/// Days are positive, go up from class to class, and end before the expiry.
fn check_days(
    expiry: Option<u32>,
    transitions: &[Transition],
    expiry_name: &str,
    path: &str,
    checks: &mut Checks,
) {
    checks.require(
        expiry != Some(0),
        format!("{path}.{expiry_name}"),
        "it must be at least 1 day",
    );
    let mut sorted: Vec<&Transition> = transitions.iter().collect();
    sorted.sort_by_key(|t| t.days);
    for pair in sorted.windows(2) {
        checks.require(
            pair[0].class < pair[1].class && pair[0].days < pair[1].days,
            path,
            format!(
                "objects cannot change from {} after {} days to {} after {}",
                pair[0].class.as_str(),
                pair[0].days,
                pair[1].class.as_str(),
                pair[1].days
            ),
        );
    }
    for transition in transitions {
        // Source: S3 user guide, "Transitioning objects": 30 days before infrequent access.
        let least = match transition.class {
            StorageClass::StandardIa | StorageClass::OnezoneIa => 30,
            _ => 0,
        };
        checks.require(
            transition.days >= least,
            path,
            format!("{} needs at least {least} days", transition.class.as_str()),
        );
        if let Some(expiry) = expiry {
            checks.require(
                expiry > transition.days,
                path,
                format!(
                    "{expiry_name} must be later than the change to {}",
                    transition.class.as_str()
                ),
            );
        }
    }
}
