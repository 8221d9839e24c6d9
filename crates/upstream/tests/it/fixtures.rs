//! Tenants, and services that do as they are told.

use async_trait::async_trait;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use types::{
    AddressingStyle, Backend, BucketAccess, BucketAlias, BucketMapping, BucketName, Clock,
    ConfigStatus, ConfigVersion, Endpoint, ExternalIdPrefix, KeyPrefix, Location, ManualClock,
    Region, RoleArn, SecretString, StorageConfig, StorageMode, TenantId, Timestamp, UpstreamAccess,
};
use upstream::{
    AssumeRole, AssumeRoleRequest, CredentialError, IssuedSession, Lookup, Random, Route,
    TenantAccess,
};

pub(crate) const START: Timestamp = Timestamp::from_unix(1_800_000_000);
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/customer";

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START))
}

/// A sequence that is the same in every run and looks random.
pub(crate) fn random(seed: u64) -> Random {
    let state = Mutex::new(seed);
    Arc::new(move || {
        // SplitMix64 (Steele, Lea, Flood 2014).
        let mut state = state.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = *state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    })
}

pub(crate) fn aws(region: &str) -> Backend {
    Backend::AwsS3 {
        region: Region::parse(region).unwrap(),
        endpoint: None,
    }
}

pub(crate) fn compatible(endpoint: &str, addressing: AddressingStyle) -> Backend {
    Backend::S3Compatible {
        endpoint: Endpoint::parse(endpoint).unwrap(),
        region: Region::parse("us-east-1").unwrap(),
        addressing,
    }
}

pub(crate) fn mapping(backend: Backend, bucket: &str, prefix: &str) -> BucketMapping {
    BucketMapping {
        location: Location {
            backend,
            bucket: BucketName::parse(bucket).unwrap(),
            prefix: KeyPrefix::parse(prefix).unwrap(),
        },
        access: BucketAccess::ReadWrite,
    }
}

/// A tenant reached by [`ROLE`], with one bucket.
pub(crate) fn by_role(tenant: &str, version: u64) -> StorageConfig {
    StorageConfig {
        tenant: TenantId::parse(tenant).unwrap(),
        version: ConfigVersion(version),
        mode: StorageMode::Customer,
        status: ConfigStatus::Enabled,
        access: UpstreamAccess::AssumeRole {
            role: RoleArn::parse(ROLE).unwrap(),
            external_id_prefix: ExternalIdPrefix::default(),
        },
        buckets: [(
            BucketAlias::parse("results").unwrap(),
            mapping(aws("eu-central-1"), "customer-results", "in/"),
        )]
        .into(),
    }
}

/// The same, reached by keys that last.
pub(crate) fn by_keys(tenant: &str, version: u64) -> StorageConfig {
    StorageConfig {
        access: UpstreamAccess::StaticKeys {
            access_key_id: "AKIDSTATIC".to_string(),
            secret_access_key: SecretString::from("canary-static-secret"),
        },
        ..by_role(tenant, version)
    }
}

pub(crate) fn access(tenant: &str) -> Arc<TenantAccess> {
    TenantAccess::of(&by_role(tenant, 1)).unwrap()
}

/// A route to `backend` for a tenant with lasting keys.
pub(crate) fn route_to(backend: Backend, bucket: &str) -> Route {
    let access = TenantAccess::of(&by_keys("acme", 1)).unwrap();
    Route::new(&access, &mapping(backend, bucket, ""))
}

pub(crate) fn role() -> RoleArn {
    RoleArn::parse(ROLE).unwrap()
}

pub(crate) fn denied() -> CredentialError {
    CredentialError::RoleNotAssumable { role: role() }
}

pub(crate) fn throttled() -> CredentialError {
    CredentialError::Throttled { role: role() }
}

pub(crate) fn down() -> CredentialError {
    CredentialError::StsUnavailable {
        role: role(),
        reason: "could not connect".to_string(),
    }
}

type Script = Box<dyn FnMut(usize) -> Result<i64, CredentialError> + Send>;

/// An STS that answers by script: with a session of so many seconds, or with an error.
pub(crate) struct ScriptedSts {
    clock: Arc<ManualClock>,
    script: Mutex<Script>,
    delay: Mutex<Duration>,
    calls: Mutex<Vec<AssumeRoleRequest>>,
    running: Mutex<HashMap<String, usize>>,
    most_running: AtomicUsize,
}

impl ScriptedSts {
    /// Issues sessions of an hour, at once.
    pub(crate) fn new(clock: &Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            script: Mutex::new(Box::new(|_| Ok(3_600))),
            delay: Mutex::new(Duration::ZERO),
            calls: Mutex::default(),
            running: Mutex::default(),
            most_running: AtomicUsize::new(0),
        })
    }

    /// From now on answers what `script` says for the n-th call in all, counted from 1.
    pub(crate) fn answer(
        &self,
        script: impl FnMut(usize) -> Result<i64, CredentialError> + Send + 'static,
    ) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    pub(crate) fn fail_with(&self, error: CredentialError) {
        self.answer(move |_| Err(error.clone()));
    }

    pub(crate) fn recover(&self) {
        self.answer(|_| Ok(3_600));
    }

    /// From now on takes this long, in tokio's time.
    pub(crate) fn take(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    pub(crate) fn calls(&self) -> Vec<AssumeRoleRequest> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// The most calls that ran at once for one external id.
    pub(crate) fn most_running(&self) -> usize {
        self.most_running.load(Ordering::SeqCst)
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
        let who = request.external_id().to_string();
        let running = {
            let mut running = self.running.lock().unwrap();
            let mine = running.entry(who.clone()).or_default();
            *mine += 1;
            *mine
        };
        self.most_running.fetch_max(running, Ordering::SeqCst);
        let delay = *self.delay.lock().unwrap();
        tokio::task::yield_now().await;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        *self.running.lock().unwrap().get_mut(&who).unwrap() -= 1;
        let life = (self.script.lock().unwrap())(number)?;
        Ok(IssuedSession {
            access_key_id: format!("ASIA{number}"),
            secret: SecretString::new(format!("canary-secret-{number}")),
            session_token: SecretString::new(format!("canary-token-{number}")),
            expires: self.clock.now().plus_seconds(life),
        })
    }
}

type Zone = Box<dyn FnMut(&str, usize) -> std::io::Result<Vec<IpAddr>> + Send>;

/// A DNS that answers by script.
pub(crate) struct ScriptedDns {
    zone: Mutex<Zone>,
    count: AtomicUsize,
    delay: Mutex<Duration>,
}

impl ScriptedDns {
    /// Answers what `zone` says about a name for the n-th question in all, counted from 1.
    pub(crate) fn new(
        zone: impl FnMut(&str, usize) -> std::io::Result<Vec<IpAddr>> + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            zone: Mutex::new(Box::new(zone)),
            count: AtomicUsize::new(0),
            delay: Mutex::new(Duration::ZERO),
        })
    }

    /// Always these addresses.
    pub(crate) fn of(addresses: &[&str]) -> Arc<Self> {
        let addresses: Vec<IpAddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
        Self::new(move |_, _| Ok(addresses.clone()))
    }

    pub(crate) fn answer(
        &self,
        zone: impl FnMut(&str, usize) -> std::io::Result<Vec<IpAddr>> + Send + 'static,
    ) {
        *self.zone.lock().unwrap() = Box::new(zone);
    }

    pub(crate) fn take(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Lookup for ScriptedDns {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let delay = *self.delay.lock().unwrap();
        tokio::task::yield_now().await;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        (self.zone.lock().unwrap())(host, number)
    }
}

/// Lets every task that can run, run; without moving any clock.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
