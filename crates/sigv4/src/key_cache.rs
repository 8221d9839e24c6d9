//! Derived signing keys, kept between requests.

use crate::signature::SigningKey;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use std::fmt;
use std::hash::{Hash, Hasher};
use types::SecretString;

/// For whom, when and where a signing key is good.
///
/// The version stands for the secret: a rotation changes it, so no derived key outlives its
/// secret, and nothing of the secret is in the key of a cache. The day is part of it too, so
/// midnight needs no care.
#[derive(Clone, Copy)]
pub(crate) struct KeyScope<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret_version: u64,
    pub(crate) day: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl KeyScope<'_> {
    pub(crate) fn derive(&self, secret: &SecretString) -> SigningKey {
        SigningKey::derive(secret, self.day, self.region, self.service)
    }

    fn parts(&self) -> (&str, u64, &str, &str, &str) {
        (
            self.access_key_id,
            self.secret_version,
            self.day,
            self.region,
            self.service,
        )
    }
}

impl Hash for KeyScope<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

#[derive(Clone)]
struct OwnedScope {
    access_key_id: Box<str>,
    secret_version: u64,
    day: Box<str>,
    region: Box<str>,
    service: Box<str>,
}

impl OwnedScope {
    fn view(&self) -> KeyScope<'_> {
        KeyScope {
            access_key_id: &self.access_key_id,
            secret_version: self.secret_version,
            day: &self.day,
            region: &self.region,
            service: &self.service,
        }
    }
}

impl Hash for OwnedScope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
    }
}

impl PartialEq for OwnedScope {
    fn eq(&self, other: &Self) -> bool {
        self.view().parts() == other.view().parts()
    }
}

impl Eq for OwnedScope {}

impl Equivalent<OwnedScope> for KeyScope<'_> {
    fn equivalent(&self, key: &OwnedScope) -> bool {
        self.parts() == key.view().parts()
    }
}

/// A bounded cache of derived keys.
pub(crate) struct KeyCache(Cache<OwnedScope, SigningKey>);

impl KeyCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    pub(crate) fn find(&self, scope: &KeyScope<'_>) -> Option<SigningKey> {
        self.0.get(scope)
    }

    pub(crate) fn keep(&self, scope: &KeyScope<'_>, key: SigningKey) {
        let owned = OwnedScope {
            access_key_id: scope.access_key_id.into(),
            secret_version: scope.secret_version,
            day: scope.day.into(),
            region: scope.region.into(),
            service: scope.service.into(),
        };
        self.0.insert(owned, key);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "KeyCache({} keys)", self.len())
    }
}
