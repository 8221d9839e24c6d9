//! Towards the upstream: which connection, and what is said on it. Once per try.

use super::Gateway;
use super::context::RequestContext;
use super::reply::Reply;
use bytes::{Bytes, BytesMut};
use pingora::http::RequestHeader;
use pingora::prelude::HttpPeer;
use pingora::protocols::ALPN;
use pingora::proxy::Session;
use pingora::utils::tls::{WrappedX509, parse_x509};
use pingora::{Error, ErrorSource, ErrorType, Result};
use s3::{ErrorCode, S3Error};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use upstream::{CaBundle, PeerSpec, UpstreamRequest};

/// Pingora can repeat a body of at most this; a larger one must not meet a connection that the
/// upstream has just closed.
pub(super) const REPLAYABLE_BYTES: u64 = 64 * 1_024;

/// How long a connection may have been idle when a body that cannot be repeated goes over it.
const FRESH: Duration = Duration::from_secs(4);

/// Ends a phase: the answer is in the context.
pub(super) fn refused(ctx: &mut RequestContext, error: S3Error) -> Box<Error> {
    ctx.refusal = Some(error);
    Error::new(ErrorType::new("Refused"))
}

pub(super) async fn peer(gateway: &Gateway, ctx: &mut RequestContext) -> Result<Box<HttpPeer>> {
    let Some(flight) = ctx.flight.as_mut() else {
        return Err(refused(ctx, S3Error::new(ErrorCode::InternalError)));
    };
    if flight.replay {
        flight.replay = false;
        match gateway.credentials_for(&flight.route).await {
            Ok(credentials) => flight.credentials = credentials,
            Err(failure) => {
                ctx.cause = failure.cause;
                return Err(refused(ctx, failure.error));
            }
        }
    }
    flight.tries += 1;
    let address = match gateway.resolver.resolve(flight.route.authority()).await {
        Ok(address) => address,
        Err(error) => {
            ctx.cause = Some(error.to_string());
            return Err(refused(
                ctx,
                S3Error::new(ErrorCode::TenantStorageUnavailable),
            ));
        }
    };
    let spec = PeerSpec::new(&flight.route, address, gateway.peer_timeouts);
    let mut peer = http_peer(&spec, flight.outbound.length.unwrap_or(0));
    peer.options.ca = spec.ca().map(|ca| gateway.authorities.of(ca));
    Ok(Box::new(peer))
}

/// Certificate authorities in the form that pingora wants, made once for each bundle.
#[derive(Default)]
pub(super) struct Authorities(Mutex<Vec<(Arc<CaBundle>, Certificates)>>);

type Certificates = Arc<[WrappedX509]>;

impl Authorities {
    fn of(&self, bundle: &Arc<CaBundle>) -> Certificates {
        // There is one bundle for each operator's file: a handful, and none ever leaves.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, made)) = known.iter().find(|(of, _)| Arc::ptr_eq(of, bundle)) {
            return Arc::clone(made);
        }
        let certificates = bundle.certificates().iter();
        let made: Certificates = certificates
            .map(|der| WrappedX509::new(der.to_vec(), parse_x509))
            .collect::<Vec<_>>()
            .into();
        known.push((Arc::clone(bundle), Arc::clone(&made)));
        made
    }
}

/// The only place that makes a pingora peer: every field of the specification but the authorities.
fn http_peer(spec: &PeerSpec, body: u64) -> HttpPeer {
    let sni = spec
        .server_name()
        .map_or(String::new(), |name| name.as_str().to_string());
    let mut peer = HttpPeer::new(spec.address(), spec.is_tls(), sni);
    let timeouts = spec.timeouts();
    peer.options.connection_timeout = Some(timeouts.connect);
    peer.options.total_connection_timeout = Some(timeouts.total_connect);
    peer.options.read_timeout = Some(timeouts.read);
    peer.options.write_timeout = Some(timeouts.write);
    peer.options.idle_timeout = Some(timeouts.idle);
    peer.options.verify_cert = true;
    peer.options.verify_hostname = true;
    peer.options.alpn = ALPN::H1;
    peer.group_key = spec.group_key();
    if body > REPLAYABLE_BYTES {
        // Connections of their own, so that no long idle one is ever picked for them.
        let mut hasher = DefaultHasher::new();
        (spec.group_key(), "large bodies").hash(&mut hasher);
        peer.group_key = hasher.finish();
        peer.options.idle_timeout = Some(FRESH);
    }
    peer
}

/// Replaces the request by ours: path, query, headers and signature; nothing of the client's
/// request is left that was not put here.
pub(super) fn request(
    gateway: &Gateway,
    request: &mut RequestHeader,
    ctx: &mut RequestContext,
) -> Result<()> {
    let Some(flight) = ctx.flight.as_mut() else {
        return Err(refused(ctx, S3Error::new(ErrorCode::InternalError)));
    };
    flight.pipeline = flight.body.as_ref().map(super::body::BodyPlan::start);
    flight.reply = Reply::Pending;
    let out = &flight.outbound;
    let ours = match &out.key {
        Some(key) => UpstreamRequest::object(&flight.route, out.method.clone(), key),
        None => UpstreamRequest::bucket(&flight.route, out.method.clone()),
    };
    let ours = ours
        .query(out.query.clone())
        .headers(out.headers.clone())
        .payload(out.payload);
    let signed = match ours.sign(&gateway.signer, &flight.credentials, gateway.clock.now()) {
        Ok(signed) => signed,
        Err(error) => {
            ctx.cause = Some(error.to_string());
            return Err(refused(ctx, S3Error::new(ErrorCode::InternalError)));
        }
    };
    let length = out.length;
    let path = signed.path_and_query.as_bytes();
    *request = RequestHeader::build_no_case(signed.method, path, Some(signed.headers.len() + 1))?;
    for (name, value) in &signed.headers {
        request.append_header(name, value)?;
    }
    if let Some(length) = length {
        request.insert_header(http::header::CONTENT_LENGTH, length.to_string())?;
    }
    Ok(())
}

/// Passes the client's bytes through the pipeline of this try.
pub(super) fn body(body: &mut Option<Bytes>, end: bool, ctx: &mut RequestContext) -> Result<()> {
    let Some(flight) = ctx.flight.as_mut() else {
        return Ok(());
    };
    if let Some(document) = &flight.document {
        // The client's own has been read: this is called once per try, at its end.
        *body = end.then(|| document.clone());
        return Ok(());
    }
    let Some(pipeline) = flight.pipeline.as_mut() else {
        *body = None;
        return Ok(());
    };
    let wire = body.take().unwrap_or_default();
    if !ctx.received.is_in_time_with(wire.len()) {
        return Err(refused(ctx, S3Error::new(ErrorCode::RequestTimeout)));
    }
    let passed = if wire.is_empty() {
        Ok(Bytes::new())
    } else {
        pipeline.push(wire)
    };
    let passed = passed.and_then(|now| {
        if !end {
            return Ok(now);
        }
        let tail = pipeline.finish()?;
        Ok(if now.is_empty() {
            tail
        } else {
            both(&now, &tail)
        })
    });
    if end {
        flight.pipeline = None;
    }
    match passed {
        // Nothing yet is `Some(empty)`: `None` would tell pingora that the body is over.
        Ok(bytes) if end && bytes.is_empty() => *body = None,
        Ok(bytes) => *body = Some(bytes),
        Err(error) => {
            ctx.cause = Some(error.to_string());
            return Err(refused(ctx, error.to_s3()));
        }
    }
    Ok(())
}

fn both(first: &Bytes, second: &Bytes) -> Bytes {
    let mut joined = BytesMut::with_capacity(first.len() + second.len());
    joined.extend_from_slice(first);
    joined.extend_from_slice(second);
    joined.freeze()
}

/// Whether a kept connection turned out to be over: it broke before a word of an answer.
///
/// Pingora only tells so when it was reading; a write may well fail first.
pub(super) fn found_it_closed(error: &Error, ctx: &RequestContext) -> bool {
    let flight = ctx.flight.as_ref();
    let unanswered = flight.is_some_and(|flight| matches!(flight.reply, Reply::Pending));
    let broke = matches!(
        error.etype(),
        ErrorType::ConnectionClosed | ErrorType::ReadError | ErrorType::WriteError
    );
    unanswered && broke && *error.esource() == ErrorSource::Upstream
}

/// Whether a failed try is repeated.
pub(super) fn may_retry(session: &Session, ctx: &RequestContext) -> bool {
    let Some(flight) = &ctx.flight else {
        return false;
    };
    let replayable = !flight.has_body() || !session.as_ref().retry_buffer_truncated();
    replayable && (flight.replay || (ctx.refusal.is_none() && flight.operation.is_idempotent()))
}
