//! Things to store, and two kinds of store to put them in.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use store::{Engine, KeyExpectation, KeyRing, MemoryEngine, MemoryStore, Row, SledStore, Store};
use types::{
    AccessKey, AccessKeyId, AccessKeyStatus, ActionSet, AddressingStyle, Backend, BucketAccess,
    BucketAlias, BucketMapping, BucketName, ConfigStatus, ConfigVersion, Endpoint,
    ExternalIdPrefix, Grant, JobId, KeyPrefix, Location, Region, RoleArn, Secret, SecretString,
    StorageConfig, StorageMode, Target, TenantId, Timestamp, UpstreamAccess,
};

/// How many times as many trials as usual: `STORE_TEST_EFFORT`, 1 unless given.
pub(crate) fn effort() -> usize {
    std::env::var("STORE_TEST_EFFORT").map_or(1, |effort| effort.parse().unwrap())
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub(crate) fn job(name: &str) -> JobId {
    JobId::parse(name).unwrap()
}

pub(crate) fn alias(name: &str) -> BucketAlias {
    BucketAlias::parse(name).unwrap()
}

pub(crate) fn key_id(name: &str) -> AccessKeyId {
    AccessKeyId::parse(format!("{name:X>20}")).unwrap()
}

pub(crate) fn ring(byte: u8) -> KeyRing {
    KeyRing::from_bytes(Secret::new([byte; 32]))
}

pub(crate) fn mapping(bucket: &str) -> BucketMapping {
    BucketMapping {
        location: Location {
            backend: Backend::AwsS3 {
                region: Region::parse("eu-central-1").unwrap(),
                endpoint: None,
            },
            bucket: BucketName::parse(bucket).unwrap(),
            prefix: KeyPrefix::parse("extractions/").unwrap(),
        },
        access: BucketAccess::ReadWrite,
    }
}

/// A tenant that is reached by a role; `note` varies the content.
pub(crate) fn config(name: &str, version: u64, note: &str) -> StorageConfig {
    StorageConfig {
        tenant: tenant(name),
        version: ConfigVersion(version),
        mode: StorageMode::Customer,
        status: ConfigStatus::Enabled,
        access: UpstreamAccess::AssumeRole {
            role: RoleArn::parse("arn:aws:iam::123456789012:role/byos").unwrap(),
            external_id_prefix: ExternalIdPrefix::default(),
        },
        buckets: [(alias("data"), mapping(note))].into(),
    }
}

/// A tenant that is reached by static keys.
pub(crate) fn static_config(name: &str, secret: &str) -> StorageConfig {
    let mut config = config(name, 1, "bucket-a");
    config.access = UpstreamAccess::StaticKeys {
        access_key_id: "AKIAEXAMPLE".into(),
        secret_access_key: SecretString::from(secret),
    };
    let backend = Backend::S3Compatible {
        endpoint: Endpoint::parse("https://s3.example.com:8443").unwrap(),
        region: Region::parse("garage").unwrap(),
        addressing: AddressingStyle::Path,
    };
    for mapping in config.buckets.values_mut() {
        mapping.location.backend = backend.clone();
    }
    config
}

pub(crate) fn access_key(id: &str, owner: &str) -> AccessKey {
    AccessKey {
        id: key_id(id),
        tenant: tenant(owner),
        secret: SecretString::from(CANARY),
        secret_version: 1,
        grants: vec![Grant::on_all_buckets(ActionSet::ReadWrite)],
        not_after: Some(Timestamp::from_unix(2_000_000_000)),
        status: AccessKeyStatus::Active,
    }
}

pub(crate) fn target(bucket: &str) -> Target {
    Target {
        mode: StorageMode::Customer,
        mapping: mapping(bucket),
    }
}

/// What a configuration says, secrets included, for comparison.
pub(crate) fn told(config: &StorageConfig) -> String {
    let access = match &config.access {
        UpstreamAccess::AssumeRole {
            role,
            external_id_prefix,
        } => format!("{role} {external_id_prefix}"),
        UpstreamAccess::StaticKeys {
            access_key_id,
            secret_access_key,
        } => format!("{access_key_id} {}", secret_access_key.expose()),
    };
    format!(
        "{} {:?} {:?} {:?} {access} {:?}",
        config.tenant, config.version, config.mode, config.status, config.buckets
    )
}

/// The same for an access key.
pub(crate) fn told_key(key: &AccessKey) -> String {
    format!("{key:?} {}", key.secret.expose())
}

/// A kind of store that can be closed and opened again.
pub(crate) trait Place {
    type Kept: Store + 'static;
    fn new() -> Self;
    fn open(&self, ring: KeyRing) -> Result<Self::Kept, store::StoreError>;
}

pub(crate) struct InMemory(pub(crate) MemoryEngine);

impl Place for InMemory {
    type Kept = MemoryStore;

    fn new() -> Self {
        Self(MemoryEngine::default())
    }

    fn open(&self, ring: KeyRing) -> Result<MemoryStore, store::StoreError> {
        MemoryStore::over(self.0.clone(), ring)
    }
}

/// A temporary folder, in memory where there is one: whether an fsync was asked for is judged by
/// `power`, and need not be waited for everywhere else.
pub(crate) fn memory_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

pub(crate) struct OnDisk(pub(crate) tempfile::TempDir);

impl Place for OnDisk {
    type Kept = SledStore;

    fn new() -> Self {
        Self(memory_folder())
    }

    fn open(&self, ring: KeyRing) -> Result<SledStore, store::StoreError> {
        SledStore::open(self.0.path(), ring)
    }
}

/// One record of every kind: two configurations, two keys, a target, a pin.
pub(crate) async fn fill(store: &impl Store) {
    for name in ["acme", "beta"] {
        let config = static_config(name, CANARY);
        store.put_storage_config(config, None).await.unwrap();
        let key = access_key(&name.to_uppercase(), name);
        store
            .put_access_key(key, KeyExpectation::New)
            .await
            .unwrap();
    }
    let id = store.put_target(target("bucket-a")).await.unwrap();
    store
        .pin_job(&tenant("acme"), &job("job-1"), &alias("data"), &id)
        .await
        .unwrap();
}

/// A secret that must not show up anywhere.
pub(crate) const CANARY: &str = "canary-Zm9yZXN0IGZpcmU";

/// Every file below `folder`, by path, with its content.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// All rows of an engine.
pub(crate) fn rows(engine: &impl Engine) -> Vec<Row> {
    engine.scan(b"", b"", usize::MAX).unwrap()
}

/// An engine with exactly these rows.
pub(crate) fn engine_of(rows: &[Row]) -> MemoryEngine {
    let engine = MemoryEngine::default();
    let batch = rows
        .iter()
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    engine.commit(&batch.collect()).unwrap();
    engine
}
