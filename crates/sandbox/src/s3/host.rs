//! Virtual-hosted addressing: `bucket.localhost` and the hosts of AWS itself.

use http::{HeaderMap, Uri, header};
use percent_encoding::percent_decode_str;
use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// Takes the bucket from the host, where the host is one that can carry it.
pub(super) struct Hosts;

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        Ok(match bucket(name) {
            Some(bucket) => VirtualHost::new(host).with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}

/// The bucket and the key that a request names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    /// `None` for the bucket itself.
    pub(super) key: Option<String>,
}

impl Place {
    /// `None` for requests to the service as such, and for paths that are not UTF-8.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
        let path = percent_decode_str(uri.path()).decode_utf8().ok()?;
        let path = path.strip_prefix('/')?;
        let (bucket, key) = match name.and_then(bucket) {
            Some(bucket) => (bucket, path),
            None => path.split_once('/').unwrap_or((path, "")),
        };
        (!bucket.is_empty()).then(|| Self {
            bucket: bucket.to_string(),
            key: (!key.is_empty()).then(|| key.to_string()),
        })
    }
}

fn bucket(host: &str) -> Option<&str> {
    if let Some(label) = host.strip_suffix(".localhost") {
        return match label.strip_suffix(".s3") {
            Some(bucket) => Some(bucket),
            None if label == "s3" => None,
            None => Some(label),
        };
    }
    // bucket.s3.region.amazonaws.com and bucket.s3.amazonaws.com
    let front = host.strip_suffix(".amazonaws.com")?;
    front
        .split_once(".s3.")
        .map(|(bucket, _)| bucket)
        .or_else(|| front.strip_suffix(".s3"))
}

#[cfg(test)]
mod tests {
    use super::bucket;

    #[test]
    fn only_known_hosts_carry_a_bucket() {
        for (host, expected) in [
            ("localhost", None),
            ("s3.localhost", None),
            ("data.localhost", Some("data")),
            ("a.b.s3.localhost", Some("a.b")),
            ("s3.eu-west-1.amazonaws.com", None),
            ("data.s3.eu-west-1.amazonaws.com", Some("data")),
            ("data.s3.amazonaws.com", Some("data")),
            ("sandbox.internal", None),
        ] {
            assert_eq!(bucket(host), expected, "{host}");
        }
    }
}
