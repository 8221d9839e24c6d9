//! One line per request: who, what, how it ended, how long it took. Never a key, a query, a header
//! value or a secret.

use super::context::RequestContext;
use pingora::Error;
use pingora::proxy::Session;

pub(super) fn request(session: &Session, ctx: &RequestContext, error: Option<&Error>) {
    let status = session
        .response_written()
        .map_or(0, |response| response.status.as_u16());
    let milliseconds = ctx.started.elapsed().as_secs_f64() * 1_000.0;
    let (tries, upstream_bytes) = ctx.flight.as_ref().map_or((0, 0), |flight| {
        (flight.tries, session.upstream_body_bytes_received())
    });
    // pingora's own text may quote addresses, never headers.
    let transport = error.map(|error| error.etype().as_str());
    tracing::info!(
        target: "access",
        request_id = %ctx.id,
        tenant = ctx.tenant.as_ref().map(types::TenantId::as_str),
        operation = ctx.operation,
        method = %session.req_header().method,
        status,
        error = ctx.error_code,
        cause = ctx.cause.as_deref(),
        transport,
        bytes_in = session.as_ref().body_bytes_read(),
        bytes_out = session.as_ref().body_bytes_sent(),
        upstream_bytes,
        tries,
        milliseconds,
    );
}
