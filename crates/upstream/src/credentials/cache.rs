//! Fresh credentials for every tenant, with as few calls to STS as possible.
//!
//! Promises: one call at a time per session, however many wait for it; a session is renewed in the
//! background long before it ends, so that a slow or failing STS costs no request anything while
//! the session lives; a refusal is remembered for at most half a minute; no tenant waits for
//! another's call.

use super::session::{Decision, Outcome, Session};
use super::{AssumeRole, AssumeRoleRequest, CredentialError, Credentials};
use crate::access::{Login, RoleLogin, TenantAccess};
use crate::flight::Landing;
use crate::random::{Random, up_to};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use types::{Clock, ConfigVersion, RoleArn, TenantId, Timestamp};

/// Calls per flight: the first, and retries where retrying helps.
const MAX_ATTEMPTS: u32 = 3;

/// The longest pause between two attempts of one flight is this, doubled per attempt.
const RETRY_BASE: Duration = Duration::from_millis(200);

/// What the cache may use.
#[derive(Debug, Clone, Copy)]
pub struct CacheLimits {
    /// Sessions in all; beyond, the longest unused ones go.
    pub sessions: usize,
    /// Sessions of one tenant: its configuration, and the targets that its jobs pin.
    pub sessions_per_tenant: usize,
    /// Renewals that may begin in one second; first calls are not counted, they have a waiter.
    pub renewals_per_second: u32,
    /// How long one call to STS may take.
    pub call: Duration,
    /// How long a request waits for credentials.
    pub wait: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            sessions: 20_000,
            sessions_per_tenant: 64,
            renewals_per_second: 50,
            call: Duration::from_secs(10),
            wait: Duration::from_secs(15),
        }
    }
}

/// The state of one session, for status pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionHealth {
    /// Whose.
    pub tenant: TenantId,
    /// Which revision of the configuration.
    pub version: ConfigVersion,
    /// The role it assumes.
    pub role: RoleArn,
    /// When the credentials in hand end; `None` when there are none.
    pub expires: Option<Timestamp>,
    /// Why the last call failed, and since when calls fail; `None` when the last one succeeded.
    pub failing: Option<(CredentialError, Timestamp)>,
}

/// The cache. Cloning shares it.
#[derive(Clone)]
pub struct CredentialCache {
    shared: Arc<Shared>,
}

struct Shared {
    sts: Arc<dyn AssumeRole>,
    clock: Arc<dyn Clock>,
    random: Random,
    limits: CacheLimits,
    sessions: Mutex<Sessions>,
    pace: Mutex<Pace>,
}

#[derive(Default)]
struct Sessions {
    by_tenant: HashMap<TenantId, Vec<Arc<Session>>>,
    count: usize,
}

/// How many renewals began in the current second.
#[derive(Default)]
struct Pace {
    second: i64,
    begun: u32,
}

impl CredentialCache {
    /// A cache in front of `sts`.
    pub fn new(
        sts: Arc<dyn AssumeRole>,
        clock: Arc<dyn Clock>,
        random: Random,
        limits: CacheLimits,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                sts,
                clock,
                random,
                limits,
                sessions: Mutex::default(),
                pace: Mutex::default(),
            }),
        }
    }

    /// Credentials that still work at `deadline`, when the operation that asks will be over.
    ///
    /// A deadline more than a quarter of a session away counts as that quarter: S3 looks at a
    /// session when a request begins. When STS fails, a session that still lives is served to its
    /// end.
    pub async fn get(
        &self,
        access: &TenantAccess,
        deadline: Timestamp,
    ) -> Result<Arc<Credentials>, CredentialError> {
        let login = match access.login() {
            Login::Keys(keys) => return Ok(Arc::clone(keys)),
            Login::Role(login) => login,
        };
        let session = self.session(access, login);
        // Twice at most: the flight that was joined may have found nothing to do, just before
        // someone invalidated what it had found.
        for _ in 0..2 {
            match session.decide(self.now(), deadline) {
                Decision::Serve(credentials) => return Ok(credentials),
                Decision::ServeAndRenew(credentials) => {
                    self.renew(&session);
                    return Ok(credentials);
                }
                Decision::Refuse(error) => return Err(error),
                Decision::Wait => {}
            }
            let landed = timeout(self.shared.limits.wait, self.fetch(&session).wait()).await;
            if landed.is_err() {
                break;
            }
        }
        session.after_waiting(self.now())
    }

    /// Says that the upstream refused `credentials` as expired or unknown.
    ///
    /// Returns whether asking again may bring others. It does not when they are brand new: then the
    /// upstream refuses for another reason, and another session would be refused as well.
    pub fn invalidate(&self, access: &TenantAccess, credentials: &Credentials) -> bool {
        match access.login() {
            Login::Keys(_) => false,
            Login::Role(login) => self
                .session(access, login)
                .invalidate(credentials.version(), self.now()),
        }
    }

    /// Drops what belongs to revisions of `tenant` before `version`.
    pub fn forget_before(&self, tenant: &TenantId, version: ConfigVersion) {
        self.sessions().retain(tenant, |it| it.version() >= version);
    }

    /// Drops everything of `tenant`.
    pub fn forget(&self, tenant: &TenantId) {
        self.sessions().retain(tenant, |_| false);
    }

    /// How every session does.
    pub fn health(&self) -> Vec<SessionHealth> {
        let sessions: Vec<_> = self
            .sessions()
            .by_tenant
            .values()
            .flatten()
            .cloned()
            .collect();
        sessions.iter().map(|it| it.health()).collect()
    }

    /// How many sessions are held.
    pub fn len(&self) -> usize {
        self.sessions().count
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.shared.sessions)
    }

    fn session(&self, access: &TenantAccess, login: &RoleLogin) -> Arc<Session> {
        let now = self.now();
        let mut sessions = self.sessions();
        if let Some(known) = sessions.find(access.tenant(), login) {
            known.touch(now);
            return known;
        }
        // A newer revision ends the older ones; requests that still run on one hold their own.
        sessions.retain(access.tenant(), |it| it.version() >= access.version());
        sessions.make_room(access.tenant(), &self.shared.limits);
        let session = Arc::new(Session::new(
            login.key.clone(),
            access.tenant().clone(),
            access.version(),
            AssumeRoleRequest::new(access.tenant(), login),
            now,
        ));
        sessions.insert(Arc::clone(&session));
        session
    }

    /// Begins a renewal in the background, unless enough of them began this second.
    fn renew(&self, session: &Arc<Session>) {
        if session.flight().is_running() {
            return;
        }
        let second = self.now().unix();
        {
            let mut pace = lock(&self.shared.pace);
            if pace.second != second {
                *pace = Pace { second, begun: 0 };
            }
            if pace.begun >= self.shared.limits.renewals_per_second {
                return;
            }
            pace.begun += 1;
        }
        drop(self.fetch(session));
    }

    fn fetch(&self, session: &Arc<Session>) -> Landing {
        session
            .flight()
            .join(|| Arc::clone(&self.shared).fly(Arc::clone(session)))
    }
}

impl Shared {
    /// One flight: a call, and a few more where trying again helps.
    async fn fly(self: Arc<Self>, session: Arc<Session>) {
        // Who decided to fly may have looked before the last flight landed.
        if !session.wants_flight(self.clock.now()) {
            return;
        }
        let mut attempt = 0;
        let outcome = loop {
            attempt += 1;
            match self.call(&session).await {
                Ok(issued) => break Outcome::Issued(issued),
                Err(error) if attempt < MAX_ATTEMPTS && error.retryable() => {
                    let longest = RETRY_BASE * 2_u32.pow(attempt);
                    let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
                    sleep(Duration::from_millis(up_to((self.random)(), longest))).await;
                }
                Err(error) => break Outcome::Failed(error),
            }
        };
        session.land(outcome, self.clock.now(), (self.random)());
    }

    async fn call(&self, session: &Session) -> Result<super::IssuedSession, CredentialError> {
        let request = session.request();
        match timeout(self.limits.call, self.sts.assume_role(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(CredentialError::timed_out(request.role())),
        }
    }
}

impl Sessions {
    fn find(&self, tenant: &TenantId, login: &RoleLogin) -> Option<Arc<Session>> {
        let of_tenant = self.by_tenant.get(tenant)?;
        of_tenant.iter().find(|it| it.key() == &login.key).cloned()
    }

    fn insert(&mut self, session: Arc<Session>) {
        self.count += 1;
        self.by_tenant
            .entry(session.tenant().clone())
            .or_default()
            .push(session);
    }

    fn retain(&mut self, tenant: &TenantId, keep: impl Fn(&Session) -> bool) {
        let Some(of_tenant) = self.by_tenant.get_mut(tenant) else {
            return;
        };
        let before = of_tenant.len();
        of_tenant.retain(|it| keep(it));
        self.count -= before - of_tenant.len();
        if of_tenant.is_empty() {
            self.by_tenant.remove(tenant);
        }
    }

    fn make_room(&mut self, tenant: &TenantId, limits: &CacheLimits) {
        if let Some(of_tenant) = self.by_tenant.get_mut(tenant)
            && of_tenant.len() >= limits.sessions_per_tenant
            && let Some((oldest, _)) = of_tenant
                .iter()
                .enumerate()
                .min_by_key(|(_, it)| it.last_used())
        {
            of_tenant.swap_remove(oldest);
            self.count -= 1;
        }
        if self.count >= limits.sessions {
            self.evict(limits.sessions / 16 + 1);
        }
    }

    /// Drops the `number` longest unused sessions: many at once, so that a full cache looks over
    /// itself once per sixteenth of its size and not at each insertion.
    fn evict(&mut self, number: usize) {
        let mut uses: Vec<Timestamp> = self
            .by_tenant
            .values()
            .flatten()
            .map(|it| it.last_used())
            .collect();
        let number = number.min(uses.len());
        if number == 0 {
            return;
        }
        let (_, newest_to_go, _) = uses.select_nth_unstable(number - 1);
        let newest_to_go = *newest_to_go;
        let mut left = number;
        self.by_tenant.retain(|_, of_tenant| {
            of_tenant.retain(|it| {
                let goes = left > 0 && it.last_used() <= newest_to_go;
                left -= usize::from(goes);
                !goes
            });
            !of_tenant.is_empty()
        });
        self.count -= number - left;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
