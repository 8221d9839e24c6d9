//! DeleteObjects: the keys are in the body, so both bodies are written anew.

use super::tree::{Record, Records, check_unique, field, malformed};
use crate::address::{key_error, parse_key};
use crate::checksum::{Algorithm, Checksum};
use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::operation::{ObjectName, VersionId};
use crate::operation_rules::{Requirement, Subject, delete_action};
use crate::xml::Writer;
use bytes::Bytes;
use std::collections::HashSet;
use types::{KeyPrefix, ObjectKey};

/// Source: S3 API reference, DeleteObjects.
const MAX_KEYS: usize = 1_000;
const MAX_BODY_BYTES: usize = 2 * 1_024 * 1_024;
/// The largest answer of the upstream that is read: 1,000 keys, escaped, with a message each.
const MAX_RESULT_BYTES: usize = 8 * 1_024 * 1_024;

/// One key to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteEntry {
    /// The key as the client wrote it.
    pub key: String,
    /// The same, checked; an entry with a refused key is answered by its error.
    pub checked: Result<ObjectKey, S3Error>,
    /// One version of it.
    pub version: Option<VersionId>,
}

impl DeleteEntry {
    /// What the access key must be allowed to do; `object` is this entry's, with its bucket.
    pub fn requirement<'a>(&self, object: &'a ObjectName) -> Requirement<'a> {
        Requirement {
            action: delete_action(&self.version),
            subject: Subject::Object(object),
        }
    }
}

/// The client's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteObjectsRequest {
    /// The keys, in the client's order.
    pub entries: Vec<DeleteEntry>,
    /// Whether the answer names only what failed.
    pub quiet: bool,
}

impl DeleteObjectsRequest {
    /// Parses the client's document.
    ///
    /// # Errors
    /// `MalformedXML` for anything but 1 to 1,000 keys in at most 2 MiB of plain XML, and
    /// `NotImplemented` for conditions on single keys.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        if body.len() > MAX_BODY_BYTES {
            return Err(malformed("it is larger than 2 MiB"));
        }
        let document = Records::parse(body, "Delete", MAX_KEYS).map_err(malformed)?;
        check_unique(&document.fields)?;
        let mut quiet = false;
        for (name, text) in &document.fields {
            quiet = match (name.as_str(), text.trim()) {
                ("Quiet", "true") => true,
                ("Quiet", "false" | "") => false,
                _ => return Err(malformed("an element of Delete is unknown")),
            };
        }
        if document.records.is_empty() {
            return Err(malformed("it names no object"));
        }
        let entries = document
            .records
            .into_iter()
            .map(|(name, record)| entry(&name, &record));
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
            quiet,
        })
    }

    /// What goes upstream: the entries that `decide` lets pass, behind the tenant's prefix.
    ///
    /// `decide` is asked about each entry whose key is valid and says why it is refused.
    pub fn plan(
        self,
        prefix: &KeyPrefix,
        mut decide: impl FnMut(&DeleteEntry, &ObjectKey) -> Result<(), S3Error>,
    ) -> DeletePlan {
        let mut plan = DeletePlan {
            body: None,
            prefix: prefix.clone(),
            quiet: self.quiet,
            sent: HashSet::new(),
            refused: Vec::new(),
        };
        let mut out = Writer::document();
        out.open_root("Delete");
        for entry in self.entries {
            let joined = entry.checked.clone().and_then(|key| {
                decide(&entry, &key)?;
                prefix.join(&key).map_err(key_error)
            });
            match joined {
                Ok(joined) => {
                    out.open("Object");
                    out.leaf("Key", joined.as_str());
                    if let Some(version) = &entry.version {
                        out.leaf("VersionId", version.as_str());
                    }
                    out.close("Object");
                    plan.sent.insert(joined.into());
                }
                Err(error) => plan.refused.push((entry, error)),
            }
        }
        if self.quiet {
            out.leaf("Quiet", "true");
        }
        out.close("Delete");
        if !plan.sent.is_empty() {
            plan.body = Some(out.into_bytes());
        }
        plan
    }
}

fn entry(name: &str, record: &Record) -> Result<DeleteEntry, S3Error> {
    if name != "Object" {
        return Err(malformed("an element of Delete is unknown"));
    }
    check_unique(record)?;
    for (name, _) in record {
        match name.as_str() {
            "Key" | "VersionId" => {}
            "ETag" | "LastModifiedTime" | "Size" => {
                return Err(S3Error::with_message(
                    ErrorCode::NotImplemented,
                    "Deleting on a condition is not implemented.",
                ));
            }
            _ => return Err(malformed("an element of Object is unknown")),
        }
    }
    let key = field(record, "Key").ok_or_else(|| malformed("an object has no key"))?;
    Ok(DeleteEntry {
        key: key.to_owned(),
        checked: parse_key(key.to_owned()),
        version: match field(record, "VersionId") {
            None | Some("") => None,
            Some(id) => Some(VersionId::parse(id)?),
        },
    })
}

/// What was sent upstream and what was refused, until the answer comes.
#[derive(Debug, Clone)]
pub struct DeletePlan {
    body: Option<Bytes>,
    prefix: KeyPrefix,
    quiet: bool,
    /// The joined keys.
    sent: HashSet<String>,
    refused: Vec<(DeleteEntry, S3Error)>,
}

impl DeletePlan {
    /// The upstream's document; none when every key is refused, and nothing is to be sent.
    pub fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// The value of Content-MD5, which many stores demand.
    pub fn content_md5(&self) -> Option<String> {
        self.body
            .as_ref()
            .map(|body| Checksum::of(Algorithm::Md5, body).to_base64())
    }

    /// The client's document from the upstream's, which is not read when nothing was sent.
    ///
    /// # Errors
    /// `TenantStorageRefused` when the upstream's document is not one, names a key that was not
    /// sent, or leaves a key out that was.
    pub fn result(self, upstream: &[u8]) -> Result<Bytes, S3Error> {
        let mut out = Writer::document();
        out.open_root("DeleteResult");
        if self.body.is_some() {
            self.merge(upstream, &mut out)?;
        }
        for (entry, error) in &self.refused {
            let version = entry.version.as_ref().map(VersionId::as_str);
            write_error(&mut out, &entry.key, version, error.code(), error.message());
        }
        out.close("DeleteResult");
        Ok(out.into_bytes())
    }

    fn merge(&self, upstream: &[u8], out: &mut Writer) -> Result<(), S3Error> {
        if upstream.len() > MAX_RESULT_BYTES {
            return Err(unexpected());
        }
        let document =
            Records::parse(upstream, "DeleteResult", MAX_KEYS).map_err(|_| unexpected())?;
        let mut answered = HashSet::new();
        for (name, record) in &document.records {
            let joined = field(record, "Key").ok_or_else(unexpected)?;
            let key = joined
                .strip_prefix(self.prefix.as_str())
                .ok_or_else(unexpected)?;
            if !self.sent.contains(joined) {
                return Err(unexpected());
            }
            answered.insert(joined);
            match name.as_str() {
                "Deleted" => write_deleted(out, key, record),
                "Error" => {
                    let code = entry_code(field(record, "Code").unwrap_or_default());
                    write_error(out, key, field(record, "VersionId"), code, code.message());
                }
                _ => return Err(unexpected()),
            }
        }
        // A key that the upstream says nothing about may still be there.
        if !self.quiet && answered.len() < self.sent.len() {
            return Err(unexpected());
        }
        Ok(())
    }
}

fn write_deleted(out: &mut Writer, key: &str, record: &Record) {
    out.open("Deleted");
    out.leaf("Key", key);
    for name in ["VersionId", "DeleteMarker", "DeleteMarkerVersionId"] {
        if let Some(text) = field(record, name) {
            out.leaf(name, text);
        }
    }
    out.close("Deleted");
}

fn write_error(out: &mut Writer, key: &str, version: Option<&str>, code: ErrorCode, words: &str) {
    out.open("Error");
    out.leaf("Key", key);
    if let Some(version) = version {
        out.leaf("VersionId", version);
    }
    out.leaf("Code", code.as_str());
    out.leaf("Message", words);
    out.close("Error");
}

/// The upstream refuses the gateway, not the client: `AccessDenied` is not passed on.
fn entry_code(upstream: &str) -> ErrorCode {
    match upstream {
        "NoSuchVersion" => ErrorCode::NoSuchVersion,
        "NoSuchKey" => ErrorCode::NoSuchKey,
        "InvalidArgument" => ErrorCode::InvalidArgument,
        "SlowDown" => ErrorCode::SlowDown,
        "InternalError" | "ServiceUnavailable" => ErrorCode::TenantStorageUnavailable,
        _ => ErrorCode::TenantStorageRefused,
    }
}

fn unexpected() -> S3Error {
    S3Error::with_message(
        ErrorCode::TenantStorageRefused,
        "The storage of this tenant answered in an unexpected way; its administrator must look at the storage settings.",
    )
}
