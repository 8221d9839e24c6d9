//! Reaching a tenant's own bucket.
//!
//! From a tenant's configuration to a request that its store accepts: [`TenantAccess`] and
//! [`Route`] say where and by which way in; [`CredentialCache`] holds the sessions; [`Resolver`]
//! finds an address that may be connected to; [`PeerSpec`] is the connection to open;
//! [`UpstreamRequest`] is the request, signed; [`UpstreamClient`] sends those that are not
//! streamed through the gateway; [`presign`] lets a client go there itself.
//!
//! Only this crate holds tenants' credentials in clear. Who may ask for what was decided above.

mod access;
mod client;
mod credentials;
mod flight;
mod guard;
mod network;
mod peer;
mod presign;
mod random;
mod region;
mod request;
mod resolve;
mod route;
mod session_policy;
mod tls;

pub use access::TenantAccess;
pub use client::{ClientError, ClientLimits, Phase, UpstreamClient};
pub use credentials::{
    AssumeRole, AssumeRoleRequest, CacheLimits, CredentialCache, CredentialError, Credentials,
    Fault, GatewayCredentials, IssuedSession, SessionHealth, SessionName, StsClient, StsConfig,
};
pub use guard::{AddressClass, AddressPolicy, GuardError, VettedAddress};
pub use network::{Network, NetworkError};
pub use peer::{PeerSpec, PeerTimeouts, ServerName, Transport};
pub use presign::{
    DEFAULT_READ, DEFAULT_WRITE, DirectUrl, DirectUrlError, PresignMethod, PresignedUrl, presign,
};
pub use random::{Random, system_random};
pub use region::LearnedRegions;
pub use request::{SignedRequest, UpstreamRequest};
pub use resolve::{Lookup, ResolveError, Resolver, ResolverLimits, SystemLookup};
pub use route::{Route, UpstreamKey};
pub use session_policy::SessionPolicyError;
pub use tls::{CaBundle, TrustError, install_crypto_provider};
