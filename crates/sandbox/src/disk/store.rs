//! The store: what changes, and in which order.

use super::bucket::Bucket;
use super::file::{self, Draft};
use super::load;
use super::record::{
    BodyRecord, BucketRecord, NULL_VERSION, RetentionMode, VersionRecord, Versioning,
};
use crate::random;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use types::Timestamp;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("no such bucket")]
    NoSuchBucket,
    #[error("the bucket exists")]
    BucketExists(Arc<BucketRecord>),
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    #[error("no such key")]
    NoSuchKey,
    #[error("no such version")]
    NoSuchVersion,
    #[error("no such upload")]
    NoSuchUpload,
    #[error("the version is locked")]
    Locked,
    #[error("the condition {0} does not hold")]
    Precondition(&'static str),
    #[error("reading or writing a file of the sandbox")]
    Io(#[from] io::Error),
    #[error("writing the description of an object")]
    Description(#[from] serde_json::Error),
}

/// What must be true of the key at the moment of writing.
#[derive(Debug, Clone, Default)]
pub(crate) enum WriteCondition {
    /// Anything goes.
    #[default]
    None,
    /// `If-None-Match: *`.
    Absent,
    /// `If-Match: "etag"`, without its quotes; `*` for any.
    Etag(String),
}

impl WriteCondition {
    fn check(&self, current: Option<&Arc<VersionRecord>>) -> Result<(), StoreError> {
        let etag = current
            .and_then(|version| version.body.as_ref())
            .map(|body| &body.etag);
        match (self, etag) {
            (Self::None, _) | (Self::Absent, None) => Ok(()),
            (Self::Absent, Some(_)) => Err(StoreError::Precondition("If-None-Match")),
            (Self::Etag(_), None) => Err(StoreError::NoSuchKey),
            (Self::Etag(wanted), Some(etag)) if wanted == "*" || wanted == etag => Ok(()),
            (Self::Etag(_), Some(_)) => Err(StoreError::Precondition("If-Match")),
        }
    }
}

/// Under which terms something is deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) condition: WriteCondition,
    /// Whether the caller may, and wants to, bypass a retention in governance mode.
    pub(crate) bypass_governance: bool,
}

impl Terms {
    fn is_held(&self, version: &VersionRecord, now: Timestamp) -> bool {
        let Some(body) = &version.body else {
            return false;
        };
        let retained = body.settings.retention.is_some_and(|retention| {
            now < retention.until
                && !(retention.mode == RetentionMode::Governance && self.bypass_governance)
        });
        retained || body.settings.legal_hold
    }
}

/// What a deletion did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// The version that went, or the marker that came.
    pub(crate) version: Option<String>,
    /// Whether that is a delete marker.
    pub(crate) marker: bool,
}

/// All buckets.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    drafts: AtomicU64,
    sequence: AtomicU64,
    buckets: RwLock<BTreeMap<String, Bucket>>,
}

impl Store {
    /// Opens the store under `root`, making it when it is not there.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let loaded = load::load(root)?;
        Ok(Self {
            root: root.to_path_buf(),
            drafts: AtomicU64::new(0),
            sequence: AtomicU64::new(loaded.last_sequence),
            buckets: RwLock::new(loaded.buckets),
        })
    }

    /// A draft for a body.
    pub(crate) fn draft(&self) -> io::Result<Draft> {
        Draft::create(self.draft_path())
    }

    /// Reads from one bucket.
    pub(crate) fn read<T>(
        &self,
        bucket: &str,
        look: impl FnOnce(&Bucket) -> T,
    ) -> Result<T, StoreError> {
        self.readable()
            .get(bucket)
            .map(look)
            .ok_or(StoreError::NoSuchBucket)
    }

    /// The settings of a bucket.
    pub(crate) fn bucket(&self, name: &str) -> Result<Arc<BucketRecord>, StoreError> {
        self.read(name, |bucket| Arc::clone(&bucket.record))
    }

    /// The settings of all buckets, by name.
    pub(crate) fn buckets(&self) -> Vec<Arc<BucketRecord>> {
        self.readable()
            .values()
            .map(|bucket| Arc::clone(&bucket.record))
            .collect()
    }

    /// Makes a bucket.
    pub(crate) fn create_bucket(&self, record: BucketRecord) -> Result<(), StoreError> {
        let mut buckets = self.writable();
        if let Some(existing) = buckets.get(&record.name) {
            return Err(StoreError::BucketExists(Arc::clone(&existing.record)));
        }
        let directory = self.bucket_directory(&record.name);
        std::fs::create_dir_all(directory.join("objects"))?;
        std::fs::create_dir_all(directory.join("uploads"))?;
        self.write_bucket(&record)?;
        buckets.insert(record.name.clone(), Bucket::new(record));
        Ok(())
    }

    /// Changes the settings of a bucket.
    pub(crate) fn change_bucket<T, E: From<StoreError>>(
        &self,
        name: &str,
        change: impl FnOnce(&mut BucketRecord) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut buckets = self.writable();
        let bucket = buckets.get_mut(name).ok_or(StoreError::NoSuchBucket)?;
        let mut record = BucketRecord::clone(&bucket.record);
        let outcome = change(&mut record)?;
        self.write_bucket(&record)?;
        bucket.record = Arc::new(record);
        Ok(outcome)
    }

    /// Removes a bucket that holds no version, no marker and no upload.
    pub(crate) fn delete_bucket(&self, name: &str) -> Result<(), StoreError> {
        let mut buckets = self.writable();
        let bucket = buckets.get(name).ok_or(StoreError::NoSuchBucket)?;
        if !bucket.objects.is_empty() || !bucket.uploads.is_empty() {
            return Err(StoreError::BucketNotEmpty);
        }
        let grave = self.draft_path();
        std::fs::rename(self.bucket_directory(name), &grave)?;
        buckets.remove(name);
        drop(buckets);
        std::fs::remove_dir_all(grave)?;
        Ok(())
    }

    /// Makes `draft` the newest version of `version.key`; sets its id and sequence.
    pub(crate) fn commit(
        &self,
        bucket: &str,
        draft: Draft,
        version: VersionRecord,
        condition: &WriteCondition,
    ) -> Result<Arc<VersionRecord>, StoreError> {
        let mut buckets = self.writable();
        let target = buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        condition.check(target.current(&version.key))?;
        self.commit_into(target, draft, version)
    }

    pub(super) fn commit_into(
        &self,
        target: &mut Bucket,
        draft: Draft,
        mut version: VersionRecord,
    ) -> Result<Arc<VersionRecord>, StoreError> {
        version.sequence = self.next_sequence();
        version.id = match target.record.versioning {
            Versioning::Enabled => random::version_id(),
            Versioning::Off | Versioning::Suspended => NULL_VERSION.to_string(),
        };
        let place = self.object_path(&target.record.name, version.sequence);
        draft.seal(&serde_json::to_vec(&version)?, &place)?;
        let version = Arc::new(version);
        if let Some(replaced) = target.insert(Arc::clone(&version)) {
            self.unlink(&target.record.name, &replaced);
        }
        Ok(version)
    }

    pub(super) fn check(
        target: &Bucket,
        key: &str,
        condition: &WriteCondition,
    ) -> Result<(), StoreError> {
        condition.check(target.current(key))
    }

    /// Deletes `key`: the version that is named, or whatever versioning makes of it.
    pub(crate) fn delete(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        now: Timestamp,
        terms: &Terms,
    ) -> Result<Deleted, StoreError> {
        let mut buckets = self.writable();
        let target = buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        terms.condition.check(target.current(key))?;
        if let Some(id) = version {
            if target
                .version(key, id)
                .is_some_and(|version| terms.is_held(version, now))
            {
                return Err(StoreError::Locked);
            }
            let removed = target.remove(key, id);
            if let Some(removed) = &removed {
                self.unlink(bucket, removed);
            }
            return Ok(Deleted {
                version: Some(id.to_string()),
                marker: removed.is_some_and(|removed| removed.body.is_none()),
            });
        }
        if target.record.versioning == Versioning::Off {
            if let Some(removed) = target.remove(key, NULL_VERSION) {
                self.unlink(bucket, &removed);
            }
            return Ok(Deleted::default());
        }
        let marker = VersionRecord {
            key: key.to_string(),
            id: String::new(),
            sequence: 0,
            modified: now,
            body: None,
        };
        let marker = self.commit_into(target, self.draft()?, marker)?;
        Ok(Deleted {
            version: Some(marker.id.clone()),
            marker: true,
        })
    }

    /// Changes what is remembered of a version besides its bytes; `None` for the current version.
    pub(crate) fn change_version<T, E: From<StoreError>>(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        change: impl FnOnce(&mut BodyRecord) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut buckets = self.writable();
        let target = buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
        let missing = match version {
            Some(_) => StoreError::NoSuchVersion,
            None => StoreError::NoSuchKey,
        };
        let versions = target.objects.get_mut(key).ok_or(missing)?;
        let at = match version {
            Some(id) => versions.iter().position(|version| version.id == id),
            None => Some(0),
        };
        let slot = at
            .and_then(|at| versions.get_mut(at))
            .ok_or(StoreError::NoSuchVersion)?;
        let mut changed = VersionRecord::clone(slot);
        let body = changed.body.as_mut().ok_or(StoreError::NoSuchKey)?;
        let outcome = change(body)?;
        let place = load::overlay_path(&self.object_path(bucket, changed.sequence));
        let bytes = serde_json::to_vec(&changed).map_err(StoreError::from)?;
        file::replace(&place, &self.draft_path(), &bytes).map_err(StoreError::from)?;
        *slot = Arc::new(changed);
        Ok(outcome)
    }

    /// Where the bytes of a version are.
    pub(crate) fn object_path(&self, bucket: &str, sequence: u64) -> PathBuf {
        load::object_path(&self.bucket_directory(bucket), sequence)
    }

    pub(super) fn bucket_directory(&self, name: &str) -> PathBuf {
        load::bucket_directory(&self.root, name)
    }

    pub(super) fn draft_path(&self) -> PathBuf {
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        load::draft_directory(&self.root).join(format!("{number:016x}"))
    }

    pub(super) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn readable(&self) -> RwLockReadGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn writable(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_bucket(&self, record: &BucketRecord) -> Result<(), StoreError> {
        let place = load::bucket_file(&self.bucket_directory(&record.name));
        Ok(file::replace(
            &place,
            &self.draft_path(),
            &serde_json::to_vec_pretty(record)?,
        )?)
    }

    /// The index has forgotten the version already: a file that stays is swept at the next start.
    fn unlink(&self, bucket: &str, version: &VersionRecord) {
        let path = self.object_path(bucket, version.sequence);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(%error, "a deleted object's file stays until the next start");
        }
        // Most versions have none, and one without its version is swept at the next start.
        let _ = std::fs::remove_file(load::overlay_path(&path));
    }
}
