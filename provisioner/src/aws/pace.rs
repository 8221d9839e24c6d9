//! Retries of our own: which answers are worth waiting for, how long, and one common pause when
//! the account is throttled, so that many tenants at once do not make it worse. Who waits long
//! says so.

use crate::failure::Failure;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How long to wait, and how often to try.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first wait; it doubles, with jitter.
    pub first: Duration,
    /// No single wait is longer.
    pub longest: Duration,
    /// While nothing answers at all.
    pub unreachable: Duration,
    /// For answers that a busy store gives.
    pub busy: Duration,
    /// For a 409 while another change of the bucket goes on, or its old name is still held.
    pub aborted: Duration,
    /// For what IAM and S3 do not know yet although it was just made.
    pub settling: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(10),
            unreachable: Duration::from_secs(6),
            busy: Duration::from_secs(90),
            aborted: Duration::from_secs(120),
            settling: Duration::from_secs(60),
        }
    }
}

/// Calls in flight at once, all tenants together.
const CALLS_IN_FLIGHT: usize = 12;

/// Calls that change something at IAM: so many at once, then so many a second, all tenants
/// together. IAM publishes no rate; it throttles an account at about this one.
const IAM_WRITES_AT_ONCE: u32 = 15;
const IAM_WRITES_PER_SECOND: u32 = 15;

/// Waits that last shorter are nobody's concern.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Hears why it takes long.
pub trait Listen: Send + Sync {
    /// One line for people.
    fn hear(&self, line: &str);
}

/// Shared by all tenants of one run.
#[derive(Clone)]
pub struct Pace {
    patience: Patience,
    permits: Arc<Semaphore>,
    not_before: Arc<Mutex<Option<Instant>>>,
    /// When the next writing call at IAM is due, as if they came evenly.
    iam_due: Arc<Mutex<Option<Instant>>>,
    listener: Option<Arc<dyn Listen>>,
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pace")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// What else is worth waiting for at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settling {
    /// Nothing: the call is about things that have been there.
    No,
    /// What it is about may have been made a moment ago.
    JustMade,
}

impl Pace {
    /// With this patience.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            permits: Arc::new(Semaphore::new(CALLS_IN_FLIGHT)),
            not_before: Arc::new(Mutex::new(None)),
            iam_due: Arc::new(Mutex::new(None)),
            listener: None,
        }
    }

    /// Tells `listener` about every long wait.
    #[must_use]
    pub fn heard_by(mut self, listener: Arc<dyn Listen>) -> Self {
        self.listener = Some(listener);
        self
    }

    /// How long it waits.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Calls until it succeeds, or fails for good, or the patience for that answer is used up.
    ///
    /// # Errors
    /// The last failure.
    pub async fn call<T, F, Fut>(
        &self,
        name: &str,
        settling: Settling,
        mut attempt: F,
    ) -> Result<T, Failure>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        let started = Instant::now();
        let mut wait = self.patience.first;
        loop {
            self.wait_for_turn().await;
            if is_iam_write(name) {
                self.wait_for_iam().await;
            }
            let result = {
                let _permit = self.permits.acquire().await;
                attempt().await
            };
            let failure = match result {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let Some(limit) = self.limit(&failure, settling) else {
                return Err(failure);
            };
            if started.elapsed() + wait > limit {
                return Err(failure);
            }
            let pause = jittered(wait);
            if is_throttled(&failure) {
                self.hold_everybody(pause);
            }
            if let Some(listener) = &self.listener
                && started.elapsed() + pause >= WORTH_TELLING
            {
                listener.hear(&format!(
                    "waiting: {} on {} says {} ({} s, at most {} s)",
                    failure.call,
                    failure.resource,
                    failure.code.as_deref().unwrap_or("nothing"),
                    started.elapsed().as_secs(),
                    limit.as_secs()
                ));
            }
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(self.patience.longest);
        }
    }

    /// How long this failure may be waited out; `None` when waiting does not help.
    fn limit(&self, failure: &Failure, settling: Settling) -> Option<Duration> {
        if failure.is_untrusted() {
            return None;
        }
        if failure.status.is_none() && failure.code.is_none() {
            return Some(self.patience.unreachable);
        }
        if is_throttled(failure) || is_transient(failure) {
            return Some(self.patience.busy);
        }
        if failure.is("OperationAborted") || failure.is("ConcurrentModification") {
            return Some(self.patience.aborted);
        }
        let not_known_yet = failure.is_absent()
            || failure.is("InvalidClientTokenId")
            || (failure.is("InvalidArgument") && failure.message.contains("destination"));
        (settling == Settling::JustMade && not_known_yet).then_some(self.patience.settling)
    }

    async fn wait_for_turn(&self) {
        let until = match self.not_before.lock() {
            Ok(guard) => *guard,
            Err(poisoned) => *poisoned.into_inner(),
        };
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Takes a place in the rate of writing calls at IAM, and waits for it.
    async fn wait_for_iam(&self) {
        let gap = Duration::from_secs(1) / IAM_WRITES_PER_SECOND;
        let now = Instant::now();
        let due = {
            let mut guard = match self.iam_due.lock() {
                Ok(guard) => guard,
                Err(poisoned) => poisoned.into_inner(),
            };
            let due = guard.map_or(now, |due| due.max(now));
            *guard = Some(due + gap);
            due
        };
        // Who comes after a pause finds places for some calls at once.
        let early = gap * IAM_WRITES_AT_ONCE.saturating_sub(1);
        tokio::time::sleep_until(due.checked_sub(early).unwrap_or(now)).await;
    }

    fn hold_everybody(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut guard = match self.not_before.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        };
        if guard.is_none_or(|old| old < until) {
            *guard = Some(until);
        }
    }
}

/// Whether the same call may succeed in a moment: no answer, a busy store.
pub(crate) fn is_passing(failure: &Failure) -> bool {
    (failure.status.is_none() && failure.code.is_none())
        || is_throttled(failure)
        || is_transient(failure)
}

/// Everything at IAM that does not only look.
fn is_iam_write(call: &str) -> bool {
    call.strip_prefix("iam:")
        .is_some_and(|name| !name.starts_with("Get") && !name.starts_with("List"))
}

fn is_throttled(failure: &Failure) -> bool {
    failure.status == Some(429)
        || [
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
            "SlowDown",
            "RequestLimitExceeded",
            "RequestThrottled",
        ]
        .iter()
        .any(|code| failure.is(code))
}

fn is_transient(failure: &Failure) -> bool {
    matches!(failure.status, Some(500 | 502 | 503 | 504)) && !failure.is_unsupported()
        || failure.is("RequestTimeout")
        || failure.is("ServiceFailure")
}

/// Between half and the whole of `wait`.
fn jittered(wait: Duration) -> Duration {
    let mut byte = [0u8; 1];
    let part = match getrandom::fill(&mut byte) {
        Ok(()) => f64::from(byte[0]) / 255.0,
        Err(_) => 1.0,
    };
    wait.mul_f64(0.5 + part / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Details, Fault};
    use std::sync::atomic::{AtomicU32, Ordering};

    fn failure(code: &str, status: u16) -> Failure {
        Failure::from(Details {
            call: "s3:X".to_string(),
            resource: "b".to_string(),
            code: Some(code.to_string()),
            message: String::new(),
            status: Some(status),
            request_id: None,
            fault: Fault::Store,
            hint: String::new(),
            bucket_region: None,
        })
    }

    async fn attempts(code: &str, status: u16, settling: Settling, succeed_at: u32) -> (u32, bool) {
        let pace = Pace::new(Patience::default());
        let count = AtomicU32::new(0);
        let result = pace
            .call("s3:X", settling, || async {
                let n = count.fetch_add(1, Ordering::SeqCst) + 1;
                if n >= succeed_at {
                    Ok(())
                } else {
                    Err(failure(code, status))
                }
            })
            .await;
        (count.load(Ordering::SeqCst), result.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_store_is_waited_for() {
        for (code, status) in [
            ("SlowDown", 503),
            ("Throttling", 400),
            ("InternalError", 500),
            ("OperationAborted", 409),
        ] {
            assert_eq!(
                attempts(code, status, Settling::No, 4).await,
                (4, true),
                "{code}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_waiting_does_not_change_fails_at_once() {
        for (code, status) in [
            ("AccessDenied", 403),
            ("NoSuchEntity", 404),
            ("MalformedPolicyDocument", 400),
            ("NotImplemented", 501),
        ] {
            assert_eq!(
                attempts(code, status, Settling::No, 9).await,
                (1, false),
                "{code}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_just_made_may_be_unknown_for_a_while() {
        assert_eq!(
            attempts("NoSuchEntity", 404, Settling::JustMade, 5).await,
            (5, true)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn writes_at_iam_keep_to_the_rate_whoever_makes_them_and_reads_do_not_wait() {
        let pace = Pace::new(Patience::default());
        let many = |name: &'static str| {
            let pace = &pace;
            futures_util::future::join_all((0..100).map(move |_| async move {
                let called = pace.call(name, Settling::No, || async { Ok(()) }).await;
                called.map(|()| Instant::now())
            }))
        };
        let started = Instant::now();
        many("iam:GetRole").await;
        many("s3:PutBucketPolicy").await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        let made: Vec<Instant> = many("iam:CreateRole")
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let most = (0..100)
            .map(|first| {
                let end = made[first] + Duration::from_secs(1);
                made.iter()
                    .filter(|at| (made[first]..end).contains(at))
                    .count()
            })
            .max();
        let allowed = (IAM_WRITES_AT_ONCE + IAM_WRITES_PER_SECOND) as usize;
        assert!(most <= Some(allowed), "{most:?} in one second");
        assert!(
            started.elapsed() < Duration::from_secs(7),
            "{:?}",
            started.elapsed()
        );
    }

    struct Heard(Mutex<Vec<String>>);

    impl Listen for Heard {
        fn hear(&self, line: &str) {
            self.0.lock().unwrap().push(line.to_string());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_is_told_with_its_reason_and_its_end() {
        let heard = Arc::new(Heard(Mutex::default()));
        let pace = Pace::new(Patience::default()).heard_by(heard.clone());
        let busy = || async { Err::<(), _>(failure("OperationAborted", 409)) };
        pace.call("s3:X", Settling::No, busy).await.unwrap_err();
        let lines = heard.0.lock().unwrap();
        assert!(lines.len() > 5, "{lines:?}");
        assert!(
            lines[0].contains("s3:X on b says OperationAborted")
                && lines[0].contains("at most 120 s"),
            "{lines:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let (tries, ok) = attempts("OperationAborted", 409, Settling::No, u32::MAX).await;
        assert!(!ok && tries > 5 && tries < 60, "{tries}");
    }
}
