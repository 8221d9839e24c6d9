//! The only place that words an error for a client, and the only one that writes it.

use super::context::RequestContext;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, ErrorSource, ErrorType};
use s3::{ErrorCode, S3Error};

/// What S3 calls the host id; ours says nothing about the machine.
pub(super) const HOST_ID: &str = "byos";

/// Answers with `error` and closes the connection if a body is still on its way.
pub(super) async fn respond(
    session: &mut Session,
    ctx: &mut RequestContext,
    error: &S3Error,
) -> pingora::Result<()> {
    ctx.error_code = Some(error.code().as_str());
    let body = error.to_xml(ctx.id, HOST_ID);
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
    if !session.as_downstream_mut().is_body_done() {
        session.set_keepalive(None);
    }
    session
        .write_response_header(Box::new(header), is_head)
        .await?;
    if !is_head {
        session.write_response_body(Some(body), true).await?;
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
