//! The first phase: who is it, what is it, may it, where does it go, and with which credentials.
//!
//! All awaiting and all refusing of a request ends here, before a byte goes upstream. The order is
//! cheap checks first, the lookup of the key only after the operation is known, and everything
//! about the tenant only after the signature holds.

use super::body::{BodyPlan, OutFraming};
use super::context::RequestContext;
use super::flight::{Flight, Outbound};
use super::reply::Reply;
use super::tokens::SealedTokens;
use super::{Gateway, local};
use control::{Principal, Refusal, Storage, authorise};
use http::HeaderMap;
use pingora::proxy::Session;
use s3::{
    Address, BodyKind, ChecksumPolicy, ContinuationTokens, ErrorCode, Operation, Requirement,
    S3Error, Subject, declared_checksums, hoist_query, request_headers,
};
use sigv4::{Claim, OutgoingPayload, Payload, RequestView, Verified};
use std::sync::Arc;
use types::{AccessKeyId, AccessKeyStatus, Backend, BucketAccess, BucketAlias, ConfigStatus};
use upstream::Route;

/// More than S3's own limits on what it stores from headers (8 KiB), less than what hurts.
const MAX_HEAD_BYTES: usize = 16 * 1_024;
const MAX_HEAD_FIELDS: usize = 100;

/// How long a session must still live when a request begins, in seconds: S3 looks at it once.
pub(super) const CREDENTIAL_MARGIN_SECONDS: i64 = 60;

/// A request whose signer is known and whose every requirement is met.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) verified: Verified,
    pub(super) principal: Principal,
    pub(super) storage: Arc<Storage>,
    pub(super) operation: Operation,
    /// The client's headers with the `x-amz-*` query parameters among them.
    pub(super) headers: HeaderMap,
}

/// What comes of a request that was admitted.
#[derive(Debug)]
pub(super) enum Next {
    /// It travels upstream.
    Forward(Box<Flight>),
    /// It has been answered.
    Answered,
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
    if let Some(answer) = local::answer(gateway, &admitted) {
        answer.send(session, ctx).await?;
        return Ok(Next::Answered);
    }
    let bucket = admitted
        .operation
        .bucket()
        .ok_or_else(|| S3Error::new(ErrorCode::InternalError))?;
    let route = route(gateway, &admitted.storage, bucket)?;
    let body = plan_body(session, &admitted, &route)?;
    let tokens: Arc<dyn ContinuationTokens> = Arc::new(SealedTokens::new(
        &admitted.principal.access_key,
        bucket,
        gateway.draw,
    ));
    let outbound = outbound(&admitted, &route, body.as_ref(), tokens.as_ref())?;
    let deadline = gateway.clock.now().plus_seconds(CREDENTIAL_MARGIN_SECONDS);
    let credentials = gateway
        .credentials
        .get(route.access(), deadline)
        .await
        .map_err(|error| Failure::caused_by(S3Error::new(credential_code(&error)), &error))?;
    // Only now may the client send its body.
    if expects_continue(session) {
        session
            .as_downstream_mut()
            .write_continue_response()
            .await?;
    }
    if matches!(admitted.operation, Operation::DeleteObjects { .. }) {
        let answer =
            local::delete_objects(gateway, session, &admitted, &route, &credentials, body).await?;
        answer.send(session, ctx).await?;
        return Ok(Next::Answered);
    }
    if let Some(plan) = body.as_ref().filter(|plan| plan.length == 0) {
        verify_empty(session, plan).await?;
    }
    Ok(Next::Forward(Box::new(Flight {
        operation: admitted.operation,
        route,
        credentials,
        outbound,
        tokens,
        body,
        pipeline: None,
        reply: Reply::Pending,
        tries: 0,
        corrected: false,
        replay: false,
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
    Ok(())
}

/// From bytes to a verified, authorised operation.
async fn identify(
    gateway: &Gateway,
    session: &Session,
    ctx: &mut RequestContext,
) -> Result<Admitted, Failure> {
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
        headers: headers.into_owned(),
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

pub(super) fn credential_code(error: &upstream::CredentialError) -> ErrorCode {
    match error.fault() {
        upstream::Fault::Tenant => ErrorCode::TenantStorageRefused,
        upstream::Fault::Upstream => ErrorCode::TenantStorageUnavailable,
        upstream::Fault::Operator => ErrorCode::ServiceUnavailable,
    }
}

/// What has to be done to the body, if the operation takes one.
fn plan_body(
    session: &Session,
    admitted: &Admitted,
    route: &Route,
) -> Result<Option<BodyPlan>, S3Error> {
    let raw = &session.req_header().headers;
    let wire_length = content_length(raw)?;
    let framed = raw.contains_key(http::header::TRANSFER_ENCODING);
    let payload = admitted.verified.payload();
    let max = match admitted.operation.request_body() {
        BodyKind::None if framed || wire_length.is_some_and(|length| length > 0) => {
            return Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                "This operation takes no body.",
            ));
        }
        BodyKind::None => return Ok(None),
        BodyKind::ObjectData { max } | BodyKind::Document { max } => max,
    };
    let length = if payload.is_chunked() {
        let decoded = decimal(raw, "x-amz-decoded-content-length")?;
        decoded.ok_or_else(|| {
            S3Error::with_message(
                ErrorCode::MissingContentLength,
                "A chunked upload needs the x-amz-decoded-content-length header.",
            )
        })?
    } else {
        wire_length.ok_or_else(|| S3Error::new(ErrorCode::MissingContentLength))?
    };
    if length > max {
        let code = match admitted.operation.request_body() {
            BodyKind::Document { .. } => ErrorCode::MaxMessageLengthExceeded,
            _ => ErrorCode::EntityTooLarge,
        };
        return Err(S3Error::new(code));
    }
    let mut declared = declared_checksums(&admitted.headers)?;
    if matches!(admitted.operation, Operation::CompleteMultipartUpload(_)) {
        // There the checksum is about the object that is made, not about this document.
        declared.header = None;
    }
    let out = match declared.trailer {
        Some(algorithm) if checksum_policy(route) == ChecksumPolicy::Forward && length > 0 => {
            OutFraming::Trailer(algorithm)
        }
        _ => OutFraming::Plain,
    };
    let plan = BodyPlan {
        payload: payload.clone(),
        length,
        declared,
        out,
    };
    plan.check().map_err(|error| error.to_s3())?;
    Ok(Some(plan))
}

/// Amazon S3 checks and keeps checksums; of other stores we know nothing, so nothing is sent
/// there and the gateway checks alone.
fn checksum_policy(route: &Route) -> ChecksumPolicy {
    match route.location().backend {
        Backend::AwsS3 { .. } => ChecksumPolicy::Forward,
        Backend::S3Compatible { .. } => ChecksumPolicy::Withhold,
    }
}

fn outbound(
    admitted: &Admitted,
    route: &Route,
    body: Option<&BodyPlan>,
    tokens: &dyn ContinuationTokens,
) -> Result<Outbound, S3Error> {
    let operation = &admitted.operation;
    let sorted = request_headers(operation, &admitted.headers, checksum_policy(route))?;
    check_owners(&sorted, route)?;
    if sorted.customer_key && !route.authority().is_tls() {
        return Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            "A customer-provided encryption key may not travel to storage that is reached without TLS.",
        ));
    }
    let mut headers = sorted.forward;
    if let Some(source) = operation.copy_source() {
        let from = admitted.storage.routes.get(&source.object.bucket);
        let from = from.ok_or_else(|| S3Error::new(ErrorCode::NoSuchBucket))?;
        headers.insert("x-amz-copy-source", copy_source_value(source, from, route)?);
    }
    let key = operation.key().map(|key| route.join(key)).transpose();
    let key = key.map_err(|_| S3Error::new(ErrorCode::KeyTooLongError))?;
    let query = operation.upstream_query(&route.location().prefix, tokens)?;
    let (payload, length) = match body {
        None => (OutgoingPayload::Empty, operation_length(operation)),
        Some(plan) => (
            payload_hash(plan, &mut headers),
            Some(plan.upstream_length()),
        ),
    };
    let method = method_of(operation);
    Ok(Outbound {
        method,
        key,
        query,
        headers,
        payload,
        length,
    })
}

fn check_owners(sorted: &s3::RequestHeaders, route: &Route) -> Result<(), S3Error> {
    for owner in [
        &sorted.expected_bucket_owner,
        &sorted.source_expected_bucket_owner,
    ] {
        if let Some(owner) = owner
            && route.access().account() != Some(owner)
        {
            return Err(S3Error::with_message(
                ErrorCode::AccessDenied,
                "The bucket does not belong to the expected owner.",
            ));
        }
    }
    Ok(())
}

fn copy_source_value(
    source: &s3::CopySource,
    from: &Route,
    to: &Route,
) -> Result<http::HeaderValue, S3Error> {
    let same_store = from.authority().host() == to.authority().host()
        || matches!(
            (&from.location().backend, &to.location().backend),
            (
                Backend::AwsS3 { endpoint: None, .. },
                Backend::AwsS3 { endpoint: None, .. }
            )
        );
    if !same_store {
        return Err(S3Error::with_message(
            ErrorCode::NotImplemented,
            "Copying between different storages is not implemented; read and write the object.",
        ));
    }
    source.upstream_header(&from.location().bucket, &from.location().prefix)
}

fn payload_hash(plan: &BodyPlan, headers: &mut HeaderMap) -> OutgoingPayload {
    if let OutFraming::Trailer(algorithm) = plan.out {
        headers.insert(
            "x-amz-trailer",
            http::HeaderValue::from_static(algorithm.header_name()),
        );
        headers.insert(
            "x-amz-decoded-content-length",
            http::HeaderValue::from(plan.length),
        );
        headers.append(
            "content-encoding",
            http::HeaderValue::from_static("aws-chunked"),
        );
        return OutgoingPayload::UnsignedChunks;
    }
    match &plan.payload {
        Payload::Sha256(hash) => OutgoingPayload::Sha256(*hash),
        _ if plan.length == 0 => OutgoingPayload::Empty,
        _ => OutgoingPayload::Unsigned,
    }
}

/// Methods that could carry a body say that they carry none.
fn operation_length(operation: &Operation) -> Option<u64> {
    matches!(method_of(operation), http::Method::PUT | http::Method::POST).then_some(0)
}

fn method_of(operation: &Operation) -> http::Method {
    use http::Method;
    match operation {
        Operation::HeadObject(_) | Operation::HeadBucket { .. } => Method::HEAD,
        Operation::PutObject { .. }
        | Operation::CopyObject { .. }
        | Operation::UploadPart(_)
        | Operation::UploadPartCopy { .. } => Method::PUT,
        Operation::DeleteObject { .. } | Operation::AbortMultipartUpload(_) => Method::DELETE,
        Operation::DeleteObjects { .. }
        | Operation::CreateMultipartUpload { .. }
        | Operation::CompleteMultipartUpload(_) => Method::POST,
        _ => Method::GET,
    }
}

/// An empty object is committed by its head alone, so everything that vouches for it is checked
/// before that. The wire may still carry the frame of an empty chunked body.
async fn verify_empty(session: &mut Session, plan: &BodyPlan) -> Result<(), Failure> {
    const MAX_FRAME_BYTES: usize = 16 * 1_024;
    let mut pipeline = plan.start();
    // What is read here is played again when the request is forwarded.
    session.as_downstream_mut().enable_retry_buffering();
    let mut read = 0;
    while let Some(wire) = session.as_downstream_mut().read_request_body().await? {
        read += wire.len();
        if read > MAX_FRAME_BYTES {
            return Err(S3Error::new(ErrorCode::InvalidRequest).into());
        }
        pipeline.push(wire).map_err(|error| error.to_s3())?;
    }
    pipeline.finish().map_err(|error| error.to_s3())?;
    Ok(())
}

fn expects_continue(session: &Session) -> bool {
    let expect = session.req_header().headers.get(http::header::EXPECT);
    expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, S3Error> {
    decimal(headers, "content-length")
}

fn decimal(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, S3Error> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return match headers.contains_key(name) {
            false => Ok(None),
            true => Err(S3Error::new(ErrorCode::InvalidRequest)),
        };
    };
    let digits = value.to_str().ok().filter(|text| {
        !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit())
    });
    match digits.and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(S3Error::with_message(
            ErrorCode::InvalidArgument,
            format!("The {name} header is not a length."),
        )),
    }
}

/// Whether a bucket may be seen by this key at all: for ListBuckets.
pub(super) fn may_see(principal: &Principal, bucket: &BucketAlias, access: BucketAccess) -> bool {
    types::Action::ALL.into_iter().any(|action| {
        action != types::Action::ListAllMyBuckets
            && authorise(&principal.access_key, access, bucket, action, None).is_ok()
    })
}
