//! Which region a bucket turned out to be in, when its configuration says another.
//!
//! `s3` reads the region out of the upstream's answer; whether to believe it is decided here.

use crate::route::Route;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use types::{Backend, BucketName, Partition, Region, TenantId};

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

    /// Takes in that the upstream of `route` said the bucket is in `region`, and returns the route
    /// to try next; `None` when the answer is not to be believed or changes nothing.
    ///
    /// Only Amazon S3 is believed, and only within the partition: what an upstream says never
    /// leads to another company's host.
    pub fn learn(&self, route: &Route, region: Region) -> Option<Route> {
        let believed = matches!(route.location().backend, Backend::AwsS3 { .. })
            && Partition::of_region(&region) == Partition::of_region(route.region())
            && region != *route.region();
        if !believed {
            return None;
        }
        tracing::warn!(
            tenant = %route.tenant(), configured = %route.location().backend.region(),
            actual = %region, "the tenant's bucket is in another region than configured"
        );
        let mut regions = self.lock();
        if regions.len() >= self.limit {
            // Relearning costs one answer per misconfigured bucket: not worth an order of use.
            regions.clear();
        }
        regions.insert(key(route), region.clone());
        Some(route.in_region(region))
    }

    /// `route` with what was learned about it; `None` when there is nothing to change.
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
