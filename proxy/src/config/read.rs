//! From a TOML table to [`Settings`]: one function for each section.

use super::reader::{Mistakes, Section};
use super::{
    Environment, GatewayCredentials, GatewaySettings, LogSettings, Settings, StoreSettings,
    StsSettings, TenantSettings, TlsSettings, UpstreamSettings, tenants,
};
use crate::limits::LeastRate;
use s3::Domain;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use types::{Endpoint, Region, SecretString};
use upstream::Network;

pub(super) fn read(
    mut root: Section,
    environment: Environment<'_>,
    found: &mut Mistakes,
) -> Option<Settings> {
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
        head_timeout: seconds(&mut section, "request_head_timeout_seconds", 10, found),
        least_rate: LeastRate {
            bytes_per_second: section.number(
                "body_min_bytes_per_second",
                LeastRate::DEFAULT.bytes_per_second,
                0..=1 << 20,
                found,
            ),
            ..LeastRate::DEFAULT
        },
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
pub(super) fn required_secret(
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
