//! Settings of objects: tags.

use super::table::Setting;
use super::{Answer, Turn, tags};
use crate::disk::{BodyRecord, NULL_VERSION, StoreError, Versioning};
use http::{HeaderValue, StatusCode};
use s3s::S3Result;

/// The version that the call names, or the current one.
pub(super) fn find(turn: &Turn<'_>) -> S3Result<(String, BodyRecord)> {
    let key = turn.key.as_deref().unwrap_or_default();
    let version = turn.query.get("versionId");
    let found = turn.store.read(&turn.bucket.name, |bucket| match version {
        Some(id) => bucket.version(key, id).cloned(),
        None => bucket.current(key).cloned(),
    })?;
    let missing = match version {
        Some(_) => StoreError::NoSuchVersion,
        None => StoreError::NoSuchKey,
    };
    let found = found.ok_or(missing)?;
    let body = found.body.clone().ok_or(StoreError::NoSuchKey)?;
    Ok((found.id.clone(), body))
}

pub(super) fn get_tags(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    let (version, body) = find(turn)?;
    let answer = Answer::document(&tags::write(&body.settings.tags));
    Ok(with_version(turn, answer, &version))
}

pub(super) fn put_tags(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let mut node = turn.document(setting.root)?;
    setting.shape.check(&node)?;
    (setting.check)(turn, &mut node)?;
    let tags = tags::read(&node, 10)?;
    change_tags(turn, tags, StatusCode::OK)
}

pub(super) fn delete_tags(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    change_tags(turn, Default::default(), StatusCode::NO_CONTENT)
}

fn change_tags(
    turn: &Turn<'_>,
    tags: std::collections::BTreeMap<String, String>,
    status: StatusCode,
) -> S3Result<Answer> {
    let (version, _) = find(turn)?;
    let key = turn.key.as_deref().unwrap_or_default();
    turn.store
        .change_version(&turn.bucket.name, key, Some(&version), |body| {
            body.settings.tags = tags;
            Ok::<_, s3s::S3Error>(())
        })?;
    Ok(with_version(turn, Answer::status(status), &version))
}

fn with_version(turn: &Turn<'_>, mut answer: Answer, version: &str) -> Answer {
    let shown = turn.bucket.versioning != Versioning::Off || version != NULL_VERSION;
    if let (true, Ok(version)) = (shown, HeaderValue::from_str(version)) {
        answer.headers.insert("x-amz-version-id", version);
    }
    answer
}
