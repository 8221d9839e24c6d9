//! The gateway as pingora sees it: one file per phase, wired together here.

mod admit;
mod body;
mod context;
mod fail;
mod flight;
mod forward;
mod local;
mod log;
mod outbound;
mod reply;
mod tokens;

use crate::limits::{InFlight, LeastRate, TenantLimits};
use admit::{Failure, Next};
use async_trait::async_trait;
use bytes::Bytes;
pub use context::RequestContext;
use control::Directory;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::prelude::HttpPeer;
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::{Error, Result};
use s3::{ErrorCode, FailureKind, S3Error};
use sigv4::{Signer, Verifier};
use std::sync::Arc;
use std::time::Duration;
use types::{Clock, Region, RequestId};
use upstream::{
    CredentialCache, Credentials, Fault, LearnedRegions, PeerTimeouts, Resolver, Route,
    UpstreamClient,
};

/// How long a client's connection may be idle between two requests, in seconds.
const IDLE_SECONDS: u64 = 75;

/// How long a session must still live when a request begins, in seconds: S3 looks at it once.
const CREDENTIAL_MARGIN_SECONDS: i64 = 60;

/// All that the gateway needs from below; everything that differs between a test and production.
pub struct Parts {
    /// Access keys and tenants.
    pub directory: Arc<Directory>,
    /// Checks signatures.
    pub verifier: Verifier,
    /// Makes signatures.
    pub signer: Signer,
    /// Tenants' sessions.
    pub credentials: CredentialCache,
    /// Addresses of upstreams.
    pub resolver: Resolver,
    /// For what is not streamed.
    pub client: UpstreamClient,
    /// How long talking to an upstream may take, for what is streamed.
    pub peer_timeouts: PeerTimeouts,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub draw: fn(&mut [u8]),
    /// Base domains of virtual-hosted addressing.
    pub domains: Vec<s3::Domain>,
    /// What GetBucketLocation answers.
    pub region: Region,
    /// How long a client may be silent in the middle of a body.
    pub body_idle_timeout: Duration,
    /// How slowly a body may come.
    pub least_rate: LeastRate,
    /// Requests in flight per tenant.
    pub max_requests_per_tenant: usize,
}

/// The gateway.
pub struct Gateway {
    directory: Arc<Directory>,
    verifier: Verifier,
    signer: Signer,
    credentials: CredentialCache,
    resolver: Resolver,
    client: UpstreamClient,
    peer_timeouts: PeerTimeouts,
    regions: LearnedRegions,
    clock: Arc<dyn Clock>,
    draw: fn(&mut [u8]),
    domains: Vec<s3::Domain>,
    region: Region,
    body_idle_timeout: Duration,
    least_rate: LeastRate,
    limits: TenantLimits,
    in_flight: InFlight,
    authorities: forward::Authorities,
}

impl Gateway {
    /// From its parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            directory: parts.directory,
            verifier: parts.verifier,
            signer: parts.signer,
            credentials: parts.credentials,
            resolver: parts.resolver,
            client: parts.client,
            peer_timeouts: parts.peer_timeouts,
            regions: LearnedRegions::default(),
            clock: parts.clock,
            draw: parts.draw,
            domains: parts.domains,
            region: parts.region,
            body_idle_timeout: parts.body_idle_timeout,
            least_rate: parts.least_rate,
            limits: TenantLimits::new(parts.max_requests_per_tenant),
            in_flight: InFlight::default(),
            authorities: forward::Authorities::default(),
        }
    }

    /// What is in flight, for a shutdown that waits.
    pub fn in_flight(&self) -> InFlight {
        self.in_flight.clone()
    }

    /// Credentials that still work when an operation that begins now looks at them.
    async fn credentials_for(&self, route: &Route) -> Result<Arc<Credentials>, Failure> {
        let deadline = self.clock.now().plus_seconds(CREDENTIAL_MARGIN_SECONDS);
        self.credentials
            .get(route.access(), deadline)
            .await
            .map_err(|error| {
                let code = match error.fault() {
                    Fault::Tenant => ErrorCode::TenantStorageRefused,
                    Fault::Upstream => ErrorCode::TenantStorageUnavailable,
                    Fault::Operator => ErrorCode::ServiceUnavailable,
                };
                Failure::caused_by(S3Error::new(code), &error)
            })
    }

    /// What to try next after a refusal of the upstream: the same or a better route, with fresh
    /// credentials; `None` when trying again would not help.
    fn correct(
        &self,
        route: &Arc<Route>,
        credentials: &Credentials,
        kind: &FailureKind,
    ) -> Option<Arc<Route>> {
        match kind {
            FailureKind::WrongRegion { region } => {
                self.regions.learn(route, region.clone()?).map(Arc::new)
            }
            FailureKind::CredentialRejected | FailureKind::BareBadRequest => self
                .credentials
                .invalidate(route.access(), credentials)
                .then(|| Arc::clone(route)),
            _ => None,
        }
    }

    fn in_learned_region(&self, route: &Arc<Route>) -> Arc<Route> {
        self.regions
            .apply(route)
            .map_or_else(|| Arc::clone(route), Arc::new)
    }
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = RequestContext;

    fn new_ctx(&self) -> RequestContext {
        let mut bits = [0; 8];
        (self.draw)(&mut bits);
        RequestContext::new(
            RequestId::from_bits(u64::from_le_bytes(bits)),
            self.in_flight.enter(),
            self.least_rate,
        )
    }

    /// No modules: pingora's default one compresses.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn request_filter(
        &self,
        session: &mut Session,
        ctx: &mut RequestContext,
    ) -> Result<bool> {
        session.set_read_timeout(Some(self.body_idle_timeout));
        session.set_write_timeout(Some(self.body_idle_timeout));
        // Where pingora has switched reuse off (HTTP/1.0, two framings at once), off it stays.
        if session.get_keepalive().is_some() {
            session.set_keepalive(Some(IDLE_SECONDS));
        }
        match admit::admit(self, session, ctx).await {
            Ok(Next::Forward(flight)) => {
                ctx.flight = Some(flight);
                Ok(false)
            }
            Ok(Next::Answered) => Ok(true),
            Err(failure) => {
                ctx.cause = failure.cause;
                fail::respond(session, ctx, &failure.error).await?;
                Ok(true)
            }
        }
    }

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        ctx: &mut RequestContext,
    ) -> Result<Box<HttpPeer>> {
        forward::peer(self, ctx).await
    }

    async fn upstream_request_filter(
        &self,
        _session: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut RequestContext,
    ) -> Result<()> {
        forward::request(self, request, ctx)
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut RequestContext,
    ) -> Result<()> {
        forward::body(body, end_of_stream, ctx)
    }

    async fn upstream_response_filter(
        &self,
        _session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut RequestContext,
    ) -> Result<()> {
        reply::check_framing(response, ctx)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut RequestContext,
    ) -> Result<()> {
        reply::head(self, session, response, ctx)
    }

    fn response_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut RequestContext,
    ) -> Result<Option<Duration>> {
        reply::body(self, session, body, end_of_stream, ctx)?;
        Ok(None)
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        ctx: &mut RequestContext,
        client_reused: bool,
    ) -> Box<Error> {
        if !forward::may_retry(session, ctx) {
            error.set_retry(false);
        } else if ctx.flight.as_ref().is_some_and(|flight| flight.replay) {
            error.set_retry(true);
        } else {
            error.set_retry(client_reused && forward::found_it_closed(&error, ctx));
        }
        error
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut RequestContext,
        mut error: Box<Error>,
    ) -> Box<Error> {
        // Nothing has been sent, so even a write may try once more, at another address.
        error.set_retry(ctx.flight.as_ref().is_some_and(|flight| flight.tries < 2));
        error
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut RequestContext,
    ) -> FailToProxy {
        let answer = ctx.refusal.take().or_else(|| fail::of_transport(error));
        let mut error_code = 0;
        if let Some(answer) = answer {
            error_code = answer.status().as_u16();
            let begun = session
                .response_written()
                .is_some_and(|head| !head.status.is_informational());
            // Pingora closes after this, whatever is said here: so say it.
            session.set_keepalive(None);
            if !begun && fail::respond(session, ctx, &answer).await.is_err() {
                error_code = 0;
            }
        }
        FailToProxy {
            error_code,
            can_reuse_downstream: false,
        }
    }

    /// pingora's own summary has the path and the query in it.
    fn request_summary(&self, _session: &Session, ctx: &RequestContext) -> String {
        format!("request {}", ctx.id)
    }

    fn suppress_error_log(
        &self,
        _session: &Session,
        _ctx: &RequestContext,
        _error: &Error,
    ) -> bool {
        true
    }

    async fn logging(
        &self,
        session: &mut Session,
        error: Option<&Error>,
        ctx: &mut RequestContext,
    ) {
        log::request(session, ctx, error);
    }
}
