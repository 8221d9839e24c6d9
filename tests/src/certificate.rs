//! Certificates for loopback servers.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};

/// An authority and a leaf for `localhost` and `127.0.0.1`, as PEM files.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// What a client has to trust.
    pub authority: PathBuf,
    /// The server's chain.
    pub chain: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
}

/// Makes an authority and has it sign a certificate for loopback, into `folder`.
pub fn make(folder: &Path) -> Certificate {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // A leaf whose issuer has its own name would count as self-signed.
    authority
        .distinguished_name
        .push(DnType::CommonName, "authority of the tests");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    Certificate {
        authority: write("authority.pem", authority.pem()),
        chain: write("chain.pem", leaf.pem()),
        key: write("key.pem", key.serialize_pem()),
    }
}
