//! What to open a connection with: built in one place, complete or not at all.
//!
//! Whoever turns a [`PeerSpec`] into a connection copies every field; none has a default that
//! somebody could forget, and a TLS peer without a name to verify cannot be written down.

use crate::guard::VettedAddress;
use crate::route::Route;
use crate::tls::CaBundle;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long each part of talking to an upstream may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerTimeouts {
    /// TCP.
    pub connect: Duration,
    /// TCP and TLS together.
    pub total_connect: Duration,
    /// Each read.
    pub read: Duration,
    /// Each write.
    pub write: Duration,
    /// A connection that nobody uses.
    pub idle: Duration,
}

impl Default for PeerTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total_connect: Duration::from_secs(10),
            read: Duration::from_secs(60),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(60),
        }
    }
}

/// The name that a certificate must be for; never empty.
///
/// For an endpoint that is an IP address it is that address: the certificate must name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerName(String);

impl ServerName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// In clear, or by TLS towards a name.
#[derive(Debug, Clone)]
pub enum Transport {
    /// No TLS: only where the operator allows it.
    Clear,
    /// TLS, always verified.
    Tls {
        /// Who it must be.
        server_name: ServerName,
        /// The only authorities to trust, instead of the system's.
        ca: Option<Arc<CaBundle>>,
    },
}

/// One upstream connection, ready to be opened.
#[derive(Debug, Clone)]
pub struct PeerSpec {
    address: SocketAddr,
    transport: Transport,
    host_header: String,
    group_key: u64,
    timeouts: PeerTimeouts,
}

impl PeerSpec {
    /// The only constructor: `route`, at an `address` that passed the policy just now.
    pub fn new(route: &Route, address: VettedAddress, timeouts: PeerTimeouts) -> Self {
        let authority = route.authority();
        let transport = if authority.is_tls() {
            Transport::Tls {
                // An endpoint's host is never empty.
                server_name: ServerName(authority.host().to_string()),
                ca: route.ca().cloned(),
            }
        } else {
            Transport::Clear
        };
        Self {
            address: address.get(),
            transport,
            host_header: route.host_header().to_string(),
            group_key: group_key(route),
            timeouts,
        }
    }

    /// Where to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Whether by TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self.transport, Transport::Tls { .. })
    }

    /// The name to verify; `None` only in clear text.
    pub fn server_name(&self) -> Option<&ServerName> {
        match &self.transport {
            Transport::Tls { server_name, .. } => Some(server_name),
            Transport::Clear => None,
        }
    }

    /// The only authorities to trust, instead of the system's.
    pub fn ca(&self) -> Option<&Arc<CaBundle>> {
        match &self.transport {
            Transport::Tls { ca, .. } => ca.as_ref(),
            Transport::Clear => None,
        }
    }

    /// The value of the `Host` header.
    pub fn host_header(&self) -> &str {
        &self.host_header
    }

    /// Who may share connections: one tenant, one revision of its configuration.
    pub fn group_key(&self) -> u64 {
        self.group_key
    }

    /// How long everything may take.
    pub fn timeouts(&self) -> &PeerTimeouts {
        &self.timeouts
    }
}

fn group_key(route: &Route) -> u64 {
    let mut digest = Sha256::new();
    digest.update(route.config_version().0.to_be_bytes());
    digest.update(route.tenant().as_str());
    let digest = digest.finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(bytes)
}
