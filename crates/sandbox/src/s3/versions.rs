//! ListObjectVersions.

use super::buckets::{owner, timestamp};
use super::listing::{Encoding, after_group, first_bound, group_of, page_size};
use super::service::S3;
use crate::disk::{Bucket, VersionRecord};
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};
use std::ops::Bound;
use std::sync::Arc;

pub(super) async fn list_object_versions(
    s3: &S3,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = request.input;
    if input.optional_object_attributes.is_some() {
        return Err(super::fault::not_implemented("OptionalObjectAttributes"));
    }
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let most = page_size("max-keys", input.max_keys)?;
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let marker = Marker {
        key: input.key_marker.clone().unwrap_or_default(),
        id: input.version_id_marker.clone().filter(|id| !id.is_empty()),
    };
    let (page, owner) = s3.store.read(&input.bucket, |bucket| {
        let page = Page::of(bucket, &prefix, delimiter.as_deref(), &marker, most);
        (page, owner(&bucket.record.owner))
    })?;
    let next = page.next.clone();
    Ok(S3Response::new(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.text(&prefix)),
        delimiter: delimiter.map(|delimiter| encoding.text(&delimiter)),
        key_marker: Some(encoding.text(&marker.key)),
        version_id_marker: marker.id,
        max_keys: Some(most as i32),
        is_truncated: Some(next.is_some()),
        next_key_marker: next.as_ref().map(|marker| encoding.text(&marker.key)),
        next_version_id_marker: next.and_then(|marker| marker.id),
        encoding_type: encoding.name(),
        versions: Some(page.versions(encoding, &owner)),
        delete_markers: Some(page.markers(encoding, &owner)),
        common_prefixes: Some(
            page.prefixes
                .iter()
                .map(|prefix| CommonPrefix {
                    prefix: Some(encoding.text(prefix)),
                })
                .collect(),
        ),
        request_charged: None,
    }))
}

/// Behind which key, and behind which version of it.
#[derive(Debug, Clone)]
struct Marker {
    key: String,
    id: Option<String>,
}

#[derive(Debug, Default)]
struct Page {
    /// Versions and markers, and whether each is the newest of its key.
    entries: Vec<(Arc<VersionRecord>, bool)>,
    prefixes: Vec<String>,
    next: Option<Marker>,
}

impl Page {
    fn of(
        bucket: &Bucket,
        prefix: &str,
        delimiter: Option<&str>,
        marker: &Marker,
        most: usize,
    ) -> Self {
        let mut page = Self::default();
        if most == 0 {
            return page;
        }
        let mut from = match &marker.id {
            // The marker's key may have more versions.
            Some(_) => Bound::Included(marker.key.clone()),
            None => first_bound(prefix, delimiter, &marker.key),
        };
        let mut last = None;
        'keys: while let Some((key, versions)) = bucket
            .objects
            .range::<String, _>((from, Bound::Unbounded))
            .next()
        {
            if !key.starts_with(prefix) {
                break;
            }
            if let Some(group) = group_of(key, prefix, delimiter) {
                if page.is_full(most) {
                    page.next = last;
                    break;
                }
                page.prefixes.push(group.to_string());
                last = Some(Marker {
                    key: group.to_string(),
                    id: None,
                });
                from = after_group(group);
                continue;
            }
            let skipped = match &marker.id {
                Some(id) if *key == marker.key => versions
                    .iter()
                    .position(|version| version.id == *id)
                    .map_or(0, |at| at + 1),
                _ => 0,
            };
            for (at, version) in versions.iter().enumerate().skip(skipped) {
                if page.is_full(most) {
                    page.next = last;
                    break 'keys;
                }
                page.entries.push((Arc::clone(version), at == 0));
                last = Some(Marker {
                    key: key.clone(),
                    id: Some(version.id.clone()),
                });
            }
            from = Bound::Excluded(key.clone());
        }
        page
    }

    fn is_full(&self, most: usize) -> bool {
        self.entries.len() + self.prefixes.len() == most
    }

    fn versions(&self, encoding: Encoding, owner: &Owner) -> Vec<ObjectVersion> {
        self.entries
            .iter()
            .filter_map(|(version, latest)| {
                let body = version.body.as_ref()?;
                let checksum = body.checksum.as_ref();
                Some(ObjectVersion {
                    checksum_algorithm: checksum.map(|checksum| {
                        vec![ChecksumAlgorithm::from_static(checksum.algorithm.name())]
                    }),
                    checksum_type: checksum
                        .map(|checksum| ChecksumType::from_static(checksum.scope.name())),
                    e_tag: Some(ETag::Strong(body.etag.clone())),
                    is_latest: Some(*latest),
                    key: Some(encoding.text(&version.key)),
                    last_modified: Some(timestamp(version.modified)),
                    owner: Some(owner.clone()),
                    restore_status: None,
                    size: Some(body.size as i64),
                    storage_class: Some(ObjectVersionStorageClass::from(
                        body.settings
                            .storage_class
                            .clone()
                            .unwrap_or_else(|| "STANDARD".to_string()),
                    )),
                    version_id: Some(version.id.clone()),
                })
            })
            .collect()
    }

    fn markers(&self, encoding: Encoding, owner: &Owner) -> Vec<DeleteMarkerEntry> {
        self.entries
            .iter()
            .filter(|(version, _)| version.body.is_none())
            .map(|(version, latest)| DeleteMarkerEntry {
                is_latest: Some(*latest),
                key: Some(encoding.text(&version.key)),
                last_modified: Some(timestamp(version.modified)),
                owner: Some(owner.clone()),
                version_id: Some(version.id.clone()),
            })
            .collect()
    }
}
