//! Settings whose documents are small.

use super::COMPLETE;
use crate::model::{BlockedEncryption, CorsRule, LockMode, ObjectLock};
use crate::plan::{EncryptionDoc, PublicAccess};
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, CorsConfiguration, DefaultRetention, EncryptionType,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
};
use std::collections::BTreeMap;

pub(crate) fn public_access_to_sdk(access: PublicAccess) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(access.block_public_acls)
        .ignore_public_acls(access.ignore_public_acls)
        .block_public_policy(access.block_public_policy)
        .restrict_public_buckets(access.restrict_public_buckets)
        .build()
}

pub(crate) fn public_access_from_sdk(sdk: &PublicAccessBlockConfiguration) -> PublicAccess {
    PublicAccess {
        block_public_acls: sdk.block_public_acls().unwrap_or(false),
        ignore_public_acls: sdk.ignore_public_acls().unwrap_or(false),
        block_public_policy: sdk.block_public_policy().unwrap_or(false),
        restrict_public_buckets: sdk.restrict_public_buckets().unwrap_or(false),
    }
}

pub(crate) fn s3_tags_to_sdk(tags: &BTreeMap<String, String>) -> Tagging {
    let set = tags
        .iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .expect(COMPLETE)
        })
        .collect();
    Tagging::builder()
        .set_tag_set(Some(set))
        .build()
        .expect(COMPLETE)
}

pub(crate) fn s3_tags_from_sdk(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .map(|tag| (tag.key().to_string(), tag.value().to_string()))
        .collect()
}

pub(crate) fn iam_tags_to_sdk(tags: &BTreeMap<String, String>) -> Vec<aws_sdk_iam::types::Tag> {
    tags.iter()
        .map(|(key, value)| {
            aws_sdk_iam::types::Tag::builder()
                .key(key)
                .value(value)
                .build()
                .expect(COMPLETE)
        })
        .collect()
}

pub(crate) fn iam_tags_from_sdk(tags: &[aws_sdk_iam::types::Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .map(|tag| (tag.key().to_string(), tag.value().to_string()))
        .collect()
}

pub(crate) fn encryption_to_sdk(doc: &EncryptionDoc) -> ServerSideEncryptionConfiguration {
    let with_kms = doc.algorithm.starts_with("aws:kms");
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(doc.algorithm.as_str()))
        .set_kms_master_key_id(doc.key.clone().filter(|_| with_kms))
        .build()
        .expect(COMPLETE);
    let blocked = doc.blocked.as_ref().map(|types| {
        let list = if types.is_empty() {
            vec![EncryptionType::None]
        } else {
            types
                .iter()
                .map(|BlockedEncryption::SseC| EncryptionType::SseC)
                .collect()
        };
        BlockedEncryptionTypes::builder()
            .set_encryption_type(Some(list))
            .build()
    });
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .set_bucket_key_enabled(with_kms.then_some(doc.bucket_key))
        .set_blocked_encryption_types(blocked)
        .build();
    ServerSideEncryptionConfiguration::builder()
        .rules(rule)
        .build()
        .expect(COMPLETE)
}

pub(crate) fn encryption_from_sdk(
    sdk: &ServerSideEncryptionConfiguration,
) -> Option<EncryptionDoc> {
    let rule = sdk.rules().first()?;
    let default = rule.apply_server_side_encryption_by_default()?;
    let blocked = rule.blocked_encryption_types().map(|types| {
        types
            .encryption_type()
            .iter()
            .filter(|t| **t == EncryptionType::SseC)
            .map(|_| BlockedEncryption::SseC)
            .collect()
    });
    Some(EncryptionDoc {
        algorithm: default.sse_algorithm().as_str().to_string(),
        key: default.kms_master_key_id().map(str::to_string),
        bucket_key: rule.bucket_key_enabled().unwrap_or(false),
        blocked,
    })
}

pub(crate) fn lock_to_sdk(lock: Option<ObjectLock>) -> ObjectLockConfiguration {
    let rule = lock.map(|lock| {
        let mode = match lock.mode {
            LockMode::Governance => ObjectLockRetentionMode::Governance,
            LockMode::Compliance => ObjectLockRetentionMode::Compliance,
        };
        let retention = DefaultRetention::builder()
            .mode(mode)
            .days(i32::try_from(lock.days).unwrap_or(i32::MAX))
            .build();
        ObjectLockRule::builder()
            .default_retention(retention)
            .build()
    });
    ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .set_rule(rule)
        .build()
}

/// Outer `None`: object lock is off.
pub(crate) fn lock_from_sdk(sdk: &ObjectLockConfiguration) -> Option<Option<ObjectLock>> {
    sdk.object_lock_enabled()?;
    let retention = sdk.rule().and_then(ObjectLockRule::default_retention);
    Some(retention.and_then(|retention| {
        let mode = match retention.mode()? {
            ObjectLockRetentionMode::Compliance => LockMode::Compliance,
            _ => LockMode::Governance,
        };
        let years = retention.years().unwrap_or(0).saturating_mul(365);
        let days = retention.days().unwrap_or(years);
        Some(ObjectLock {
            mode,
            days: u32::try_from(days).ok()?,
        })
    }))
}

pub(crate) fn cors_to_sdk(rules: &[CorsRule]) -> CorsConfiguration {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let rules = rules
        .iter()
        .map(|rule| {
            aws_sdk_s3::types::CorsRule::builder()
                .set_id(rule.id.clone())
                .set_allowed_origins(Some(rule.origins.clone()))
                .set_allowed_methods(Some(rule.methods.clone()))
                .set_allowed_headers(some(&rule.headers))
                .set_expose_headers(some(&rule.expose_headers))
                .set_max_age_seconds(rule.max_age_seconds.and_then(|s| i32::try_from(s).ok()))
                .build()
                .expect(COMPLETE)
        })
        .collect();
    CorsConfiguration::builder()
        .set_cors_rules(Some(rules))
        .build()
        .expect(COMPLETE)
}

pub(crate) fn cors_from_sdk(rules: &[aws_sdk_s3::types::CorsRule]) -> Vec<CorsRule> {
    rules
        .iter()
        .map(|rule| CorsRule {
            id: rule.id().map(str::to_string),
            origins: rule.allowed_origins().to_vec(),
            methods: rule.allowed_methods().to_vec(),
            headers: rule.allowed_headers().to_vec(),
            expose_headers: rule.expose_headers().to_vec(),
            max_age_seconds: rule.max_age_seconds().and_then(|s| u32::try_from(s).ok()),
        })
        .collect()
}
