//! Certificate authorities and certificates of a test's own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, Mutex};
use upstream::CaBundle;

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// When a certificate counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Validity {
    Now,
    Past,
    Future,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// What trusts this authority and nobody else.
    pub(crate) fn bundle(&self) -> Arc<CaBundle> {
        CaBundle::from_pem(self.0.pem().as_bytes()).unwrap()
    }

    /// A server with a certificate for `name`.
    pub(crate) fn server(&self, name: &str, validity: Validity) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, validity).signed_by(&key, &*self.0).unwrap();
        server(certificate.der().clone(), &key)
    }

    /// A server with a certificate for `name` that notes which names it is asked for.
    pub(crate) fn server_that_notes(&self, name: &str, asked: &Asked) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, Validity::Now)
            .signed_by(&key, &*self.0)
            .unwrap();
        let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let signing = ring::sign::any_supported_type(&der).unwrap();
        let key = CertifiedKey::new(vec![certificate.der().clone()], signing);
        let noting = Noting {
            key: Arc::new(key),
            asked: Arc::clone(asked),
        };
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(noting));
        Arc::new(config)
    }
}

/// The names that clients asked for, in order.
pub(crate) type Asked = Arc<Mutex<Vec<Option<String>>>>;

#[derive(Debug)]
struct Noting {
    key: Arc<CertifiedKey>,
    asked: Asked,
}

impl ResolvesServerCert for Noting {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_string);
        self.asked.lock().unwrap().push(name);
        Some(Arc::clone(&self.key))
    }
}

/// A server whose certificate vouches for itself.
pub(crate) fn self_signed(name: &str) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let certificate = params(name, Validity::Now).self_signed(&key).unwrap();
    server(certificate.der().clone(), &key)
}

fn params(name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_string()]).unwrap();
    (params.not_before, params.not_after) = match validity {
        Validity::Now => (date_time_ymd(2020, 1, 1), date_time_ymd(2100, 1, 1)),
        Validity::Past => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
        Validity::Future => (date_time_ymd(2099, 1, 1), date_time_ymd(2100, 1, 1)),
    };
    params
}

fn server(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}
