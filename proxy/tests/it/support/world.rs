//! One gateway with two tenants: `acme` is reached by a role, `globex` by keys that last.

use super::client::{Answer, Client};
use super::request::Request;
use super::signer::Signer;
use super::sts::ScriptedSts;
use super::stub::Stub;
use super::{PATIENCE, eventually, logs};
use async_trait::async_trait;
use control::{Directory, Tenants};
use proxy::assemble;
use proxy::config::GatewaySettings;
use proxy::gateway::{Gateway, Parts};
use proxy::limits::{InFlight, LeastRate};
use proxy::server;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use store::{MemoryStore, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use types::{
    AccessKey, AccessKeyId, AccessKeyStatus, ActionSet, AddressingStyle, Backend, BucketAccess,
    BucketAlias, BucketMapping, BucketName, Clock, ConfigStatus, ConfigVersion, Endpoint,
    ExternalIdPrefix, Grant, KeyPrefix, Location, ManualClock, Region, RoleArn, SecretString,
    StorageConfig, StorageMode, TenantId, Timestamp, UpstreamAccess,
};
use upstream::{
    AddressPolicy, CaBundle, CacheLimits, ClientLimits, CredentialCache, Lookup, PeerTimeouts,
    Resolver, ResolverLimits, UpstreamClient, system_random,
};

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_unix(1_811_844_000);

/// What differs between worlds.
pub(crate) struct Setup {
    pub(crate) timeouts: PeerTimeouts,
    pub(crate) body_idle: Duration,
    pub(crate) head_timeout: Duration,
    pub(crate) least_rate: LeastRate,
    pub(crate) drain: Duration,
    pub(crate) requests_per_tenant: usize,
    pub(crate) connections: usize,
    /// How the upstream proves who it is; in clear without.
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// Instead of the scheme that goes with `tls`.
    pub(crate) scheme: Option<&'static str>,
    /// Whom `globex` trusts.
    pub(crate) ca: Option<Arc<CaBundle>>,
    /// The host that the tenants' endpoints name.
    pub(crate) host: &'static str,
    /// The names by which clients know the gateway, beside `Host`.
    pub(crate) public_hosts: Vec<String>,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            timeouts: PeerTimeouts::default(),
            body_idle: PATIENCE,
            head_timeout: PATIENCE,
            least_rate: LeastRate::DEFAULT,
            drain: PATIENCE,
            requests_per_tenant: 2_000,
            connections: 10_000,
            tls: None,
            scheme: None,
            ca: None,
            host: "127.0.0.1",
            public_hosts: Vec::new(),
            lookup: Arc::new(EverythingIsHere),
        }
    }
}

/// A running gateway and all that it talks to.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) stub: Stub,
    /// Where both tenants' buckets are.
    pub(crate) endpoint: Endpoint,
    pub(crate) sts: Arc<ScriptedSts>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenants: Tenants,
    pub(crate) in_flight: InFlight,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        logs::listen();
        upstream::install_crypto_provider();
        let scheme = if setup.tls.is_some() { "https" } else { "http" };
        let scheme = setup.scheme.unwrap_or(scheme);
        let stub = Stub::start(setup.tls.clone()).await;
        let endpoint = format!("{scheme}://{}:{}", setup.host, stub.address.port());
        let endpoint = Endpoint::parse(&endpoint).unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let sts = ScriptedSts::new(&clock);
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let directory = Arc::new(Directory::new(Arc::clone(&store), setup.ca.clone()));
        tokio::spawn(directory.follow_changes());
        let tenants = Tenants::new(store, Box::new(assemble::draw));
        declare(&tenants, &endpoint).await;
        let gateway = gateway(&setup, directory, &sts, &clock, stub.address.port());
        let in_flight = gateway.in_flight();
        let (stop, stopped) = watch::channel(false);
        let bound = server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = bound.address;
        let settings = settings(&setup, address);
        let served = tokio::spawn(async move {
            server::serve(gateway, &settings, bound, stopped)
                .await
                .unwrap();
        });
        Self {
            address,
            stub,
            endpoint,
            sts,
            clock,
            tenants,
            in_flight,
            stop,
            served,
        }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Sends a request over a connection of its own.
    pub(crate) async fn ask(&self, request: &Request) -> Answer {
        self.connect().await.ask(request).await
    }

    /// Signs as `acme`, then sends.
    pub(crate) async fn acme(&self, request: Request) -> Answer {
        self.ask(&self.signer(ACME_KEY).sign(request)).await
    }

    /// Signs as `globex`, then sends.
    pub(crate) async fn globex(&self, request: Request) -> Answer {
        self.ask(&self.signer(GLOBEX_KEY).sign(request)).await
    }

    /// One of the access keys, at the gateway's own time.
    pub(crate) fn signer(&self, id: &str) -> Signer {
        Signer {
            id: id.to_string(),
            secret: secret(id),
            now: self.clock.now(),
        }
    }

    /// Waits until nothing is in flight: upstream connections are back in their pool.
    pub(crate) async fn settled(&self) {
        eventually("nothing is in flight", || self.in_flight.count() == 0).await;
    }

    /// SIGTERM.
    pub(crate) fn stop(&self) {
        self.stop.send(true).unwrap();
    }

    /// Waits for the end of serving.
    pub(crate) async fn served(&mut self) {
        tokio::time::timeout(PATIENCE * 2, &mut self.served)
            .await
            .expect("the gateway does not end")
            .unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.served.abort();
        if !std::thread::panicking() {
            logs::assert_clean();
        }
    }
}

/// Everything in all buckets of `acme`.
pub(crate) const ACME_KEY: &str = "BYOSACMEFULL00000001";
/// Reading in all buckets of `acme`.
pub(crate) const READER_KEY: &str = "BYOSACMEREADER000001";
/// Everything in all buckets of `globex`.
pub(crate) const GLOBEX_KEY: &str = "BYOSGLOBEXFULL000001";

fn secret(id: &str) -> String {
    format!("canary-secret-of-{id}")
}

fn access_key(tenant: &str, id: &str, actions: ActionSet) -> AccessKey {
    AccessKey {
        id: AccessKeyId::parse(id).unwrap(),
        tenant: TenantId::parse(tenant).unwrap(),
        secret: SecretString::new(secret(id)),
        secret_version: 1,
        grants: vec![Grant::on_all_buckets(actions)],
        not_after: None,
        status: AccessKeyStatus::Active,
    }
}

async fn declare(tenants: &Tenants, endpoint: &Endpoint) {
    for config in [acme(endpoint), globex(endpoint)] {
        tenants.put_config(config).await.unwrap();
    }
    for (tenant, id, actions) in [
        ("acme", ACME_KEY, ActionSet::ReadWrite),
        ("acme", READER_KEY, ActionSet::ReadOnly),
        ("globex", GLOBEX_KEY, ActionSet::ReadWrite),
    ] {
        tenants
            .put_key(access_key(tenant, id, actions))
            .await
            .unwrap();
    }
}

/// An AWS tenant: `data` is read-only, `results` is not.
pub(crate) fn acme(endpoint: &Endpoint) -> StorageConfig {
    let backend = Backend::AwsS3 {
        region: Region::parse("eu-central-1").unwrap(),
        endpoint: Some(endpoint.clone()),
    };
    let role = RoleArn::parse("arn:aws:iam::123456789012:role/hidden-role").unwrap();
    let access = UpstreamAccess::AssumeRole {
        role,
        external_id_prefix: ExternalIdPrefix::default(),
    };
    config("acme", &backend, access)
}

/// A tenant with a store of its own.
pub(crate) fn globex(endpoint: &Endpoint) -> StorageConfig {
    let backend = Backend::S3Compatible {
        endpoint: endpoint.clone(),
        region: Region::parse("us-east-1").unwrap(),
        addressing: AddressingStyle::Path,
    };
    let access = UpstreamAccess::StaticKeys {
        access_key_id: "AKIDHIDDENGLOBEX".to_string(),
        secret_access_key: SecretString::from("canary-static-secret"),
    };
    config("globex", &backend, access)
}

fn config(tenant: &str, backend: &Backend, access: UpstreamAccess) -> StorageConfig {
    let mapping = |name: &str, access| BucketMapping {
        location: Location {
            backend: backend.clone(),
            bucket: BucketName::parse(format!("hidden-{tenant}-{name}")).unwrap(),
            prefix: KeyPrefix::parse(format!("hidden-prefix/{tenant}/")).unwrap(),
        },
        access,
    };
    let bucket = |name: &str, access| (BucketAlias::parse(name).unwrap(), mapping(name, access));
    StorageConfig {
        tenant: TenantId::parse(tenant).unwrap(),
        version: ConfigVersion::FIRST,
        mode: StorageMode::Customer,
        status: ConfigStatus::Enabled,
        access,
        buckets: [
            bucket("data", BucketAccess::ReadOnly),
            bucket("results", BucketAccess::ReadWrite),
        ]
        .into(),
    }
}

fn gateway(
    setup: &Setup,
    directory: Arc<Directory>,
    sts: &Arc<ScriptedSts>,
    clock: &Arc<ManualClock>,
    port: u16,
) -> Gateway {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    let policy = AddressPolicy {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        allow_http: true,
        allowed_ports: vec![port],
    };
    let resolver = Resolver::new(
        Arc::clone(&setup.lookup),
        Arc::clone(&clock),
        policy,
        ResolverLimits::default(),
    );
    let limits = ClientLimits {
        timeouts: setup.timeouts,
        head: setup.timeouts.read,
        ..ClientLimits::default()
    };
    let credentials = CredentialCache::new(
        Arc::clone(sts) as _,
        Arc::clone(&clock),
        system_random(),
        CacheLimits::default(),
    );
    Gateway::new(Parts {
        directory,
        verifier: sigv4::Verifier::new(
            setup.public_hosts.clone(),
            sigv4::Verifier::DEFAULT_CACHED_KEYS,
        ),
        signer: sigv4::Signer::new(sigv4::Signer::DEFAULT_CACHED_KEYS),
        credentials,
        client: UpstreamClient::new(resolver.clone(), limits).unwrap(),
        peer_timeouts: setup.timeouts,
        resolver,
        clock,
        draw: assemble::draw,
        domains: vec![s3::Domain::parse(super::request::HOST).unwrap()],
        region: Region::parse("eu-central-1").unwrap(),
        body_idle_timeout: setup.body_idle,
        least_rate: setup.least_rate,
        max_requests_per_tenant: setup.requests_per_tenant,
    })
}

fn settings(setup: &Setup, address: SocketAddr) -> GatewaySettings {
    GatewaySettings {
        listen: address,
        tls: None,
        domains: vec![],
        public_hosts: vec![],
        region: Region::parse("eu-central-1").unwrap(),
        threads: 0,
        max_connections: setup.connections,
        max_requests_per_tenant: setup.requests_per_tenant,
        body_idle_timeout: setup.body_idle,
        head_timeout: setup.head_timeout,
        least_rate: setup.least_rate,
        drain: setup.drain,
    }
}

/// A DNS in which every name is this machine.
struct EverythingIsHere;

#[async_trait]
impl Lookup for EverythingIsHere {
    async fn lookup(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }
}
