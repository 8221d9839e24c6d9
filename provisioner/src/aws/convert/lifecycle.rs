//! Lifecycle rules.

use super::COMPLETE;
use crate::model::TransitionMinimum;
use crate::plan::{ExpirationDoc, FilterDoc, RuleDoc, TransitionDoc};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration,
    NoncurrentVersionTransition, Tag, Transition, TransitionDefaultMinimumObjectSize,
    TransitionStorageClass,
};
use aws_smithy_types::DateTime;

pub(crate) fn minimum_to_sdk(minimum: TransitionMinimum) -> TransitionDefaultMinimumObjectSize {
    match minimum {
        TransitionMinimum::AllStorageClasses128K => {
            TransitionDefaultMinimumObjectSize::from("all_storage_classes_128K")
        }
        TransitionMinimum::VariesByStorageClass => {
            TransitionDefaultMinimumObjectSize::VariesByStorageClass
        }
    }
}

pub(crate) fn minimum_from_sdk(
    sdk: &TransitionDefaultMinimumObjectSize,
) -> Option<TransitionMinimum> {
    match sdk.as_str() {
        "all_storage_classes_128K" => Some(TransitionMinimum::AllStorageClasses128K),
        "varies_by_storage_class" => Some(TransitionMinimum::VariesByStorageClass),
        _ => None,
    }
}

pub(crate) fn lifecycle_to_sdk(rules: &[RuleDoc]) -> Vec<LifecycleRule> {
    rules.iter().map(rule_to_sdk).collect()
}

pub(crate) fn lifecycle_from_sdk(rules: &[LifecycleRule]) -> Vec<RuleDoc> {
    rules.iter().map(rule_from_sdk).collect()
}

fn rule_to_sdk(rule: &RuleDoc) -> LifecycleRule {
    let status = if rule.enabled {
        ExpirationStatus::Enabled
    } else {
        ExpirationStatus::Disabled
    };
    let expiration = rule.expiration.as_ref().map(|e| {
        LifecycleExpiration::builder()
            .set_days(e.days)
            .set_date(e.date.map(DateTime::from_secs))
            .set_expired_object_delete_marker(e.delete_markers.then_some(true))
            .build()
    });
    let transitions: Vec<Transition> = rule
        .transitions
        .iter()
        .map(|t| {
            Transition::builder()
                .set_days(t.days)
                .set_date(t.date.map(DateTime::from_secs))
                .storage_class(TransitionStorageClass::from(t.class.as_str()))
                .build()
        })
        .collect();
    let noncurrent: Vec<NoncurrentVersionTransition> = rule
        .noncurrent_transitions
        .iter()
        .map(|t| {
            NoncurrentVersionTransition::builder()
                .set_noncurrent_days(t.days)
                .set_newer_noncurrent_versions(t.keep)
                .storage_class(TransitionStorageClass::from(t.class.as_str()))
                .build()
        })
        .collect();
    let noncurrent_expiration = (rule.noncurrent_days.is_some() || rule.noncurrent_keep.is_some())
        .then(|| {
            NoncurrentVersionExpiration::builder()
                .set_noncurrent_days(rule.noncurrent_days)
                .set_newer_noncurrent_versions(rule.noncurrent_keep)
                .build()
        });
    LifecycleRule::builder()
        .id(&rule.id)
        .status(status)
        .filter(filter_to_sdk(&rule.filter))
        .set_expiration(expiration)
        .set_transitions((!transitions.is_empty()).then_some(transitions))
        .set_noncurrent_version_transitions((!noncurrent.is_empty()).then_some(noncurrent))
        .set_noncurrent_version_expiration(noncurrent_expiration)
        .set_abort_incomplete_multipart_upload(rule.abort_days.map(|days| {
            AbortIncompleteMultipartUpload::builder()
                .days_after_initiation(days)
                .build()
        }))
        .build()
        .expect(COMPLETE)
}

/// A filter always stands in a rule; with two conditions or more they stand inside `And`.
fn filter_to_sdk(filter: &FilterDoc) -> LifecycleRuleFilter {
    let tags: Vec<Tag> = filter
        .tags
        .iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .expect(COMPLETE)
        })
        .collect();
    let prefix = (!filter.prefix.is_empty()).then(|| filter.prefix.clone());
    let conditions = usize::from(prefix.is_some())
        + tags.len()
        + usize::from(filter.larger_than.is_some())
        + usize::from(filter.smaller_than.is_some());
    let builder = LifecycleRuleFilter::builder();
    match conditions {
        0 => builder.prefix("").build(),
        1 => builder
            .set_prefix(prefix)
            .set_tag(tags.into_iter().next())
            .set_object_size_greater_than(filter.larger_than)
            .set_object_size_less_than(filter.smaller_than)
            .build(),
        _ => builder
            .and(
                LifecycleRuleAndOperator::builder()
                    .set_prefix(prefix)
                    .set_tags((!tags.is_empty()).then_some(tags))
                    .set_object_size_greater_than(filter.larger_than)
                    .set_object_size_less_than(filter.smaller_than)
                    .build(),
            )
            .build(),
    }
}

fn rule_from_sdk(rule: &LifecycleRule) -> RuleDoc {
    let noncurrent = rule.noncurrent_version_expiration();
    RuleDoc {
        id: rule.id().unwrap_or_default().to_string(),
        enabled: *rule.status() == ExpirationStatus::Enabled,
        filter: filter_from_sdk(rule),
        expiration: rule.expiration().map(|e| ExpirationDoc {
            days: e.days().filter(|d| *d != 0),
            date: e.date().map(DateTime::secs),
            delete_markers: e.expired_object_delete_marker().unwrap_or(false),
        }),
        transitions: rule
            .transitions()
            .iter()
            .map(|t| TransitionDoc {
                days: t.days(),
                date: t.date().map(DateTime::secs),
                class: class_name(t.storage_class()),
                keep: None,
            })
            .collect(),
        noncurrent_days: noncurrent.and_then(NoncurrentVersionExpiration::noncurrent_days),
        noncurrent_keep: noncurrent
            .and_then(NoncurrentVersionExpiration::newer_noncurrent_versions),
        noncurrent_transitions: rule
            .noncurrent_version_transitions()
            .iter()
            .map(|t| TransitionDoc {
                days: t.noncurrent_days(),
                date: None,
                class: class_name(t.storage_class()),
                keep: t.newer_noncurrent_versions(),
            })
            .collect(),
        abort_days: rule
            .abort_incomplete_multipart_upload()
            .and_then(AbortIncompleteMultipartUpload::days_after_initiation),
    }
}

fn class_name(class: Option<&TransitionStorageClass>) -> String {
    class.map(|c| c.as_str().to_string()).unwrap_or_default()
}

#[expect(
    deprecated,
    reason = "old rules carry their prefix outside of the filter"
)]
fn filter_from_sdk(rule: &LifecycleRule) -> FilterDoc {
    let mut doc = FilterDoc {
        prefix: rule.prefix().unwrap_or_default().to_string(),
        ..FilterDoc::default()
    };
    let Some(filter) = rule.filter() else {
        return doc;
    };
    let mut tags: Vec<&Tag> = filter.tag().into_iter().collect();
    let mut take = |prefix: Option<&str>, larger: Option<i64>, smaller: Option<i64>| {
        if let Some(prefix) = prefix {
            doc.prefix = prefix.to_string();
        }
        doc.larger_than = larger.or(doc.larger_than);
        doc.smaller_than = smaller.or(doc.smaller_than);
    };
    take(
        filter.prefix(),
        filter.object_size_greater_than(),
        filter.object_size_less_than(),
    );
    if let Some(and) = filter.and() {
        take(
            and.prefix(),
            and.object_size_greater_than(),
            and.object_size_less_than(),
        );
        tags.extend(and.tags());
    }
    doc.tags = tags
        .into_iter()
        .map(|tag| (tag.key().to_string(), tag.value().to_string()))
        .collect();
    doc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_survives_the_way_to_the_sdk_and_back() {
        let full = RuleDoc {
            id: "r".to_string(),
            enabled: true,
            filter: FilterDoc {
                prefix: "p/".to_string(),
                tags: [("k".to_string(), "v".to_string())].into(),
                larger_than: Some(5),
                smaller_than: Some(9),
            },
            expiration: Some(ExpirationDoc {
                days: Some(9),
                ..ExpirationDoc::default()
            }),
            transitions: vec![TransitionDoc {
                days: Some(3),
                class: "GLACIER".to_string(),
                ..TransitionDoc::default()
            }],
            noncurrent_days: Some(2),
            noncurrent_keep: Some(1),
            noncurrent_transitions: vec![TransitionDoc {
                days: Some(1),
                class: "DEEP_ARCHIVE".to_string(),
                keep: Some(4),
                ..TransitionDoc::default()
            }],
            abort_days: None,
        };
        let only_abort = RuleDoc {
            id: "a".to_string(),
            abort_days: Some(7),
            ..RuleDoc::default()
        };
        let rules = vec![full, only_abort];
        assert_eq!(lifecycle_from_sdk(&lifecycle_to_sdk(&rules)), rules);
    }

    #[test]
    fn every_rule_has_a_filter_and_one_condition_stands_alone() {
        let rule = |filter: FilterDoc| RuleDoc {
            id: "r".to_string(),
            filter,
            ..RuleDoc::default()
        };
        let all = rule_to_sdk(&rule(FilterDoc::default()));
        assert_eq!(all.filter().unwrap().prefix(), Some(""));
        let one = rule_to_sdk(&rule(FilterDoc {
            prefix: "p".to_string(),
            ..FilterDoc::default()
        }));
        assert!(one.filter().unwrap().and().is_none());
    }
}
