//! How much the gateway takes on at once: connections in all, requests per tenant.

use crate::heads::Heads;
use async_trait::async_trait;
use pingora::apps::ServerApp;
use pingora::protocols::Stream;
use pingora::server::ShutdownWatch;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use types::TenantId;

/// An application behind a cap on open connections, of which one more is closed at once, and a
/// deadline for the head of every request.
pub struct Capped<A> {
    inner: Arc<A>,
    connections: Semaphore,
    head_timeout: Duration,
}

impl<A> Capped<A> {
    /// At most `limit` connections reach `inner`; see [`Heads`].
    pub fn new(inner: A, limit: usize, head_timeout: Duration) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self {
            inner: Arc::new(inner),
            connections: Semaphore::new(limit),
            head_timeout,
        }
    }
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for Capped<A> {
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let Ok(_place) = self.connections.try_acquire() else {
            tracing::warn!("connection limit reached: a client was turned away");
            return None;
        };
        let stream = Box::new(Heads::new(stream, self.head_timeout));
        self.inner.process_new(stream, shutdown).await
    }

    async fn cleanup(&self) {
        self.inner.cleanup().await;
    }
}

/// How slowly a body may come on average, however evenly it drips.
#[derive(Debug, Clone, Copy)]
pub struct LeastRate {
    /// This long it may take its time.
    pub grace: Duration,
    /// From then on, bytes per second; 0 allows everything.
    pub bytes_per_second: u64,
}

impl LeastRate {
    /// 1 KiB a second after half a minute.
    pub const DEFAULT: Self = Self {
        grace: Duration::from_secs(30),
        bytes_per_second: 1_024,
    };

    /// Whether a body of which `bytes` have come in `elapsed` is too slow.
    pub fn is_missed(self, elapsed: Duration, bytes: u64) -> bool {
        let counted = elapsed.saturating_sub(self.grace).as_secs();
        bytes < counted.saturating_mul(self.bytes_per_second)
    }
}

/// How much of a body has come since its head.
#[derive(Debug)]
pub struct Received {
    least: LeastRate,
    since: Instant,
    bytes: u64,
}

impl Received {
    /// Nothing yet of the body whose head had come at `since`.
    pub fn nothing(since: Instant, least: LeastRate) -> Self {
        Self {
            least,
            since,
            bytes: 0,
        }
    }

    /// Counts what came; false when all of it came too slowly.
    pub fn is_in_time_with(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        !self.least.is_missed(self.since.elapsed(), self.bytes)
    }
}

/// Counts what is in flight, so that a shutdown can wait for it.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    /// One more, until the guard is dropped.
    pub fn enter(&self) -> InFlightGuard {
        self.0.fetch_add(1, Ordering::AcqRel);
        InFlightGuard(Arc::clone(&self.0))
    }

    /// How many now.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// One request in flight.
#[derive(Debug)]
pub struct InFlightGuard(Arc<AtomicUsize>);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

const SHARDS: usize = 64;

type Shard = Mutex<HashMap<TenantId, usize>>;

/// Caps the requests that one tenant has in flight, so that it cannot take the gateway from others.
///
/// Memory is bounded by the tenants that have a request in flight.
#[derive(Debug)]
pub struct TenantLimits {
    limit: usize,
    hasher: RandomState,
    shards: Arc<[Shard; SHARDS]>,
}

impl TenantLimits {
    /// At most `limit` requests of one tenant at once.
    pub fn new(limit: usize) -> Self {
        let shards = std::array::from_fn(|_| Mutex::new(HashMap::new()));
        Self {
            limit,
            hasher: RandomState::new(),
            shards: Arc::new(shards),
        }
    }

    /// A place for one request of `tenant`; `None` when all are taken.
    pub fn admit(&self, tenant: &TenantId) -> Option<TenantPlace> {
        let bits = usize::try_from(self.hasher.hash_one(tenant) % SHARDS as u64);
        let index = bits.unwrap_or_default();
        let mut shard = self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = shard.entry(tenant.clone()).or_insert(0);
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        let (shards, tenant) = (Arc::clone(&self.shards), tenant.clone());
        Some(TenantPlace {
            shards,
            index,
            tenant,
        })
    }
}

/// A tenant's request in flight.
#[derive(Debug)]
pub struct TenantPlace {
    shards: Arc<[Shard; SHARDS]>,
    index: usize,
    tenant: TenantId,
}

impl Drop for TenantPlace {
    fn drop(&mut self) {
        let mut shard = self.shards[self.index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = shard.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                shard.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_too_slow_only_after_its_grace_and_below_its_rate() {
        let rate = LeastRate::DEFAULT;
        for (seconds, bytes, missed) in [
            (30, 0, false),
            (31, 1_023, true),
            (31, 1_024, false),
            (90, 61_439, true),
            (90, 61_440, false),
        ] {
            let elapsed = Duration::from_secs(seconds);
            assert_eq!(rate.is_missed(elapsed, bytes), missed, "{seconds} {bytes}");
        }
        let off = LeastRate {
            bytes_per_second: 0,
            ..rate
        };
        assert!(!off.is_missed(Duration::MAX, 0));
    }

    #[test]
    fn one_tenants_requests_take_no_place_of_another() {
        let limits = TenantLimits::new(2);
        let (a, b) = (TenantId::parse("a").unwrap(), TenantId::parse("b").unwrap());
        let first = limits.admit(&a).unwrap();
        let _second = limits.admit(&a).unwrap();
        assert!(limits.admit(&a).is_none());
        assert!(limits.admit(&b).is_some());
        drop(first);
        assert!(limits.admit(&a).is_some());
    }

    #[test]
    fn a_tenant_without_requests_takes_no_memory() {
        let limits = TenantLimits::new(2);
        drop(limits.admit(&TenantId::parse("a").unwrap()));
        assert!(
            limits
                .shards
                .iter()
                .all(|shard| shard.lock().unwrap().is_empty())
        );
    }
}
