//! How a sandbox is started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use types::{AccountId, Clock, SystemClock};

/// How long IAM takes to let STS, S3 and its own authorisation see a change.
///
/// IAM itself answers from the newest state at once, as `GetRole` after `CreateRole` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Propagation {
    /// Changes are visible at once.
    #[default]
    Immediate,
    /// Changes are visible after so many seconds of the sandbox's clock.
    Seconds(u32),
    /// Changes are visible after so many further calls of STS and S3, refused ones included.
    Calls(u32),
}

/// How a sandbox is started.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where everything is kept. `None` for a temporary directory that goes when the sandbox does.
    pub data_dir: Option<PathBuf>,
    /// Where to listen; only a loopback address is accepted. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// What time it is: for expiry, for clock skew, for what is written down.
    ///
    /// The lifetime of presigned URLs is judged by this clock *and* by the machine's, so a clock
    /// that is moved should start near the real time.
    pub clock: Arc<dyn Clock>,
    /// Accounts that exist from the start.
    pub accounts: Vec<AccountId>,
    /// How long IAM changes take to be seen.
    pub propagation: Propagation,
    /// Whether requests count as sent over TLS 1.3 (`aws:SecureTransport`), although the sandbox
    /// speaks plain HTTP: otherwise every TLS-only bucket policy would lock it up.
    pub counts_as_tls: bool,
}

impl SandboxOptions {
    /// The account of the one who offers the service.
    pub const VENDOR: &'static str = "111111111111";
    /// The account of the one whose buckets are used.
    pub const CUSTOMER: &'static str = "222222222222";
}

impl Default for SandboxOptions {
    /// A temporary sandbox with a vendor and a customer on a free port.
    fn default() -> Self {
        let account = |id| AccountId::parse(id).expect("the account has 12 digits");
        Self {
            data_dir: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Arc::new(SystemClock),
            accounts: vec![account(Self::VENDOR), account(Self::CUSTOMER)],
            propagation: Propagation::Immediate,
            counts_as_tls: true,
        }
    }
}
