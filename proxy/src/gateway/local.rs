//! Operations that need no streaming: the gateway writes the answer itself.

use super::Gateway;
use super::admit::{Admitted, Failure, may_see, refusal_error};
use super::body::BodyPlan;
use super::context::RequestContext;
use bytes::{Bytes, BytesMut};
use control::authorise;
use http::StatusCode;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use s3::{
    BucketEntry, DeleteObjectsRequest, ErrorCode, ErrorContext, ObjectName, OpaqueTokens,
    Operation, S3Error, is_failure, list_buckets_document, location_document,
    translate_upstream_error,
};
use sigv4::OutgoingPayload;
use std::sync::Arc;
use types::Timestamp;
use upstream::{Credentials, Route, UpstreamRequest};

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
pub(super) fn answer(gateway: &Gateway, admitted: &Admitted) -> Option<Answer> {
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
    admitted: &Admitted,
    route: &Arc<Route>,
    credentials: &Credentials,
    body: Option<BodyPlan>,
) -> Result<Answer, Failure> {
    let document = match body {
        Some(plan) => read_document(session, &plan).await?,
        None => Bytes::new(),
    };
    let request = DeleteObjectsRequest::parse(&document)?;
    let bucket = admitted.operation.bucket().cloned();
    let bucket = bucket.ok_or_else(|| S3Error::new(ErrorCode::InternalError))?;
    let access_key = &admitted.principal.access_key;
    let plan = request.plan(&route.location().prefix, |entry, key| {
        let object = ObjectName {
            bucket: bucket.clone(),
            key: key.clone(),
        };
        let requirement = entry.requirement(&object);
        let name = requirement.subject.name();
        authorise(
            access_key,
            route.bucket_access(),
            &bucket,
            requirement.action,
            name,
        )
        .map_err(|refusal| refusal_error(&refusal))
    });
    let upstream = match plan.body().cloned() {
        None => Bytes::new(),
        Some(body) => {
            let md5 = plan.content_md5();
            send_deletions(gateway, admitted, route, credentials, body, md5).await?
        }
    };
    Ok(Answer::document(plan.result(&upstream)?))
}

async fn send_deletions(
    gateway: &Gateway,
    admitted: &Admitted,
    route: &Route,
    credentials: &Credentials,
    body: Bytes,
    md5: Option<String>,
) -> Result<Bytes, Failure> {
    use sha2::Digest as _;
    let operation = &admitted.operation;
    let query = operation.upstream_query(&route.location().prefix, &OpaqueTokens)?;
    let hash: [u8; 32] = sha2::Sha256::digest(&body).into();
    let mut headers = http::HeaderMap::new();
    headers.insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/xml"),
    );
    if let Some(md5) = md5.and_then(|md5| http::HeaderValue::try_from(md5).ok()) {
        headers.insert("content-md5", md5);
    }
    let internal = |error: &dyn std::error::Error| {
        Failure::caused_by(S3Error::new(ErrorCode::InternalError), error)
    };
    let signed = UpstreamRequest::bucket(route, http::Method::POST)
        .query(query)
        .headers(headers)
        .payload(OutgoingPayload::Sha256(hash))
        .sign(&gateway.signer, credentials, gateway.clock.now())
        .map_err(|error| internal(&error))?;
    let answer = gateway
        .client
        .send(route, signed, body)
        .await
        .map_err(|error| {
            Failure::caused_by(S3Error::new(ErrorCode::TenantStorageUnavailable), &error)
        })?;
    if !is_failure(answer.status()) {
        return Ok(answer.into_body());
    }
    let resource = admitted
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
        operation,
        resource: &resource,
        hidden: &hidden,
    };
    let failure =
        translate_upstream_error(answer.status(), answer.headers(), answer.body(), &context);
    if failure.kind == s3::FailureKind::CredentialRejected {
        gateway.credentials.invalidate(route.access(), credentials);
    }
    let cause = format!(
        "the upstream answered {:?} ({:?})",
        failure.upstream_code, failure.kind
    );
    Err(Failure {
        error: failure.client,
        cause: Some(cause),
    })
}

/// Reads a small document through the same pipeline as any body; its length was checked before.
async fn read_document(session: &mut Session, plan: &BodyPlan) -> Result<Bytes, Failure> {
    let mut pipeline = plan.start();
    let mut document = BytesMut::new();
    while let Some(wire) = session.as_downstream_mut().read_request_body().await? {
        document.extend_from_slice(&pipeline.push(wire).map_err(|error| error.to_s3())?);
    }
    document.extend_from_slice(&pipeline.finish().map_err(|error| error.to_s3())?);
    Ok(document.freeze())
}
