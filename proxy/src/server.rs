//! Listening, and stopping without breaking what is in flight.

use crate::config::{GatewaySettings, TlsSettings};
use crate::gateway::Gateway;
use crate::limits::Capped;
use pingora::listeners::tls::TlsSettings as PingoraTls;
use pingora::proxy::{HttpProxy, http_proxy};
use pingora::server::Fds;
use pingora::server::configuration::ServerConf;
use pingora::services::Service as _;
use pingora::services::listening::Service;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Idle connections to upstreams that are kept, all tenants together.
const UPSTREAM_POOL: usize = 1_024;

/// Tries at one request: the first, one after a stale connection or expired credentials, one more.
const MAX_TRIES: usize = 3;

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The listener's certificate or key.
    #[error("cannot use the listener's certificate: {0}")]
    Certificate(String),
}

/// A bound listener: its address is known before anything is served.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    /// The address, with the real port.
    pub address: SocketAddr,
}

/// Takes the address; connections queue until [`serve`] runs.
///
/// # Errors
/// When the address cannot be had.
pub fn bind(address: SocketAddr) -> Result<Bound, StartError> {
    let failed = |source| StartError::Bind { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound { listener, address })
}

/// Serves until `stop` turns true, then lets requests in flight end, for at most
/// `settings.drain`.
///
/// # Errors
/// When the certificate cannot be used.
pub async fn serve(
    gateway: Gateway,
    settings: &GatewaySettings,
    bound: Bound,
    stop: watch::Receiver<bool>,
) -> Result<(), StartError> {
    let in_flight = gateway.in_flight();
    let conf = Arc::new(ServerConf {
        upstream_keepalive_pool_size: UPSTREAM_POOL,
        max_retries: MAX_TRIES,
        ..ServerConf::default()
    });
    let proxy: HttpProxy<Gateway> = http_proxy(&conf, gateway);
    let capped = Capped::new(proxy, settings.max_connections, settings.head_timeout);
    let mut service = Service::new("gateway".to_string(), capped);
    let address = bound.address.to_string();
    match &settings.tls {
        None => service.add_tcp(&address),
        Some(tls) => service.add_tls_with_settings(&address, None, listener_tls(tls)?),
    }
    let mut sockets = Fds::new();
    sockets.add(address, bound.listener.into_raw_fd());
    let sockets = Arc::new(parking_lot::Mutex::new(sockets));

    service.start_service(Some(sockets), stop, 1).await;
    drain(settings.drain, || in_flight.count()).await;
    Ok(())
}

async fn drain(limit: Duration, in_flight: impl Fn() -> usize) {
    let deadline = tokio::time::Instant::now() + limit;
    while in_flight() > 0 {
        if tokio::time::Instant::now() >= deadline {
            tracing::warn!(
                left = in_flight(),
                "drain time is over: open requests are cut"
            );
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads the files first: pingora itself panics on a certificate that it cannot use.
fn listener_tls(tls: &TlsSettings) -> Result<PingoraTls, StartError> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let wrong = |what: &str, error: &dyn std::fmt::Display| {
        StartError::Certificate(format!("{what}: {error}"))
    };
    let certificates = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&tls.certificate.display().to_string(), &error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| wrong(&tls.key.display().to_string(), &error))?;
    rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| wrong("certificate and key", &error))?;
    let (certificate, key) = (tls.certificate.to_string_lossy(), tls.key.to_string_lossy());
    PingoraTls::intermediate(&certificate, &key)
        .map_err(|error| StartError::Certificate(error.to_string()))
}
