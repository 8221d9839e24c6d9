//! The index of one bucket: keys in S3's order, versions newest first.

use super::record::{BucketRecord, NULL_VERSION, VersionRecord};
use super::upload::Upload;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A bucket with everything in it.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) record: Arc<BucketRecord>,
    /// Byte order of UTF-8 is the order in which S3 lists. No list of versions is empty.
    pub(crate) objects: BTreeMap<String, Vec<Arc<VersionRecord>>>,
    /// By upload id.
    pub(crate) uploads: BTreeMap<String, Upload>,
}

impl Bucket {
    /// An empty bucket.
    pub(crate) fn new(record: BucketRecord) -> Self {
        Self {
            record: Arc::new(record),
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
        }
    }

    /// The newest version of `key`, which may be a delete marker.
    pub(crate) fn newest(&self, key: &str) -> Option<&Arc<VersionRecord>> {
        self.objects.get(key)?.first()
    }

    /// What an unversioned read of `key` sees.
    pub(crate) fn current(&self, key: &str) -> Option<&Arc<VersionRecord>> {
        self.newest(key).filter(|version| version.body.is_some())
    }

    /// The version of `key` called `id`.
    pub(crate) fn version(&self, key: &str, id: &str) -> Option<&Arc<VersionRecord>> {
        self.objects
            .get(key)?
            .iter()
            .find(|version| version.id == id)
    }

    /// Adds `version` as the newest one; gives back the `null` version that it replaces.
    pub(crate) fn insert(&mut self, version: Arc<VersionRecord>) -> Option<Arc<VersionRecord>> {
        let versions = self.objects.entry(version.key.clone()).or_default();
        let replaced = (version.id == NULL_VERSION)
            .then(|| versions.iter().position(|other| other.id == NULL_VERSION))
            .flatten()
            .map(|at| versions.remove(at));
        versions.insert(0, version);
        replaced
    }

    /// Takes the version of `key` called `id` out.
    pub(crate) fn remove(&mut self, key: &str, id: &str) -> Option<Arc<VersionRecord>> {
        let versions = self.objects.get_mut(key)?;
        let at = versions.iter().position(|version| version.id == id)?;
        let removed = versions.remove(at);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        Some(removed)
    }
}
