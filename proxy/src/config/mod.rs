//! The gateway's configuration: one TOML file, parsed once into types.
//!
//! Every mistake in the file is reported together, each with its path. Secrets never stand in the
//! file: it names files or environment variables that hold them.

mod read;
mod reader;
mod tenants;

use crate::limits::LeastRate;
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
    /// By when a head must be complete, from its first byte.
    pub head_timeout: Duration,
    /// How slowly a body may come.
    pub least_rate: LeastRate,
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
        let settings = read::read(Section::root(table), environment, &mut mistakes);
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

#[cfg(test)]
mod tests;
