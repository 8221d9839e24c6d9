//! `x-amz-copy-source`: the one header that names a second object.

use crate::address::{key_error, parse_key};
use crate::encoding::{Plus, decode, encode_path, encode_query_value};
use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::operation::{ObjectName, VersionId};
use http::HeaderValue;
use types::{BucketAlias, BucketName, KeyPrefix};

const VERSION_MARK: &str = "?versionId=";

/// What a copy reads, in the client's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// The object.
    pub object: ObjectName,
    /// One version of it.
    pub version: Option<VersionId>,
}

impl CopySource {
    /// Parses `[/]bucket/key[?versionId=id]`, percent-decoded once as a whole: clients encode the
    /// separator too. `+` is itself. The version begins at the last `?versionId=`.
    ///
    /// # Errors
    /// `InvalidArgument` for everything else, ARNs and access points included; the key is
    /// checked like the key of any request.
    pub fn parse(value: &str) -> Result<Self, S3Error> {
        let refuse = || {
            S3Error::with_message(
                ErrorCode::InvalidArgument,
                "The copy source must be written as bucket/key, URL-encoded; ARNs and access points are not accepted.",
            )
            .with("ArgumentName", "x-amz-copy-source")
        };
        let (path, version) = match value.rfind(VERSION_MARK) {
            Some(at) => (&value[..at], Some(&value[at + VERSION_MARK.len()..])),
            None => (value, None),
        };
        let path = decode(path, Plus::Literal).map_err(|_| refuse())?;
        let (bucket, key) = path
            .strip_prefix('/')
            .unwrap_or(&path)
            .split_once('/')
            .ok_or_else(refuse)?;
        let bucket = BucketAlias::parse(bucket).map_err(|_| refuse())?;
        let key = parse_key(key.to_owned())?;
        let version = match version {
            None => None,
            Some(raw) => Some(VersionId::parse(
                decode(raw, Plus::Literal).map_err(|_| refuse())?,
            )?),
        };
        Ok(Self {
            object: ObjectName { bucket, key },
            version,
        })
    }

    /// The header for the tenant's storage: real bucket, joined key, our own encoding.
    ///
    /// # Errors
    /// `KeyTooLongError` when the key does not fit behind the prefix.
    pub fn upstream_header(
        &self,
        bucket: &BucketName,
        prefix: &KeyPrefix,
    ) -> Result<HeaderValue, S3Error> {
        let key = prefix.join(&self.object.key).map_err(key_error)?;
        let mut text = format!("/{bucket}/{}", encode_path(key.as_str()));
        if let Some(version) = &self.version {
            text.push_str(VERSION_MARK);
            text.push_str(&encode_query_value(version.as_str()));
        }
        Ok(HeaderValue::try_from(text).expect("an encoded path is visible ASCII"))
    }
}
