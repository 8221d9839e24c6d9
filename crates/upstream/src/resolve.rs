//! Host names to addresses: asynchronous, cached, and judged again at every use.
//!
//! Promises: a name is looked up by one task at a time; a new address is in use after at most
//! `fresh`; when DNS fails, the last answer serves for `stale` and then no longer; an address that
//! the policy refuses is never handed out, whatever the cache holds.

use crate::flight::Flight;
use crate::guard::{AddressPolicy, GuardError, VettedAddress};
use async_trait::async_trait;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use types::{Clock, Endpoint, Timestamp};

/// Addresses kept per name; DNS answers may hold many more.
const MAX_ADDRESSES: usize = 16;

/// Lookups that may run at once: each holds a thread inside the system's resolver.
const MAX_LOOKUPS: usize = 64;

/// Why there is no address to connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The name has no address.
    #[error("{host} has no address")]
    NoAddress {
        /// The name.
        host: String,
    },
    /// DNS failed, or not even failed in time.
    #[error("{host} could not be looked up: {reason}")]
    Lookup {
        /// The name.
        host: String,
        /// What was observed.
        reason: String,
    },
    /// It has addresses, and none that may be connected to.
    #[error("{host} is not allowed: {reason}")]
    Refused {
        /// The name.
        host: String,
        /// The rule, about the first address.
        reason: GuardError,
    },
}

impl ResolveError {
    /// Whether the same question may be answered shortly.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Lookup { .. })
    }
}

/// Something that knows addresses: the system, or a script in tests.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `host`; empty when the name has none.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The system's resolver, `/etc/hosts` included, on a thread of its own.
#[derive(Debug)]
pub struct SystemLookup {
    running: Semaphore,
}

impl Default for SystemLookup {
    fn default() -> Self {
        Self {
            running: Semaphore::new(MAX_LOOKUPS),
        }
    }
}

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let _running = self
            .running
            .try_acquire()
            .map_err(|_| std::io::Error::other("too many lookups at once"))?;
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// How long answers count, in seconds and in names.
#[derive(Debug, Clone, Copy)]
pub struct ResolverLimits {
    /// An answer younger than this is used as it is; from half of it on, a newer one is fetched in
    /// the background.
    pub fresh_seconds: i64,
    /// An answer younger than this is used when DNS fails.
    pub stale_seconds: i64,
    /// How long a failure is remembered.
    pub failure_seconds: i64,
    /// How long one lookup may take.
    pub lookup: Duration,
    /// Names in all; beyond, the longest unused ones go.
    pub names: usize,
}

impl Default for ResolverLimits {
    fn default() -> Self {
        Self {
            fresh_seconds: 30,
            stale_seconds: 600,
            failure_seconds: 3,
            lookup: Duration::from_secs(5),
            names: 20_000,
        }
    }
}

/// The resolver. Cloning shares it.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
}

struct Shared {
    lookup: Arc<dyn Lookup>,
    clock: Arc<dyn Clock>,
    policy: AddressPolicy,
    limits: ResolverLimits,
    names: Mutex<HashMap<String, Arc<Name>>>,
}

struct Name {
    host: String,
    flight: Flight,
    turn: AtomicUsize,
    state: Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    last: Option<(Arc<[IpAddr]>, Timestamp)>,
    failure: Option<(ResolveError, Timestamp)>,
    last_used: i64,
}

/// What to do with what is known.
enum Plan {
    Use(Arc<[IpAddr]>),
    UseAndRefresh(Arc<[IpAddr]>),
    Fail(ResolveError),
    Wait,
}

impl Resolver {
    /// A resolver that hands out what `policy` allows.
    pub fn new(
        lookup: Arc<dyn Lookup>,
        clock: Arc<dyn Clock>,
        policy: AddressPolicy,
        limits: ResolverLimits,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                lookup,
                clock,
                policy,
                limits,
                names: Mutex::default(),
            }),
        }
    }

    /// The policy in force.
    pub fn policy(&self) -> &AddressPolicy {
        &self.shared.policy
    }

    /// An address of `endpoint` to connect to now; the next call gives the next one.
    pub async fn resolve(&self, endpoint: &Endpoint) -> Result<VettedAddress, ResolveError> {
        let host = endpoint.host();
        if let Some(address) = endpoint.ip() {
            return self.vet(endpoint, &[address], 0);
        }
        self.shared
            .policy
            .check_endpoint(endpoint)
            .map_err(|reason| refused(host, reason))?;
        let name = self.name(host);
        let addresses = match name.plan(self.now(), &self.shared.limits) {
            Plan::Use(addresses) => addresses,
            Plan::UseAndRefresh(addresses) => {
                self.refresh(&name);
                addresses
            }
            Plan::Fail(error) => return Err(error),
            Plan::Wait => {
                self.refresh(&name).wait().await;
                name.after_waiting(self.now(), &self.shared.limits)?
            }
        };
        self.vet(
            endpoint,
            &addresses,
            name.turn.fetch_add(1, Ordering::Relaxed),
        )
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The first allowed address, beginning at `turn`.
    fn vet(
        &self,
        endpoint: &Endpoint,
        addresses: &[IpAddr],
        turn: usize,
    ) -> Result<VettedAddress, ResolveError> {
        let count = addresses.len();
        let mut first_refusal = None;
        for step in 0..count {
            let address = addresses[(turn % count + step) % count];
            match self.shared.policy.vet(endpoint, address) {
                Ok(vetted) => return Ok(vetted),
                Err(reason) => first_refusal = first_refusal.or(Some(reason)),
            }
        }
        let host = endpoint.host();
        Err(match first_refusal {
            Some(reason) => refused(host, reason),
            None => ResolveError::NoAddress {
                host: host.to_string(),
            },
        })
    }

    fn name(&self, host: &str) -> Arc<Name> {
        let now = self.now().unix();
        let mut names = lock(&self.shared.names);
        if let Some(known) = names.get(host) {
            lock(&known.state).last_used = now;
            return Arc::clone(known);
        }
        let limit = self.shared.limits.names;
        if names.len() >= limit {
            forget_oldest(&mut names, limit / 16 + 1);
        }
        let name = Arc::new(Name {
            host: host.to_string(),
            flight: Flight::default(),
            turn: AtomicUsize::new(0),
            state: Mutex::new(Answers {
                last_used: now,
                ..Answers::default()
            }),
        });
        names.insert(host.to_string(), Arc::clone(&name));
        name
    }

    fn refresh(&self, name: &Arc<Name>) -> crate::flight::Landing {
        name.flight
            .join(|| Arc::clone(&self.shared).fly(Arc::clone(name)))
    }
}

impl Shared {
    async fn fly(self: Arc<Self>, name: Arc<Name>) {
        let now = self.clock.now();
        if matches!(name.plan(now, &self.limits), Plan::Use(_) | Plan::Fail(_)) {
            return;
        }
        let host = &name.host;
        let failed = |reason: String| ResolveError::Lookup {
            host: host.clone(),
            reason,
        };
        let outcome = match timeout(self.limits.lookup, self.lookup.lookup(host)).await {
            Ok(Ok(addresses)) if addresses.is_empty() => {
                Err(ResolveError::NoAddress { host: host.clone() })
            }
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("timed out".to_string())),
        };
        name.land(outcome, self.clock.now());
    }
}

impl Name {
    fn plan(&self, now: Timestamp, limits: &ResolverLimits) -> Plan {
        let state = lock(&self.state);
        let paused = state
            .failure
            .as_ref()
            .filter(|(_, at)| (0..limits.failure_seconds).contains(&now.seconds_since(*at)));
        match &state.last {
            Some((addresses, at)) if now.seconds_since(*at) < limits.stale_seconds => {
                // A clock that was set back says nothing about the age: ask again.
                let age = match now.seconds_since(*at) {
                    unknown if unknown < 0 => limits.fresh_seconds,
                    age => age,
                };
                let addresses = Arc::clone(addresses);
                if paused.is_some() || age < limits.fresh_seconds / 2 {
                    Plan::Use(addresses)
                } else if age < limits.fresh_seconds || state.failure.is_some() {
                    Plan::UseAndRefresh(addresses)
                } else {
                    Plan::Wait
                }
            }
            _ => match paused {
                Some((error, _)) => Plan::Fail(error.clone()),
                None => Plan::Wait,
            },
        }
    }

    fn after_waiting(
        &self,
        now: Timestamp,
        limits: &ResolverLimits,
    ) -> Result<Arc<[IpAddr]>, ResolveError> {
        let state = lock(&self.state);
        match (&state.last, &state.failure) {
            (Some((addresses, at)), _) if now.seconds_since(*at) < limits.stale_seconds => {
                Ok(Arc::clone(addresses))
            }
            (_, Some((error, _))) => Err(error.clone()),
            _ => Err(ResolveError::Lookup {
                host: self.host.clone(),
                reason: "the lookup broke off".to_string(),
            }),
        }
    }

    fn land(&self, outcome: Result<Vec<IpAddr>, ResolveError>, now: Timestamp) {
        let mut state = lock(&self.state);
        match outcome {
            Ok(mut addresses) => {
                addresses.truncate(MAX_ADDRESSES);
                state.last = Some((addresses.into(), now));
                state.failure = None;
            }
            Err(error) => {
                if state.failure.is_none() {
                    tracing::warn!("{error}");
                }
                state.failure = Some((error, now));
            }
        }
    }
}

fn forget_oldest(names: &mut HashMap<String, Arc<Name>>, number: usize) {
    let mut uses: Vec<i64> = names
        .values()
        .map(|name| lock(&name.state).last_used)
        .collect();
    let number = number.min(uses.len());
    if number == 0 {
        return;
    }
    let (_, newest_to_go, _) = uses.select_nth_unstable(number - 1);
    let newest_to_go = *newest_to_go;
    let mut left = number;
    names.retain(|_, name| {
        let goes = left > 0 && lock(&name.state).last_used <= newest_to_go;
        left -= usize::from(goes);
        !goes
    });
}

fn refused(host: &str, reason: GuardError) -> ResolveError {
    ResolveError::Refused {
        host: host.to_string(),
        reason,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
