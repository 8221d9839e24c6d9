//! Virtual-hosted addressing: `bucket.localhost` and the hosts of AWS itself.

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
