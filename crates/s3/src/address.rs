//! Which bucket and key a request names: path style and virtual-hosted style.

use crate::encoding::{DecodeError, Plus, decode};
use crate::error::S3Error;
use crate::error_code::ErrorCode;
use std::net::{IpAddr, Ipv6Addr};
use types::{BucketAlias, KeyError, MAX_KEY_BYTES, ObjectKey, ParseError};

/// A base domain of the gateway: `s3.example.com` serves `bucket.s3.example.com` too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(String);

impl Domain {
    /// Parses a DNS name without port; `localhost` is one, an IP address is not.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason| Err(ParseError::new("domain", text, reason));
        let name = text.to_ascii_lowercase();
        if name.parse::<IpAddr>().is_ok() {
            return refuse("an IP address cannot have a bucket before it");
        }
        let label_is_legal = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if name.len() > 253 || !name.split('.').all(label_is_legal) {
            return refuse("it is not a DNS name without port");
        }
        Ok(Self(name))
    }

    /// The name, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How the client named the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// First segment of the path.
    Path,
    /// Before the gateway's domain in the host name.
    VirtualHosted,
}

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// How.
    pub style: Style,
    /// The client's name of the bucket; none for the service itself.
    pub bucket: Option<BucketAlias>,
    /// The key, decoded once; none for the bucket itself. Never there without a bucket.
    pub key: Option<ObjectKey>,
}

impl Address {
    /// `/bucket/key` in the client's names: what error documents call the resource.
    pub fn resource(&self) -> String {
        match (&self.bucket, &self.key) {
            (None, _) => "/".to_owned(),
            (Some(bucket), None) => format!("/{bucket}"),
            (Some(bucket), Some(key)) => format!("/{bucket}/{key}"),
        }
    }
}

/// Reads the address from the Host header and the raw path, which ends before any `?`.
///
/// An IP address, an unknown host and a bare domain mean path style. `%2F` in the bucket segment
/// never separates the bucket from the key.
///
/// # Errors
/// `InvalidRequest` for a host that is none, `InvalidURI` for a path that is not one or decodes
/// to something other than UTF-8, `InvalidBucketName`, `KeyTooLongError`, and `InvalidArgument`
/// for keys with control characters or `.` or `..` segments.
pub fn address(host: &str, raw_path: &str, domains: &[Domain]) -> Result<Address, S3Error> {
    let Some(path) = raw_path.strip_prefix('/') else {
        return Err(S3Error::with_message(
            ErrorCode::InvalidURI,
            "The path does not begin with '/'.",
        ));
    };
    if path.contains(['?', '#']) {
        return Err(S3Error::new(ErrorCode::InvalidURI));
    }
    let (style, raw_bucket, raw_key) = match hosted_bucket(host_name(host)?, domains) {
        Some(label) => (Style::VirtualHosted, label, path),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            if bucket.is_empty() && path.is_empty() {
                return Ok(Address {
                    style: Style::Path,
                    bucket: None,
                    key: None,
                });
            }
            let bucket = decode(bucket, Plus::Literal).map_err(refuse_escape)?;
            (Style::Path, bucket, key)
        }
    };
    let bucket = BucketAlias::parse(raw_bucket).map_err(|error| {
        let words = format!("The bucket name is not valid: {}.", error.reason);
        S3Error::with_message(ErrorCode::InvalidBucketName, words)
    })?;
    let key = match raw_key {
        "" => None,
        raw => Some(parse_key(
            decode(raw, Plus::Literal).map_err(refuse_escape)?,
        )?),
    };
    Ok(Address {
        style,
        bucket: Some(bucket),
        key,
    })
}

/// Checks a decoded key and words the refusal.
pub(crate) fn parse_key(key: String) -> Result<ObjectKey, S3Error> {
    ObjectKey::parse(key).map_err(key_error)
}

pub(crate) fn key_error(error: KeyError) -> S3Error {
    match error {
        KeyError::TooLong => S3Error::new(ErrorCode::KeyTooLongError)
            .with("MaxSizeAllowed", MAX_KEY_BYTES.to_string()),
        KeyError::Empty | KeyError::DotSegment | KeyError::Control => S3Error::with_message(
            ErrorCode::InvalidArgument,
            format!("The key is not accepted: {error}."),
        ),
    }
}

fn refuse_escape(error: DecodeError) -> S3Error {
    S3Error::with_message(
        ErrorCode::InvalidURI,
        format!("The URI could not be parsed: {error}."),
    )
}

/// The host without its port; empty for an IP address in brackets.
fn host_name(host: &str) -> Result<String, S3Error> {
    let refuse =
        || S3Error::with_message(ErrorCode::InvalidRequest, "The Host header is not valid.");
    let port_is_valid = |port: &str| port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = host.strip_prefix('[') {
        let (ip, after) = rest.split_once(']').ok_or_else(refuse)?;
        let port = after.strip_prefix(':').unwrap_or(after);
        return match (ip.parse::<Ipv6Addr>(), port_is_valid(port)) {
            (Ok(_), true) => Ok(String::new()),
            _ => Err(refuse()),
        };
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let name = name.strip_suffix('.').unwrap_or(name);
    let byte_is_legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if name.is_empty()
        || name.len() > 253
        || !name.bytes().all(byte_is_legal)
        || !port_is_valid(port)
    {
        return Err(refuse());
    }
    Ok(name.to_ascii_lowercase())
}

/// What stands before the longest matching domain.
fn hosted_bucket(host: String, domains: &[Domain]) -> Option<String> {
    if host.parse::<IpAddr>().is_ok() || domains.iter().any(|domain| domain.0 == host) {
        return None;
    }
    domains
        .iter()
        .filter_map(|domain| host.strip_suffix(domain.as_str())?.strip_suffix('.'))
        .min_by_key(|label| label.len())
        .map(str::to_owned)
}
