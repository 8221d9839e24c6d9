//! A request that a test can change before it is verified.

use http::{HeaderMap, HeaderName, HeaderValue};
use sigv4::{AuthError, Claim, KeyMaterial, RequestView, Verified, Verifier};
use types::{AccessKeyId, SecretString, TenantId, Timestamp};

pub(crate) const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// 2013-05-24T00:00:00Z, the moment of the examples in the S3 documentation.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_369_353_600);

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str, headers: &[(&str, &str)]) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_string())),
            None => (target, None),
        };
        let mut request = Self {
            method: method.into(),
            path: path.into(),
            query,
            headers: HeaderMap::new(),
        };
        headers
            .iter()
            .for_each(|(name, value)| request.append(name, value));
        request
    }

    pub(crate) fn append(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes()).unwrap();
        self.headers
            .append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.headers.remove(name);
        self.append(name, value);
    }

    pub(crate) fn view(&self) -> RequestView<'_> {
        RequestView {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
        }
    }

    pub(crate) fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// What stands behind `Signature=` in the `Authorization` header.
    pub(crate) fn signature(&self) -> String {
        let text = self.headers["authorization"].to_str().unwrap();
        text.split_once("Signature=").unwrap().1.to_string()
    }

    pub(crate) fn verify(&self) -> Result<Verified, AuthError> {
        self.verify_at(NOW)
    }

    pub(crate) fn verify_at(&self, now: Timestamp) -> Result<Verified, AuthError> {
        self.verify_with(&verifier(), Some(&key()), now)
    }

    pub(crate) fn verify_with(
        &self,
        verifier: &Verifier,
        key: Option<&KeyMaterial>,
        now: Timestamp,
    ) -> Result<Verified, AuthError> {
        verifier.verify(&Claim::parse(&self.view())?, key, now)
    }
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(Vec::new(), 16)
}

pub(crate) fn key() -> KeyMaterial {
    KeyMaterial {
        access_key_id: AccessKeyId::parse(ACCESS_KEY_ID).unwrap(),
        tenant: TenantId::parse("acme").unwrap(),
        secret: SecretString::from(SECRET),
        secret_version: 1,
    }
}
