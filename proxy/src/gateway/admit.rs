//! The first phase: who is it, what is it, may it, where does it go, and with which credentials.
//!
//! All awaiting and all refusing of a request ends here, before a byte goes upstream. The order is
//! cheap checks first, the lookup of the key only after the operation is known, and everything
//! about the tenant only after the signature holds.

use super::body::BodyPlan;
use super::context::RequestContext;
use super::flight::{Flight, Outbound};
use super::local::Answer;
use super::tokens::SealedTokens;
use super::{Gateway, local, outbound};
use bytes::Bytes;
use control::{Principal, Refusal, Storage, authorise};
use http::HeaderMap;
use pingora::proxy::Session;
use s3::{
    Address, ContinuationTokens, ErrorCode, Operation, Requirement, ResponseBody, S3Error, Subject,
    hoist_query,
};
use sigv4::{Claim, RequestView, Verified};
use std::borrow::Cow;
use std::sync::Arc;
use types::{AccessKeyId, AccessKeyStatus, BucketAccess, BucketAlias, ConfigStatus};
use upstream::Route;

/// More than S3's own limits on what it stores from headers (8 KiB), less than what hurts.
const MAX_HEAD_BYTES: usize = 16 * 1_024;
const MAX_HEAD_FIELDS: usize = 100;

/// A request whose signer is known and whose every requirement is met.
#[derive(Debug)]
pub(super) struct Admitted<'h> {
    pub(super) verified: Verified,
    pub(super) principal: Principal,
    pub(super) storage: Arc<Storage>,
    pub(super) operation: Operation,
    /// The client's headers with the `x-amz-*` query parameters among them.
    pub(super) headers: Cow<'h, HeaderMap>,
}

/// What comes of a request that was admitted.
#[derive(Debug)]
pub(super) enum Next {
    /// It travels upstream.
    Forward(Box<Flight>),
    /// It has been answered.
    Answered,
}

/// What is to be done, decided without a byte read or written.
enum Decision {
    Answer(Answer),
    Send(Box<Plan>),
}

/// Everything but the credentials.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) principal: Principal,
    pub(super) operation: Operation,
    pub(super) route: Arc<Route>,
    pub(super) outbound: Outbound,
    pub(super) tokens: Option<Arc<dyn ContinuationTokens>>,
    pub(super) body: Option<BodyPlan>,
    /// Sent instead of the client's body.
    pub(super) document: Option<Bytes>,
}

/// Decides a request, and answers it when it needs no streaming upstream.
pub(super) async fn admit(
    gateway: &Gateway,
    session: &mut Session,
    ctx: &mut RequestContext,
) -> Result<Next, Failure> {
    check_head(session)?;
    let admitted = identify(gateway, session, ctx).await?;
    ctx.tenant = Some(admitted.verified.tenant().clone());
    let place = gateway.limits.admit(admitted.verified.tenant());
    ctx.place = Some(place.ok_or_else(|| S3Error::new(ErrorCode::SlowDown))?);
    let mut plan = match decide(gateway, session, admitted)? {
        Decision::Send(plan) => plan,
        Decision::Answer(answer) => {
            answer.send(session, ctx).await?;
            return Ok(Next::Answered);
        }
    };
    let credentials = gateway.credentials_for(&plan.route).await?;
    // Only now may the client send its body.
    if expects_continue(session) {
        session
            .as_downstream_mut()
            .write_continue_response()
            .await?;
    }
    if matches!(plan.operation, Operation::DeleteObjects { .. }) {
        let answer =
            local::delete_objects(gateway, session, &mut ctx.received, &plan, &credentials).await?;
        answer.send(session, ctx).await?;
        return Ok(Next::Answered);
    }
    if matches!(plan.operation, Operation::CompleteMultipartUpload(_)) {
        local::rewrite_completion(session, &mut ctx.received, &mut plan).await?;
    }
    if let Some(body) = plan.body.as_ref().filter(|body| body.length == 0) {
        outbound::verify_empty(session, body).await?;
    }
    Ok(Next::Forward(Box::new(Flight::new(*plan, credentials))))
}

fn decide(
    gateway: &Gateway,
    session: &Session,
    admitted: Admitted<'_>,
) -> Result<Decision, S3Error> {
    if let Some(answer) = local::answer(gateway, &admitted) {
        return Ok(Decision::Answer(answer));
    }
    let bucket = admitted.operation.bucket();
    let bucket = bucket.ok_or_else(|| S3Error::new(ErrorCode::InternalError))?;
    let route = route(gateway, &admitted.storage, bucket)?;
    let body = outbound::plan_body(session, &admitted, &route)?;
    let lists = admitted.operation.response_body() == ResponseBody::Listing;
    let tokens = lists.then(|| -> Arc<dyn ContinuationTokens> {
        let access_key = &admitted.principal.access_key;
        Arc::new(SealedTokens::new(access_key, bucket, gateway.draw))
    });
    let outbound =
        outbound::outbound(session, &admitted, &route, body.as_ref(), tokens.as_deref())?;
    let Admitted {
        principal,
        operation,
        ..
    } = admitted;
    Ok(Decision::Send(Box::new(Plan {
        principal,
        operation,
        route,
        outbound,
        tokens,
        body,
        document: None,
    })))
}

/// A refusal, with what the operator should know and the client should not.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: S3Error,
    pub(super) cause: Option<String>,
}

impl Failure {
    pub(super) fn caused_by(error: S3Error, cause: &dyn std::error::Error) -> Self {
        let mut words = cause.to_string();
        let mut source = cause.source();
        while let Some(error) = source {
            words = format!("{words}: {error}");
            source = error.source();
        }
        Self {
            error,
            cause: Some(words),
        }
    }
}

impl From<S3Error> for Failure {
    fn from(error: S3Error) -> Self {
        Self { error, cause: None }
    }
}

impl From<Box<pingora::Error>> for Failure {
    fn from(error: Box<pingora::Error>) -> Self {
        let answer = super::fail::of_transport(&error);
        let answer = answer.unwrap_or_else(|| S3Error::new(ErrorCode::InternalError));
        Self {
            error: answer,
            cause: Some(error.etype().as_str().to_string()),
        }
    }
}

fn check_head(session: &Session) -> Result<(), S3Error> {
    let head = session.req_header();
    let size: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if head.headers.len() > MAX_HEAD_FIELDS || size + head.raw_path().len() > MAX_HEAD_BYTES {
        return Err(S3Error::new(ErrorCode::RequestHeaderSectionTooLarge));
    }
    if head.headers.contains_key(http::header::UPGRADE) {
        return Err(S3Error::new(ErrorCode::NotImplemented));
    }
    if head.headers.contains_key(http::header::TRANSFER_ENCODING) && has_length(session) {
        return Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            "A request may have a Content-Length or a Transfer-Encoding, not both.",
        ));
    }
    Ok(())
}

/// Pingora takes a Content-Length beside a Transfer-Encoding away; in the raw head it still stands.
fn has_length(session: &Session) -> bool {
    const NAME: &[u8] = b"content-length:";
    let raw = session.as_downstream().to_h1_raw();
    raw.split(|byte| *byte == b'\n').any(|line| {
        let start = line.get(..NAME.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(NAME))
    })
}

/// From bytes to a verified, authorised operation.
async fn identify<'h>(
    gateway: &Gateway,
    session: &'h Session,
    ctx: &mut RequestContext,
) -> Result<Admitted<'h>, Failure> {
    let head = session.req_header();
    let target =
        std::str::from_utf8(head.raw_path()).map_err(|_| S3Error::new(ErrorCode::InvalidURI))?;
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let host = head
        .headers
        .get(http::header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.ok_or_else(|| S3Error::new(ErrorCode::InvalidRequest))?;
    let address = s3::address(host, path, &gateway.domains)?;
    let view = RequestView {
        method: head.method.as_str(),
        path,
        query,
        headers: &head.headers,
    };
    let claim = Claim::parse(&view).map_err(|error| auth_error(&error).on(address.resource()))?;
    let headers = hoist_query(query, &head.headers)?;
    let operation = s3::classify(&head.method, &address, query, &headers)
        .map_err(|error| error.on(address.resource()))?;
    ctx.operation = Some(operation.name());
    let (verified, principal) = authenticate(gateway, &claim, &address).await?;
    if let Some(signed) = verified.rewritten_host()
        && s3::address(signed, path, &gateway.domains)? != address
    {
        // Only the signed host may say which bucket is meant.
        return Err(S3Error::new(ErrorCode::InvalidRequest).into());
    }
    let storage = permit(gateway, &verified, &principal, &operation, &address)?;
    Ok(Admitted {
        verified,
        principal,
        storage,
        operation,
        headers,
    })
}

async fn authenticate(
    gateway: &Gateway,
    claim: &Claim<'_>,
    address: &Address,
) -> Result<(Verified, Principal), Failure> {
    let principal = match AccessKeyId::parse(claim.access_key_id()) {
        Err(_) => None,
        Ok(id) => gateway.directory.principal(&id).await.map_err(|error| {
            Failure::caused_by(S3Error::new(ErrorCode::ServiceUnavailable), &error)
        })?,
    };
    let key = principal
        .as_ref()
        .map(|principal| principal.material.as_ref());
    let verified = gateway
        .verifier
        .verify(claim, key, gateway.clock.now())
        .map_err(|error| auth_error(&error).on(address.resource()))?;
    // Access keys of the gateway are lasting: whoever sends a token signs for something else.
    if claim.session_token().is_some() {
        return Err(S3Error::new(ErrorCode::InvalidToken).into());
    }
    match principal {
        Some(principal) => Ok((verified, principal)),
        None => Err(S3Error::new(ErrorCode::InvalidAccessKeyId).into()),
    }
}

/// Whether the key works, the tenant is served, the bucket exists and every action is granted.
fn permit(
    gateway: &Gateway,
    verified: &Verified,
    principal: &Principal,
    operation: &Operation,
    address: &Address,
) -> Result<Arc<Storage>, S3Error> {
    let refuse = |words: &'static str| {
        Err(S3Error::with_message(ErrorCode::AccessDenied, words).on(address.resource()))
    };
    let key = &principal.access_key;
    if key.tenant != *verified.tenant() {
        return Err(S3Error::new(ErrorCode::InternalError));
    }
    if key.status != AccessKeyStatus::Active {
        return Err(S3Error::new(ErrorCode::InvalidAccessKeyId).on(address.resource()));
    }
    if !key.is_usable(gateway.clock.now()) {
        return refuse("The access key has expired.");
    }
    let Some(storage) = &principal.storage else {
        return refuse("No storage is configured for this tenant.");
    };
    if storage.config.status == ConfigStatus::Disabled {
        return refuse("Storage is disabled for this tenant; its administrator can enable it.");
    }
    for requirement in operation.required_actions() {
        check_requirement(storage, principal, &requirement)
            .map_err(|error| error.on(address.resource()))?;
    }
    Ok(Arc::clone(storage))
}

fn check_requirement(
    storage: &Storage,
    principal: &Principal,
    requirement: &Requirement<'_>,
) -> Result<(), S3Error> {
    let Some(bucket) = requirement.subject.bucket() else {
        return Ok(());
    };
    let Some(route) = storage.routes.get(bucket) else {
        // Another tenant's bucket and one that nobody has look the same.
        return Err(match requirement.subject {
            Subject::CopySource(_) => S3Error::with_message(
                ErrorCode::NoSuchBucket,
                "The bucket of the copy source does not exist.",
            ),
            _ => S3Error::new(ErrorCode::NoSuchBucket),
        });
    };
    let name = requirement.subject.name();
    authorise(
        &principal.access_key,
        route.bucket_access(),
        bucket,
        requirement.action,
        name,
    )
    .map_err(|refusal| refusal_error(&refusal))
}

pub(super) fn refusal_error(refusal: &Refusal) -> S3Error {
    match refusal {
        Refusal::ReadOnlyBucket => S3Error::with_message(
            ErrorCode::AccessDenied,
            "Access denied: the bucket is read-only.",
        ),
        Refusal::NotGranted(action) => S3Error::with_message(
            ErrorCode::AccessDenied,
            format!(
                "Access denied: this access key has no grant for {}.",
                action.iam_name()
            ),
        ),
    }
}

fn route(
    gateway: &Gateway,
    storage: &Storage,
    bucket: &BucketAlias,
) -> Result<Arc<Route>, S3Error> {
    let route = storage
        .routes
        .get(bucket)
        .ok_or_else(|| S3Error::new(ErrorCode::NoSuchBucket))?;
    Ok(gateway.in_learned_region(route))
}

/// Errors are worded without capital and full stop, documents for clients with them.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        None => String::new(),
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
    }
}

fn auth_error(error: &sigv4::AuthError) -> S3Error {
    let code = ErrorCode::parse(error.code()).unwrap_or(ErrorCode::AccessDenied);
    let mut answer = S3Error::with_message(code, sentence(&error.to_string()));
    for (element, value) in error.details() {
        answer = answer.with(element, value.into_owned());
    }
    answer
}

pub(super) fn expects_continue(session: &Session) -> bool {
    let expect = session.req_header().headers.get(http::header::EXPECT);
    expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Whether a bucket may be seen by this key at all: for ListBuckets.
pub(super) fn may_see(principal: &Principal, bucket: &BucketAlias, access: BucketAccess) -> bool {
    types::Action::ALL.into_iter().any(|action| {
        action != types::Action::ListAllMyBuckets
            && authorise(&principal.access_key, access, bucket, action, None).is_ok()
    })
}
