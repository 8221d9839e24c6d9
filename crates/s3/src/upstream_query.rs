//! The query string towards the tenant's storage: built from what was parsed, never passed on.

use crate::address::key_error;
use crate::encoding::encode_query_value;
use crate::error::S3Error;
use crate::operation::{ListMultipartUploads, ListObjects, ListObjectsV2, Operation};
use crate::query::argument;
use crate::tokens::ContinuationTokens;
use types::{KeyError, KeyPrefix, MAX_KEY_BYTES};

impl Operation {
    /// The query string, in the order of the names, encoded by our own rule; empty for none.
    ///
    /// Names of keys are joined with the tenant's prefix. A listing that begins at the prefix is
    /// told to begin *after* it, so that an object which has the prefix itself as its key
    /// (consoles make such folders) neither shows nor takes a place in the page.
    ///
    /// # Errors
    /// `KeyTooLongError` when a prefix or marker does not fit behind the tenant's prefix, and
    /// `InvalidArgument` for a continuation token that is not ours.
    pub fn upstream_query(
        &self,
        prefix: &KeyPrefix,
        tokens: &dyn ContinuationTokens,
    ) -> Result<String, S3Error> {
        let mut query = Parameters::default();
        match self {
            Self::ListBuckets(_)
            | Self::HeadBucket { .. }
            | Self::PutObject { .. }
            | Self::CopyObject { .. } => {}
            Self::GetBucketLocation { .. } => query.add("location", ""),
            Self::DeleteObjects { .. } => query.add("delete", ""),
            Self::CreateMultipartUpload { .. } => query.add("uploads", ""),
            Self::ListObjects(list) => list_v1(list, prefix, &mut query)?,
            Self::ListObjectsV2(list) => list_v2(list, prefix, tokens, &mut query)?,
            Self::ListMultipartUploads(list) => list_uploads(list, prefix, &mut query)?,
            Self::GetObject(read) | Self::HeadObject(read) => {
                query.add_some(
                    "partNumber",
                    read.part_number.map(|number| number.to_string()),
                );
                for (name, value) in &read.overrides {
                    query.add(name, value);
                }
                query.add_some(
                    "versionId",
                    read.version.as_ref().map(|id| id.as_str().to_owned()),
                );
            }
            Self::DeleteObject { version, .. } => {
                query.add_some(
                    "versionId",
                    version.as_ref().map(|id| id.as_str().to_owned()),
                );
            }
            Self::UploadPart(part) | Self::UploadPartCopy { part, .. } => {
                query.add("partNumber", &part.number.to_string());
                query.add("uploadId", part.upload.id.as_str());
            }
            Self::CompleteMultipartUpload(upload) | Self::AbortMultipartUpload(upload) => {
                query.add("uploadId", upload.id.as_str());
            }
            Self::ListParts(list) => {
                query.add_some("max-parts", list.max_parts.map(|number| number.to_string()));
                query.add_some(
                    "part-number-marker",
                    list.after.map(|number| number.to_string()),
                );
                query.add("uploadId", list.upload.id.as_str());
            }
        }
        Ok(query.0)
    }
}

fn list_v1(list: &ListObjects, prefix: &KeyPrefix, query: &mut Parameters) -> Result<(), S3Error> {
    query.add_some("delimiter", list.delimiter.clone());
    query.add_encoding(list.url_encoded);
    query.add_name("marker", prefix, list.marker.as_deref().unwrap_or_default())?;
    query.add_some("max-keys", list.max_keys.map(|number| number.to_string()));
    query.add_name("prefix", prefix, &list.prefix)
}

fn list_v2(
    list: &ListObjectsV2,
    prefix: &KeyPrefix,
    tokens: &dyn ContinuationTokens,
    query: &mut Parameters,
) -> Result<(), S3Error> {
    if let Some(token) = &list.continuation_token {
        let opened = tokens.open(token).ok_or_else(|| {
            argument("The continuation token is not valid.")
                .with("ArgumentName", "continuation-token")
        })?;
        query.add("continuation-token", &opened);
    }
    query.add_some("delimiter", list.delimiter.clone());
    query.add_encoding(list.url_encoded);
    query.add("list-type", "2");
    query.add_some("max-keys", list.max_keys.map(|number| number.to_string()));
    query.add_name("prefix", prefix, &list.prefix)?;
    if list.continuation_token.is_none() || list.start_after.is_some() {
        query.add_name(
            "start-after",
            prefix,
            list.start_after.as_deref().unwrap_or_default(),
        )?;
    }
    Ok(())
}

fn list_uploads(
    list: &ListMultipartUploads,
    prefix: &KeyPrefix,
    query: &mut Parameters,
) -> Result<(), S3Error> {
    query.add_some("delimiter", list.delimiter.clone());
    query.add_encoding(list.url_encoded);
    if let Some(marker) = list
        .key_marker
        .as_deref()
        .filter(|marker| !marker.is_empty())
    {
        query.add_name("key-marker", prefix, marker)?;
    }
    query.add_some(
        "max-uploads",
        list.max_uploads.map(|number| number.to_string()),
    );
    query.add_name("prefix", prefix, &list.prefix)?;
    query.add_some("upload-id-marker", list.upload_id_marker.clone());
    query.add("uploads", "");
    Ok(())
}

#[derive(Default)]
struct Parameters(String);

impl Parameters {
    fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&encode_query_value(value));
    }

    fn add_some(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.add(name, &value);
        }
    }

    fn add_encoding(&mut self, url_encoded: bool) {
        if url_encoded {
            self.add("encoding-type", "url");
        }
    }

    /// A name behind the tenant's prefix; left out when both are empty.
    fn add_name(&mut self, name: &str, prefix: &KeyPrefix, value: &str) -> Result<(), S3Error> {
        let joined = format!("{prefix}{value}");
        if joined.len() > MAX_KEY_BYTES {
            return Err(key_error(KeyError::TooLong));
        }
        if !joined.is_empty() {
            self.add(name, &joined);
        }
        Ok(())
    }
}
