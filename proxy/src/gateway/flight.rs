//! A request that travels upstream: everything decided in `admit`, and the state of the try.

use super::admit::Plan;
use super::body::{BodyPipeline, BodyPlan};
use super::reply::Reply;
use bytes::Bytes;
use http::{HeaderMap, Method};
use s3::{ContinuationTokens, Operation};
use sigv4::OutgoingPayload;
use std::sync::Arc;
use upstream::{Credentials, Route, UpstreamKey};

/// What is sent, decided once.
#[derive(Debug)]
pub struct Outbound {
    /// The method.
    pub method: Method,
    /// The upstream key; none for requests on the bucket.
    pub key: Option<UpstreamKey>,
    /// The upstream query, encoded.
    pub query: String,
    /// Allow-listed headers of the client, and ours.
    pub headers: HeaderMap,
    /// What the signature says about the body.
    pub payload: OutgoingPayload,
    /// The content-length, for methods that have one.
    pub length: Option<u64>,
}

/// One request on its way, and its answer on the way back.
#[derive(Debug)]
pub struct Flight {
    /// What the client asked for.
    pub operation: Operation,
    /// Where it goes; moves to another region at most once.
    pub route: Arc<Route>,
    /// With which credentials; replaced at most once.
    pub credentials: Arc<Credentials>,
    /// What is sent.
    pub outbound: Outbound,
    /// How continuation tokens travel, for listings.
    pub tokens: Option<Arc<dyn ContinuationTokens>>,
    /// What has to be done to the body; none when there is no body.
    pub body: Option<BodyPlan>,
    /// Sent instead of the client's body, which has been read.
    pub document: Option<Bytes>,
    /// The body of this try.
    pub pipeline: Option<BodyPipeline>,
    /// What becomes of the answer of this try.
    pub reply: Reply,
    /// How often it has been sent.
    pub tries: u32,
    /// Whether credentials or region have been corrected already.
    pub corrected: bool,
    /// Set when a failed try is to be repeated with what was corrected.
    pub replay: bool,
}

impl Flight {
    pub(super) fn new(plan: Plan, credentials: Arc<Credentials>) -> Self {
        Self {
            operation: plan.operation,
            route: plan.route,
            credentials,
            outbound: plan.outbound,
            tokens: plan.tokens,
            body: plan.body,
            document: plan.document,
            pipeline: None,
            reply: Reply::Pending,
            tries: 0,
            corrected: false,
            replay: false,
        }
    }

    /// Whether the client sends bytes that cannot be had twice.
    pub fn has_body(&self) -> bool {
        self.body.as_ref().is_some_and(|plan| plan.length > 0)
    }
}
