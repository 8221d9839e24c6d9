//! The gateway under test, as the process that an operator would start.

use crate::certificate::{self, Certificate};
use crate::client::Login;
use crate::place;
use crate::server::Server;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

/// One tenant of a gateway, as the configuration file declares it.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The org id.
    pub id: String,
    /// How the gateway gets in.
    pub access: Access,
    /// What the tenant's clients call their buckets, and what stands behind.
    pub buckets: Vec<Bucket>,
    /// The keys that its clients sign with.
    pub keys: Vec<Key>,
}

/// How the gateway gets into a tenant's storage.
#[derive(Debug, Clone)]
pub enum Access {
    /// By assuming a role.
    Role(String),
    /// By keys of the store.
    Keys(Login),
}

/// A bucket of a tenant.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// The client's name for it.
    pub name: String,
    /// The real one.
    pub bucket: String,
    /// What stands before every key.
    pub prefix: String,
    /// Whether clients may write.
    pub writable: bool,
    /// Where the store listens.
    pub endpoint: String,
    /// Whether it is to be treated as AWS.
    pub is_aws: bool,
}

/// A key that a client signs with.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key's id.
    pub id: String,
    /// The key's secret.
    pub secret: String,
    /// Whether it may only read.
    pub read_only: bool,
}

/// What `proxy serve` is to be configured with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The tenants.
    pub tenants: Vec<Tenant>,
    /// The STS endpoint and the gateway's own identity there.
    pub sts: Option<Login>,
    /// A certificate authority to trust towards upstreams.
    pub upstream_authority: Option<PathBuf>,
    /// Whether the listener speaks TLS.
    pub tls: bool,
    /// Domains for virtual-hosted addressing.
    pub domains: Vec<String>,
    /// The one processor to run on, with one worker thread.
    pub cpu: Option<usize>,
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    port: u16,
    certificate: Option<Certificate>,
}

impl Gateway {
    /// `proxy serve`.
    pub fn serve(settings: &Settings) -> Self {
        let port = place::free_port();
        let mut certificate = None;
        let (program, mut arguments) = place::pinned(settings.cpu, place::proxy().to_owned());
        let mut server = Server::start("gateway", &program, |folder| {
            certificate = settings.tls.then(|| certificate::make(folder));
            let (text, environment) = configuration(settings, port, certificate.as_ref(), folder);
            let file = folder.join("byos.toml");
            std::fs::write(&file, text).unwrap();
            arguments.extend(["serve", "--config", file.to_str().unwrap()].map(str::to_owned));
            (arguments, environment)
        });
        server.wait_until(|_| TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self {
            server,
            port,
            certificate,
        }
    }

    /// `proxy dev` with its data in `data`, and the block to paste that it printed.
    pub fn dev(data: &Path) -> (Self, String) {
        Self::start_dev(data, &[], |log| {
            log.contains("# Ctrl-C").then(|| log.to_owned())
        })
    }

    /// `proxy dev --json`, and a login made of what it printed.
    pub fn dev_login(data: &Path) -> (Self, Login) {
        Self::start_dev(data, &["--json"], |log| {
            let fields: Value = log
                .lines()
                .find_map(|line| serde_json::from_str(line).ok())?;
            let field = |name: &str| fields[name].as_str().unwrap().to_owned();
            Some(Login {
                endpoint: field("endpoint"),
                region: field("region"),
                access_key_id: field("access_key_id"),
                secret_access_key: field("secret_access_key"),
                authority: None,
            })
        })
    }

    fn start_dev<T>(data: &Path, more: &[&str], read: impl Fn(&str) -> Option<T>) -> (Self, T) {
        let port = place::free_port();
        let mut server = Server::start("dev", place::proxy(), |_| {
            let listen = format!("127.0.0.1:{port}");
            let arguments = ["dev", "--listen", &listen, "--data", data.to_str().unwrap()];
            let arguments = arguments.iter().chain(more).map(|it| (*it).to_owned());
            (arguments.collect(), Vec::new())
        });
        let mut printed = None;
        server.wait_until(|folder| {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            printed = read(&log);
            printed.is_some()
        });
        let gateway = Self {
            server,
            port,
            certificate: None,
        };
        (gateway, printed.expect("waited for it"))
    }

    /// Writes the file anew and tells the process to read it; secrets of keys that were there
    /// before must come in the same order, since the process keeps its environment.
    pub fn reconfigure(&self, settings: &Settings) {
        let folder = self.server.folder();
        let (text, _) = configuration(settings, self.port, self.certificate.as_ref(), folder);
        std::fs::write(folder.join("byos.toml"), text).unwrap();
        self.server.signal("HUP");
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process, for signals, logs and its end.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// A client's login to this gateway.
    pub fn login(&self, key: &Key) -> Login {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        Login {
            endpoint: format!("{scheme}://localhost:{}", self.port),
            region: "us-east-1".to_owned(),
            access_key_id: key.id.clone(),
            secret_access_key: key.secret.clone(),
            authority: self.certificate.as_ref().map(|made| made.authority.clone()),
        }
    }
}

/// The configuration file, and the environment that holds the secrets it names.
fn configuration(
    settings: &Settings,
    port: u16,
    certificate: Option<&Certificate>,
    folder: &Path,
) -> (String, Vec<(String, String)>) {
    let mut secrets = Secrets::default();
    let mut gateway = toml::toml! { drain_seconds = 5 };
    gateway.insert("listen".into(), format!("127.0.0.1:{port}").into());
    gateway.insert("domains".into(), settings.domains.clone().into());
    if settings.cpu.is_some() {
        gateway.insert("threads".into(), 1.into());
    }
    if let Some(made) = certificate {
        let path = |path: &Path| toml::Value::from(path.to_str().unwrap());
        let tls = [("certificate", &made.chain), ("key", &made.key)];
        let tls = tls.map(|(name, file)| (name.to_owned(), path(file)));
        gateway.insert("tls".into(), toml::Table::from_iter(tls).into());
    }
    let mut upstream = toml::toml! {
        allow_http = true
        allow_private = ["127.0.0.0/8"]
    };
    let buckets = settings.tenants.iter().flat_map(|tenant| &tenant.buckets);
    let ports: BTreeSet<i64> = buckets
        .map(|bucket| bucket.endpoint.rsplit(':').next().unwrap().parse().unwrap())
        .collect();
    let ports = ports.into_iter().map(toml::Value::from).collect();
    upstream.insert("allowed_ports".into(), toml::Value::Array(ports));
    if let Some(authority) = &settings.upstream_authority {
        upstream.insert("ca_file".into(), authority.to_str().unwrap().into());
    }
    let mut store = toml::toml! { engine = "sled" };
    store.insert("path".into(), folder.join("store").to_str().unwrap().into());
    store.insert(
        "key_file".into(),
        folder.join("store.key").to_str().unwrap().into(),
    );
    let mut file = toml::Table::new();
    file.insert("gateway".into(), gateway.into());
    file.insert("store".into(), store.into());
    file.insert("upstream".into(), upstream.into());
    if let Some(login) = &settings.sts {
        let mut sts = toml::Table::new();
        sts.insert("endpoint".into(), login.endpoint.as_str().into());
        sts.insert("region".into(), login.region.as_str().into());
        sts.insert("access_key_id".into(), login.access_key_id.as_str().into());
        let secret = secrets.hold(&login.secret_access_key);
        sts.insert("secret_access_key_env".into(), secret.into());
        file.insert("sts".into(), sts.into());
    }
    let tenants = settings.tenants.iter().map(|it| tenant(it, &mut secrets));
    file.insert("tenants".into(), toml::Value::Array(tenants.collect()));
    (file.to_string(), secrets.0)
}

fn tenant(tenant: &Tenant, secrets: &mut Secrets) -> toml::Value {
    let mut table = toml::Table::new();
    table.insert("id".into(), tenant.id.as_str().into());
    match &tenant.access {
        Access::Role(role) => {
            table.insert("role".into(), role.as_str().into());
        }
        Access::Keys(login) => {
            let mut keys = toml::Table::new();
            keys.insert("access_key_id".into(), login.access_key_id.as_str().into());
            let secret = secrets.hold(&login.secret_access_key);
            keys.insert("secret_access_key_env".into(), secret.into());
            table.insert("static_keys".into(), keys.into());
        }
    }
    let buckets = tenant.buckets.iter().map(|bucket| {
        let mut table = toml::Table::new();
        table.insert("name".into(), bucket.name.as_str().into());
        table.insert("bucket".into(), bucket.bucket.as_str().into());
        table.insert("prefix".into(), bucket.prefix.as_str().into());
        table.insert("region".into(), "us-east-1".into());
        table.insert("endpoint".into(), bucket.endpoint.as_str().into());
        let backend = if bucket.is_aws {
            "aws_s3"
        } else {
            "s3_compatible"
        };
        table.insert("backend".into(), backend.into());
        let access = if bucket.writable {
            "read_write"
        } else {
            "read_only"
        };
        table.insert("access".into(), access.into());
        toml::Value::from(table)
    });
    table.insert("buckets".into(), toml::Value::Array(buckets.collect()));
    let keys = tenant.keys.iter().map(|key| {
        let mut grant = toml::Table::new();
        let access = if key.read_only {
            "read_only"
        } else {
            "read_write"
        };
        grant.insert("access".into(), access.into());
        let mut table = toml::Table::new();
        table.insert("id".into(), key.id.as_str().into());
        table.insert("secret_env".into(), secrets.hold(&key.secret).into());
        table.insert("grants".into(), toml::Value::Array(vec![grant.into()]));
        toml::Value::from(table)
    });
    table.insert("keys".into(), toml::Value::Array(keys.collect()));
    table.into()
}

/// Secrets on their way into the environment of the gateway.
#[derive(Debug, Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// The name of the variable that holds `secret`.
    fn hold(&mut self, secret: &str) -> String {
        let name = format!("SECRET_{}", self.0.len());
        self.0.push((name.clone(), secret.to_owned()));
        name
    }
}
