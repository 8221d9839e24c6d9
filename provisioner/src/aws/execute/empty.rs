//! Deletes everything in a bucket: every version, every marker, every open upload.

use crate::aws::connect::Cloud;
use crate::aws::pace::Settling;
use crate::failure::{Details, Failure, Fault};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

/// At most so many keys are named in a failure.
const NAMED_KEYS: usize = 10;

/// What could not be deleted.
#[derive(Default)]
struct Kept {
    count: u64,
    named: Vec<String>,
    code: Option<String>,
}

impl Kept {
    fn add(&mut self, key: &str, version: &str, code: &str) {
        self.count += 1;
        self.code.get_or_insert_with(|| code.to_string());
        if self.named.len() < NAMED_KEYS {
            self.named.push(format!("{key} ({version}): {code}"));
        }
    }
}

impl Cloud {
    /// Goes through the bucket once, page by page; what cannot be deleted is passed by and
    /// reported, never tried in a loop.
    pub(super) async fn empty_bucket(
        &self,
        bucket: &str,
        bypass_governance: bool,
    ) -> Result<(), Failure> {
        self.abort_uploads(bucket).await?;
        let mut kept = Kept::default();
        let mut markers: (Option<String>, Option<String>) = (None, None);
        loop {
            let page = self
                .read("s3:ListObjectVersions", bucket, || {
                    self.s3
                        .list_object_versions()
                        .bucket(bucket)
                        .set_key_marker(markers.0.clone())
                        .set_version_id_marker(markers.1.clone())
                        .set_expected_bucket_owner(self.owner.clone())
                        .send()
                })
                .await?;
            let versions = page.versions().iter().map(|v| (v.key(), v.version_id()));
            let deleted = page
                .delete_markers()
                .iter()
                .map(|m| (m.key(), m.version_id()));
            let batch: Vec<ObjectIdentifier> = versions
                .chain(deleted)
                .filter_map(|(key, version)| {
                    let identifier = ObjectIdentifier::builder().key(key?);
                    identifier
                        .set_version_id(version.map(str::to_string))
                        .build()
                        .ok()
                })
                .collect();
            // S3 calls an empty list malformed, and 1,000 keys are the most it takes; a page
            // has no more.
            for chunk in batch.chunks(1_000) {
                self.delete_batch(bucket, chunk, bypass_governance, &mut kept)
                    .await?;
            }
            let next = (
                page.next_key_marker().map(str::to_string),
                page.next_version_id_marker().map(str::to_string),
            );
            if page.is_truncated() != Some(true) || next.0.is_none() || next == markers {
                break;
            }
            markers = next;
        }
        if kept.count == 0 {
            return Ok(());
        }
        Err(Failure::from(Details {
            call: "s3:DeleteObjects".to_string(),
            resource: bucket.to_string(),
            message: format!(
                "{} versions could not be deleted, for example {}",
                kept.count,
                kept.named.join("; ")
            ),
            code: kept.code,
            status: Some(200),
            request_id: None,
            fault: Fault::Caller,
            hint: "versions under retention stay until it ends; governance retention yields to --bypass-governance, compliance and legal hold to nobody".to_string(),
            bucket_region: None,
        }))
    }

    async fn delete_batch(
        &self,
        bucket: &str,
        batch: &[ObjectIdentifier],
        bypass_governance: bool,
        kept: &mut Kept,
    ) -> Result<(), Failure> {
        let delete = Delete::builder()
            .set_objects(Some(batch.to_vec()))
            .quiet(true)
            .build()
            .expect("the objects are set");
        let answer = self
            .call("s3:DeleteObjects", bucket, Settling::No, || {
                self.s3
                    .delete_objects()
                    .bucket(bucket)
                    .delete(delete.clone())
                    .set_bypass_governance_retention(bypass_governance.then_some(true))
                    .set_expected_bucket_owner(self.owner.clone())
                    .send()
            })
            .await?;
        for error in answer.errors() {
            kept.add(
                error.key().unwrap_or_default(),
                error.version_id().unwrap_or("null"),
                error.code().unwrap_or("no code"),
            );
        }
        Ok(())
    }

    /// Removes every version below `prefix`: for probes, which are few.
    pub(crate) async fn remove_below(&self, bucket: &str, prefix: &str) -> Result<(), Failure> {
        let page = self
            .read("s3:ListObjectVersions", bucket, || {
                self.s3
                    .list_object_versions()
                    .bucket(bucket)
                    .prefix(prefix)
                    .set_expected_bucket_owner(self.owner.clone())
                    .send()
            })
            .await?;
        let versions = page.versions().iter().map(|v| (v.key(), v.version_id()));
        let markers = page
            .delete_markers()
            .iter()
            .map(|m| (m.key(), m.version_id()));
        for (key, version) in versions.chain(markers) {
            let Some(key) = key else { continue };
            self.call("s3:DeleteObject", bucket, Settling::No, || {
                self.s3
                    .delete_object()
                    .bucket(bucket)
                    .key(key)
                    .set_version_id(version.map(str::to_string))
                    .set_expected_bucket_owner(self.owner.clone())
                    .send()
            })
            .await?;
        }
        Ok(())
    }

    async fn abort_uploads(&self, bucket: &str) -> Result<(), Failure> {
        let mut markers: (Option<String>, Option<String>) = (None, None);
        loop {
            let page = self
                .read("s3:ListMultipartUploads", bucket, || {
                    self.s3
                        .list_multipart_uploads()
                        .bucket(bucket)
                        .set_key_marker(markers.0.clone())
                        .set_upload_id_marker(markers.1.clone())
                        .set_expected_bucket_owner(self.owner.clone())
                        .send()
                })
                .await?;
            for upload in page.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else {
                    continue;
                };
                let answer = self
                    .call("s3:AbortMultipartUpload", bucket, Settling::No, || {
                        self.s3
                            .abort_multipart_upload()
                            .bucket(bucket)
                            .key(key)
                            .upload_id(id)
                            .set_expected_bucket_owner(self.owner.clone())
                            .send()
                    })
                    .await;
                match answer {
                    Err(failure) if failure.is_absent() => {}
                    other => drop(other?),
                }
            }
            let next = (
                page.next_key_marker().map(str::to_string),
                page.next_upload_id_marker().map(str::to_string),
            );
            if page.is_truncated() != Some(true) || next.0.is_none() || next == markers {
                return Ok(());
            }
            markers = next;
        }
    }
}
