//! From settings to a running gateway's parts: the only place that knows every concrete type.

use crate::config::{Settings, StoreSettings, StsSettings, TenantSettings, UpstreamSettings};
use crate::gateway::{Gateway, Parts};
use control::{Directory, Tenants};
use sigv4::{Signer, Verifier};
use std::path::Path;
use std::sync::Arc;
use store::{KeyRing, MemoryStore, SledStore, Store};
use types::{Clock, SystemClock};
use upstream::{
    AddressPolicy, AssumeRole, CaBundle, CacheLimits, ClientLimits, CredentialCache,
    GatewayCredentials, PeerTimeouts, Resolver, ResolverLimits, StsClient, StsConfig, SystemLookup,
    UpstreamClient, system_random,
};

/// Why the gateway cannot be put together; the text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AssembleError(String);

impl AssembleError {
    /// While doing what, and what came of it.
    pub fn new(doing: &str, error: &dyn std::error::Error) -> Self {
        let mut words = format!("{doing}: {error}");
        let mut source = error.source();
        while let Some(error) = source {
            words = format!("{words}: {error}");
            source = error.source();
        }
        Self(words)
    }
}

/// A store, and what reads and writes it.
#[derive(Debug)]
pub struct ControlPlane {
    /// For requests.
    pub directory: Arc<Directory>,
    /// For changes.
    pub tenants: Tenants,
}

/// Opens the store and starts following its changes.
///
/// # Errors
/// When the store or its key cannot be used.
pub fn control_plane(
    store: &StoreSettings,
    ca: Option<Arc<CaBundle>>,
) -> Result<ControlPlane, AssembleError> {
    let store: Arc<dyn Store> = match store {
        StoreSettings::Memory => Arc::new(MemoryStore::new()),
        StoreSettings::Sled { path, key_file } => Arc::new(open_sled(path, key_file)?),
    };
    let directory = Arc::new(Directory::new(Arc::clone(&store), ca));
    tokio::spawn(directory.follow_changes());
    let tenants = Tenants::new(store, Box::new(draw));
    Ok(ControlPlane { directory, tenants })
}

fn open_sled(folder: &Path, key_file: &Path) -> Result<SledStore, AssembleError> {
    let failed = |doing: &str| {
        let doing = format!("{doing} {}", key_file.display());
        move |error: store::KeyRingError| AssembleError::new(&doing, &error)
    };
    let fresh = !folder.exists();
    let ring = if key_file.exists() {
        KeyRing::from_file(key_file).map_err(failed("cannot read the store's key"))?
    } else if fresh {
        if let Some(parent) = key_file.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| AssembleError::new("cannot make the data folder", &error))?;
        }
        KeyRing::generate_file(key_file).map_err(failed("cannot write the store's key"))?
    } else {
        return Err(AssembleError(format!(
            "there is a store in {} but not its key, {}: put the key file back; without it nothing \
             in the store can be read",
            folder.display(),
            key_file.display()
        )));
    };
    SledStore::open(folder, ring).map_err(|error| {
        AssembleError::new(
            &format!("cannot open the store in {}", folder.display()),
            &error,
        )
    })
}

/// Puts what the file declares into the store; keys that left the file are revoked.
///
/// # Errors
/// When the store refuses; what was done until then stays, and doing it again is harmless.
pub async fn declare(
    plane: &ControlPlane,
    tenants: &[TenantSettings],
) -> Result<(), AssembleError> {
    for tenant in tenants {
        let id = &tenant.config.tenant;
        let failed = |error: control::ManageError| {
            AssembleError::new(&format!("cannot store tenant {id}"), &error)
        };
        plane
            .tenants
            .put_config(tenant.config.clone())
            .await
            .map_err(failed)?;
        for key in &tenant.keys {
            plane.tenants.put_key(key.clone()).await.map_err(failed)?;
        }
        let keep: Vec<_> = tenant.keys.iter().map(|key| key.id.clone()).collect();
        plane
            .tenants
            .revoke_all_but(id, &keep)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Reads the certificates of `upstream.ca_file`, if there are any.
///
/// # Errors
/// When the file cannot be used.
pub fn ca_bundle(settings: &UpstreamSettings) -> Result<Option<Arc<CaBundle>>, AssembleError> {
    let Some(path) = &settings.ca_file else {
        return Ok(None);
    };
    let doing = format!("cannot use upstream.ca_file {}", path.display());
    let pem = std::fs::read(path).map_err(|error| AssembleError::new(&doing, &error))?;
    CaBundle::from_pem(&pem)
        .map(Some)
        .map_err(|error| AssembleError::new(&doing, &error))
}

/// The gateway over an open control plane.
///
/// # Errors
/// When TLS or STS cannot be set up.
pub fn gateway(settings: &Settings, plane: &ControlPlane) -> Result<Gateway, AssembleError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sts = sts(&settings.sts)?;
    let resolver = resolver(&settings.upstream, &clock);
    let client = UpstreamClient::new(resolver.clone(), ClientLimits::default())
        .map_err(|error| AssembleError::new("cannot set up TLS", &error))?;
    let domains = settings.gateway.domains.iter().cloned();
    Ok(Gateway::new(Parts {
        directory: Arc::clone(&plane.directory),
        verifier: Verifier::new(
            settings.gateway.public_hosts.clone(),
            Verifier::DEFAULT_CACHED_KEYS,
        ),
        signer: Signer::new(Signer::DEFAULT_CACHED_KEYS),
        credentials: CredentialCache::new(
            sts,
            Arc::clone(&clock),
            system_random(),
            CacheLimits::default(),
        ),
        resolver,
        client,
        peer_timeouts: PeerTimeouts::default(),
        clock,
        draw,
        domains: domains.collect(),
        region: settings.gateway.region.clone(),
        body_idle_timeout: settings.gateway.body_idle_timeout,
        least_rate: settings.gateway.least_rate,
        max_requests_per_tenant: settings.gateway.max_requests_per_tenant,
    }))
}

/// Finds and vets addresses of upstreams.
pub fn resolver(settings: &UpstreamSettings, clock: &Arc<dyn Clock>) -> Resolver {
    let policy = AddressPolicy {
        allowed_networks: settings.allow_private.clone(),
        allow_http: settings.allow_http,
        allowed_ports: settings.allowed_ports.clone(),
    };
    Resolver::new(
        Arc::new(SystemLookup::default()),
        Arc::clone(clock),
        policy,
        ResolverLimits::default(),
    )
}

/// The STS that the settings name; one that always refuses when the gateway has no credentials.
///
/// # Errors
/// When its TLS cannot be set up.
pub fn sts(settings: &StsSettings) -> Result<Arc<dyn AssumeRole>, AssembleError> {
    let Some(own) = &settings.credentials else {
        return Ok(Arc::new(NoSts));
    };
    let credentials = GatewayCredentials::new(
        own.access_key_id.clone(),
        own.secret_access_key.clone(),
        own.session_token.clone(),
    );
    let config = StsConfig {
        region: settings.region.clone(),
        endpoint: settings.endpoint.clone(),
        credentials,
        ca_pem: None,
    };
    match StsClient::new(config) {
        Ok(client) => Ok(Arc::new(client)),
        Err(error) => Err(AssembleError::new("cannot set up STS", &error)),
    }
}

/// Where no tenant is reached by a role.
#[derive(Debug)]
pub struct NoSts;

#[async_trait::async_trait]
impl AssumeRole for NoSts {
    async fn assume_role(
        &self,
        _request: &upstream::AssumeRoleRequest,
    ) -> Result<upstream::IssuedSession, upstream::CredentialError> {
        Err(upstream::CredentialError::GatewayCredentialsMissing)
    }
}

/// The operating system's randomness.
pub fn draw(bytes: &mut [u8]) {
    // Without randomness no key and no nonce may be made, and nothing sensible can go on.
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}
