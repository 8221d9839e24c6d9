//! Which region a bucket turned out to be in, when its configuration says another.

use crate::route::Route;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use types::{Backend, BucketName, Partition, Region, TenantId};

/// What an upstream's answer says about the region; everything as received.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegionHints<'a> {
    /// The status.
    pub status: u16,
    /// The header `x-amz-bucket-region`.
    pub bucket_region: Option<&'a str>,
    /// `Code` of the error document, when there is one.
    pub error_code: Option<&'a str>,
    /// `Region` of the error document.
    pub error_region: Option<&'a str>,
}

/// The region in which `route`'s bucket really is, if the answer says so and it is another.
///
/// Only for Amazon S3, and only within the partition: what an upstream says never leads to
/// another company's host.
pub fn corrected_region(route: &Route, hints: &RegionHints<'_>) -> Option<Region> {
    if !matches!(route.location().backend, Backend::AwsS3 { .. }) {
        return None;
    }
    let misdirected = match hints.status {
        301 | 307 => true,
        400 => matches!(
            hints.error_code,
            // A HEAD has no document: the header alone must do.
            None | Some(
                "AuthorizationHeaderMalformed"
                    | "IllegalLocationConstraintException"
                    | "InvalidRegionName"
            )
        ),
        _ => false,
    };
    let said = hints.bucket_region.or(hints.error_region)?;
    let region = Region::parse(said).ok()?;
    let same_partition = Partition::of_region(&region) == Partition::of_region(route.region());
    (misdirected && same_partition && region != *route.region()).then_some(region)
}

/// What was learned, bounded; per tenant, so that no tenant's upstream teaches another's route.
#[derive(Debug)]
pub struct LearnedRegions {
    limit: usize,
    regions: Mutex<HashMap<(TenantId, BucketName), Region>>,
}

impl Default for LearnedRegions {
    fn default() -> Self {
        Self::with_limit(10_000)
    }
}

impl LearnedRegions {
    /// Room for `limit` buckets; a full memory starts over.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            regions: Mutex::default(),
        }
    }

    /// Remembers that `route`'s bucket is in `region`.
    pub fn learn(&self, route: &Route, region: Region) {
        let mut regions = self.lock();
        if regions.len() >= self.limit {
            // Relearning costs one answer per misconfigured bucket: not worth an order of use.
            regions.clear();
        }
        tracing::warn!(
            tenant = %route.tenant(), configured = %route.region(), actual = %region,
            "the tenant's bucket is in another region than its configuration says"
        );
        regions.insert(key(route), region);
    }

    /// `route` with what was learned about it; `None` when nothing was.
    pub fn apply(&self, route: &Route) -> Option<Route> {
        let region = self.lock().get(&key(route)).cloned()?;
        (region != *route.region()).then(|| route.in_region(region))
    }

    /// Forgets a tenant: its configuration changed.
    pub fn forget(&self, tenant: &TenantId) {
        self.lock().retain(|(of, _), _| of != tenant);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(TenantId, BucketName), Region>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(route: &Route) -> (TenantId, BucketName) {
    (route.tenant().clone(), route.location().bucket.clone())
}
