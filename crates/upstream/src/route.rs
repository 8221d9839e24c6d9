//! One place of one tenant: where requests for it connect to, and what they say there.

use crate::access::TenantAccess;
use crate::tls::CaBundle;
use std::sync::Arc;
use types::{
    AddressingStyle, Backend, BucketAccess, BucketMapping, ConfigVersion, Endpoint, KeyError,
    Location, ObjectKey, Partition, Region, TenantId,
};

/// Everything that is needed to reach one location for one tenant.
///
/// Made once per mapping of a configuration revision; cheap to share, never changed.
#[derive(Debug, Clone)]
pub struct Route {
    access: Arc<TenantAccess>,
    location: Location,
    bucket_access: BucketAccess,
    region: Region,
    /// What is connected to; its host is also the SNI.
    authority: Endpoint,
    /// `/bucket` in path style, nothing in virtual-hosted style.
    path_base: String,
    host_header: String,
    ca: Option<Arc<CaBundle>>,
}

impl Route {
    /// The route to `mapping` by `access`.
    pub fn new(access: &Arc<TenantAccess>, mapping: &BucketMapping) -> Self {
        Self::build(access, mapping, mapping.location.backend.region().clone())
    }

    fn build(access: &Arc<TenantAccess>, mapping: &BucketMapping, region: Region) -> Self {
        let location = &mapping.location;
        let (authority, path_base) = authority_of(location, &region);
        Self {
            access: Arc::clone(access),
            location: location.clone(),
            bucket_access: mapping.access,
            region,
            host_header: authority.host_header(),
            authority,
            path_base,
            ca: None,
        }
    }

    /// The same route, trusting only the certificates that `ca` issued.
    #[must_use]
    pub fn with_ca(mut self, ca: Arc<CaBundle>) -> Self {
        self.ca = Some(ca);
        self
    }

    /// The same bucket in the region that the upstream said it is in.
    ///
    /// Only a region's own AWS endpoint moves: an endpoint that someone configured stays, and only
    /// the signature changes.
    pub(crate) fn in_region(&self, region: Region) -> Self {
        let mapping = BucketMapping {
            location: self.location.clone(),
            access: self.bucket_access,
        };
        let mut moved = Self::build(&self.access, &mapping, region);
        moved.ca.clone_from(&self.ca);
        moved
    }

    /// How the tenant gets in.
    pub fn access(&self) -> &Arc<TenantAccess> {
        &self.access
    }

    /// Whose.
    pub fn tenant(&self) -> &TenantId {
        self.access.tenant()
    }

    /// Which revision of the tenant's configuration.
    pub fn config_version(&self) -> ConfigVersion {
        self.access.version()
    }

    /// Where.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// What the bucket allows at all.
    pub fn bucket_access(&self) -> BucketAccess {
        self.bucket_access
    }

    /// The region that signatures name.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Scheme, host and port to connect to.
    pub fn authority(&self) -> &Endpoint {
        &self.authority
    }

    /// The value of the `Host` header.
    pub fn host_header(&self) -> &str {
        &self.host_header
    }

    /// The only certificate authorities to trust, when not the system's.
    pub fn ca(&self) -> Option<&Arc<CaBundle>> {
        self.ca.as_ref()
    }

    /// The upstream key of a client's `key`.
    pub fn join(&self, key: &ObjectKey) -> Result<UpstreamKey, KeyError> {
        self.location.prefix.join(key).map(UpstreamKey)
    }

    /// The raw path of the bucket itself.
    pub fn bucket_path(&self) -> String {
        if self.path_base.is_empty() {
            "/".to_string()
        } else {
            self.path_base.clone()
        }
    }

    /// The raw path of `key`.
    ///
    /// Encoded by one canonical encoder from the decoded key, so that whatever the client sent,
    /// every store sees, stores and signs the same path.
    pub fn object_path(&self, key: &UpstreamKey) -> String {
        let encoded = sigv4::encode_path(key.as_str());
        let mut path = String::with_capacity(self.path_base.len() + 1 + encoded.len());
        path.push_str(&self.path_base);
        path.push('/');
        path.push_str(&encoded);
        path
    }
}

/// A key as the upstream knows it, under the tenant's prefix: [`Route::join`] alone makes one, so
/// that no client's key reaches a store without its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamKey(ObjectKey);

impl UpstreamKey {
    /// The key, decoded.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

fn authority_of(location: &Location, region: &Region) -> (Endpoint, String) {
    let bucket = &location.bucket;
    let path_style = |endpoint: &Endpoint| (endpoint.clone(), format!("/{bucket}"));
    match &location.backend {
        Backend::AwsS3 {
            endpoint: Some(endpoint),
            ..
        } => path_style(endpoint),
        Backend::AwsS3 { endpoint: None, .. } => {
            let regional = aws_endpoint(region);
            // The certificate is for *.s3.region.amazonaws.com: one label.
            if bucket.as_str().contains('.') {
                path_style(&regional)
            } else {
                (regional.with_label(bucket), String::new())
            }
        }
        Backend::S3Compatible {
            endpoint,
            addressing,
            ..
        } => match addressing {
            AddressingStyle::Path => path_style(endpoint),
            // An IP address has no names below it.
            AddressingStyle::VirtualHosted if endpoint.ip().is_some() => path_style(endpoint),
            AddressingStyle::VirtualHosted => (endpoint.with_label(bucket), String::new()),
        },
    }
}

fn aws_endpoint(region: &Region) -> Endpoint {
    let suffix = Partition::of_region(region).dns_suffix();
    Endpoint::parse(&format!("https://s3.{region}.{suffix}"))
        .expect("a region is a legal host label")
}
