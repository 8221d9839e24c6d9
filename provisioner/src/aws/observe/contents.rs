//! What lies in a bucket: counted before anything is taken down.

use crate::aws::connect::Cloud;
use crate::failure::Failure;
use crate::plan::Contents;

/// Counting stops here: who sees this many knows that the bucket is not empty.
const MAX_COUNTED: u64 = 100_000;

impl Cloud {
    /// Objects, old versions, markers and open uploads of a bucket.
    ///
    /// # Errors
    /// When they cannot be listed: nobody may call a bucket empty that nobody has looked into.
    pub async fn contents(&self, name: &str) -> Result<Contents, Failure> {
        let mut contents = Contents::default();
        match self.count_versions(name, &mut contents).await {
            Err(failure) if failure.is_unsupported() => {
                self.count_objects(name, &mut contents).await?;
            }
            other => other?,
        }
        match self.count_uploads(name, &mut contents).await {
            Err(failure) if failure.is_unsupported() => {}
            other => other?,
        }
        Ok(contents)
    }

    async fn count_versions(&self, name: &str, contents: &mut Contents) -> Result<(), Failure> {
        let mut markers: (Option<String>, Option<String>) = (None, None);
        loop {
            let page = self
                .read("s3:ListObjectVersions", name, || {
                    self.s3
                        .list_object_versions()
                        .bucket(name)
                        .set_key_marker(markers.0.clone())
                        .set_version_id_marker(markers.1.clone())
                        .set_expected_bucket_owner(self.owner.clone())
                        .send()
                })
                .await?;
            for version in page.versions() {
                match version.is_latest() {
                    Some(false) => contents.versions += 1,
                    _ => contents.objects += 1,
                }
            }
            contents.markers += page.delete_markers().len() as u64;
            let next = (
                page.next_key_marker().map(str::to_string),
                page.next_version_id_marker().map(str::to_string),
            );
            if page.is_truncated() != Some(true) || next.0.is_none() || next == markers {
                return Ok(());
            }
            if contents.objects + contents.versions + contents.markers >= MAX_COUNTED {
                contents.truncated = true;
                return Ok(());
            }
            markers = next;
        }
    }

    async fn count_objects(&self, name: &str, contents: &mut Contents) -> Result<(), Failure> {
        let page = self
            .read("s3:ListObjectsV2", name, || {
                self.s3.list_objects_v2().bucket(name).send()
            })
            .await?;
        contents.objects += page.contents().len() as u64;
        contents.truncated |= page.is_truncated() == Some(true);
        Ok(())
    }

    async fn count_uploads(&self, name: &str, contents: &mut Contents) -> Result<(), Failure> {
        let page = self
            .read("s3:ListMultipartUploads", name, || {
                self.s3
                    .list_multipart_uploads()
                    .bucket(name)
                    .set_expected_bucket_owner(self.owner.clone())
                    .send()
            })
            .await?;
        contents.uploads += page.uploads().len() as u64;
        contents.truncated |= page.is_truncated() == Some(true);
        Ok(())
    }
}
