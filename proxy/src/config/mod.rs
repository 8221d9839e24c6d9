//! The gateway's configuration: one TOML file, parsed once into types.
//!
//! Every mistake in the file is reported together, each with its path. Secrets never stand in the
//! file: it names files or environment variables that hold them.

mod reader;
mod tenants;

pub use reader::Mistake;
use reader::{Mistakes, Section};
use s3::Domain;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
pub use tenants::TenantSettings;
use types::{Endpoint, Region, SecretString};
use upstream::Network;

/// What the environment answers; injected so that parsing needs no process environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that `proxy serve` needs to know.
#[derive(Debug)]
pub struct Settings {
    /// The listener and its limits.
    pub gateway: GatewaySettings,
    /// Where tenants are kept.
    pub store: StoreSettings,
    /// How the gateway asks AWS for sessions.
    pub sts: StsSettings,
    /// Which upstreams may be reached at all.
    pub upstream: UpstreamSettings,
    /// How it logs.
    pub log: LogSettings,
    /// Tenants that the file declares.
    pub tenants: Vec<TenantSettings>,
}

/// The listener and its limits.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Certificate and key, PEM, when the listener speaks TLS.
    pub tls: Option<TlsSettings>,
    /// Domains under which `bucket.domain` is virtual-hosted addressing.
    pub domains: Vec<Domain>,
    /// Other names that clients sign for, when a proxy before the gateway rewrites `Host`.
    pub public_hosts: Vec<String>,
    /// The region that GetBucketLocation answers.
    pub region: Region,
    /// Worker threads; 0 is one per core.
    pub threads: usize,
    /// Open client connections, all tenants together.
    pub max_connections: usize,
    /// Requests in flight per tenant; one more is answered SlowDown.
    pub max_requests_per_tenant: usize,
    /// How long a client may be silent in the middle of a body.
    pub body_idle_timeout: Duration,
    /// How long requests in flight may take to end after SIGTERM.
    pub drain: Duration,
}

/// A listener's certificate.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// PEM, leaf first.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// Where tenants are kept.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    /// In memory: what the file declares, and nothing survives.
    Memory,
    /// The embedded database.
    Sled {
        /// Its folder.
        path: PathBuf,
        /// The file with the key-encryption key.
        key_file: PathBuf,
    },
}

/// How the gateway asks AWS for sessions.
#[derive(Debug, Clone)]
pub struct StsSettings {
    /// The region of the STS endpoint.
    pub region: Region,
    /// Instead of the region's own endpoint.
    pub endpoint: Option<Endpoint>,
    /// The gateway's own credentials; needed as soon as one tenant is reached by a role.
    pub credentials: Option<GatewayCredentials>,
}

/// The identity that assumes tenants' roles.
#[derive(Debug, Clone)]
pub struct GatewayCredentials {
    /// The key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// With temporary credentials.
    pub session_token: Option<SecretString>,
}

/// Which upstreams may be reached at all.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Whether `http://` endpoints are allowed.
    pub allow_http: bool,
    /// Private networks that tenants' endpoints may lie in, as CIDR.
    pub allow_private: Vec<Network>,
    /// Ports that tenants' endpoints may use.
    pub allowed_ports: Vec<u16>,
    /// The only certificate authorities that S3-compatible stores are trusted by, PEM, instead of
    /// the system's.
    pub ca_file: Option<PathBuf>,
}

/// How it logs.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// JSON lines instead of text.
    pub json: bool,
    /// As in `info` or `proxy=debug`.
    pub filter: String,
}

impl Settings {
    /// Reads and checks a file, and the secret files it names.
    ///
    /// # Errors
    /// Every mistake found, not only the first.
    pub fn load(path: &Path, environment: Environment<'_>) -> Result<Self, Vec<Mistake>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, environment),
            Err(error) => {
                let reason = format!("cannot read {}: {error}", path.display());
                Err(vec![Mistake {
                    path: String::new(),
                    reason,
                }])
            }
        }
    }

    /// The same for a text.
    ///
    /// # Errors
    /// Every mistake found.
    pub fn parse(text: &str, environment: Environment<'_>) -> Result<Self, Vec<Mistake>> {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                // toml's own text quotes the line; a secret pasted by mistake must not be echoed.
                let at = error.span().map_or(0, |span| line_of(text, span.start));
                let reason = format!("line {at} is not TOML: {}", error.message());
                return Err(vec![Mistake {
                    path: String::new(),
                    reason,
                }]);
            }
        };
        let mut mistakes = Mistakes::default();
        let settings = read(Section::root(table), environment, &mut mistakes);
        match settings {
            Some(settings) if mistakes.0.is_empty() => Ok(settings),
            _ => Err(mistakes.0),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

fn read(mut root: Section, environment: Environment<'_>, found: &mut Mistakes) -> Option<Settings> {
    let gateway = read_gateway(root.section("gateway", found), found);
    let store = read_store(root.section("store", found), found);
    let sts = read_sts(root.section("sts", found), environment, found);
    let upstream = read_upstream(root.section("upstream", found), found);
    let log = read_log(root.section("log", found), found);
    let tenants = tenants::read(root.sections("tenants", found), environment, found);
    root.finish(found);
    check_across(&sts, &upstream, &tenants, found);
    Some(Settings {
        gateway: gateway?,
        store: store?,
        sts,
        upstream,
        log,
        tenants,
    })
}

fn read_gateway(mut section: Section, found: &mut Mistakes) -> Option<GatewaySettings> {
    let listen = section.parsed("listen", found, |text| {
        text.parse::<SocketAddr>()
            .map_err(|_| "must be an address and a port, as 127.0.0.1:9000")
    });
    let listen = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9000)));
    let tls = if section.has("tls") {
        let mut tls = section.section("tls", found);
        let certificate = tls.required("certificate", found, path);
        let key = tls.required("key", found, path);
        tls.finish(found);
        certificate
            .zip(key)
            .map(|(certificate, key)| TlsSettings { certificate, key })
    } else {
        None
    };
    let settings = GatewaySettings {
        listen,
        tls,
        domains: section.parsed_list("domains", found, Domain::parse),
        public_hosts: section.parsed_list("public_hosts", found, public_host),
        region: section
            .parsed("region", found, str::parse::<Region>)
            .unwrap_or_else(default_region),
        threads: usize_of(section.number("threads", 0, 0..=1_024, found)),
        max_connections: usize_of(section.number("max_connections", 10_000, 1..=1_000_000, found)),
        max_requests_per_tenant: usize_of(section.number(
            "max_requests_per_tenant",
            1_000,
            1..=1_000_000,
            found,
        )),
        body_idle_timeout: seconds(&mut section, "body_idle_timeout_seconds", 60, found),
        drain: seconds(&mut section, "drain_seconds", 30, found),
    };
    section.finish(found);
    Some(settings)
}

fn read_store(mut section: Section, found: &mut Mistakes) -> Option<StoreSettings> {
    let in_memory = section.choice("engine", false, &[("sled", false), ("memory", true)], found);
    let folder = section.parsed("path", found, path);
    let key_file = section.parsed("key_file", found, path);
    section.finish(found);
    if in_memory {
        return Some(StoreSettings::Memory);
    }
    let folder = folder.unwrap_or_else(|| PathBuf::from("./data/store"));
    let key_file = key_file.unwrap_or_else(|| PathBuf::from("./data/store.key"));
    Some(StoreSettings::Sled {
        path: folder,
        key_file,
    })
}

fn read_sts(
    mut section: Section,
    environment: Environment<'_>,
    found: &mut Mistakes,
) -> StsSettings {
    let region = section
        .parsed("region", found, str::parse::<Region>)
        .unwrap_or_else(default_region);
    let endpoint = section.parsed("endpoint", found, Endpoint::parse);
    let access_key_id = section.text("access_key_id", found);
    let secret_access_key = secret(&mut section, "secret_access_key", environment, found);
    let session_token = secret(&mut section, "session_token", environment, found);
    let credentials = match (access_key_id, secret_access_key) {
        (Some(access_key_id), Some(secret_access_key)) => Some(GatewayCredentials {
            access_key_id,
            secret_access_key,
            session_token,
        }),
        (None, None) => from_environment(environment),
        (Some(_), None) => {
            let reason = "is missing: name secret_access_key_file or secret_access_key_env";
            found.add(section.at("secret_access_key_file"), reason);
            None
        }
        (None, Some(_)) => {
            found.add(section.at("access_key_id"), "is missing");
            None
        }
    };
    section.finish(found);
    StsSettings {
        region,
        endpoint,
        credentials,
    }
}

/// The names that every AWS tool knows.
fn from_environment(environment: Environment<'_>) -> Option<GatewayCredentials> {
    Some(GatewayCredentials {
        access_key_id: environment("AWS_ACCESS_KEY_ID")?,
        secret_access_key: SecretString::new(environment("AWS_SECRET_ACCESS_KEY")?),
        session_token: environment("AWS_SESSION_TOKEN").map(SecretString::new),
    })
}

fn read_upstream(mut section: Section, found: &mut Mistakes) -> UpstreamSettings {
    let settings = UpstreamSettings {
        allow_http: section.flag("allow_http", false, found),
        allow_private: section.parsed_list("allow_private", found, str::parse::<Network>),
        allowed_ports: section.ports("allowed_ports", &[443, 8443], found),
        ca_file: section.parsed("ca_file", found, path),
    };
    section.finish(found);
    settings
}

fn read_log(mut section: Section, found: &mut Mistakes) -> LogSettings {
    let json = section.choice("format", true, &[("json", true), ("text", false)], found);
    let filter = section
        .text("filter", found)
        .unwrap_or_else(|| "info".to_string());
    section.finish(found);
    LogSettings { json, filter }
}

/// What only shows when the parts are looked at together.
fn check_across(
    sts: &StsSettings,
    upstream: &UpstreamSettings,
    tenants: &[TenantSettings],
    found: &mut Mistakes,
) {
    for (index, tenant) in tenants.iter().enumerate() {
        let at = format!("tenants[{index}]");
        if tenant.needs_sts() && sts.credentials.is_none() {
            found.add(
                &at,
                "is reached by a role, but the gateway has no credentials of its own: set \
                 sts.access_key_id and sts.secret_access_key_file, or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY",
            );
        }
        for endpoint in tenant.endpoints() {
            if !endpoint.is_tls() && !upstream.allow_http {
                let reason = format!("{endpoint} is not https, and upstream.allow_http is off");
                found.add(&at, reason);
            }
        }
    }
}

/// The same, and absence is a mistake.
fn required_secret(
    section: &mut Section,
    name: &str,
    environment: Environment<'_>,
    found: &mut Mistakes,
) -> Option<SecretString> {
    let (file_key, env_key) = (format!("{name}_file"), format!("{name}_env"));
    if ![name, &file_key, &env_key]
        .iter()
        .any(|key| section.has(key))
    {
        found.add(
            section.at(&file_key),
            format!("is missing: name {file_key} or {env_key}"),
        );
    }
    secret(section, name, environment, found)
}

/// A secret that the section names by file or by environment variable, or not at all.
fn secret(
    section: &mut Section,
    name: &str,
    environment: Environment<'_>,
    found: &mut Mistakes,
) -> Option<SecretString> {
    let (file_key, env_key) = (format!("{name}_file"), format!("{name}_env"));
    if section.has(name) {
        let _never_shown = section.text(name, found);
        let reason = format!("a secret may not stand in the file: use {file_key} or {env_key}");
        found.add(section.at(name), reason);
    }
    if section.has(&file_key) && section.has(&env_key) {
        found.add(
            section.at(&file_key),
            format!("stands beside {env_key}: keep one"),
        );
    }
    let from_file = section.parsed(&file_key, found, |path| {
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))
    });
    let from_env = section.parsed(&env_key, found, |variable| {
        environment(variable).ok_or_else(|| format!("the variable {variable} is not set"))
    });
    let text = from_file.or(from_env)?;
    let trimmed = text.trim_end_matches(['\n', '\r']).to_string();
    if trimmed.is_empty() {
        found.add(section.at(&file_key), "is empty");
        return None;
    }
    Some(SecretString::new(trimmed))
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() {
        Err("must name a file")
    } else {
        Ok(PathBuf::from(text))
    }
}

fn public_host(text: &str) -> Result<String, &'static str> {
    let with_scheme = format!("http://{text}");
    match Endpoint::parse(&with_scheme) {
        Ok(_) if !text.ends_with('/') => Ok(text.to_ascii_lowercase()),
        _ => Err("must be a host name, with a port if it is not the default one"),
    }
}

fn seconds(section: &mut Section, key: &str, default: u64, found: &mut Mistakes) -> Duration {
    Duration::from_secs(section.number(key, default, 1..=86_400, found))
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn default_region() -> Region {
    Region::parse("us-east-1").expect("us-east-1 is a region")
}

#[cfg(test)]
mod tests;
