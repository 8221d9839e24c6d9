//! The live half: calls with the role's own session.

use crate::aws::{Cloud, Credentials, is_passing};
use crate::failure::Failure;
use crate::model::Desired;
use crate::prove::attempt::Attempt;
use crate::prove::trial::{Places, Trial};
use crate::prove::{Check, Denial, Expected, Verdict};
use crate::runner::Watch;
use std::time::Duration;
use tokio::time::Instant;

/// A new role may be unknown for a while: so many successes in a row end the waiting.
const STEADY: u32 = 3;

/// Who assumes the role: the gateway's role, or something that may become it.
pub struct Vendor<'a> {
    /// Its connection.
    pub cloud: &'a Cloud,
    /// How long a new role may take to be known.
    pub patience: Duration,
}

impl Vendor<'_> {
    /// A session of the tenant's role.
    async fn assume(&self, desired: &Desired, id: Option<&str>) -> Result<Credentials, Failure> {
        let role = desired.role.as_ref().map(|role| role.arn.to_string());
        self.cloud
            .assume(&role.unwrap_or_default(), id, "byos-proof")
            .await
    }

    /// Waits until the role can be assumed several times in a row.
    ///
    /// # Errors
    /// The last refusal, once the patience is used up.
    pub async fn wait_until_steady(
        &self,
        desired: &Desired,
        watch: &dyn Watch,
    ) -> Result<Credentials, Failure> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(250);
        let mut steady = 0;
        loop {
            match self
                .assume(desired, Some(desired.external_id.as_str()))
                .await
            {
                Ok(credentials) => {
                    steady += 1;
                    if steady == STEADY {
                        return Ok(credentials);
                    }
                }
                Err(failure)
                    if (failure.is_denied() || is_passing(&failure))
                        && started.elapsed() + wait < self.patience =>
                {
                    steady = 0;
                    watch.tell(&format!(
                        "the role cannot be assumed yet ({} s, at most {} s)",
                        started.elapsed().as_secs(),
                        self.patience.as_secs()
                    ));
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// Time that may be waited in the course of one proof, all waits together.
struct Budget<'a> {
    until: Instant,
    wait: Duration,
    watch: &'a dyn Watch,
}

impl<'a> Budget<'a> {
    fn new(whole: Duration, watch: &'a dyn Watch) -> Self {
        Self {
            until: Instant::now() + whole,
            wait: FIRST_WAIT,
            watch,
        }
    }

    /// Waits, longer each time; `false` when no time is left.
    async fn again(&mut self) -> bool {
        if Instant::now() + self.wait > self.until {
            return false;
        }
        self.watch.tell(&format!(
            "the answer is not the expected one; it may pass, so asking again (at most {} s more)",
            (self.until - Instant::now()).as_secs()
        ));
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        true
    }

    fn answered(&mut self) {
        self.wait = FIRST_WAIT;
    }
}

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The live half under way.
pub struct Live<'a> {
    /// What shall be.
    pub desired: &'a Desired,
    /// Who assumes the role.
    pub vendor: Vendor<'a>,
    /// The role's own session.
    pub session: &'a Cloud,
    /// The customer's admin, who puts what the role reads and clears away.
    pub admin: &'a Cloud,
    /// Told about progress.
    pub watch: &'a dyn Watch,
    /// Makes the names of this proof's objects its own.
    pub nonce: String,
    /// Why nothing may be written, when that is so: what is written could not be removed.
    pub keeps: Option<String>,
}

/// What the live half found.
pub struct Found {
    /// Every check.
    pub checks: Vec<Check>,
    /// Probes that could not be removed, in words.
    pub left_behind: Vec<String>,
}

impl Live<'_> {
    /// Makes every check, and leaves nothing behind.
    pub async fn run(self) -> Found {
        let mut budget = Budget::new(self.vendor.patience / 3, self.watch);
        let mut checks = Vec::new();
        self.watch.tell("proving who may assume the role");
        self.trust(&mut budget, &mut checks).await;
        self.watch
            .tell("proving what the role may do, and what not");
        let reason = match &self.keeps {
            Some(reason) => Some(reason.clone()),
            None => self.prepare().await.err(),
        };
        let places = self.places();
        for trial in places.permitted().into_iter().chain(places.forbidden()) {
            if reason.is_none() || trial.leaves_nothing() {
                checks.push(self.try_out(trial, &mut budget).await);
            }
        }
        let left_behind = match &self.keeps {
            Some(_) => Vec::new(),
            None => self.clear_away().await,
        };
        checks.extend(reason.map(unprepared));
        Found {
            checks,
            left_behind,
        }
    }

    fn places(&self) -> Places<'_> {
        Places {
            desired: self.desired,
            nonce: &self.nonce,
        }
    }

    async fn trust(&self, budget: &mut Budget<'_>, checks: &mut Vec<Check>) {
        let right = self.desired.external_id.as_str().to_string();
        let prefix = right.strip_suffix(self.desired.tenant.as_str());
        let other = format!("{}byos-proof-other", prefix.unwrap_or_default());
        let wrong = [
            ("without an external id", None),
            ("with a wrong external id", Some(format!("{right}-wrong"))),
            ("with another tenant's external id", Some(other)),
        ];
        let actions = &["sts:AssumeRole"];
        let answer = loop {
            match self.assume(Some(&right)).await {
                Err(failure) if may_pass(&failure) && budget.again().await => {}
                answer => break answer,
            }
        };
        let claim = "the vendor assumes the role with the external id".to_string();
        checks.push(allowed(claim, actions, &answer));
        for (words, id) in wrong {
            let (control, answer) = loop {
                let control = self.assume(Some(&right)).await;
                let answer = self.assume(id.as_deref()).await;
                if !is_open(&control, &answer) || !budget.again().await {
                    break (control, answer);
                }
            };
            budget.answered();
            let claim = format!("the vendor does not assume the role {words}");
            let before = "assuming the role with the external id";
            let refused = |denial| matches!(denial, Denial::TrustPolicy | Denial::Unspecified);
            checks.push(denied(claim, actions, (before, &control), &answer, refused));
        }
    }

    async fn assume(&self, id: Option<&str>) -> Result<(), Failure> {
        self.vendor.assume(self.desired, id).await.map(drop)
    }

    /// Objects that must be there, so that a refusal cannot mean that they are not.
    async fn prepare(&self) -> Result<(), String> {
        let places = self.places();
        for (bucket, key) in [
            (places.data(), places.own("read")),
            (places.data(), places.foreign("read")),
            (places.results(), places.foreign("read")),
        ] {
            let put = Attempt::Put { bucket, key };
            put.make(self.admin)
                .await
                .map_err(|f| format!("the caller cannot put a probe: {f}"))?;
        }
        Ok(())
    }

    /// Tries until the answer is not one that passes.
    async fn try_out(&self, trial: Trial, budget: &mut Budget<'_>) -> Check {
        let actions = trial.attempt.actions();
        let make = |attempt: Attempt| async move { attempt.make(self.session).await.map(drop) };
        let Some(control) = trial.control else {
            let answer = loop {
                match make(trial.attempt.clone()).await {
                    Err(failure) if may_pass(&failure) && budget.again().await => {}
                    answer => break answer,
                }
            };
            budget.answered();
            return allowed(trial.claim, actions, &answer);
        };
        let words = control.words();
        let (control, answer) = loop {
            let control = make(control.clone()).await;
            let answer = make(trial.attempt.clone()).await;
            if !is_open(&control, &answer) || !budget.again().await {
                break (control, answer);
            }
        };
        budget.answered();
        let is_bounded = self
            .desired
            .role
            .as_ref()
            .is_some_and(|r| r.boundary.is_some());
        denied(trial.claim, actions, (words, &control), &answer, |denial| {
            matches!(denial, Denial::IdentityPolicy | Denial::Unspecified)
                || (is_bounded && denial == Denial::Boundary)
        })
    }

    /// Removes every version of every probe, whoever wrote it.
    async fn clear_away(&self) -> Vec<String> {
        let places = self.places();
        let mut left = Vec::new();
        for bucket in [places.data(), places.results()] {
            for prefix in [places.own(""), places.foreign(""), places.old()] {
                if let Err(failure) = self.admin.remove_below(&bucket, &prefix).await {
                    left.push(format!(
                        "probes below {prefix} in {bucket} could not be removed: {}\nhint: remove them by hand, every version; \"provisioner deployer-policy --with-prove\" prints what the caller needs",
                        failure.message
                    ));
                }
            }
        }
        left
    }
}

/// A failure that may be gone in a moment: a session that S3 does not know yet, a right that is
/// not seen yet, a store that is busy.
fn may_pass(failure: &Failure) -> bool {
    Denial::of(failure).is_some()
        || failure.is("InvalidAccessKeyId")
        || failure.is("InvalidClientTokenId")
        || is_passing(failure)
}

/// Whether this pair may answer otherwise in a moment: a role that was just narrowed is still
/// known as it was.
fn is_open(control: &Result<(), Failure>, answer: &Result<(), Failure>) -> bool {
    match (control, answer) {
        (Err(failure), _) => may_pass(failure),
        (Ok(()), Ok(())) => true,
        (Ok(()), Err(failure)) => is_passing(failure),
    }
}

fn allowed(claim: String, actions: &[&str], answer: &Result<(), Failure>) -> Check {
    let denial = answer.as_ref().err().and_then(Denial::of);
    let verdict = match (answer, denial) {
        (Ok(()), _) => Verdict::Proven,
        (Err(_), Some(_)) => Verdict::Violated,
        (Err(_), None) => Verdict::Inconclusive,
    };
    Check {
        claim,
        actions: owned(actions),
        expected: Expected::Allowed,
        verdict,
        control: None,
        denial,
        evidence: evidence(answer),
    }
}

/// A refusal counts only with exactly AccessDenied, by who is meant to refuse, just after
/// something that was permitted.
fn denied(
    claim: String,
    actions: &[&str],
    (control, control_answer): (&str, &Result<(), Failure>),
    answer: &Result<(), Failure>,
    counts: impl Fn(Denial) -> bool,
) -> Check {
    let denial = answer.as_ref().err().and_then(Denial::of);
    let (verdict, evidence) = match (control_answer, answer, denial) {
        (_, Ok(()), _) => (Verdict::Violated, "it was permitted".to_string()),
        (Err(_), ..) => (
            Verdict::Inconclusive,
            format!(
                "the permitted call before it failed: {}",
                evidence(control_answer)
            ),
        ),
        (_, Err(_), Some(denial)) if counts(denial) => (Verdict::Proven, evidence(answer)),
        (_, Err(_), Some(denial)) => (
            Verdict::Inconclusive,
            format!(
                "{denial} refused it, which says nothing about the role: {}",
                evidence(answer)
            ),
        ),
        (_, Err(_), None) => (Verdict::Inconclusive, evidence(answer)),
    };
    Check {
        claim,
        actions: owned(actions),
        expected: Expected::Denied,
        verdict,
        control: Some(control.to_string()),
        denial,
        evidence,
    }
}

fn unprepared(reason: String) -> Check {
    Check {
        claim: "the role does what it shall and no more".to_string(),
        actions: Vec::new(),
        expected: Expected::Allowed,
        verdict: Verdict::Inconclusive,
        control: None,
        denial: None,
        evidence: reason,
    }
}

fn owned(actions: &[&str]) -> Vec<String> {
    actions.iter().map(|action| (*action).to_string()).collect()
}

fn evidence(answer: &Result<(), Failure>) -> String {
    match answer {
        Ok(()) => "permitted".to_string(),
        Err(failure) => failure.evidence(),
    }
}
