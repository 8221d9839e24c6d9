//! Writing and deleting objects.

use super::actor::Actor;
use super::encryption;
use super::fault::lost;
use super::receive::{Expected, Received, receive};
use super::service::{S3, actor};
use super::settings;
use crate::disk::{
    BodyRecord, BucketRecord, ChecksumAlgorithm, ObjectSettings, Store, StoreError, StoredChecksum,
    Terms, VersionRecord, Versioning, WriteCondition,
};
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;

/// Bytes of one PUT or part, at most. Source: S3 quotas.
pub(super) const MAX_PUT_BYTES: i64 = 5 << 30;
/// Keys of one DeleteObjects. Source: S3 quotas.
const MAX_DELETIONS: usize = 1_000;

pub(super) async fn put_object(
    s3: &S3,
    request: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    check_length(input.content_length)?;
    let bucket = s3.store.bucket(&input.bucket)?;
    let settings = settings::of(&request.headers, input.metadata, &bucket, actor.facts.now)?;
    encryption::check(
        &actor,
        "kms:GenerateDataKey",
        &bucket,
        &input.key,
        &settings,
    )?;
    let condition = condition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let expected = Expected::of(
        &request.headers,
        input.content_length,
        request.trailing_headers,
    )?;
    let algorithm = expected.algorithm().unwrap_or(ChecksumAlgorithm::Crc64Nvme);
    let received = receive(&s3.store, input.body, expected, algorithm).await?;
    let write = Write {
        bucket: input.bucket.clone(),
        key: input.key,
        settings,
        condition,
    };
    let version = write.commit(s3, &actor, received).await?;
    let body = version.body.as_ref();
    let mut output = PutObjectOutput {
        e_tag: body.map(|body| ETag::Strong(body.etag.clone())),
        version_id: shown_version(&bucket, &version),
        ..PutObjectOutput::default()
    };
    if let Some(body) = body {
        show_encryption!(output, body.settings);
    }
    if let Some(checksum) = body.and_then(|body| body.checksum.as_ref()) {
        show_checksum!(output, checksum.algorithm, checksum.value.clone());
        output.checksum_type = Some(ChecksumType::from_static(checksum.scope.name()));
    }
    Ok(S3Response::new(output))
}

/// An object that is about to be.
pub(super) struct Write {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) settings: ObjectSettings,
    pub(super) condition: WriteCondition,
}

impl Write {
    /// Makes `received` the newest version.
    pub(super) async fn commit(
        self,
        s3: &S3,
        actor: &Actor,
        received: Received,
    ) -> S3Result<Arc<VersionRecord>> {
        let store = Arc::clone(&s3.store);
        let now = actor.facts.now;
        tokio::task::spawn_blocking(move || {
            let body = BodyRecord {
                size: received.size,
                etag: encryption::etag(received.sums.etag(), &self.settings),
                checksum: Some(received.sums.stored()),
                parts: Vec::new(),
                settings: self.settings,
            };
            let version = new_version(self.key, now, body);
            let draft = received.into_draft(&store)?;
            Ok::<_, S3Error>(store.commit(&self.bucket, draft, version, &self.condition)?)
        })
        .await
        .map_err(lost)?
    }
}

/// A version whose id and sequence the store will set.
pub(super) fn new_version(key: String, now: types::Timestamp, body: BodyRecord) -> VersionRecord {
    VersionRecord {
        key,
        id: String::new(),
        sequence: 0,
        modified: now,
        body: Some(body),
    }
}

/// Refuses a body that is too long for one request.
pub(super) fn check_length(length: Option<i64>) -> S3Result<()> {
    match length {
        None => Err(s3_error!(
            MissingContentLength,
            "You must provide the Content-Length HTTP header."
        )),
        Some(length) if length > MAX_PUT_BYTES => Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        )),
        Some(_) => Ok(()),
    }
}

/// What must hold of the key when it is written.
pub(super) fn condition(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<WriteCondition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(WriteCondition::None),
        (None, Some(ETagCondition::Any)) => Ok(WriteCondition::Absent),
        (Some(ETagCondition::Any), None) => Ok(WriteCondition::Etag("*".to_string())),
        (Some(ETagCondition::ETag(etag)), None) => {
            Ok(WriteCondition::Etag(etag.value().to_string()))
        }
        (_, Some(_)) => Err(s3_error!(
            NotImplemented,
            "A header you provided implies functionality that is not implemented"
        )),
    }
}

pub(super) async fn delete_object(
    s3: &S3,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
        return Err(super::fault::not_implemented(
            "conditions of directory buckets",
        ));
    }
    let condition = condition(input.if_match.as_ref(), None)?;
    let bucket = s3.store.bucket(&input.bucket)?;
    let terms = Terms {
        condition,
        bypass_governance: may_bypass(
            &actor,
            &bucket,
            &input.key,
            input.bypass_governance_retention,
        ),
    };
    let store = Arc::clone(&s3.store);
    let deleted = tokio::task::spawn_blocking(move || {
        store.delete(
            &input.bucket,
            &input.key,
            input.version_id.as_deref(),
            actor.facts.now,
            &terms,
        )
    })
    .await
    .map_err(lost)??;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: deleted.marker.then_some(true),
        version_id: deleted.version,
        request_charged: None,
    }))
}

pub(super) async fn delete_objects(
    s3: &S3,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let actor = actor(&request)?;
    let input = request.input;
    let objects = input.delete.objects;
    if objects.is_empty() || objects.len() > MAX_DELETIONS {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published \
             schema"
        ));
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let bypass = input.bypass_governance_retention;
    let bucket = s3.store.bucket(&input.bucket)?;
    let store = Arc::clone(&s3.store);
    let (deleted, errors) = tokio::task::spawn_blocking(move || {
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        for object in objects {
            match delete_one(&store, &actor, &bucket, &object, bypass) {
                Ok(done) if !quiet => deleted.push(done),
                Ok(_) => {}
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_string()),
                    message: error.message().map(str::to_string),
                    key: Some(object.key),
                    version_id: object.version_id,
                }),
            }
        }
        (deleted, errors)
    })
    .await
    .map_err(lost)?;
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: Some(deleted),
        errors: Some(errors),
        request_charged: None,
    }))
}

fn delete_one(
    store: &Store,
    actor: &Actor,
    bucket: &BucketRecord,
    object: &ObjectIdentifier,
    bypass: Option<bool>,
) -> S3Result<DeletedObject> {
    let version = object.version_id.as_deref();
    let mut context = actor.context();
    let action = match version {
        Some(version) => {
            context.set("s3:versionid", version);
            "s3:DeleteObjectVersion"
        }
        None => "s3:DeleteObject",
    };
    let resource = format!("{}/{}", bucket.arn(), object.key);
    actor.judge(action, &resource, Some(bucket), context)?;
    let terms = Terms {
        condition: match &object.e_tag {
            Some(etag) => WriteCondition::Etag(etag.value().to_string()),
            None => WriteCondition::None,
        },
        bypass_governance: may_bypass(actor, bucket, &object.key, bypass),
    };
    let deleted = store
        .delete(&bucket.name, &object.key, version, actor.facts.now, &terms)
        .map_err(|error: StoreError| S3Error::from(error))?;
    // A marker that came has its id in a field of its own; a version that went is named as asked.
    Ok(DeletedObject {
        delete_marker: deleted.marker.then_some(true),
        delete_marker_version_id: deleted.marker.then(|| deleted.version.clone()).flatten(),
        key: Some(object.key.clone()),
        version_id: object.version_id.clone(),
    })
}

/// Whether the caller wants to bypass a retention in governance mode, and may.
fn may_bypass(actor: &Actor, bucket: &BucketRecord, key: &str, wants: Option<bool>) -> bool {
    let resource = format!("{}/{key}", bucket.arn());
    wants == Some(true) && actor.may("s3:BypassGovernanceRetention", &resource, bucket)
}

/// The version id that an answer shows: none while the bucket has never been versioned.
pub(super) fn shown_version(bucket: &BucketRecord, version: &VersionRecord) -> Option<String> {
    (bucket.versioning != Versioning::Off).then(|| version.id.clone())
}

/// The checksum that is stored, unless it was not asked for.
pub(super) fn shown_checksum<'a>(
    body: &'a BodyRecord,
    mode: Option<&ChecksumMode>,
) -> Option<&'a StoredChecksum> {
    mode.filter(|mode| mode.as_str() == ChecksumMode::ENABLED)
        .and(body.checksum.as_ref())
}
