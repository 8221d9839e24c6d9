//! Checking a certificate that somebody handed over: shape, signature, signer, and whether its
//! verdict follows from what it lists.
//!
//! The signature is checked over what stands in the file, member by member, so that nothing can
//! be added to a signed certificate, not even something that this version would not read.

use crate::prove::canonical::canonical;
use crate::prove::sign::{ALGORITHM, PublicKey, Signed};
use crate::prove::{CERTIFICATE_SCHEMA, Certificate};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

/// Why a certificate is not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not what `prove --out` writes.
    #[error(
        "it is not a certificate: {0}\nhint: give the file that \"provisioner prove --out FILE\" wrote, unchanged"
    )]
    Shape(String),
    /// It was made by a newer version.
    #[error(
        "it has the shape {0}, and this version reads {CERTIFICATE_SCHEMA} only\nhint: check it with the version of the provisioner that made it, or a newer one"
    )]
    Newer(String),
    /// It has no signature.
    #[error(
        "it is not signed: nobody vouches for it\nhint: have it made again with \"provisioner prove --key FILE\""
    )]
    Unsigned,
    /// It is signed in another way.
    #[error("it is signed with {0:?}, and this version knows {ALGORITHM} only")]
    Algorithm(String),
    /// Somebody else signed it.
    #[error(
        "it is signed by {found}, not by {expected}, the expected key\nhint: ask whoever handed it over for one that is signed with the expected key"
    )]
    OtherKey {
        /// Who signed, by its own words.
        found: String,
        /// Who should have.
        expected: PublicKey,
    },
    /// It was changed after it was signed.
    #[error(
        "the signature does not fit: the certificate was changed after it was signed\nhint: do not rely on it; ask for the original"
    )]
    Mismatch,
    /// The verdict does not follow from the checks.
    #[error(
        "its verdict does not follow from its checks: whoever signed it did not use the provisioner\nhint: do not rely on it"
    )]
    Inconsistent,
}

/// Who signed a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// The key that was expected.
    Expected,
    /// Some key: no one was expected.
    Unknown,
}

/// Reads and checks a certificate.
///
/// # Errors
/// When it cannot be relied on.
pub fn verify(text: &str, expected: Option<&PublicKey>) -> Result<(Signed, Signer), VerifyError> {
    let shape = |error: serde_json::Error| VerifyError::Shape(error.to_string());
    let document: Value = serde_json::from_str(text).map_err(shape)?;
    check_schema(&document)?;
    // Out of the text once more: a document that names a member twice is no certificate.
    let signed: Signed = serde_json::from_str(text).map_err(shape)?;
    let signature = signed.signature.as_ref().ok_or(VerifyError::Unsigned)?;
    if signature.algorithm != ALGORITHM {
        return Err(VerifyError::Algorithm(signature.algorithm.clone()));
    }
    let key = PublicKey::parse(&signature.public_key)
        .map_err(|_| VerifyError::Shape("its public key is none".to_string()))?;
    if let Some(expected) = expected
        && key != *expected
    {
        return Err(VerifyError::OtherKey {
            found: key.to_string(),
            expected: expected.clone(),
        });
    }
    let bytes = |text: &str| hex::decode(text).map_err(|_| VerifyError::Mismatch);
    UnparsedPublicKey::new(&ED25519, bytes(&key.to_string())?)
        .verify(
            &canonical(&document["certificate"]),
            &bytes(&signature.signature)?,
        )
        .map_err(|_| VerifyError::Mismatch)?;
    let certificate = &signed.certificate;
    if certificate.verdict != Certificate::worst(&certificate.live, &certificate.computed) {
        return Err(VerifyError::Inconsistent);
    }
    let signer = match expected {
        Some(_) => Signer::Expected,
        None => Signer::Unknown,
    };
    Ok((signed, signer))
}

/// Before anything else is read: another shape has other members.
fn check_schema(document: &Value) -> Result<(), VerifyError> {
    let Some(schema) = document["certificate"]["schema"].as_str() else {
        let words = match document["tenants"].is_array() {
            true => "it is the output of --json",
            false => "it has no certificate.schema",
        };
        return Err(VerifyError::Shape(words.to_string()));
    };
    if schema == CERTIFICATE_SCHEMA {
        return Ok(());
    }
    match schema.strip_prefix("byos.certificate/") {
        Some(version) if !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()) => {
            Err(VerifyError::Newer(schema.to_string()))
        }
        _ => Err(VerifyError::Shape(format!("its schema is {schema:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::{Check, Computed, Expected, SigningKey, Verdict};
    use serde_json::json;
    use types::Timestamp;

    fn certificate() -> Certificate {
        let computed = Computed {
            decisions: 1,
            allowed: vec!["s3:GetObject on \u{e9} \"quoted\"\n\u{7f}".to_string()],
            violations: Vec::new(),
            inconclusive: None,
        };
        let live = vec![Check {
            claim: "c".to_string(),
            actions: vec!["s3:GetObject".to_string()],
            expected: Expected::Allowed,
            verdict: Verdict::Proven,
            control: None,
            denial: None,
            evidence: "e".to_string(),
        }];
        Certificate {
            schema: CERTIFICATE_SCHEMA.to_string(),
            provisioner: "0.1.0".to_string(),
            tenant: "pulse/prod/acme".to_string(),
            issued: Timestamp::from_unix(1),
            account: "222222222222".to_string(),
            role_arn: "arn:aws:iam::222222222222:role/r".to_string(),
            vendor_role: "arn:aws:iam::111111111111:role/g".to_string(),
            external_id: "pulse-org-acme".to_string(),
            buckets: vec!["b".to_string()],
            key_prefix: "orgs/acme/".to_string(),
            documents: Default::default(),
            live,
            computed,
            verdict: Verdict::Proven,
        }
    }

    fn signed() -> (SigningKey, Value) {
        let key = SigningKey::generate().unwrap();
        let signed = json!(key.sign(certificate()));
        (key, signed)
    }

    #[test]
    fn a_signature_says_whether_the_signer_was_expected() {
        let (key, document) = signed();
        let text = document.to_string();
        assert_eq!(verify(&text, None).unwrap().1, Signer::Unknown);
        let (read, signer) = verify(&text, Some(&key.public_key())).unwrap();
        assert_eq!(signer, Signer::Expected);
        assert_eq!(read.certificate, certificate());
        let other = SigningKey::generate().unwrap().public_key();
        assert!(matches!(
            verify(&text, Some(&other)),
            Err(VerifyError::OtherKey { .. })
        ));
    }

    #[test]
    fn every_changed_text_and_every_added_member_is_found() {
        let (_, document) = signed();
        for pointer in [
            "/certificate/tenant",
            "/certificate/external_id",
            "/certificate/key_prefix",
            "/certificate/live/0/claim",
            "/certificate/live/0/evidence",
            "/certificate/computed/allowed/0",
        ] {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).unwrap() = json!("another");
            assert_eq!(
                verify(&changed.to_string(), None).unwrap_err(),
                VerifyError::Mismatch,
                "{pointer}"
            );
        }
        let mut dropped = document.clone();
        let live = dropped["certificate"]["live"][0].as_object_mut().unwrap();
        assert!(live.remove("control").is_some());
        assert_eq!(
            verify(&dropped.to_string(), None).unwrap_err(),
            VerifyError::Mismatch
        );
        for place in [
            "/certificate",
            "/certificate/live/0",
            "/certificate/computed",
            "/signature",
            "",
        ] {
            let mut added = document.clone();
            let members = added.pointer_mut(place).unwrap().as_object_mut().unwrap();
            members.insert("approved_by".to_string(), json!("everybody"));
            assert!(
                matches!(verify(&added.to_string(), None), Err(VerifyError::Shape(_))),
                "{place}"
            );
        }
        let twice = document
            .to_string()
            .replacen("\"tenant\":", "\"tenant\":\"x\",\"tenant\":", 1);
        assert!(matches!(verify(&twice, None), Err(VerifyError::Shape(_))));
    }

    #[test]
    fn what_is_no_signed_certificate_is_named() {
        let (_, document) = signed();
        let with = |pointer: &str, value: Value| {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            verify(&changed.to_string(), None).unwrap_err()
        };
        assert_eq!(with("/signature", Value::Null), VerifyError::Unsigned);
        assert_eq!(
            with("/signature/algorithm", json!("none")),
            VerifyError::Algorithm("none".to_string())
        );
        assert_eq!(
            with("/certificate/schema", json!("byos.certificate/2")),
            VerifyError::Newer("byos.certificate/2".to_string())
        );
        for (pointer, value) in [
            ("/certificate/schema", json!("other/1")),
            ("/certificate/verdict", json!("fine")),
            ("/signature/public_key", json!("zz")),
        ] {
            assert!(
                matches!(with(pointer, value), VerifyError::Shape(_)),
                "{pointer}"
            );
        }
        for text in ["", "[]", "{}", "null", "{\"tenants\":[]}"] {
            assert!(
                matches!(verify(text, None), Err(VerifyError::Shape(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_verdict_that_does_not_follow_is_refused_though_it_is_signed() {
        let key = SigningKey::generate().unwrap();
        let mut rosy = certificate();
        rosy.live[0].verdict = Verdict::Violated;
        let text = json!(key.sign(rosy)).to_string();
        assert_eq!(verify(&text, None).unwrap_err(), VerifyError::Inconsistent);
        let mut empty = certificate();
        empty.live.clear();
        let text = json!(key.sign(empty)).to_string();
        assert_eq!(verify(&text, None).unwrap_err(), VerifyError::Inconsistent);
    }
}
