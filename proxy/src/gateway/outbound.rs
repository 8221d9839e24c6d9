//! What goes upstream, decided from the client's head alone: the plan for the body, the
//! allow-listed headers, the upstream key and query.

use super::admit::{Admitted, Failure};
use super::body::{BodyPlan, OutFraming};
use super::flight::Outbound;
use http::HeaderMap;
use pingora::proxy::Session;
use s3::{
    BodyKind, ChecksumPolicy, ContinuationTokens, ErrorCode, OpaqueTokens, Operation, S3Error,
    declared_checksums, request_headers,
};
use sigv4::{OutgoingPayload, Payload};
use types::Backend;
use upstream::Route;

/// What has to be done to the body, if the operation takes one.
pub(super) fn plan_body(
    session: &Session,
    admitted: &Admitted<'_>,
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
    let is_document = matches!(admitted.operation.request_body(), BodyKind::Document { .. });
    if is_document && wire_length.is_none() {
        return Err(S3Error::new(ErrorCode::MissingContentLength));
    }
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
        return Err(S3Error::new(if is_document {
            ErrorCode::MaxMessageLengthExceeded
        } else {
            ErrorCode::EntityTooLarge
        }));
    }
    let mut declared = declared_checksums(&admitted.headers)?;
    if matches!(admitted.operation, Operation::CompleteMultipartUpload(_)) {
        // There the checksum is about the object that is made, not about this document.
        declared.header = None;
    }
    let out = match declared.trailer {
        Some(algorithm)
            if checksum_policy(route) == ChecksumPolicy::Forward && length > 0 && !is_document =>
        {
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
pub(super) fn checksum_policy(route: &Route) -> ChecksumPolicy {
    match route.location().backend {
        Backend::AwsS3 { .. } => ChecksumPolicy::Forward,
        Backend::S3Compatible { .. } => ChecksumPolicy::Withhold,
    }
}

pub(super) fn outbound(
    session: &Session,
    admitted: &Admitted<'_>,
    route: &Route,
    body: Option<&BodyPlan>,
    tokens: Option<&dyn ContinuationTokens>,
) -> Result<Outbound, S3Error> {
    let operation = &admitted.operation;
    let sorted = request_headers(operation, &admitted.headers, checksum_policy(route))?;
    check_owners(&sorted, route)?;
    if sorted.customer_key && !(super::reply::is_encrypted(session) && route.authority().is_tls()) {
        return Err(S3Error::with_message(
            ErrorCode::InvalidRequest,
            "A customer-provided encryption key may travel by TLS alone, to the gateway and from it to the storage.",
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
    let query =
        operation.upstream_query(&route.location().prefix, tokens.unwrap_or(&OpaqueTokens))?;
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
pub(super) async fn verify_empty(session: &mut Session, plan: &BodyPlan) -> Result<(), Failure> {
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

pub(super) fn content_length(headers: &HeaderMap) -> Result<Option<u64>, S3Error> {
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
