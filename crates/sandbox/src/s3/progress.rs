//! What travels with a request: who signed it, and what becomes of it.

use super::fault::named;
use crate::calls::{CallKind, Calls, FaultEffect};
use crate::claim::Claim;
use crate::facts::Facts;
use http::StatusCode;
use s3s::{S3Result, s3_error};
use std::sync::{Arc, Mutex, PoisonError};
use types::AccountId;

/// What the gate knows of a request; travels in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) claim: Arc<Claim>,
    pub(crate) facts: Arc<Facts>,
}

/// What becomes of a call, for the call log; travels in the request's extensions.
#[derive(Clone)]
pub(crate) struct Progress {
    calls: Arc<Calls>,
    begun: Arc<Mutex<Begun>>,
}

#[derive(Default)]
struct Begun {
    api: Option<&'static str>,
    kind: Option<CallKind>,
    account: Option<AccountId>,
    effect: Option<FaultEffect>,
}

/// The API, whether it writes, who called, and what went wrong on purpose.
type Outcome = (
    Option<String>,
    Option<CallKind>,
    Option<AccountId>,
    Option<FaultEffect>,
);

impl Progress {
    /// Nothing is known yet.
    pub(crate) fn new(calls: Arc<Calls>) -> Self {
        Self {
            calls,
            begun: Arc::default(),
        }
    }

    /// The call is understood and its caller known; a fault may end it here.
    pub(super) fn begin(
        &self,
        api: &'static str,
        is_write: bool,
        account: &AccountId,
    ) -> S3Result<()> {
        let kind = if is_write {
            CallKind::Write
        } else {
            CallKind::Read
        };
        let effect = self.calls.fault(api, kind);
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        *begun = Begun {
            api: Some(api),
            kind: Some(kind),
            account: Some(account.clone()),
            effect: effect.clone(),
        };
        match effect {
            Some(FaultEffect::Answer { status, code }) => {
                let status =
                    StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                Err(named(code, status, "This error was injected."))
            }
            // The answer never goes out.
            Some(FaultEffect::CutBefore | FaultEffect::RunInstead(_)) => {
                Err(s3_error!(ServiceUnavailable))
            }
            _ => Ok(()),
        }
    }

    /// What has become of it.
    pub(crate) fn outcome(&self) -> Outcome {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        (
            begun.api.map(str::to_string),
            begun.kind,
            begun.account.clone(),
            begun.effect.clone(),
        )
    }
}
