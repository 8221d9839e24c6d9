//! One session: what is in hand, what went wrong last, and what to do at a given moment.
//!
//! Pure but for a lock and a log line: time and randomness come in, decisions go out.

use super::cache::SessionHealth;
use super::{AssumeRoleRequest, CredentialError, Credentials, IssuedSession};
use crate::access::CredentialKey;
use crate::flight::Flight;
use crate::random::up_to;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use types::{ConfigVersion, TenantId, Timestamp};

/// A session this near its end is not used any more.
const LAST_SECONDS: i64 = 5;

/// Credentials younger than this are not dropped because an upstream refuses them.
const BRAND_NEW_SECONDS: i64 = 10;

/// The longest that a refusal is remembered.
const REFUSAL_SECONDS: u64 = 30;

/// The longest pause after throttling.
const THROTTLED_SECONDS: u64 = 20;

/// The longest pause after STS was not reached: it is back in use this soon after it is back.
const UNAVAILABLE_SECONDS: u64 = 4;

/// What to do for a request.
#[derive(Debug)]
pub(super) enum Decision {
    /// These are good.
    Serve(Arc<Credentials>),
    /// These are good, and newer ones are due.
    ServeAndRenew(Arc<Credentials>),
    /// STS refused a moment ago.
    Refuse(CredentialError),
    /// There is nothing to serve yet.
    Wait,
}

/// How a flight ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With credentials.
    Issued(IssuedSession),
    /// Without.
    Failed(CredentialError),
}

/// A session and its history.
#[derive(Debug)]
pub(super) struct Session {
    key: CredentialKey,
    tenant: TenantId,
    version: ConfigVersion,
    request: AssumeRoleRequest,
    flight: Flight,
    last_used: AtomicI64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Current>,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Current {
    credentials: Arc<Credentials>,
    issued: Timestamp,
    renew_at: Timestamp,
    /// Deadlines further away than this many seconds count as this: a quarter of the life, which
    /// is always left when a renewal falls due.
    horizon: i64,
}

#[derive(Debug)]
struct Failure {
    error: CredentialError,
    at: Timestamp,
    /// Seconds from `at` in which STS is left alone.
    pause: i64,
    /// When the first failure in a row was.
    since: Timestamp,
    in_a_row: u32,
}

impl Session {
    pub(super) fn new(
        key: CredentialKey,
        tenant: TenantId,
        version: ConfigVersion,
        request: AssumeRoleRequest,
        now: Timestamp,
    ) -> Self {
        Self {
            key,
            tenant,
            version,
            request,
            flight: Flight::default(),
            last_used: AtomicI64::new(now.unix()),
            state: Mutex::default(),
        }
    }

    pub(super) fn key(&self) -> &CredentialKey {
        &self.key
    }

    pub(super) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(super) fn version(&self) -> ConfigVersion {
        self.version
    }

    pub(super) fn request(&self) -> &AssumeRoleRequest {
        &self.request
    }

    pub(super) fn flight(&self) -> &Flight {
        &self.flight
    }

    pub(super) fn touch(&self, now: Timestamp) {
        self.last_used.store(now.unix(), Ordering::Relaxed);
    }

    pub(super) fn last_used(&self) -> Timestamp {
        Timestamp::from_unix(self.last_used.load(Ordering::Relaxed))
    }

    /// What to do for a request that ends at `deadline`.
    pub(super) fn decide(&self, now: Timestamp, deadline: Timestamp) -> Decision {
        let state = self.state();
        let paused = state.failure.as_ref().filter(|it| it.pauses(now));
        let Some(current) = state.current.as_ref().filter(|it| it.lives(now)) else {
            return match paused {
                Some(failure) => Decision::Refuse(failure.error.clone()),
                None => Decision::Wait,
            };
        };
        let credentials = Arc::clone(&current.credentials);
        let far_enough = credentials.valid_at(deadline.min(now.plus_seconds(current.horizon)));
        if paused.is_some() || (far_enough && now < current.renew_at) {
            Decision::Serve(credentials)
        } else if far_enough || state.failure.is_some() {
            Decision::ServeAndRenew(credentials)
        } else {
            Decision::Wait
        }
    }

    /// What a request gets that has waited for a flight: anything that lives, or the reason.
    pub(super) fn after_waiting(
        &self,
        now: Timestamp,
    ) -> Result<Arc<Credentials>, CredentialError> {
        let state = self.state();
        if let Some(current) = state.current.as_ref().filter(|it| it.lives(now)) {
            return Ok(Arc::clone(&current.credentials));
        }
        Err(match &state.failure {
            Some(failure) => failure.error.clone(),
            None => CredentialError::timed_out(self.request.role()),
        })
    }

    /// Whether a flight that is about to begin is still wanted.
    pub(super) fn wants_flight(&self, now: Timestamp) -> bool {
        let state = self.state();
        let paused = state.failure.as_ref().is_some_and(|it| it.pauses(now));
        let fresh = state
            .current
            .as_ref()
            .is_some_and(|it| now < it.renew_at && it.lives(now));
        !paused && !fresh
    }

    /// Takes the result of a flight in; `random` spreads what comes next in time.
    pub(super) fn land(&self, outcome: Outcome, now: Timestamp, random: u64) {
        let outcome = match outcome {
            Outcome::Issued(issued) if issued.expires.seconds_since(now) <= LAST_SECONDS => {
                Outcome::Failed(CredentialError::SessionTooShort {
                    role: self.request.role().clone(),
                })
            }
            other => other,
        };
        let mut state = self.state();
        match outcome {
            Outcome::Issued(issued) => {
                if state.failure.take().is_some() {
                    tracing::info!(tenant = %self.tenant, "assuming the tenant's role works again");
                }
                let life = issued.expires.seconds_since(now);
                let random = random ^ self.key.seed();
                state.current = Some(Current {
                    renew_at: now.plus_seconds(renewal_age(life, random)),
                    horizon: life / 4,
                    issued: now,
                    credentials: Arc::new(Credentials::of_session(issued)),
                });
            }
            Outcome::Failed(error) => self.note_failure(&mut state, error, now, random),
        }
    }

    fn note_failure(&self, state: &mut State, error: CredentialError, now: Timestamp, random: u64) {
        let before = state.failure.take();
        let in_a_row = before
            .as_ref()
            .map_or(0, |it| it.in_a_row)
            .saturating_add(1);
        let same = before
            .as_ref()
            .is_some_and(|it| it.error.kind() == error.kind());
        if !same {
            // Once per kind and streak: an outage is one alert, not one per request.
            tracing::warn!(
                tenant = %self.tenant, cause = error.kind(), "no new credentials: {error}"
            );
        }
        state.failure = Some(Failure {
            at: now,
            pause: pause_after(&error, in_a_row, random),
            since: before.map_or(now, |it| it.since),
            in_a_row,
            error,
        });
    }

    /// See [`super::CredentialCache::invalidate`].
    pub(super) fn invalidate(&self, version: u64, now: Timestamp) -> bool {
        let mut state = self.state();
        match &state.current {
            Some(current) if current.credentials.version() == version => {
                let age = now.seconds_since(current.issued);
                let worn = !(0..BRAND_NEW_SECONDS).contains(&age);
                if worn {
                    state.current = None;
                }
                worn
            }
            // Someone else was quicker.
            _ => true,
        }
    }

    pub(super) fn health(&self) -> SessionHealth {
        let state = self.state();
        SessionHealth {
            tenant: self.tenant.clone(),
            version: self.version,
            role: self.request.role().clone(),
            expires: state
                .current
                .as_ref()
                .and_then(|it| it.credentials.expires()),
            failing: state
                .failure
                .as_ref()
                .map(|it| (it.error.clone(), it.since)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Current {
    fn lives(&self, now: Timestamp) -> bool {
        self.credentials.valid_at(now.plus_seconds(LAST_SECONDS))
    }
}

impl Failure {
    /// Not when the clock was set back meanwhile: then the time that passed is unknown.
    fn pauses(&self, now: Timestamp) -> bool {
        (0..self.pause).contains(&now.seconds_since(self.at))
    }
}

/// When to renew, in seconds after issue: at 60 % of the life, give or take 10 %, so that tenants
/// who came together do not come back together.
fn renewal_age(life: i64, random: u64) -> i64 {
    let life = u64::try_from(life).unwrap_or(0);
    let age = life / 2 + up_to(random, life / 5);
    i64::try_from(age).unwrap_or(i64::MAX)
}

/// How long to leave STS alone, in seconds.
///
/// Where trying again helps: full jitter under a doubling, capped bound. Where only a person helps:
/// nearly the whole of what is allowed.
fn pause_after(error: &CredentialError, in_a_row: u32, random: u64) -> i64 {
    let doubled = 1_u64.checked_shl(in_a_row).unwrap_or(u64::MAX);
    let seconds = match error {
        CredentialError::Throttled { .. } => 1 + up_to(random, doubled.min(THROTTLED_SECONDS) - 1),
        CredentialError::StsUnavailable { .. } => {
            1 + up_to(random, doubled.min(UNAVAILABLE_SECONDS) - 1)
        }
        _ => REFUSAL_SECONDS - up_to(random, REFUSAL_SECONDS / 5),
    };
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
