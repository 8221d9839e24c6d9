//! TLS towards upstreams: one provider, verification always on, the system's roots or a bundle.

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;
use std::sync::Arc;

/// Why a set of certificate authorities cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// No certificate in it.
    #[error("there is no certificate in the bundle")]
    Empty,
    /// Not PEM, or not X.509.
    #[error("certificate {position} of the bundle cannot be read")]
    Unreadable {
        /// Counted from 1.
        position: usize,
    },
    /// The machine has none.
    #[error("this machine has no certificate authorities installed (package ca-certificates)")]
    NoSystemRoots,
    /// ring without TLS 1.2 and 1.3: a broken build.
    #[error("the TLS provider lacks the protocol versions")]
    Provider,
}

/// Makes ring the process's TLS provider. Every binary calls this once, first.
///
/// With two providers linked in, rustls refuses to guess; a second call changes nothing.
pub fn install_crypto_provider() {
    if CryptoProvider::get_default().is_none() {
        // Losing a race against another first call leaves ring installed all the same.
        let _ = ring::default_provider().install_default();
    }
}

/// The only certificate authorities that a tenant's store is trusted by.
#[derive(Clone)]
pub struct CaBundle {
    certificates: Vec<CertificateDer<'static>>,
    client: Arc<ClientConfig>,
}

impl CaBundle {
    /// Reads a PEM file of one or more certificates.
    pub fn from_pem(pem: &[u8]) -> Result<Arc<Self>, TrustError> {
        let mut roots = RootCertStore::empty();
        let mut certificates = Vec::new();
        for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let unreadable = TrustError::Unreadable {
                position: index + 1,
            };
            let certificate = certificate.map_err(|_| unreadable.clone())?;
            roots.add(certificate.clone()).map_err(|_| unreadable)?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(TrustError::Empty);
        }
        Ok(Arc::new(Self {
            certificates,
            client: client_config(roots)?,
        }))
    }

    /// The certificates, in DER.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    pub(crate) fn client_config(&self) -> &Arc<ClientConfig> {
        &self.client
    }
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CaBundle({} certificates)", self.certificates.len())
    }
}

/// The configuration that trusts what the machine trusts.
pub(crate) fn system_client_config() -> Result<Arc<ClientConfig>, TrustError> {
    let mut roots = RootCertStore::empty();
    // Single unreadable files in the system's store are the system's business.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TrustError::NoSystemRoots);
    }
    client_config(roots)
}

fn client_config(roots: RootCertStore) -> Result<Arc<ClientConfig>, TrustError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| TrustError::Provider)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
