//! Where files are, and how the index is rebuilt from them.
//!
//! A deletion forgets first and unlinks second, so an unlinked `null` version can come back only
//! when the machine stops in between and a newer `null` version stands beside it: then the newer
//! one wins and the older file is swept.

use super::bucket::Bucket;
use super::file::read_description;
use super::record::{BucketRecord, NULL_VERSION, VersionRecord};
use super::upload;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files per directory stay few: the sequence number is spread over this many directories.
const SHARDS: u64 = 256;
const OVERLAY: &str = "json";

pub(super) struct Loaded {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) last_sequence: u64,
}

pub(super) fn draft_directory(root: &Path) -> PathBuf {
    root.join("drafts")
}

/// Bucket names are checked against S3's rules before they come here: no slash, no `..`.
pub(super) fn bucket_directory(root: &Path, name: &str) -> PathBuf {
    root.join("buckets").join(name)
}

pub(super) fn bucket_file(directory: &Path) -> PathBuf {
    directory.join("bucket.json")
}

pub(super) fn object_path(directory: &Path, sequence: u64) -> PathBuf {
    directory
        .join("objects")
        .join(format!("{:02x}-{sequence:016x}", sequence % SHARDS))
}

/// A description that was changed after the file was sealed stands beside it.
pub(super) fn overlay_path(object: &Path) -> PathBuf {
    object.with_extension(OVERLAY)
}

pub(super) fn load(root: &Path) -> io::Result<Loaded> {
    let drafts = draft_directory(root);
    if drafts.exists() {
        std::fs::remove_dir_all(&drafts)?;
    }
    std::fs::create_dir_all(&drafts)?;
    std::fs::create_dir_all(root.join("buckets"))?;
    let mut loaded = Loaded {
        buckets: BTreeMap::new(),
        last_sequence: 0,
    };
    for entry in std::fs::read_dir(root.join("buckets"))? {
        let directory = entry?.path();
        match load_bucket(&directory, &mut loaded.last_sequence)? {
            Some(bucket) => {
                loaded.buckets.insert(bucket.record.name.clone(), bucket);
            }
            // A crash between making the directory and describing it.
            None => std::fs::remove_dir_all(&directory)?,
        }
    }
    Ok(loaded)
}

fn load_bucket(directory: &Path, last_sequence: &mut u64) -> io::Result<Option<Bucket>> {
    let record = match std::fs::read(bucket_file(directory)) {
        Ok(bytes) => serde_json::from_slice::<BucketRecord>(&bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bucket = Bucket::new(record);
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(directory.join("objects"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == OVERLAY)
        {
            if !path.with_extension("").exists() {
                std::fs::remove_file(&path)?;
            }
            continue;
        }
        let Some(sealed) = read_description(&path)? else {
            std::fs::remove_file(&path)?;
            continue;
        };
        let description = std::fs::read(overlay_path(&path)).unwrap_or(sealed);
        versions.push(serde_json::from_slice::<VersionRecord>(&description)?);
    }
    versions.sort_by_key(|version| version.sequence);
    for version in versions {
        *last_sequence = version.sequence.max(*last_sequence);
        if let Some(replaced) = bucket.insert(Arc::new(version)) {
            debug_assert_eq!(replaced.id, NULL_VERSION);
            std::fs::remove_file(object_path(directory, replaced.sequence))?;
        }
    }
    bucket.uploads = upload::load(directory, last_sequence)?;
    Ok(Some(bucket))
}
