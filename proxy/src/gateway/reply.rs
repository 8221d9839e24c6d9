//! On the way back: headers allow-listed, listings and documents in the client's names, errors
//! translated.
//!
//! An error of the upstream is read whole (it is small, and cut at 64 KiB) before the client sees
//! a status: what looks like the client's fault may be the storage refusing the gateway. Only
//! where the status alone says it (a HEAD, or a GET of a key that is not there) the answer goes on
//! at once and the connection is kept.

use super::Gateway;
use super::context::RequestContext;
use super::fail::HOST_ID;
use super::flight::Flight;
use super::forward::refused;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, ErrorType, Result};
use s3::{
    DocumentOutcome, DocumentRewriter, ErrorCode, ErrorContext, FailureKind, ListRewriter,
    OpaqueTokens, Operation, ResponseBody, S3Error, UpstreamFailure, is_failure, response_headers,
    translate_upstream_error,
};
use std::sync::Arc;

/// What is read of an upstream's error document, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1_024;

/// What becomes of the body of an answer.
#[derive(Debug)]
pub enum Reply {
    /// No answer yet.
    Pending,
    /// It passes.
    Relay,
    /// It passes through the rewriter.
    Listing(Box<ListRewriter>),
    /// The same for a result document.
    Document(Box<DocumentRewriter>),
    /// It is an error document, read whole, then replaced by ours.
    Failure {
        /// The upstream's status.
        status: StatusCode,
        /// The upstream's headers.
        headers: HeaderMap,
        /// The document so far.
        document: BytesMut,
        /// Whether the client has been sent the status already.
        status_sent: bool,
    },
    /// It is over.
    Done,
}

/// Refuses an object whose end only the end of the connection tells: it could be a part of it.
///
/// Pingora gives such an answer a framing of its own before [`head`] sees it.
pub(super) fn check_framing(response: &ResponseHeader, ctx: &mut RequestContext) -> Result<()> {
    let flight = ctx.flight.as_ref();
    let is_object = flight.is_some_and(|it| matches!(it.operation, Operation::GetObject(_)));
    let is_framed = [
        http::header::CONTENT_LENGTH,
        http::header::TRANSFER_ENCODING,
    ]
    .iter()
    .any(|name| response.headers.contains_key(name));
    if is_object && response.status.is_success() && !is_framed {
        return Err(unexpected(
            ctx,
            "the upstream sent an object without a length",
        ));
    }
    Ok(())
}

/// The head of the upstream's answer has come.
pub(super) fn head(
    gateway: &Gateway,
    session: &mut Session,
    response: &mut ResponseHeader,
    ctx: &mut RequestContext,
) -> Result<()> {
    if response.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(unexpected(ctx, "the upstream switches to another protocol"));
    }
    if response.status.is_informational() {
        // To continue, the client was told by the gateway; all else is the upstream's own.
        return withhold(session, response);
    }
    let id = ctx.id.to_string();
    let Some(flight) = ctx.flight.as_mut() else {
        return Ok(());
    };
    if is_failure(response.status) {
        return failure_head(gateway, session, response, ctx);
    }
    let passed = response_headers(&flight.operation, response.status, &response.headers);
    flight.reply = match flight.operation.response_body() {
        ResponseBody::Listing => listing(flight),
        ResponseBody::Document => document(flight, session),
        ResponseBody::Relay | ResponseBody::Synthesised => Reply::Relay,
    };
    let rewritten = !matches!(flight.reply, Reply::Relay);
    let chunked = rewritten
        || response
            .headers
            .contains_key(http::header::TRANSFER_ENCODING);
    let bodyless = session.req_header().method == http::Method::HEAD
        || matches!(response.status.as_u16(), 204 | 304);
    if rewritten && (bodyless || is_empty(&response.headers)) {
        return Err(unexpected(ctx, "the upstream sent no document"));
    }
    let mut ours = ResponseHeader::build(response.status, Some(passed.len() + 2))?;
    for (name, value) in &passed {
        ours.append_header(name, value)?;
    }
    ours.insert_header("x-amz-request-id", id)?;
    if chunked && !bodyless {
        ours.remove_header(&http::header::CONTENT_LENGTH);
        ours.insert_header(http::header::TRANSFER_ENCODING, "chunked")?;
    }
    *response = ours;
    Ok(())
}

fn listing(flight: &Flight) -> Reply {
    let prefix = &flight.route.location().prefix;
    let tokens = flight
        .tokens
        .clone()
        .unwrap_or_else(|| Arc::new(OpaqueTokens));
    match ListRewriter::new(&flight.operation, prefix, tokens) {
        Some(rewriter) => Reply::Listing(Box::new(rewriter)),
        None => Reply::Relay,
    }
}

fn document(flight: &Flight, session: &Session) -> Reply {
    match DocumentRewriter::new(&flight.operation, location(flight, session)) {
        Some(rewriter) => Reply::Document(Box::new(rewriter)),
        None => Reply::Relay,
    }
}

/// Whether the client's own connection is by TLS.
pub(super) fn is_encrypted(session: &Session) -> bool {
    let digest = session.as_ref().digest();
    digest.is_some_and(|digest| digest.ssl_digest.is_some())
}

/// The object's URL as the client would write it.
fn location(flight: &Flight, session: &Session) -> String {
    let host = session.req_header().headers.get(http::header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if is_encrypted(session) {
        "https"
    } else {
        "http"
    };
    match flight.operation.object() {
        Some(object) => {
            format!(
                "{scheme}://{host}/{}/{}",
                object.bucket,
                s3::encode_path(object.key.as_str())
            )
        }
        None => String::new(),
    }
}

/// An error's head: pass the status now, or hold it until the document has been read.
fn failure_head(
    gateway: &Gateway,
    session: &mut Session,
    response: &mut ResponseHeader,
    ctx: &mut RequestContext,
) -> Result<()> {
    let id = ctx.id.to_string();
    let Some(flight) = ctx.flight.as_mut() else {
        return Ok(());
    };
    let status = response.status;
    let headers = std::mem::take(&mut response.as_owned_parts().headers);
    let is_head = session.req_header().method == http::Method::HEAD;
    if is_head || is_empty(&headers) {
        let failure = translate(flight, status, &headers, &[]);
        if is_head && failure.kind == FailureKind::Client {
            ctx.error_code = Some(failure.client.code().as_str());
            *response = ResponseHeader::build(failure.client.status(), Some(2))?;
            response.insert_header("x-amz-request-id", id)?;
            flight.reply = Reply::Done;
            return Ok(());
        }
        return Err(settle(gateway, session, ctx, failure));
    }
    let status_says_it = matches!(flight.operation, Operation::GetObject(_))
        && matches!(status.as_u16(), 404 | 412 | 416);
    if status_says_it {
        *response = ResponseHeader::build(status, Some(3))?;
        response.insert_header("x-amz-request-id", id)?;
        response.insert_header(http::header::CONTENT_TYPE, "application/xml")?;
        response.insert_header(http::header::TRANSFER_ENCODING, "chunked")?;
    } else {
        // The final status is ours to choose at the end.
        withhold(session, response)?;
    }
    let document = BytesMut::new();
    flight.reply = Reply::Failure {
        status,
        headers,
        document,
        status_sent: status_says_it,
    };
    Ok(())
}

fn is_empty(headers: &HeaderMap) -> bool {
    let length = headers.get(http::header::CONTENT_LENGTH);
    length.is_some_and(|length| length == "0")
}

/// Keeps a head from the client: as an interim one, of which none is sent on.
fn withhold(session: &mut Session, response: &mut ResponseHeader) -> Result<()> {
    session.as_downstream_mut().set_ignore_info_resp(true);
    *response = ResponseHeader::build(103, None)?;
    Ok(())
}

/// Ends a try whose answer is not one that S3 gives. What the client has got of it by then is cut,
/// so that it sees that this is not the whole.
fn unexpected(ctx: &mut RequestContext, cause: &str) -> Box<Error> {
    ctx.cause = Some(cause.to_string());
    refused(ctx, S3Error::new(ErrorCode::TenantStorageRefused))
}

/// A piece of the body of the upstream's answer.
pub(super) fn body(
    gateway: &Gateway,
    session: &mut Session,
    body: &mut Option<Bytes>,
    end: bool,
    ctx: &mut RequestContext,
) -> Result<()> {
    let id = ctx.id;
    let Some(flight) = ctx.flight.as_mut() else {
        return Ok(());
    };
    match &mut flight.reply {
        Reply::Pending | Reply::Relay => return Ok(()),
        Reply::Done => *body = None,
        Reply::Listing(rewriter) => {
            let mut out = match body.take() {
                Some(piece) => match rewriter.push(&piece) {
                    Ok(out) => out,
                    Err(error) => return Err(unexpected(ctx, &error.to_string())),
                },
                None => Bytes::new(),
            };
            if end {
                let Reply::Listing(rewriter) = std::mem::replace(&mut flight.reply, Reply::Done)
                else {
                    return Ok(());
                };
                match rewriter.finish() {
                    Ok(rest) => out = [out, rest].concat().into(),
                    Err(error) => return Err(unexpected(ctx, &error.to_string())),
                }
            }
            *body = Some(out);
        }
        Reply::Document(rewriter) => {
            let mut out = body
                .take()
                .map_or_else(Bytes::new, |piece| rewriter.push(&piece));
            if end {
                let rest = finish_document(flight, id, &mut ctx.error_code, &mut ctx.cause);
                out = [out, rest].concat().into();
            }
            *body = Some(out);
        }
        Reply::Failure { document, .. } => {
            if let Some(piece) = body.take() {
                let room = MAX_ERROR_BYTES.saturating_sub(document.len());
                document.extend_from_slice(&piece[..piece.len().min(room)]);
            }
            if end {
                *body = finish_failure(gateway, session, ctx)?;
            }
        }
    }
    Ok(())
}

fn finish_document(
    flight: &mut Flight,
    id: types::RequestId,
    error_code: &mut Option<&'static str>,
    cause: &mut Option<String>,
) -> Bytes {
    let Reply::Document(rewriter) = std::mem::replace(&mut flight.reply, Reply::Done) else {
        return Bytes::new();
    };
    let (resource, hidden) = about(flight);
    let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
    let context = ErrorContext {
        operation: &flight.operation,
        resource: &resource,
        hidden: &hidden,
    };
    let (bytes, outcome) = rewriter.finish(&context, id, HOST_ID);
    if let DocumentOutcome::Failed(failure) = outcome {
        *error_code = Some(failure.client.code().as_str());
        *cause = Some(words(&failure));
    }
    bytes
}

fn finish_failure(
    gateway: &Gateway,
    session: &mut Session,
    ctx: &mut RequestContext,
) -> Result<Option<Bytes>> {
    let Some(flight) = ctx.flight.as_mut() else {
        return Ok(None);
    };
    let Reply::Failure {
        status,
        headers,
        document,
        status_sent,
    } = std::mem::replace(&mut flight.reply, Reply::Done)
    else {
        return Ok(None);
    };
    let failure = translate(flight, status, &headers, &document);
    if !status_sent {
        return Err(settle(gateway, session, ctx, failure));
    }
    ctx.error_code = Some(failure.client.code().as_str());
    ctx.cause = Some(words(&failure));
    Ok(Some(failure.client.to_xml(ctx.id, HOST_ID)))
}

fn translate(
    flight: &Flight,
    status: StatusCode,
    headers: &HeaderMap,
    document: &[u8],
) -> UpstreamFailure {
    let (resource, hidden) = about(flight);
    let hidden: Vec<&str> = hidden.iter().map(String::as_str).collect();
    let context = ErrorContext {
        operation: &flight.operation,
        resource: &resource,
        hidden: &hidden,
    };
    translate_upstream_error(status, headers, document, &context)
}

/// The resource in the client's names, and what must not show in words of the upstream.
fn about(flight: &Flight) -> (String, Vec<String>) {
    let resource = match (flight.operation.object(), flight.operation.bucket()) {
        (Some(object), _) => format!("/{}/{}", object.bucket, object.key),
        (None, Some(bucket)) => format!("/{bucket}"),
        (None, None) => "/".to_string(),
    };
    let location = flight.route.location();
    let mut hidden = vec![
        location.bucket.to_string(),
        flight.route.authority().host().to_string(),
    ];
    if !location.prefix.is_empty() {
        hidden.push(location.prefix.to_string());
    }
    (resource, hidden)
}

fn words(failure: &UpstreamFailure) -> String {
    let code = failure.upstream_code.as_deref().unwrap_or("no code");
    format!("the upstream answered {code} ({:?})", failure.kind)
}

/// Ends the try: corrects what can be corrected, once, and has it repeated; or refuses.
fn settle(
    gateway: &Gateway,
    session: &Session,
    ctx: &mut RequestContext,
    failure: UpstreamFailure,
) -> Box<Error> {
    ctx.cause = Some(words(&failure));
    if let Some(flight) = ctx.flight.as_mut() {
        let replayable = !flight.has_body() || !session.as_ref().retry_buffer_truncated();
        // What is learned here helps the next request, too, if this one cannot be repeated.
        let better = gateway.correct(&flight.route, &flight.credentials, &failure.kind);
        if let Some(route) = better.filter(|_| replayable && !flight.corrected) {
            flight.route = route;
            flight.corrected = true;
            flight.replay = true;
            return Error::new(ErrorType::new("Corrected"));
        }
    }
    let error: S3Error = failure.client;
    refused(ctx, error)
}
