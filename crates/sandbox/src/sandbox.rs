//! A running sandbox, and what can be put into it without the network.

use crate::calls::{Call, Calls, Fault};
use crate::disk::Store;
use crate::gate::Gate;
use crate::iam::{AccessKeyRecord, Directory};
use crate::options::{Propagation, SandboxOptions};
use crate::query::QueryError;
use crate::s3::Destinations;
use crate::{random, s3, server, state};
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use types::{AccountId, BucketName, Clock, Endpoint, SecretString};

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
    pub(crate) store: Arc<Store>,
    pub(crate) directory: Arc<Directory>,
    calls: Arc<Calls>,
    pub(crate) destinations: Arc<Destinations>,
    pub(crate) clock: Arc<dyn Clock>,
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

pub(crate) fn no_account(account: &AccountId) -> SandboxError {
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
