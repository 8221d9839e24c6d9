//! What was called, and what goes wrong on purpose.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use types::AccountId;

/// Calls that are remembered; older ones are forgotten.
const MAX_CALLS: usize = 100_000;

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// It looks.
    Read,
    /// It changes something, or would if it had worked.
    Write,
}

/// One call that the sandbox has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Counted from 1 since the start.
    pub number: u64,
    /// `s3`, `iam` or `sts`.
    pub service: &'static str,
    /// The API's name, `PutBucketPolicy`; for a request that is none, its method.
    pub api: String,
    /// Whether it changes anything.
    pub kind: CallKind,
    /// Whose credentials were used, once they are verified.
    pub account: Option<AccountId>,
    /// The path, or for IAM and STS the entity; keys are percent-encoded as they were sent.
    pub target: String,
    /// The HTTP status; 0 when the connection was cut on purpose.
    pub status: u16,
}

/// Which calls a fault hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultOn {
    /// Every call.
    Any,
    /// Every call that changes something.
    AnyWrite,
    /// The calls of one API, `PutBucketPolicy`.
    Api(String),
}

/// What a fault does.
#[derive(Clone)]
pub enum FaultEffect {
    /// Nothing is done; the caller gets this error.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The error's code: `Throttling`, `SlowDown`, `OperationAborted`.
        code: &'static str,
    },
    /// Nothing is done; the connection is cut.
    CutBefore,
    /// It is done; the connection is cut before the answer.
    CutAfter,
    /// It is done; then this runs, then the answer goes out. For crashing the caller.
    RunAfter(Arc<dyn Fn(&Call) + Send + Sync>),
    /// Nothing is done; this runs, then the connection is cut. For crashing the caller just
    /// before a call takes effect.
    RunInstead(Arc<dyn Fn(&Call) + Send + Sync>),
}

impl std::fmt::Debug for FaultEffect {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer { status, code } => write!(out, "Answer({status} {code})"),
            Self::CutBefore => out.write_str("CutBefore"),
            Self::CutAfter => out.write_str("CutAfter"),
            Self::RunAfter(_) => out.write_str("RunAfter"),
            Self::RunInstead(_) => out.write_str("RunInstead"),
        }
    }
}

/// Something that goes wrong on purpose.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Which calls it hits.
    pub on: FaultOn,
    /// How many of these calls pass unharmed first.
    pub skip: u32,
    /// How many are hit after that; `u32::MAX` for all.
    pub times: u32,
    /// What happens to them.
    pub effect: FaultEffect,
}

impl Fault {
    /// Hits the `number`th call (from 1) of those that `on` names, once.
    pub fn once(on: FaultOn, number: u32, effect: FaultEffect) -> Self {
        Self {
            on,
            skip: number.saturating_sub(1),
            times: 1,
            effect,
        }
    }

    fn concerns(&self, api: &str, kind: CallKind) -> bool {
        match &self.on {
            FaultOn::Any => true,
            FaultOn::AnyWrite => kind == CallKind::Write,
            FaultOn::Api(name) => name == api,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    number: u64,
    calls: VecDeque<Call>,
    faults: Vec<Fault>,
}

/// The call log and the faults.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<State>);

impl Calls {
    pub(crate) fn record(&self, mut call: Call) -> Call {
        let mut state = self.lock();
        state.number += 1;
        call.number = state.number;
        if state.calls.len() == MAX_CALLS {
            state.calls.pop_front();
        }
        state.calls.push_back(call.clone());
        call
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.lock().calls.iter().cloned().collect()
    }

    pub(crate) fn forget(&self) {
        self.lock().calls.clear();
    }

    pub(crate) fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    pub(crate) fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// What is to go wrong with this call; counts it.
    pub(crate) fn fault(&self, api: &str, kind: CallKind) -> Option<FaultEffect> {
        let mut state = self.lock();
        let mut effect = None;
        for fault in &mut state.faults {
            if !fault.concerns(api, kind) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 && effect.is_none() {
                if fault.times != u32::MAX {
                    fault.times -= 1;
                }
                effect = Some(fault.effect.clone());
            }
        }
        state.faults.retain(|fault| fault.times > 0);
        effect
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_the_call_it_names_and_no_other() {
        let calls = Calls::default();
        let throttle = FaultEffect::Answer {
            status: 503,
            code: "SlowDown",
        };
        calls.inject(Fault::once(FaultOn::AnyWrite, 2, throttle));
        let hit: Vec<bool> = [
            ("PutObject", CallKind::Write),
            ("GetObject", CallKind::Read),
            ("PutObject", CallKind::Write),
            ("PutObject", CallKind::Write),
        ]
        .into_iter()
        .map(|(api, kind)| calls.fault(api, kind).is_some())
        .collect();
        assert_eq!(hit, [false, false, true, false]);
    }
}
