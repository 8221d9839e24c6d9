//! Signing a certificate with Ed25519, over one canonical form of its JSON.

use crate::prove::Certificate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::Secret;

/// Why a certificate cannot be signed or checked.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// No key could be made.
    #[error("no key could be made")]
    Generate,
    /// The file holds no Ed25519 key.
    #[error("it is not an Ed25519 key in PKCS#8 (PEM)")]
    Key,
    /// The document has no signature.
    #[error("the certificate is not signed")]
    Unsigned,
    /// The document is not a certificate.
    #[error("it is not a certificate: {0}")]
    Shape(String),
    /// The signature does not fit: the document was changed, or signed by another key.
    #[error("the signature does not fit: the certificate was changed, or signed by another key")]
    Mismatch,
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// A key that signs certificates.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    pem: Secret<String>,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, SignError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| SignError::Generate)?;
        let pem = format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(document.as_ref()));
        Self::from_pem(&pem)
    }

    /// The key in a file.
    ///
    /// # Errors
    /// When it is not an Ed25519 key.
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        let body: String = pem
            .split_once(BEGIN)
            .and_then(|(_, rest)| rest.split_once(END))
            .map(|(body, _)| body.split_whitespace().collect())
            .ok_or(SignError::Key)?;
        let bytes = Secret::new(STANDARD.decode(body).map_err(|_| SignError::Key)?);
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes.expose())
            .map_err(|_| SignError::Key)?;
        Ok(Self {
            pair,
            pem: Secret::new(pem.to_string()),
        })
    }

    /// For the file that keeps it.
    pub fn pem(&self) -> &Secret<String> {
        &self.pem
    }

    /// What others check with, in hexadecimal.
    pub fn public_key(&self) -> String {
        hex::encode(self.pair.public_key().as_ref())
    }

    /// Signs.
    pub fn sign(&self, certificate: Certificate) -> Signed {
        let signature = self.pair.sign(&canonical(&certificate));
        Signed {
            certificate,
            signature: Some(Signature {
                algorithm: "Ed25519".to_string(),
                public_key: self.public_key(),
                signature: hex::encode(signature.as_ref()),
            }),
        }
    }
}

/// A certificate, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// What was proven.
    pub certificate: Certificate,
    /// Absent when no key was given.
    pub signature: Option<Signature>,
}

/// A signature over the canonical form of the certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Always `Ed25519`.
    pub algorithm: String,
    /// In hexadecimal.
    pub public_key: String,
    /// In hexadecimal.
    pub signature: String,
}

/// Checks the signature of a certificate; with `expected_key`, also who made it.
///
/// # Errors
/// When it does not fit.
pub fn verify(signed: &Signed, expected_key: Option<&str>) -> Result<(), SignError> {
    let signature = signed.signature.as_ref().ok_or(SignError::Unsigned)?;
    if signature.algorithm != "Ed25519"
        || expected_key.is_some_and(|key| key != signature.public_key)
    {
        return Err(SignError::Mismatch);
    }
    let key = hex::decode(&signature.public_key).map_err(|_| SignError::Mismatch)?;
    let bytes = hex::decode(&signature.signature).map_err(|_| SignError::Mismatch)?;
    UnparsedPublicKey::new(&ED25519, key)
        .verify(&canonical(&signed.certificate), &bytes)
        .map_err(|_| SignError::Mismatch)
}

/// Compact JSON with the members of every object in the order of their names.
fn canonical(certificate: &Certificate) -> Vec<u8> {
    let value = serde_json::to_value(certificate).expect("a certificate has string keys only");
    let mut out = String::new();
    write_canonical(&value, &mut out);
    out.into_bytes()
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            out.push('{');
            for (at, name) in names.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write_canonical(&members[name], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::{CERTIFICATE_SCHEMA, Computed, Verdict};
    use types::Timestamp;

    fn certificate() -> Certificate {
        Certificate {
            schema: CERTIFICATE_SCHEMA.to_string(),
            tenant: "pulse/prod/acme".to_string(),
            issued: Timestamp::from_unix(1),
            role_arn: "arn:aws:iam::222222222222:role/r".to_string(),
            vendor_role: "arn:aws:iam::111111111111:role/g".to_string(),
            external_id: "pulse-org-acme".to_string(),
            buckets: vec!["b".to_string()],
            key_prefix: "orgs/acme/".to_string(),
            live: Vec::new(),
            computed: Computed {
                decisions: 1,
                allowed: Vec::new(),
                violations: Vec::new(),
                inconclusive: None,
            },
            verdict: Verdict::Proven,
        }
    }

    #[test]
    fn a_signature_holds_until_anything_is_changed() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pem(key.pem().expose()).unwrap();
        assert_eq!(key.public_key(), again.public_key());
        let signed = again.sign(certificate());
        let text = serde_json::to_string(&signed).unwrap();
        let mut read: Signed = serde_json::from_str(&text).unwrap();
        verify(&read, Some(&key.public_key())).unwrap();
        read.certificate.external_id.push('x');
        assert!(matches!(verify(&read, None), Err(SignError::Mismatch)));
    }

    #[test]
    fn another_key_or_none_is_refused() {
        let signed = SigningKey::generate().unwrap().sign(certificate());
        let other = SigningKey::generate().unwrap();
        assert!(verify(&signed, Some(&other.public_key())).is_err());
        let unsigned = Signed {
            certificate: certificate(),
            signature: None,
        };
        assert!(matches!(verify(&unsigned, None), Err(SignError::Unsigned)));
        assert!(SigningKey::from_pem("nonsense").is_err());
    }
}
