//! Harmless calls that a proof makes: what they do wrong if they are allowed can be cleaned up.

use crate::aws::{Cloud, first_failure};
use crate::failure::Failure;
use aws_sdk_s3::primitives::ByteStream;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// GetBucketLocation.
    Locate { bucket: String },
    /// ListObjectsV2, of a prefix or of everything.
    List {
        bucket: String,
        prefix: Option<String>,
    },
    /// ListMultipartUploads.
    ListUploads { bucket: String },
    /// GetObject.
    Get { bucket: String, key: String },
    /// PutObject with a few bytes.
    Put { bucket: String, key: String },
    /// DeleteObject.
    Delete { bucket: String, key: String },
    /// DeleteObject of the version `null`, or of one that was made before.
    DeleteVersion {
        bucket: String,
        key: String,
        version: String,
    },
    /// PutObject, then DeleteObject of the version that it made.
    PutAndDeleteVersion { bucket: String, key: String },
    /// Upload in parts: begin, one part, list parts, abort.
    UploadAborted { bucket: String, key: String },
    /// Upload in parts: begin, one part, complete.
    UploadCompleted { bucket: String, key: String },
    /// PutObjectTagging.
    Tag { bucket: String, key: String },
    /// GetBucketPolicy.
    ReadPolicy { bucket: String },
    /// GetBucketVersioning.
    ReadVersioning { bucket: String },
    /// ListBuckets.
    ListBuckets,
    /// ListRoles.
    ListRoles,
}

impl Attempt {
    /// The IAM actions that it needs.
    pub(crate) const fn actions(&self) -> &'static [&'static str] {
        match self {
            Self::Locate { .. } => &["s3:GetBucketLocation"],
            Self::List { .. } => &["s3:ListBucket"],
            Self::ListUploads { .. } => &["s3:ListBucketMultipartUploads"],
            Self::Get { .. } => &["s3:GetObject"],
            Self::Put { .. } | Self::UploadCompleted { .. } => &["s3:PutObject"],
            Self::Delete { .. } => &["s3:DeleteObject"],
            Self::DeleteVersion { .. } => &["s3:DeleteObjectVersion"],
            Self::PutAndDeleteVersion { .. } => &["s3:PutObject", "s3:DeleteObjectVersion"],
            Self::UploadAborted { .. } => &[
                "s3:PutObject",
                "s3:ListMultipartUploadParts",
                "s3:AbortMultipartUpload",
            ],
            Self::Tag { .. } => &["s3:PutObjectTagging"],
            Self::ReadPolicy { .. } => &["s3:GetBucketPolicy"],
            Self::ReadVersioning { .. } => &["s3:GetBucketVersioning"],
            Self::ListBuckets => &["s3:ListAllMyBuckets"],
            Self::ListRoles => &["iam:ListRoles"],
        }
    }

    /// Whether it neither writes nor needs what was written before.
    pub(crate) const fn leaves_nothing(&self) -> bool {
        matches!(
            self,
            Self::Locate { .. }
                | Self::List { .. }
                | Self::ListUploads { .. }
                | Self::ReadPolicy { .. }
                | Self::ReadVersioning { .. }
                | Self::ListBuckets
                | Self::ListRoles
        )
    }

    /// In words, for what stands before a refusal.
    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::Get { .. } => "GetObject below the prefix",
            Self::Put { .. } => "PutObject below the prefix",
            Self::List { .. } => "ListObjectsV2 of the prefix",
            _ => "a permitted call",
        }
    }

    /// Makes the call once; the version of the object, where it made one.
    pub(crate) async fn make(&self, cloud: &Cloud) -> Result<Option<String>, Failure> {
        match self {
            Self::Locate { bucket } => {
                let request = cloud.s3.get_bucket_location().bucket(bucket);
                first_failure("s3:GetBucketLocation", bucket, request.send().await)?;
            }
            Self::List { bucket, prefix } => {
                let request = cloud.s3.list_objects_v2().bucket(bucket).max_keys(1);
                let sent = request.set_prefix(prefix.clone()).send().await;
                first_failure("s3:ListObjectsV2", bucket, sent)?;
            }
            Self::ListUploads { bucket } => {
                let request = cloud.s3.list_multipart_uploads().bucket(bucket);
                first_failure("s3:ListMultipartUploads", bucket, request.send().await)?;
            }
            Self::Get { bucket, key } => {
                let request = cloud.s3.get_object().bucket(bucket).key(key);
                first_failure("s3:GetObject", bucket, request.send().await)?;
            }
            Self::Put { bucket, key } => {
                let body = ByteStream::from_static(b"proof");
                let request = cloud.s3.put_object().bucket(bucket).key(key).body(body);
                let request = request.set_expected_bucket_owner(cloud.owner.clone());
                let put = first_failure("s3:PutObject", bucket, request.send().await)?;
                return Ok(put.version_id().map(str::to_string));
            }
            Self::Delete { bucket, key } => {
                let request = cloud.s3.delete_object().bucket(bucket).key(key);
                first_failure("s3:DeleteObject", bucket, request.send().await)?;
            }
            Self::DeleteVersion {
                bucket,
                key,
                version,
            } => {
                let request = cloud.s3.delete_object().bucket(bucket).key(key);
                let sent = request.version_id(version).send().await;
                first_failure("s3:DeleteObject (version)", bucket, sent)?;
            }
            Self::PutAndDeleteVersion { bucket, key } => {
                let (bucket, key) = (bucket.clone(), key.clone());
                let put = Self::Put {
                    bucket: bucket.clone(),
                    key: key.clone(),
                };
                let version = Box::pin(put.make(cloud)).await?;
                let delete = Self::DeleteVersion {
                    bucket,
                    key,
                    version: version.unwrap_or_else(|| "null".to_string()),
                };
                Box::pin(delete.make(cloud)).await?;
            }
            Self::UploadAborted { bucket, key } => {
                let id = begin(cloud, bucket, key).await?;
                let listed = parts(cloud, bucket, key, &id).await;
                // Whatever was refused before: an upload that stays open costs money.
                let request = cloud.s3.abort_multipart_upload().bucket(bucket).key(key);
                let sent = request.upload_id(&id).send().await;
                let aborted = first_failure("s3:AbortMultipartUpload", bucket, sent);
                listed?;
                aborted?;
            }
            Self::UploadCompleted { bucket, key } => {
                let id = begin(cloud, bucket, key).await?;
                let tag = part(cloud, bucket, key, &id).await?;
                complete(cloud, bucket, key, &id, tag).await?;
            }
            Self::Tag { bucket, key } => {
                let tagging = crate::aws::one_tag("proof", "1");
                let request = cloud.s3.put_object_tagging().bucket(bucket).key(key);
                let sent = request.tagging(tagging).send().await;
                first_failure("s3:PutObjectTagging", bucket, sent)?;
            }
            Self::ReadPolicy { bucket } => {
                let request = cloud.s3.get_bucket_policy().bucket(bucket);
                first_failure("s3:GetBucketPolicy", bucket, request.send().await)?;
            }
            Self::ReadVersioning { bucket } => {
                let request = cloud.s3.get_bucket_versioning().bucket(bucket);
                first_failure("s3:GetBucketVersioning", bucket, request.send().await)?;
            }
            Self::ListBuckets => {
                first_failure("s3:ListBuckets", "*", cloud.s3.list_buckets().send().await)?;
            }
            Self::ListRoles => {
                let sent = cloud.iam.list_roles().max_items(1).send().await;
                first_failure("iam:ListRoles", "*", sent)?;
            }
        }
        Ok(None)
    }
}

async fn begin(cloud: &Cloud, bucket: &str, key: &str) -> Result<String, Failure> {
    let request = cloud.s3.create_multipart_upload().bucket(bucket).key(key);
    let begun = first_failure("s3:CreateMultipartUpload", bucket, request.send().await)?;
    Ok(begun.upload_id().unwrap_or_default().to_string())
}

async fn parts(cloud: &Cloud, bucket: &str, key: &str, id: &str) -> Result<(), Failure> {
    part(cloud, bucket, key, id).await?;
    let request = cloud.s3.list_parts().bucket(bucket).key(key);
    first_failure("s3:ListParts", bucket, request.upload_id(id).send().await).map(drop)
}

async fn part(cloud: &Cloud, bucket: &str, key: &str, id: &str) -> Result<Option<String>, Failure> {
    let request = cloud.s3.upload_part().bucket(bucket).key(key).upload_id(id);
    let request = request
        .part_number(1)
        .body(ByteStream::from_static(b"proof"));
    let sent = first_failure("s3:UploadPart", bucket, request.send().await)?;
    Ok(sent.e_tag().map(str::to_string))
}

async fn complete(
    cloud: &Cloud,
    bucket: &str,
    key: &str,
    id: &str,
    tag: Option<String>,
) -> Result<(), Failure> {
    use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(tag)
        .build();
    let whole = CompletedMultipartUpload::builder().parts(part).build();
    let request = cloud.s3.complete_multipart_upload().bucket(bucket).key(key);
    let request = request.upload_id(id).multipart_upload(whole);
    first_failure("s3:CompleteMultipartUpload", bucket, request.send().await).map(drop)
}
