//! HMAC-SHA256 keys and signatures.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use types::SecretString;
use zeroize::Zeroizing;

/// A signature. It has no `==`: comparing is [`Signature::matches`], in constant time.
#[derive(Clone, Copy)]
pub(crate) struct Signature([u8; 32]);

impl Signature {
    /// From 64 lower-case hexadecimal digits, the only spelling that signers write.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let legal = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        let mut bytes = [0; 32];
        (text.len() == 64 && text.iter().all(legal)).then_some(())?;
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(crate) fn hex(&self) -> HexDigest {
        HexDigest::of(&self.0)
    }
}

/// 32 bytes in hexadecimal, without an allocation.
#[derive(Clone, Copy)]
pub(crate) struct HexDigest([u8; 64]);

impl HexDigest {
    pub(crate) fn of(bytes: &[u8; 32]) -> Self {
        let mut text = [0; 64];
        hex::encode_to_slice(bytes, &mut text).expect("64 digits hold 32 bytes");
        Self(text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}

/// A key derived from a secret for one day, region and service, ready to sign.
#[derive(Clone)]
pub(crate) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The four derivation steps of Signature Version 4.
    pub(crate) fn derive(secret: &SecretString, day: &str, region: &str, service: &str) -> Self {
        let mut start = Zeroizing::new(Vec::with_capacity(4 + secret.expose().len()));
        start.extend_from_slice(b"AWS4");
        start.extend_from_slice(secret.expose().as_bytes());
        let mut key = Zeroizing::new(mac(&keyed(&start), &[day.as_bytes()]));
        for part in [region, service, "aws4_request"] {
            *key = mac(&keyed(key.as_slice()), &[part.as_bytes()]);
        }
        Self(keyed(key.as_slice()))
    }

    /// Signs the concatenation of `parts`.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Signature {
        Signature(mac(&self.0, parts))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningKey(..)")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn mac(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Plain SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_one_spelling() {
        let good = "a".repeat(64);
        assert!(Signature::parse(good.as_bytes()).is_some());
        for bad in [
            "",
            &"A".repeat(64),
            &"a".repeat(63),
            &"a".repeat(65),
            &"g".repeat(64),
        ] {
            assert!(Signature::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_signing_key_is_derived_as_the_aws_guide_says() {
        // AWS General Reference, "Examples of how to derive a signing key".
        let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let key = SigningKey::derive(&secret, "20150830", "us-east-1", "iam");
        let derived = SigningKey(keyed(
            &hex::decode("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
                .unwrap(),
        ));
        assert!(key.sign(&[b"x"]).matches(&derived.sign(&[b"x"])));
    }
}
