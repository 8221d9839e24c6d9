//! Signing a certificate with Ed25519, over one canonical form of its JSON.

use crate::prove::Certificate;
use crate::prove::canonical::canonical;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use types::Secret;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system has no randomness.
    #[error("no key could be made: the system has no randomness\nhint: run this again")]
    Generate,
    /// The text holds no private key.
    #[error(
        "it is not an Ed25519 private key in PKCS#8 (PEM)\nhint: make one with openssl genpkey -algorithm ed25519 -out FILE, or name a file that does not exist: prove makes it"
    )]
    Private,
    /// The text holds no public key.
    #[error(
        "it is not an Ed25519 public key\nhint: give its 64 hexadecimal digits, or a file with them or with what openssl pkey -in KEY -pubout prints"
    )]
    Public,
}

const SEED_BYTES: usize = 32;
/// DER of a PKCS#8 key (version 1) up to the seed. Source: RFC 8410, section 7.
const PRIVATE_DER: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// DER of a public key up to its bytes. Source: RFC 8410, section 4.
const PUBLIC_DER: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A key that signs certificates.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    pem: Secret<String>,
}

impl SigningKey {
    /// A new key, in the version of PKCS#8 that every openssl reads.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0u8; SEED_BYTES];
        getrandom::fill(&mut seed).map_err(|_| KeyError::Generate)?;
        let seed = Secret::new(seed);
        let der = Secret::new([&PRIVATE_DER[..], seed.expose()].concat());
        let body = STANDARD.encode(der.expose());
        Self::from_pem(&format!(
            "-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
        ))
    }

    /// The key in a file.
    ///
    /// # Errors
    /// When it is not an Ed25519 key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let bytes = Secret::new(pem_body(pem, "PRIVATE KEY").ok_or(KeyError::Private)?);
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes.expose())
            .map_err(|_| KeyError::Private)?;
        Ok(Self {
            pair,
            pem: Secret::new(pem.to_string()),
        })
    }

    /// For the file that keeps it.
    pub fn pem(&self) -> &Secret<String> {
        &self.pem
    }

    /// What others check with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(hex::encode(self.pair.public_key().as_ref()))
    }

    /// Signs.
    pub fn sign(&self, certificate: Certificate) -> Signed {
        let value = serde_json::to_value(&certificate).expect("a certificate has string keys only");
        let signature = self.pair.sign(&canonical(&value));
        Signed {
            certificate,
            signature: Some(Signature {
                algorithm: ALGORITHM.to_string(),
                public_key: self.public_key().to_string(),
                signature: hex::encode(signature.as_ref()),
            }),
        }
    }
}

/// What a signature is checked with: 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(String);

impl PublicKey {
    /// Out of hexadecimal digits, or of a PEM document.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes = match pem_body(text, "PUBLIC KEY") {
            Some(der) => der.strip_prefix(&PUBLIC_DER).map(<[u8]>::to_vec),
            None => hex::decode(text).ok(),
        };
        match bytes {
            Some(bytes) if bytes.len() == SEED_BYTES => Ok(Self(hex::encode(bytes))),
            _ => Err(KeyError::Public),
        }
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

fn pem_body(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: Secret<String> = Secret::new(body.split_whitespace().collect());
    STANDARD.decode(body.expose()).ok()
}

/// The only algorithm.
pub(crate) const ALGORITHM: &str = "Ed25519";

/// A certificate, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What was proven.
    pub certificate: Certificate,
    /// Absent when no key was given.
    pub signature: Option<Signature>,
}

/// A signature over the canonical form of the certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Always `Ed25519`.
    pub algorithm: String,
    /// In hexadecimal.
    pub public_key: String,
    /// In hexadecimal.
    pub signature: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pem(key.pem().expose()).unwrap();
        assert_eq!(key.public_key(), again.public_key());
        assert!(SigningKey::from_pem("nonsense").is_err());
    }

    #[test]
    fn a_public_key_is_read_as_digits_and_as_pem_and_nothing_else_is() {
        let digits = SigningKey::generate().unwrap().public_key().to_string();
        let upper = format!(" {}\n", digits.to_ascii_uppercase());
        assert_eq!(PublicKey::parse(&upper).unwrap().to_string(), digits);
        let der = [&PUBLIC_DER[..], &hex::decode(&digits).unwrap()].concat();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(der)
        );
        assert_eq!(PublicKey::parse(&pem).unwrap().to_string(), digits);
        let private = SigningKey::generate().unwrap();
        for wrong in ["", "abcd", &digits[1..], private.pem().expose().as_str()] {
            assert!(PublicKey::parse(wrong).is_err(), "{wrong}");
        }
    }
}
