//! What stands inside a sealed record: JSON, with unknown fields refused, so that a record of a
//! later version is never half understood.

use crate::StoreError;
use crate::seal::{Clear, MAX_CONTENT};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use types::{
    AccessKey, AccessKeyId, AccessKeyStatus, BucketAlias, BucketMapping, ConfigStatus,
    ConfigVersion, ExternalIdPrefix, Grant, RoleArn, SecretString, StorageConfig, StorageMode,
    Target, TargetId, TenantId, Timestamp, UpstreamAccess,
};
use zeroize::Zeroizing;

/// A value that is stored as one record.
pub(crate) trait Record: Sized {
    fn encode(&self) -> Result<Clear, StoreError>;
    fn decode(content: &[u8]) -> Result<Self, StoreError>;
}

/// The content address of a target: SHA-256 over its canonical encoding, the same on every
/// machine and in every version.
pub fn target_id(target: &Target) -> TargetId {
    let encoded = serde_json::to_vec(target).expect("a target is plain data");
    let mut hash = Sha256::new();
    hash.update(b"byos target 1\0");
    hash.update(&encoded);
    TargetId::parse(hex::encode(hash.finalize())).expect("SHA-256 has 64 hexadecimal digits")
}

impl Record for Target {
    fn encode(&self) -> Result<Clear, StoreError> {
        to_json(self)
    }

    fn decode(content: &[u8]) -> Result<Self, StoreError> {
        from_json(content)
    }
}

impl Record for TargetId {
    fn encode(&self) -> Result<Clear, StoreError> {
        to_json(self)
    }

    fn decode(content: &[u8]) -> Result<Self, StoreError> {
        from_json(content)
    }
}

/// A record that only has to be there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {}

impl Record for Mark {
    fn encode(&self) -> Result<Clear, StoreError> {
        to_json(self)
    }

    fn decode(content: &[u8]) -> Result<Self, StoreError> {
        from_json(content)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredConfig<'a> {
    tenant: Cow<'a, TenantId>,
    version: ConfigVersion,
    mode: StorageMode,
    status: ConfigStatus,
    access: StoredAccess<'a>,
    buckets: Cow<'a, BTreeMap<BucketAlias, BucketMapping>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredAccess<'a> {
    AssumeRole {
        role: Cow<'a, RoleArn>,
        external_id_prefix: Cow<'a, ExternalIdPrefix>,
    },
    StaticKeys {
        access_key_id: Cow<'a, str>,
        secret_access_key: Hidden<'a>,
    },
}

impl Record for StorageConfig {
    fn encode(&self) -> Result<Clear, StoreError> {
        to_json(&StoredConfig {
            tenant: Cow::Borrowed(&self.tenant),
            version: self.version,
            mode: self.mode,
            status: self.status,
            access: match &self.access {
                UpstreamAccess::AssumeRole {
                    role,
                    external_id_prefix,
                } => StoredAccess::AssumeRole {
                    role: Cow::Borrowed(role),
                    external_id_prefix: Cow::Borrowed(external_id_prefix),
                },
                UpstreamAccess::StaticKeys {
                    access_key_id,
                    secret_access_key,
                } => StoredAccess::StaticKeys {
                    access_key_id: Cow::Borrowed(access_key_id),
                    secret_access_key: Hidden(Cow::Borrowed(secret_access_key)),
                },
            },
            buckets: Cow::Borrowed(&self.buckets),
        })
    }

    fn decode(content: &[u8]) -> Result<Self, StoreError> {
        let stored: StoredConfig<'_> = from_json(content)?;
        Ok(Self {
            tenant: stored.tenant.into_owned(),
            version: stored.version,
            mode: stored.mode,
            status: stored.status,
            access: match stored.access {
                StoredAccess::AssumeRole {
                    role,
                    external_id_prefix,
                } => UpstreamAccess::AssumeRole {
                    role: role.into_owned(),
                    external_id_prefix: external_id_prefix.into_owned(),
                },
                StoredAccess::StaticKeys {
                    access_key_id,
                    secret_access_key,
                } => UpstreamAccess::StaticKeys {
                    access_key_id: access_key_id.into_owned(),
                    secret_access_key: secret_access_key.0.into_owned(),
                },
            },
            buckets: stored.buckets.into_owned(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey<'a> {
    id: Cow<'a, AccessKeyId>,
    tenant: Cow<'a, TenantId>,
    secret: Hidden<'a>,
    secret_version: u64,
    grants: Cow<'a, [Grant]>,
    not_after: Option<Timestamp>,
    status: AccessKeyStatus,
}

impl Record for AccessKey {
    fn encode(&self) -> Result<Clear, StoreError> {
        to_json(&StoredKey {
            id: Cow::Borrowed(&self.id),
            tenant: Cow::Borrowed(&self.tenant),
            secret: Hidden(Cow::Borrowed(&self.secret)),
            secret_version: self.secret_version,
            grants: Cow::Borrowed(&self.grants),
            not_after: self.not_after,
            status: self.status,
        })
    }

    fn decode(content: &[u8]) -> Result<Self, StoreError> {
        let stored: StoredKey<'_> = from_json(content)?;
        Ok(Self {
            id: stored.id.into_owned(),
            tenant: stored.tenant.into_owned(),
            secret: stored.secret.0.into_owned(),
            secret_version: stored.secret_version,
            grants: stored.grants.into_owned(),
            not_after: stored.not_after,
            status: stored.status,
        })
    }
}

/// The one place where a secret is written out: into a buffer that is sealed and wiped.
struct Hidden<'a>(Cow<'a, SecretString>);

impl Serialize for Hidden<'_> {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Hidden<'_> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Cow::Owned(SecretString::new(text))))
    }
}

fn to_json(value: &impl Serialize) -> Result<Clear, StoreError> {
    // Full size from the start: a growing buffer would leave copies of secrets behind.
    let mut content = Bounded(Zeroizing::new(Vec::with_capacity(MAX_CONTENT)));
    serde_json::to_writer(&mut content, value)
        .map_err(|_| StoreError::TooLarge { limit: MAX_CONTENT })?;
    Ok(content.0)
}

fn from_json<T: DeserializeOwned>(content: &[u8]) -> Result<T, StoreError> {
    // serde's message may quote the content: position only.
    serde_json::from_slice(content).map_err(|error| {
        StoreError::Damaged(format!(
            "a record opens but is not understood at byte {}",
            error.column()
        ))
    })
}

/// Takes [`MAX_CONTENT`] bytes and not one more.
struct Bounded(Clear);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_CONTENT {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
