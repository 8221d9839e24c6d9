//! What is known of one request, from its first phase to its log line.

use super::flight::Flight;
use crate::limits::{InFlightGuard, LeastRate, Received, TenantPlace};
use s3::S3Error;
use std::time::Instant;
use types::{RequestId, TenantId};

/// One request.
#[derive(Debug)]
pub struct RequestContext {
    /// In every response and in the log line.
    pub id: RequestId,
    /// When its head had arrived.
    pub started: Instant,
    /// Whose; only once the signature has been verified.
    pub tenant: Option<TenantId>,
    /// The operation's name, once known.
    pub operation: Option<&'static str>,
    /// How much of its body has come, as it is on the wire.
    pub received: Received,
    /// What travels upstream, for requests that do.
    pub flight: Option<Box<Flight>>,
    /// The answer that a failing phase wants the client to get; `fail` sends it.
    pub refusal: Option<S3Error>,
    /// The code of the error that was sent, for the log line.
    pub error_code: Option<&'static str>,
    /// What happened behind the error, in words for the operator; never sent.
    pub cause: Option<String>,
    /// The tenant's place among its requests in flight.
    pub place: Option<TenantPlace>,
    pub(super) _in_flight: InFlightGuard,
}

impl RequestContext {
    pub(super) fn new(id: RequestId, in_flight: InFlightGuard, least_rate: LeastRate) -> Self {
        let started = Instant::now();
        Self {
            id,
            started,
            tenant: None,
            operation: None,
            received: Received::nothing(started, least_rate),
            flight: None,
            refusal: None,
            error_code: None,
            cause: None,
            place: None,
            _in_flight: in_flight,
        }
    }
}
