//! How objects are encrypted: in words and in permissions. The files themselves are in clear.

use super::actor::Actor;
use super::fault::{named, not_implemented};
use crate::disk::{BucketRecord, Encryption, ObjectSettings};
use crate::iam::Asked;
use http::{HeaderMap, StatusCode};
use policies::PolicyKind;
use s3s::crypto::{Checksum as _, Md5};
use s3s::{S3Result, s3_error};

/// The algorithm of everything that says nothing.
pub(super) const BY_S3: &str = "AES256";

/// Reads the encryption of an upload: its headers, else the bucket's rule. `None` for SSE-S3.
pub(super) fn of_upload(
    headers: &HeaderMap,
    bucket: &BucketRecord,
) -> S3Result<Option<Encryption>> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_string)
    };
    let rule = bucket
        .settings
        .get("encryption")
        .and_then(|node| node.child("Rule"));
    let by_default = rule.and_then(|rule| rule.child("ApplyServerSideEncryptionByDefault"));
    let (algorithm, key) = match text("x-amz-server-side-encryption") {
        Some(algorithm) => (
            algorithm,
            text("x-amz-server-side-encryption-aws-kms-key-id"),
        ),
        None => (
            by_default
                .and_then(|rule| rule.value("SSEAlgorithm"))
                .unwrap_or(BY_S3)
                .to_string(),
            by_default
                .and_then(|rule| rule.value("KMSMasterKeyID"))
                .map(str::to_string),
        ),
    };
    if headers.contains_key("x-amz-server-side-encryption-context") {
        return Err(not_implemented("an encryption context"));
    }
    match algorithm.as_str() {
        BY_S3 if key.is_some() => Err(s3_error!(
            InvalidArgument,
            "Server Side Encryption with AWS KMS managed key requires HTTP header \
             x-amz-server-side-encryption : aws:kms"
        )),
        BY_S3 => Ok(None),
        "aws:kms" | "aws:kms:dsse" => {
            let bucket_key = match text("x-amz-server-side-encryption-bucket-key-enabled") {
                Some(value) => value == "true",
                None => rule
                    .and_then(|rule| rule.value("BucketKeyEnabled"))
                    .is_some_and(|value| value == "true"),
            };
            Ok(Some(Encryption {
                algorithm,
                key: key_arn(key, bucket)?,
                bucket_key,
            }))
        }
        _ => Err(s3_error!(
            InvalidArgument,
            "The encryption method specified is not supported"
        )),
    }
}

/// A key's ARN; without a key, that of the one that S3 keeps for the account.
fn key_arn(key: Option<String>, bucket: &BucketRecord) -> S3Result<String> {
    let own = |resource: &str| {
        format!(
            "arn:{}:kms:{}:{}:{resource}",
            types::Partition::of_region(&bucket.region),
            bucket.region,
            bucket.owner
        )
    };
    match key {
        None => Ok(own(MANAGED)),
        Some(key) if key == MANAGED => Ok(own(MANAGED)),
        Some(key) if key.contains("alias/") => Err(not_implemented("aliases of keys")),
        Some(key) if key.starts_with("arn:") => Ok(key),
        Some(key) => Ok(own(&format!("key/{key}"))),
    }
}

const MANAGED: &str = "alias/aws/s3";

/// Refuses unless the caller may use the object's key: `kms:GenerateDataKey` to write,
/// `kms:Decrypt` to read and to go on with an upload.
pub(super) fn check(
    actor: &Actor,
    action: &str,
    bucket: &BucketRecord,
    key: &str,
    settings: &ObjectSettings,
) -> S3Result<()> {
    let Some(encryption) = &settings.encryption else {
        return Ok(());
    };
    if encryption.key.ends_with(MANAGED) {
        // Its policy admits whoever may use S3 in the account, and nobody else.
        return match actor.account() == &bucket.owner {
            true => Ok(()),
            false => Err(s3_error!(
                AccessDenied,
                "The ciphertext refers to a customer master key that does not exist, does not \
                 exist in this region, or you are not allowed to access."
            )),
        };
    }
    let Some((owner, policy)) = actor.accounts.key_policy(&encryption.key) else {
        return Err(named(
            "KMS.NotFoundException",
            StatusCode::BAD_REQUEST,
            "Invalid keyId",
        ));
    };
    let policy = policy.policy(PolicyKind::Resource);
    let mut context = actor.facts.context();
    let object = format!("{}/{key}", bucket.arn());
    let encrypted = if encryption.bucket_key {
        bucket.arn()
    } else {
        object
    };
    context.set("kms:EncryptionContext:aws:s3:arn", encrypted);
    context.set(
        "kms:ViaService",
        format!("s3.{}.amazonaws.com", bucket.region),
    );
    context.set("kms:CallerAccount", actor.account().as_str());
    let asked = Asked {
        action,
        resource: &encryption.key,
        owner: Some(owner),
        policy: policy.as_deref(),
        context,
    };
    actor
        .caller
        .authorize(asked, &actor.accounts)
        .map_err(|reason| s3_error!(AccessDenied, "{reason}"))
}

/// The entity tag: what is encrypted with a key of its own is not tagged with its plain MD5.
pub(super) fn etag(plain: String, settings: &ObjectSettings) -> String {
    match &settings.encryption {
        None => plain,
        Some(encryption) => hex::encode(Md5::checksum(
            format!("{plain} {}", encryption.key).as_bytes(),
        )),
    }
}
