//! A small HTTP/1.1 client for the calls that the gateway does not stream: many keys at once,
//! copies between stores, probes.
//!
//! One connection per call, to an address vetted for this call, always verified, never following a
//! redirect, every wait and every size bounded.

use crate::peer::{PeerSpec, PeerTimeouts, Transport};
use crate::request::SignedRequest;
use crate::resolve::{ResolveError, Resolver};
use crate::route::Route;
use crate::tls::{TrustError, system_client_config};
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

/// Where a call was when its time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Opening TCP.
    Connect,
    /// Agreeing on TLS.
    Handshake,
    /// Sending, and waiting for the head of the answer.
    Head,
    /// Reading the body.
    Body,
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no address to connect to.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// TCP failed.
    #[error("could not connect")]
    Connect(#[source] std::io::Error),
    /// TLS failed: the certificate, most often.
    #[error("could not agree on TLS")]
    Tls(#[source] std::io::Error),
    /// The upstream did not speak HTTP, or broke off.
    #[error("the upstream broke off or did not speak HTTP")]
    Http(#[source] hyper::Error),
    /// Too slow.
    #[error("timed out ({0:?})")]
    TimedOut(Phase),
    /// Too much.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// The signed request is not one: a name or value that HTTP does not allow.
    #[error("the request cannot be written")]
    Request(#[source] http::Error),
}

impl ClientError {
    /// Whether the upstream surely has not seen the request, so that even a write may be repeated.
    pub fn before_request(&self) -> bool {
        match self {
            Self::Resolve(_) | Self::Connect(_) | Self::Tls(_) | Self::Request(_) => true,
            Self::TimedOut(phase) => matches!(phase, Phase::Connect | Phase::Handshake),
            Self::Http(_) | Self::TooLarge(_) => false,
        }
    }
}

/// What a call may take.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// For connecting, and for silence while reading or writing.
    pub timeouts: PeerTimeouts,
    /// From the last byte of the handshake to the head of the answer.
    pub head: Duration,
    /// For the whole body of the answer.
    pub body: Duration,
    /// The longest answer.
    pub max_response_bytes: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            timeouts: PeerTimeouts::default(),
            head: Duration::from_secs(60),
            body: Duration::from_secs(60),
            max_response_bytes: 8 * 1024 * 1024,
        }
    }
}

/// The client. Cloning shares it.
#[derive(Clone)]
pub struct UpstreamClient {
    resolver: Resolver,
    system: Arc<ClientConfig>,
    limits: ClientLimits,
}

impl UpstreamClient {
    /// A client that connects to what `resolver` hands out.
    pub fn new(resolver: Resolver, limits: ClientLimits) -> Result<Self, TrustError> {
        Ok(Self {
            resolver,
            system: system_client_config()?,
            limits,
        })
    }

    /// Sends `request` with `body` and reads the whole answer.
    ///
    /// Every status is an answer; only the lack of one is an error.
    pub async fn send(
        &self,
        route: &Route,
        request: SignedRequest,
        body: Bytes,
    ) -> Result<Response<Bytes>, ClientError> {
        let address = self.resolver.resolve(route.authority()).await?;
        let peer = PeerSpec::new(route, address, self.limits.timeouts);
        let request = request
            .into_http(Full::new(body))
            .map_err(ClientError::Request)?;
        let connect_by = Instant::now() + self.limits.timeouts.total_connect;
        let tcp = within(
            timeout(
                self.limits.timeouts.connect,
                TcpStream::connect(peer.address()),
            ),
            Phase::Connect,
        )
        .await?
        .map_err(ClientError::Connect)?;
        // Requests here are small and wait for their answers.
        tcp.set_nodelay(true).map_err(ClientError::Connect)?;
        match peer.transport() {
            Transport::Clear => self.exchange(tcp, request).await,
            Transport::Tls { server_name, ca } => {
                let config = ca.as_ref().map_or(&self.system, |ca| ca.client_config());
                let name = rustls_pki_types::ServerName::try_from(server_name.as_str().to_owned())
                    .map_err(|error| ClientError::Tls(std::io::Error::other(error)))?;
                let tls = TlsConnector::from(Arc::clone(config)).connect(name, tcp);
                let tls = within(timeout_at(connect_by, tls), Phase::Handshake)
                    .await?
                    .map_err(ClientError::Tls)?;
                self.exchange(tls, request).await
            }
        }
    }

    async fn exchange<S>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limit = self.limits.max_response_bytes;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(ClientError::Http)?;
        let _running = Running(tokio::spawn(async move {
            // How it ended shows in what the sender and the body report.
            let _ = connection.await;
        }));
        let answer = within(
            timeout(self.limits.head, sender.send_request(request)),
            Phase::Head,
        )
        .await?
        .map_err(ClientError::Http)?;
        let (head, body) = answer.into_parts();
        let body = within(timeout(self.limits.body, collect(body, limit)), Phase::Body).await??;
        Ok(Response::from_parts(head, body))
    }
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, ClientError> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(ClientError::Http)?.into_data() {
            if collected.len() + data.len() > limit {
                return Err(ClientError::TooLarge(limit));
            }
            collected.extend_from_slice(&data);
        }
    }
    Ok(collected.freeze())
}

async fn within<T>(
    work: impl Future<Output = Result<T, tokio::time::error::Elapsed>>,
    phase: Phase,
) -> Result<T, ClientError> {
    work.await.map_err(|_| ClientError::TimedOut(phase))
}

/// A connection's task, which ends with the call it serves.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
