//! URLs that let a client reach the tenant's own bucket without the gateway.

use crate::credentials::Credentials;
use crate::route::{Route, UpstreamKey};
use sigv4::SafeUrl;
use std::time::Duration;
use types::{BucketAccess, Timestamp};

/// How long a URL for reading lives when nobody says.
pub const DEFAULT_READ: Duration = Duration::from_secs(900);

/// How long a URL for writing lives when nobody says.
pub const DEFAULT_WRITE: Duration = Duration::from_secs(3_600);

/// What a presigned URL does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PresignMethod {
    /// Download.
    Get,
    /// Look.
    Head,
    /// Upload.
    Put,
    /// Delete.
    Delete,
}

impl PresignMethod {
    /// As in HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes what is stored.
    pub const fn is_write(self) -> bool {
        matches!(self, Self::Put | Self::Delete)
    }

    /// How long a URL for this lives when nobody says.
    pub const fn default_life(self) -> Duration {
        if self.is_write() {
            DEFAULT_WRITE
        } else {
            DEFAULT_READ
        }
    }
}

/// Which URL is wanted.
#[derive(Debug, Clone, Copy)]
pub struct DirectUrl<'a> {
    /// What it does.
    pub method: PresignMethod,
    /// To which object.
    pub key: &'a UpstreamKey,
    /// For how long: 1 second to 7 days, or what is usual.
    pub life: Option<Duration>,
    /// Further parameters, encoded: `versionId`, `response-content-type`.
    pub query: Option<&'a str>,
}

/// Why no URL is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DirectUrlError {
    /// Writing to a bucket that is only read from.
    #[error("the bucket is read-only")]
    ReadOnly,
    /// The session that would sign it is over.
    #[error("the credentials end before the URL would begin to live")]
    CredentialsExpired,
    /// The life, or the query.
    #[error(transparent)]
    Presign(#[from] sigv4::PresignError),
}

/// A URL that is a credential: whoever has it may use it until it ends. `Debug` shows the host.
#[derive(Debug, Clone)]
pub struct PresignedUrl {
    url: SafeUrl,
    expires: Timestamp,
}

impl PresignedUrl {
    /// The URL in clear: for the one who asked, never for a log.
    pub fn expose(&self) -> &str {
        self.url.expose()
    }

    /// When it ends: earlier than was asked for when the session that signed it ends earlier.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}

/// Makes the URL that `wanted` describes, of the place that `route` leads to.
///
/// It never outlives the session that signs it; [`PresignedUrl::expires`] says when it ends.
pub fn presign(
    route: &Route,
    credentials: &Credentials,
    wanted: &DirectUrl<'_>,
    now: Timestamp,
) -> Result<PresignedUrl, DirectUrlError> {
    if wanted.method.is_write() && route.bucket_access() == BucketAccess::ReadOnly {
        return Err(DirectUrlError::ReadOnly);
    }
    if !credentials.valid_at(now) {
        return Err(DirectUrlError::CredentialsExpired);
    }
    let asked = wanted.life.unwrap_or(wanted.method.default_life());
    if !(1..=u64::from(sigv4::MAX_PRESIGN_SECONDS)).contains(&asked.as_secs()) {
        return Err(sigv4::PresignError::Expiry.into());
    }
    let asked = now.plus_seconds(i64::try_from(asked.as_secs()).unwrap_or(i64::MAX));
    let expires = credentials.expires().map_or(asked, |end| end.min(asked));
    let left = u64::try_from(expires.seconds_since(now)).unwrap_or(0);
    let url = sigv4::presign(
        &sigv4::PresignRequest {
            method: wanted.method.as_str(),
            endpoint: route.authority(),
            path: &route.object_path(wanted.key),
            query: wanted.query,
            headers: &[],
            expires_in: Duration::from_secs(left),
        },
        &credentials.signing(),
        route.region(),
        now,
    )?;
    Ok(PresignedUrl { url, expires })
}
