//! When two values mean the same: stores reorder, drop defaults and add their own.

use crate::model::CorsRule;
use crate::plan::setting::{
    EncryptionDoc, InventoryDoc, LifecycleDoc, NotificationDoc, NotificationsDoc, RuleDoc, Setting,
};

/// Whether `observed` already means `wanted`.
pub(crate) fn settings(wanted: &Setting, observed: &Setting) -> bool {
    match (wanted, observed) {
        (Setting::Policy(a), Setting::Policy(b)) => crate::plan::policy::same(a, b),
        (Setting::Encryption(a), Setting::Encryption(b)) => encryption(a, b),
        (Setting::Lifecycle(a), Setting::Lifecycle(b)) => lifecycle(a, b),
        (Setting::Cors(a), Setting::Cors(b)) => cors(a, b),
        (Setting::Notifications(a), Setting::Notifications(b)) => notifications(a, b),
        (Setting::Inventory(a), Setting::Inventory(b)) => inventory(a, b),
        (a, b) => a == b,
    }
}

/// A bucket key means something only with KMS; a store that does not say what it blocks blocks
/// what was asked for as far as can be seen.
fn encryption(wanted: &EncryptionDoc, observed: &EncryptionDoc) -> bool {
    let with_kms = wanted.algorithm.starts_with("aws:kms");
    wanted.algorithm == observed.algorithm
        && (!with_kms || wanted.key == observed.key)
        && (!with_kms || wanted.bucket_key == observed.bucket_key)
        && match (&wanted.blocked, &observed.blocked) {
            (None, _) => true,
            (Some(wanted), None) => wanted.is_empty(),
            (Some(wanted), Some(observed)) => wanted == observed,
        }
}

fn lifecycle(wanted: &LifecycleDoc, observed: &LifecycleDoc) -> bool {
    let sorted = |doc: &LifecycleDoc| {
        let mut rules: Vec<RuleDoc> = doc.rules.iter().map(canonical_rule).collect();
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules
    };
    // A store that does not report the minimum does not have it: nothing to hold it to.
    let minimum = match (wanted.transition_minimum, observed.transition_minimum) {
        (Some(wanted), Some(observed)) => wanted == observed,
        _ => true,
    };
    minimum && sorted(wanted) == sorted(observed)
}

fn canonical_rule(rule: &RuleDoc) -> RuleDoc {
    let mut rule = rule.clone();
    rule.transitions
        .sort_by(|a, b| (a.days, &a.class).cmp(&(b.days, &b.class)));
    rule.noncurrent_transitions
        .sort_by(|a, b| (a.days, &a.class).cmp(&(b.days, &b.class)));
    rule
}

fn cors(wanted: &[CorsRule], observed: &[CorsRule]) -> bool {
    let canonical = |rule: &CorsRule| {
        let mut rule = rule.clone();
        for list in [
            &mut rule.origins,
            &mut rule.methods,
            &mut rule.headers,
            &mut rule.expose_headers,
        ] {
            list.sort();
        }
        rule
    };
    let same = |a: &CorsRule, b: &CorsRule| {
        let (a, mut b) = (canonical(a), canonical(b));
        if a.id.is_none() {
            b.id = None;
        }
        a == b
    };
    // The first rule that matches answers, so order matters, but only among rules that can match
    // the same request. Terraform's provider keeps them in no order.
    let mut rest: Vec<&CorsRule> = observed.iter().collect();
    wanted.len() == observed.len()
        && wanted.iter().all(|rule| {
            let found = rest.iter().position(|other| same(rule, other));
            found.is_some_and(|at| {
                let overtakes = rest[..at].iter().any(|before| before.overlaps(rule));
                rest.remove(at);
                !overtakes
            })
        })
}

fn notifications(wanted: &NotificationsDoc, observed: &NotificationsDoc) -> bool {
    let canonical = |doc: &NotificationsDoc| {
        let mut entries: Vec<NotificationDoc> = doc.entries.clone();
        for entry in &mut entries {
            entry.events.sort();
            for (name, _) in &mut entry.filters {
                // S3 answers "Prefix" to what was written "prefix".
                name.make_ascii_lowercase();
            }
            entry.filters.sort();
        }
        entries.sort_by(|a, b| (&a.id, &a.arn, &a.events).cmp(&(&b.id, &b.arn, &b.events)));
        entries
    };
    wanted.event_bridge == observed.event_bridge && canonical(wanted) == canonical(observed)
}

fn inventory(wanted: &InventoryDoc, observed: &InventoryDoc) -> bool {
    let canonical = |doc: &InventoryDoc| {
        let mut doc = doc.clone();
        doc.destination_prefix = doc.destination_prefix.trim_end_matches('/').to_string();
        doc
    };
    let (wanted, mut observed) = (canonical(wanted), canonical(observed));
    if observed.account.is_none() {
        observed.account.clone_from(&wanted.account);
    }
    wanted == observed
}
