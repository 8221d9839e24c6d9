//! Operations that need no streaming: the gateway writes the answer itself.

use super::Gateway;
use super::admit::{Admitted, Failure, Plan, may_see, refusal_error};
use super::body::BodyPlan;
use super::context::RequestContext;
use super::forward::REPLAYABLE_BYTES;
use super::outbound::{checksum_policy, content_length};
use crate::limits::Received;
use bytes::{Bytes, BytesMut};
use control::authorise;
use http::StatusCode;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use s3::{
    BucketEntry, CompleteMultipartUpload, DeleteObjectsRequest, ErrorCode, ErrorContext,
    ObjectName, Operation, S3Error, UpstreamFailure, is_failure, list_buckets_document,
    location_document, translate_upstream_error,
};
use sha2::Digest as _;
use sigv4::OutgoingPayload;
use std::sync::Arc;
use types::Timestamp;
use upstream::{ClientError, Credentials, Phase, Route, SignedRequest, UpstreamRequest};

/// An answer that is ready to be written.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Answer {
    fn document(body: Bytes) -> Self {
        let headers = vec![("Content-Type", "application/xml".to_string())];
        Self {
            status: StatusCode::OK,
            headers,
            body,
        }
    }

    pub(super) async fn send(
        self,
        session: &mut Session,
        ctx: &RequestContext,
    ) -> pingora::Result<()> {
        let is_head = session.req_header().method == http::Method::HEAD;
        let mut header = ResponseHeader::build(self.status, Some(self.headers.len() + 2))?;
        header.insert_header("x-amz-request-id", ctx.id.to_string())?;
        for (name, value) in self.headers {
            header.insert_header(name, value)?;
        }
        header.insert_header("Content-Length", self.body.len().to_string())?;
        let bodyless = is_head || self.body.is_empty();
        session
            .write_response_header(Box::new(header), bodyless)
            .await?;
        if !bodyless {
            session.write_response_body(Some(self.body), true).await?;
        }
        Ok(())
    }
}

/// The answer to an operation that asks nothing of the upstream; `None` for all others.
///
/// HeadBucket too: a role that may list only below its prefix is refused it by S3.
pub(super) fn answer(gateway: &Gateway, admitted: &Admitted<'_>) -> Option<Answer> {
    match &admitted.operation {
        Operation::ListBuckets(request) => {
            let storage = &admitted.storage;
            let buckets = storage.routes.iter().filter(|(alias, route)| {
                may_see(&admitted.principal, alias, route.bucket_access())
            });
            let entries = buckets
                .map(|(alias, _)| BucketEntry {
                    name: alias.clone(),
                    created: CREATED,
                })
                .collect();
            let owner = storage.config.tenant.as_str();
            let body = list_buckets_document(request, owner, &gateway.region, entries);
            Some(Answer::document(body))
        }
        Operation::HeadBucket { .. } => Some(Answer {
            status: StatusCode::OK,
            headers: vec![("x-amz-bucket-region", gateway.region.to_string())],
            body: Bytes::new(),
        }),
        Operation::GetBucketLocation { .. } => {
            Some(Answer::document(location_document(&gateway.region)))
        }
        _ => None,
    }
}

/// The gateway does not know when a bucket was made; S3 clients want a date: 2024-01-01.
const CREATED: Timestamp = Timestamp::from_unix(1_704_067_200);

/// DeleteObjects: each key is decided by itself, the rest goes upstream in one document.
pub(super) async fn delete_objects(
    gateway: &Gateway,
    session: &mut Session,
    received: &mut Received,
    plan: &Plan,
    credentials: &Arc<Credentials>,
) -> Result<Answer, Failure> {
    let document = match &plan.body {
        Some(body) => read_document(session, body, received).await?,
        None => Bytes::new(),
    };
    let request = DeleteObjectsRequest::parse(&document)?;
    let bucket = plan.operation.bucket().cloned();
    let bucket = bucket.ok_or_else(|| S3Error::new(ErrorCode::InternalError))?;
    let (access_key, access) = (&plan.principal.access_key, plan.route.bucket_access());
    let deletions = request.plan(&plan.route.location().prefix, |entry, key| {
        let object = ObjectName {
            bucket: bucket.clone(),
            key: key.clone(),
        };
        let requirement = entry.requirement(&object);
        let name = requirement.subject.name();
        authorise(access_key, access, &bucket, requirement.action, name)
            .map_err(|refusal| refusal_error(&refusal))
    });
    let upstream = match deletions.body().cloned() {
        None => Bytes::new(),
        Some(body) => {
            let md5 = deletions.content_md5();
            send_deletions(gateway, plan, Arc::clone(credentials), &body, md5).await?
        }
    };
    Ok(Answer::document(deletions.result(&upstream)?))
}

/// Sends the document; once more when credentials or region had to be corrected. Deleting twice
/// does what deleting once does.
async fn send_deletions(
    gateway: &Gateway,
    plan: &Plan,
    mut credentials: Arc<Credentials>,
    body: &Bytes,
    md5: Option<String>,
) -> Result<Bytes, Failure> {
    let mut route = Arc::clone(&plan.route);
    let mut corrected = false;
    loop {
        let signed = sign_deletions(gateway, plan, &route, &credentials, body, md5.as_deref())?;
        let sent = gateway.client.send(&route, signed, body.clone()).await;
        let answer = sent.map_err(|error| {
            let code = match error {
                // It was reached, and did not answer.
                ClientError::TimedOut(Phase::Head | Phase::Body) => ErrorCode::TenantStorageTimeout,
                _ => ErrorCode::TenantStorageUnavailable,
            };
            Failure::caused_by(S3Error::new(code), &error)
        })?;
        if !is_failure(answer.status()) {
            return Ok(answer.into_body());
        }
        let failure = translate(plan, &route, &answer);
        match gateway.correct(&route, &credentials, &failure.kind) {
            Some(better) if !corrected => {
                corrected = true;
                route = better;
                credentials = gateway.credentials_for(&route).await?;
            }
            _ => {
                let code = failure.upstream_code.as_deref().unwrap_or("no code");
                let cause = format!("the upstream answered {code} ({:?})", failure.kind);
                return Err(Failure {
                    error: failure.client,
                    cause: Some(cause),
                });
            }
        }
    }
}

fn sign_deletions(
    gateway: &Gateway,
    plan: &Plan,
    route: &Route,
    credentials: &Credentials,
    body: &[u8],
    md5: Option<&str>,
) -> Result<SignedRequest, Failure> {
    let mut headers = http::HeaderMap::new();
    headers.insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/xml"),
    );
    if let Some(md5) = md5.and_then(|md5| http::HeaderValue::try_from(md5).ok()) {
        headers.insert("content-md5", md5);
    }
    UpstreamRequest::bucket(route, http::Method::POST)
        .query(plan.outbound.query.clone())
        .headers(headers)
        .payload(OutgoingPayload::Sha256(sha2::Sha256::digest(body).into()))
        .sign(&gateway.signer, credentials, gateway.clock.now())
        .map_err(|error| Failure::caused_by(S3Error::new(ErrorCode::InternalError), &error))
}

fn translate(plan: &Plan, route: &Route, answer: &http::Response<Bytes>) -> UpstreamFailure {
    let resource = plan
        .operation
        .bucket()
        .map_or("/".to_string(), |bucket| format!("/{bucket}"));
    let location = route.location();
    let hidden = [
        location.bucket.as_str(),
        route.authority().host(),
        location.prefix.as_str(),
    ];
    let context = ErrorContext {
        operation: &plan.operation,
        resource: &resource,
        hidden: &hidden,
    };
    translate_upstream_error(answer.status(), answer.headers(), answer.body(), &context)
}

/// CompleteMultipartUpload: the list of parts is checked, and travels on as it is written here.
pub(super) async fn rewrite_completion(
    session: &mut Session,
    received: &mut Received,
    plan: &mut Plan,
) -> Result<(), Failure> {
    let Some(body) = plan.body.take() else {
        return Err(S3Error::new(ErrorCode::InternalError).into());
    };
    let document = read_document(session, &body, received).await?;
    let parts = CompleteMultipartUpload::parse(&document)?;
    let document = parts.upstream_body(checksum_policy(&plan.route));
    plan.outbound.length = Some(document.len() as u64);
    plan.outbound.payload = OutgoingPayload::Sha256(sha2::Sha256::digest(&document).into());
    plan.document = Some(document);
    Ok(())
}

/// Reads a small document through the same pipeline as any body; its length was checked before.
async fn read_document(
    session: &mut Session,
    plan: &BodyPlan,
    received: &mut Received,
) -> Result<Bytes, Failure> {
    let mut pipeline = plan.start();
    let mut document = BytesMut::new();
    let mut left = content_length(&session.req_header().headers)?.unwrap_or(0);
    loop {
        if left <= REPLAYABLE_BYTES {
            // Pingora asks for the body to send only where it holds one to repeat: the end of
            // this one will do.
            session.as_downstream_mut().enable_retry_buffering();
        }
        let Some(wire) = session.as_downstream_mut().read_request_body().await? else {
            break;
        };
        left = left.saturating_sub(wire.len() as u64);
        if !received.is_in_time_with(wire.len()) {
            return Err(S3Error::new(ErrorCode::RequestTimeout).into());
        }
        document.extend_from_slice(&pipeline.push(wire).map_err(|error| error.to_s3())?);
    }
    document.extend_from_slice(&pipeline.finish().map_err(|error| error.to_s3())?);
    Ok(document.freeze())
}
