//! An STS that counts, and answers as it is told.

use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use types::{Clock, ManualClock, SecretString};
use upstream::{AssumeRole, AssumeRoleRequest, CredentialError, IssuedSession};

type Script = Box<dyn FnMut(usize) -> Option<CredentialError> + Send>;

/// Issues sessions of an hour, unless told otherwise.
pub(crate) struct ScriptedSts {
    clock: Arc<ManualClock>,
    calls: Mutex<Vec<AssumeRoleRequest>>,
    refuse: Mutex<Script>,
    delay: Mutex<Duration>,
}

impl ScriptedSts {
    pub(crate) fn new(clock: &Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            calls: Mutex::default(),
            refuse: Mutex::new(Box::new(|_| None)),
            delay: Mutex::default(),
        })
    }

    /// From now on the n-th call, counted from 1, fails with what `script` says.
    pub(crate) fn refuse(
        &self,
        script: impl FnMut(usize) -> Option<CredentialError> + Send + 'static,
    ) {
        *self.refuse.lock().unwrap() = Box::new(script);
    }

    /// From now on takes this long.
    pub(crate) fn take(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// All calls so far.
    pub(crate) fn calls(&self) -> Vec<AssumeRoleRequest> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

#[async_trait]
impl AssumeRole for ScriptedSts {
    async fn assume_role(
        &self,
        request: &AssumeRoleRequest,
    ) -> Result<IssuedSession, CredentialError> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(request.clone());
            calls.len()
        };
        let delay = *self.delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        if let Some(error) = (self.refuse.lock().unwrap())(number) {
            return Err(error);
        }
        Ok(IssuedSession {
            access_key_id: format!("ASIAHIDDEN{number:06}"),
            secret: SecretString::new(format!("canary-session-secret-{number}")),
            session_token: SecretString::new(format!("canary-session-token-{number}")),
            expires: self.clock.now().plus_seconds(3_600),
        })
    }
}
