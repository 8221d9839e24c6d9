//! The only place that words an error for a client, and the only one that writes it.

use super::context::RequestContext;
use bytes::Bytes;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, ErrorSource, ErrorType};
use s3::{ErrorCode, S3Error};
use std::time::Duration;
use types::RequestId;

/// What S3 calls the host id; ours says nothing about the machine.
pub(super) const HOST_ID: &str = "byos";

/// What is still read of a body that nobody wants, in bytes and in time. A connection that is closed
/// over unread bytes is reset, and the reset may overtake the answer.
const MAX_DRAIN_BYTES: usize = 256 * 1_024;
const MAX_DRAIN_TIME: Duration = Duration::from_secs(1);

/// Answers with `error` and closes the connection if a body is still on its way.
pub(super) async fn respond(
    session: &mut Session,
    ctx: &mut RequestContext,
    error: &S3Error,
) -> pingora::Result<()> {
    ctx.error_code = Some(error.code().as_str());
    let body = document(session, ctx.id, error);
    let mut header = ResponseHeader::build(error.status(), Some(6))?;
    header.insert_header("x-amz-request-id", ctx.id.to_string())?;
    header.insert_header("Content-Type", "application/xml")?;
    if error.code().status().as_u16() == 503 {
        header.insert_header("Retry-After", "1")?;
    }
    let is_head = session.req_header().method == http::Method::HEAD;
    if is_head {
        // A HEAD has no body, and an S3 client must not wait for one.
        header.remove_header("Content-Type");
    }
    header.insert_header(
        "Content-Length",
        if is_head {
            "0".into()
        } else {
            body.len().to_string()
        },
    )?;
    let body_follows = !session.as_downstream_mut().is_body_done();
    if body_follows {
        session.set_keepalive(None);
    }
    let never_told = session.response_written().is_none();
    session
        .write_response_header(Box::new(header), is_head)
        .await?;
    if !is_head {
        session.write_response_body(Some(body), true).await?;
    }
    // Who waits for `100 Continue` sends nothing now, and who fell silent neither.
    let waits = never_told && super::admit::expects_continue(session);
    if body_follows && !waits && error.code() != ErrorCode::RequestTimeout {
        // However it ends: the connection is closed next.
        let _ = tokio::time::timeout(MAX_DRAIN_TIME, drain(session)).await;
    }
    Ok(())
}

/// The document; what it is about is what the client asked for, unless the error knows better.
fn document(session: &Session, id: RequestId, error: &S3Error) -> Bytes {
    if error.resource().is_some() {
        return error.to_xml(id, HOST_ID);
    }
    let target = String::from_utf8_lossy(session.req_header().raw_path());
    let path = target.split('?').next().unwrap_or_default();
    error.clone().on(path).to_xml(id, HOST_ID)
}

async fn drain(session: &mut Session) -> pingora::Result<()> {
    let mut drained = 0;
    while drained < MAX_DRAIN_BYTES {
        match session.as_downstream_mut().read_request_body().await? {
            None => break,
            Some(piece) => drained += piece.len(),
        }
    }
    Ok(())
}

/// What to answer when pingora, not one of our rules, ended the request.
///
/// `None` when the client is gone.
pub(super) fn of_transport(error: &Error) -> Option<S3Error> {
    match (error.esource(), error.etype()) {
        (ErrorSource::Downstream, ErrorType::ReadTimedout) => {
            Some(S3Error::new(ErrorCode::RequestTimeout))
        }
        (
            ErrorSource::Downstream,
            ErrorType::WriteError | ErrorType::WriteTimedout | ErrorType::ConnectionClosed,
        ) => None,
        (ErrorSource::Downstream, ErrorType::ReadError) => {
            Some(S3Error::new(ErrorCode::IncompleteBody))
        }
        (ErrorSource::Downstream, _) => Some(S3Error::new(ErrorCode::InvalidRequest)),
        (ErrorSource::Upstream, ErrorType::ReadTimedout | ErrorType::WriteTimedout) => {
            Some(S3Error::new(ErrorCode::TenantStorageTimeout))
        }
        (ErrorSource::Upstream, _) => Some(S3Error::new(ErrorCode::TenantStorageUnavailable)),
        (ErrorSource::Internal | ErrorSource::Unset, _) => {
            Some(S3Error::new(ErrorCode::InternalError))
        }
    }
}
