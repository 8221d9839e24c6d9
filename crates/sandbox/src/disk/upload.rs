//! Multipart uploads: parts are sealed files of their own until completion joins them.

use super::file::{Draft, read_description, replace};
use super::record::{PartRecord, UploadRecord, VersionRecord};
use super::store::{Store, StoreError, WriteCondition};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An upload and its parts, by number.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) record: UploadRecord,
    pub(crate) parts: BTreeMap<u16, PartRecord>,
}

/// What completion needs to make the object.
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) upload: String,
    pub(crate) draft: Draft,
    pub(crate) version: VersionRecord,
    pub(crate) condition: WriteCondition,
}

impl Store {
    /// Remembers an upload.
    pub(crate) fn begin_upload(
        &self,
        bucket: &str,
        record: UploadRecord,
    ) -> Result<(), StoreError> {
        let mut buckets = self.writable();
        let target = buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        let directory = upload_directory(&self.bucket_directory(bucket), &record.id);
        std::fs::create_dir_all(&directory)?;
        let file = directory.join("upload.json");
        replace(&file, &self.draft_path(), &serde_json::to_vec(&record)?)?;
        let parts = BTreeMap::new();
        target
            .uploads
            .insert(record.id.clone(), Upload { record, parts });
        Ok(())
    }

    /// The upload of `key` called `id`.
    pub(crate) fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<Upload, StoreError> {
        self.read(bucket, |bucket| bucket.uploads.get(id).cloned())?
            .filter(|upload| upload.record.key == key)
            .ok_or(StoreError::NoSuchUpload)
    }

    /// Makes `draft` a part; a part of the same number is replaced.
    pub(crate) fn commit_part(
        &self,
        bucket: &str,
        id: &str,
        draft: Draft,
        mut part: PartRecord,
    ) -> Result<(), StoreError> {
        let mut buckets = self.writable();
        let target = buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        let upload = target.uploads.get_mut(id).ok_or(StoreError::NoSuchUpload)?;
        part.sequence = self.next_sequence();
        draft.seal(
            &serde_json::to_vec(&part)?,
            &self.part_path(bucket, id, &part),
        )?;
        if let Some(replaced) = upload.parts.insert(part.number, part) {
            std::fs::remove_file(self.part_path(bucket, id, &replaced))?;
        }
        Ok(())
    }

    /// Turns an upload into the object that its parts were joined to.
    pub(crate) fn complete_upload(
        &self,
        bucket: &str,
        completion: Completion,
    ) -> Result<Arc<VersionRecord>, StoreError> {
        let mut buckets = self.writable();
        let target = buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        if !target.uploads.contains_key(&completion.upload) {
            return Err(StoreError::NoSuchUpload);
        }
        Self::check(target, &completion.version.key, &completion.condition)?;
        let version = self.commit_into(target, completion.draft, completion.version)?;
        target.uploads.remove(&completion.upload);
        self.discard_upload(bucket, &completion.upload)?;
        Ok(version)
    }

    /// Forgets an upload and its parts.
    pub(crate) fn abort_upload(&self, bucket: &str, key: &str, id: &str) -> Result<(), StoreError> {
        let mut buckets = self.writable();
        let target = buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        if target
            .uploads
            .get(id)
            .is_none_or(|upload| upload.record.key != key)
        {
            return Err(StoreError::NoSuchUpload);
        }
        target.uploads.remove(id);
        self.discard_upload(bucket, id)
    }

    /// Where the bytes of a part are.
    pub(crate) fn part_path(&self, bucket: &str, id: &str, part: &PartRecord) -> PathBuf {
        upload_directory(&self.bucket_directory(bucket), id)
            .join(format!("{:05}-{:016x}", part.number, part.sequence))
    }

    fn discard_upload(&self, bucket: &str, id: &str) -> Result<(), StoreError> {
        let directory = upload_directory(&self.bucket_directory(bucket), id);
        Ok(std::fs::remove_dir_all(directory)?)
    }
}

/// The upload ids that [`crate::random`] makes are plain letters and digits, and only ids that
/// the index knows ever become a path.
fn upload_directory(bucket_directory: &Path, id: &str) -> PathBuf {
    bucket_directory.join("uploads").join(id)
}

pub(super) fn load(
    bucket_directory: &Path,
    last_sequence: &mut u64,
) -> io::Result<BTreeMap<String, Upload>> {
    let mut uploads = BTreeMap::new();
    for entry in std::fs::read_dir(bucket_directory.join("uploads"))? {
        let directory = entry?.path();
        let Ok(bytes) = std::fs::read(directory.join("upload.json")) else {
            std::fs::remove_dir_all(&directory)?;
            continue;
        };
        let record: UploadRecord = serde_json::from_slice(&bytes)?;
        let mut parts = BTreeMap::<u16, PartRecord>::new();
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.ends_with("upload.json") {
                continue;
            }
            let Some(bytes) = read_description(&path)? else {
                std::fs::remove_file(&path)?;
                continue;
            };
            let part: PartRecord = serde_json::from_slice(&bytes)?;
            *last_sequence = part.sequence.max(*last_sequence);
            let newer = parts
                .get(&part.number)
                .is_none_or(|other| other.sequence < part.sequence);
            if newer {
                parts.insert(part.number, part);
            }
        }
        uploads.insert(record.id.clone(), Upload { record, parts });
    }
    Ok(uploads)
}
