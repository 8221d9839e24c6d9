//! Who is asking: access key to tenant to configuration, through a bounded cache.
//!
//! The cost of a request is the same with one tenant and with a million. An unknown access key
//! enters no cache, so that guessing keys cannot fill one.

use quick_cache::sync::Cache;
use sigv4::KeyMaterial;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Change, Store, StoreError};
use types::{AccessKey, AccessKeyId, Backend, BucketAlias, BucketMapping, StorageConfig, TenantId};
use upstream::{CaBundle, Route, SessionPolicyError, TenantAccess};

/// How many access keys, and how many tenants, are kept in memory.
const CAPACITY: usize = 100_000;

/// Whom an access key belongs to, with all that a request needs to know of them.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The key and what it may do.
    pub access_key: Arc<AccessKey>,
    /// What signatures are checked against.
    pub material: Arc<KeyMaterial>,
    /// The tenant's storage; `None` while nothing is configured.
    pub storage: Option<Arc<Storage>>,
}

/// One revision of a tenant's configuration, and the routes that follow from it.
#[derive(Debug)]
pub struct Storage {
    /// The configuration.
    pub config: StorageConfig,
    /// Where each bucket's requests go.
    pub routes: BTreeMap<BucketAlias, Arc<Route>>,
}

impl Storage {
    /// Computes the routes of `config`; S3-compatible stores are trusted by `ca` alone, if given.
    ///
    /// # Errors
    /// When its buckets do not fit into one session policy.
    pub fn of(
        config: StorageConfig,
        ca: Option<&Arc<CaBundle>>,
    ) -> Result<Self, SessionPolicyError> {
        let access = TenantAccess::of(&config)?;
        let route_to = |mapping: &BucketMapping| {
            let route = Route::new(&access, mapping);
            Arc::new(match (ca, &mapping.location.backend) {
                (Some(ca), Backend::S3Compatible { .. }) => route.with_ca(Arc::clone(ca)),
                _ => route,
            })
        };
        let routes = config
            .buckets
            .iter()
            .map(|(alias, mapping)| (alias.clone(), route_to(mapping)));
        let routes = routes.collect();
        Ok(Self { config, routes })
    }
}

/// Why a principal could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The store could not be read.
    #[error("the store could not be read")]
    Store(#[from] StoreError),
    /// The tenant's configuration cannot be served.
    #[error("the storage configuration of tenant {tenant} cannot be served")]
    Configuration {
        /// Whose.
        tenant: TenantId,
        /// Why.
        #[source]
        source: SessionPolicyError,
    },
}

#[derive(Clone)]
struct CachedKey {
    access_key: Arc<AccessKey>,
    material: Arc<KeyMaterial>,
}

/// The read side of the store, cached.
pub struct Directory {
    store: Arc<dyn Store>,
    ca: Option<Arc<CaBundle>>,
    keys: Cache<AccessKeyId, CachedKey>,
    storages: Cache<TenantId, Arc<Storage>>,
    /// Grows with every change: what was loaded under an older number is not kept.
    generation: AtomicU64,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Directory")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl Directory {
    /// In front of `store`; S3-compatible stores are trusted by `ca` alone, if given. Nothing is
    /// cached correctly until [`Directory::follow_changes`] runs.
    pub fn new(store: Arc<dyn Store>, ca: Option<Arc<CaBundle>>) -> Self {
        Self {
            store,
            ca,
            keys: Cache::new(CAPACITY),
            storages: Cache::new(CAPACITY),
            generation: AtomicU64::new(0),
        }
    }

    /// Empties the cache as the store changes; to be spawned once, and runs until the store is
    /// gone. The subscription begins at the call, before the future is first polled.
    pub fn follow_changes(self: &Arc<Self>) -> impl Future<Output = ()> + Send + 'static {
        let mut changes = self.store.changes();
        let directory = Arc::clone(self);
        async move {
            while let Some(change) = changes.next().await {
                directory.forget(&change);
            }
            directory.forget(&Change::Everything);
        }
    }

    /// The principal behind `id`; `None` when no such key was ever issued.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn principal(&self, id: &AccessKeyId) -> Result<Option<Principal>, LookupError> {
        let Some(key) = self.key(id).await? else {
            return Ok(None);
        };
        let storage = self.storage(&key.access_key.tenant).await?;
        Ok(Some(Principal {
            access_key: key.access_key,
            material: key.material,
            storage,
        }))
    }

    async fn key(&self, id: &AccessKeyId) -> Result<Option<CachedKey>, StoreError> {
        if let Some(found) = self.keys.get(id) {
            return Ok(Some(found));
        }
        let generation = self.generation.load(Ordering::Acquire);
        let Some(access_key) = self.store.access_key(id).await? else {
            return Ok(None);
        };
        let material = KeyMaterial {
            access_key_id: access_key.id.clone(),
            tenant: access_key.tenant.clone(),
            secret: access_key.secret.clone(),
            secret_version: access_key.secret_version,
        };
        let found = CachedKey {
            access_key: Arc::new(access_key),
            material: Arc::new(material),
        };
        self.keys.insert(id.clone(), found.clone());
        if self.generation.load(Ordering::Acquire) != generation {
            self.keys.remove(id);
        }
        Ok(Some(found))
    }

    /// The storage of `tenant`, current revision.
    ///
    /// # Errors
    /// When the store cannot be read, or what it holds cannot be served.
    pub async fn storage(&self, tenant: &TenantId) -> Result<Option<Arc<Storage>>, LookupError> {
        if let Some(found) = self.storages.get(tenant) {
            return Ok(Some(found));
        }
        let generation = self.generation.load(Ordering::Acquire);
        let Some(config) = self.store.storage_config(tenant).await? else {
            return Ok(None);
        };
        let found =
            Storage::of(config, self.ca.as_ref()).map_err(|source| LookupError::Configuration {
                tenant: tenant.clone(),
                source,
            })?;
        let found = Arc::new(found);
        self.storages.insert(tenant.clone(), Arc::clone(&found));
        if self.generation.load(Ordering::Acquire) != generation {
            self.storages.remove(tenant);
        }
        Ok(Some(found))
    }

    fn forget(&self, change: &Change) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        match change {
            Change::AccessKey(id) => {
                self.keys.remove(id);
            }
            Change::StorageConfig(tenant) => {
                self.storages.remove(tenant);
            }
            Change::Job(..) => {}
            Change::Everything => {
                self.keys.clear();
                self.storages.clear();
            }
        }
    }
}
