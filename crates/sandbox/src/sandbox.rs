//! A running sandbox, and what can be put into it without the network.

use crate::calls::{Call, Calls, Fault};
use crate::disk::{BucketRecord, Store, StoreError};
use crate::document::Document;
use crate::gate::Gate;
use crate::iam::{AccessKeyRecord, Directory, NewRole, make_role, make_user, put_inline};
use crate::options::{Propagation, SandboxOptions};
use crate::query::QueryError;
use crate::s3::Destinations;
use crate::{random, s3, server, state};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use types::{AccountId, BucketName, Clock, Endpoint, Region, RoleArn, SecretString};

/// Why a sandbox did not start, or did not take what was put into it.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The sandbox trusts whoever reaches it with too much to be reached from elsewhere.
    #[error("the sandbox listens on loopback addresses only, not on {0}")]
    NotLoopback(SocketAddr),
    /// The address is taken, most likely.
    #[error("could not listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The data directory cannot be read or written.
    #[error("could not open the data directory {path}")]
    Data {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// IAM would not take it.
    #[error("{code}: {message}")]
    Iam {
        /// The code that IAM would answer with.
        code: &'static str,
        /// Its words.
        message: String,
    },
    /// Another account has the bucket.
    #[error("bucket {0} belongs to another account or region")]
    BucketTaken(BucketName),
    /// The bucket could not be written.
    #[error("could not make bucket {bucket}")]
    Bucket {
        /// Which.
        bucket: BucketName,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl From<QueryError> for SandboxError {
    fn from(error: QueryError) -> Self {
        Self::Iam {
            code: error.code,
            message: error.message,
        }
    }
}

/// An access key and its secret.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// `AKIA...`.
    pub access_key_id: String,
    /// What to sign with.
    pub secret_access_key: SecretString,
}

impl From<&AccessKeyRecord> for KeyPair {
    fn from(key: &AccessKeyRecord) -> Self {
        Self {
            access_key_id: key.id.clone(),
            secret_access_key: key.secret.clone(),
        }
    }
}

/// A running sandbox. Dropped without [`Sandbox::shutdown`], it stops without draining.
#[derive(Debug)]
pub struct Sandbox {
    endpoint: Endpoint,
    store: Arc<Store>,
    directory: Arc<Directory>,
    calls: Arc<Calls>,
    destinations: Arc<Destinations>,
    clock: Arc<dyn Clock>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    /// Held while the sandbox lives: two on the same files would destroy them.
    _lock: File,
    _scratch: Option<Scratch>,
}

/// A directory that goes with its owner.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "the sandbox's temporary directory stays");
        }
    }
}

impl Sandbox {
    /// Starts a sandbox on the current tokio runtime.
    ///
    /// # Errors
    /// When the address or the data directory cannot be used.
    pub async fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        if !options.listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(options.listen));
        }
        let (root, scratch) = data_directory(options.data_dir)?;
        let opened = open(&root, &options.clock, options.propagation);
        let (lock, store, directory) =
            opened.map_err(|source| SandboxError::Data { path: root, source })?;
        for account in &options.accounts {
            directory.ensure_account(account)?;
        }
        let listen = |source| SandboxError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let calls = Arc::new(Calls::default());
        let destinations = Arc::new(Destinations::default());
        let gate = Gate {
            s3: s3::build(&store, &directory, &destinations),
            directory: Arc::clone(&directory),
            calls: Arc::clone(&calls),
            clock: Arc::clone(&options.clock),
            counts_as_tls: options.counts_as_tls,
        };
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(server::serve(listener, Arc::new(gate), stopped));
        Ok(Self {
            endpoint: Endpoint::parse(&format!("http://{address}"))
                .expect("a loopback address and its port make an endpoint"),
            store,
            directory,
            calls,
            destinations,
            clock: options.clock,
            stop,
            server,
            _lock: lock,
            _scratch: scratch,
        })
    }

    /// Where S3, IAM and STS listen.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Stops listening and lets what is under way end, for a few seconds at most.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.server).await {
            tracing::warn!(%error, "the sandbox's server did not end well");
        }
    }

    /// Makes an account unless it is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create_account(&self, account: &AccountId) -> Result<(), SandboxError> {
        Ok(self.directory.ensure_account(account)?)
    }

    /// The keys of an account's root user; the same for as long as the data lives.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn root_keys(&self, account: &AccountId) -> Result<KeyPair, SandboxError> {
        let accounts = self.directory.newest();
        let account = accounts
            .account(account)
            .ok_or_else(|| no_account(account))?;
        Ok(KeyPair::from(&account.root))
    }

    /// Makes a user with these inline policies (name and document), or gives the user that is
    /// there these policies too. Its keys: the first that it has, a new one when it has none.
    /// Visible at once.
    ///
    /// # Errors
    /// When IAM would refuse the name or a document.
    pub fn create_user(
        &self,
        account: &AccountId,
        name: &str,
        policies: &[(&str, &serde_json::Value)],
    ) -> Result<KeyPair, SandboxError> {
        let now = self.clock.now();
        let key = self.directory.seed(account, |account| {
            if account.user(name).is_none() {
                make_user(account, "/", name, None, BTreeMap::new(), now)?;
            }
            let user = account
                .user_mut(name)
                .expect("the user was made or was there");
            for (policy, document) in policies {
                let text = document.to_string();
                // Seeding is not bound by the quota: tests put large policies here.
                put_inline(&mut user.permissions, name, policy, &text, usize::MAX)?;
            }
            if user.keys.is_empty() {
                user.keys.push(AccessKeyRecord::draw(now));
            }
            Ok(user.keys[0].clone())
        })?;
        Ok(KeyPair::from(&key))
    }

    /// Makes a role, or gives the role that is there this trust and these inline policies.
    /// Visible at once.
    ///
    /// # Errors
    /// When IAM would refuse the name or a document, or a principal does not exist.
    pub fn create_role(
        &self,
        account: &AccountId,
        name: &str,
        trust: &serde_json::Value,
        policies: &[(&str, &serde_json::Value)],
    ) -> Result<RoleArn, SandboxError> {
        let now = self.clock.now();
        let accounts = self.directory.newest();
        let arn = self.directory.seed(account, |account| {
            let new = NewRole {
                path: "/",
                name,
                trust: &trust.to_string(),
                description: None,
                max_session: 3_600,
                boundary: None,
                tags: BTreeMap::new(),
            };
            let kept = account.roles.remove(&name.to_lowercase());
            make_role(account, &accounts, new, now)?;
            let role = account.role_mut(name).expect("the role was made");
            if let Some(kept) = kept {
                role.id = kept.id.clone();
                role.permissions = kept.permissions.clone();
                role.tags = kept.tags.clone();
            }
            for (policy, document) in policies {
                let text = document.to_string();
                put_inline(&mut role.permissions, name, policy, &text, usize::MAX)?;
            }
            Ok(role.arn.clone())
        })?;
        Ok(arn)
    }

    /// Makes a bucket as a new one is at AWS: private, unversioned, all public access blocked.
    /// Leaves the account's own bucket of that name as it is.
    ///
    /// # Errors
    /// When another account or region has the bucket, or it cannot be written.
    pub fn create_bucket(
        &self,
        account: &AccountId,
        bucket: &BucketName,
        region: &Region,
    ) -> Result<(), SandboxError> {
        if self.directory.newest().account(account).is_none() {
            return Err(no_account(account));
        }
        let record = BucketRecord::new(
            bucket.to_string(),
            account.clone(),
            region.clone(),
            self.clock.now(),
        );
        match self.store.create_bucket(record) {
            Ok(()) => Ok(()),
            Err(StoreError::BucketExists(other))
                if other.owner == *account && other.region == *region =>
            {
                Ok(())
            }
            Err(StoreError::BucketExists(_)) => Err(SandboxError::BucketTaken(bucket.clone())),
            Err(error) => Err(SandboxError::Bucket {
                bucket: bucket.clone(),
                source: std::io::Error::other(error),
            }),
        }
    }

    /// Makes a KMS key whose policy leaves everything to the IAM policies of its account, or is
    /// `policy`; gives its ARN. S3 asks for `kms:GenerateDataKey` and `kms:Decrypt` where objects
    /// are encrypted with it; KMS itself cannot be called. Visible at once.
    ///
    /// # Errors
    /// When the policy is malformed or the account does not exist.
    pub fn create_kms_key(
        &self,
        account: &AccountId,
        region: &Region,
        policy: Option<&serde_json::Value>,
    ) -> Result<String, SandboxError> {
        let id = random::request_uuid();
        let arn = format!("arn:aws:kms:{region}:{account}:key/{id}");
        let default = serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*", "Resource": "*",
        }]});
        let text = policy.unwrap_or(&default).to_string();
        let document = Document::parse(policies::PolicyKind::Resource, &text)
            .map_err(QueryError::malformed_policy)?;
        self.directory.seed(account, |account| {
            account.keys.insert(arn.clone(), document);
            Ok(())
        })?;
        Ok(arn)
    }

    /// Lets a queue, topic or function exist, so that buckets may name it as the destination of
    /// their notifications; without a policy that lets S3 in, they still may not. Not kept over a
    /// restart.
    ///
    /// # Errors
    /// When the policy is malformed.
    pub fn put_destination(
        &self,
        arn: &str,
        policy: Option<&serde_json::Value>,
    ) -> Result<(), SandboxError> {
        let document = policy
            .map(|policy| Document::parse(policies::PolicyKind::Resource, &policy.to_string()))
            .transpose()
            .map_err(QueryError::malformed_policy)?;
        self.destinations.put(arn.to_string(), document);
        Ok(())
    }

    /// What an account holds, for comparing two sandboxes that were set up in different ways:
    /// buckets with their settings, roles, managed policies, instance profiles; without users,
    /// unique ids and dates, and without order where AWS gives it no meaning.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn state(&self, account: &AccountId) -> Result<serde_json::Value, SandboxError> {
        let accounts = self.directory.newest();
        let account = accounts
            .account(account)
            .ok_or_else(|| no_account(account))?;
        Ok(state::of(account, &self.store))
    }

    /// Every call that was answered, oldest first; the last 100,000.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.all()
    }

    /// Empties the call log.
    pub fn forget_calls(&self) {
        self.calls.forget();
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: Fault) {
        self.calls.inject(fault);
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.calls.clear_faults();
    }

    /// Changes how long IAM changes take to be seen; those under way keep their time.
    pub fn set_propagation(&self, propagation: Propagation) {
        self.directory.set_propagation(propagation);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.server.abort();
    }
}

fn no_account(account: &AccountId) -> SandboxError {
    QueryError::no_such_entity(format_args!(
        "There is no account {account} in the sandbox."
    ))
    .into()
}

fn open(
    root: &Path,
    clock: &Arc<dyn Clock>,
    propagation: Propagation,
) -> std::io::Result<(File, Arc<Store>, Arc<Directory>)> {
    let lock = File::create(root.join("lock"))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => std::io::Error::other("another sandbox uses it"),
        TryLockError::Error(error) => error,
    })?;
    let store = Store::open(&root.join("s3"))?;
    let directory = Directory::open(&root.join("iam"), Arc::clone(clock), propagation)?;
    Ok((lock, Arc::new(store), Arc::new(directory)))
}

fn data_directory(wanted: Option<PathBuf>) -> Result<(PathBuf, Option<Scratch>), SandboxError> {
    let (path, scratch) = match wanted {
        Some(path) => (path, None),
        None => {
            let name = format!("byos-sandbox-{:016x}", random::request_bits());
            let path = std::env::temp_dir().join(name);
            (path.clone(), Some(Scratch(path)))
        }
    };
    match std::fs::create_dir_all(&path) {
        Ok(()) => Ok((path, scratch)),
        Err(source) => Err(SandboxError::Data { path, source }),
    }
}
