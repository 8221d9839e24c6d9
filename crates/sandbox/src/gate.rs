//! The front of every service: who is it, when was it signed, which service is meant.
//!
//! What the services share is done here: request ids, the call log, faults, the rules of SigV4
//! that s3s leaves out, the sandbox's own clock.

use crate::calls::{Call, CallKind, Calls, FaultEffect};
use crate::claim::{Claim, ClaimError, Place, Query};
use crate::facts::Facts;
use crate::iam::Directory;
use crate::s3::{Progress, Signed, verify_document};
use crate::{ask, framing, random};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use s3s::service::S3Service;
use s3s::{Body, HttpError, S3Error, s3_error};
use std::net::IpAddr;
use std::sync::Arc;
use types::{Clock, RequestId};

/// Seconds that a request's clock may be off. Source: SigV4 documentation.
const MAX_SKEW_SECONDS: i64 = 900;
/// Bytes of a call of IAM or STS.
const MAX_FORM_BYTES: usize = 1 << 20;
/// Bytes of an XML or JSON document.
const MAX_DOCUMENT_BYTES: usize = 4 << 20;

/// Everything that answering needs.
pub(crate) struct Gate {
    pub(crate) s3: S3Service,
    pub(crate) directory: Arc<Directory>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counts_as_tls: bool,
}

impl Gate {
    /// Answers a request; an error cuts the connection.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        source: IpAddr,
    ) -> Result<Response<Body>, HttpError> {
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| {
                kind.as_bytes()
                    .starts_with(b"application/x-www-form-urlencoded")
            });
        if request.method() == Method::POST && request.uri().path() == "/" && is_form {
            self.answer_form(request, source).await
        } else {
            self.answer_s3(request, source).await
        }
    }

    fn facts(&self, claim: &Claim, headers: &HeaderMap, source: IpAddr) -> Facts {
        Facts {
            now: self.clock.now(),
            source,
            user_agent: headers
                .get(header::USER_AGENT)
                .and_then(|agent| agent.to_str().ok())
                .map(str::to_string),
            region: claim.region.clone(),
            secure: self.counts_as_tls,
        }
    }

    async fn answer_form(
        &self,
        request: Request<Incoming>,
        source: IpAddr,
    ) -> Result<Response<Body>, HttpError> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, MAX_FORM_BYTES)
            .collect()
            .await
            .map_err(HttpError::new)?
            .to_bytes();
        let asked = ask::Asked {
            path_and_query: parts.uri.to_string(),
            claim: Claim::of(&parts.uri, &parts.headers),
            now: self.clock.now(),
            headers: parts.headers,
            body,
        };
        let facts = asked
            .claim
            .as_ref()
            .ok()
            .and_then(Option::as_ref)
            .map(|claim| self.facts(claim, &asked.headers, source));
        let directory = Arc::clone(&self.directory);
        let calls = Arc::clone(&self.calls);
        let answered =
            tokio::task::spawn_blocking(move || ask::answer(&directory, &calls, asked, facts))
                .await
                .map_err(|error| HttpError::new(Box::new(error)))?;
        self.finish(answered.call, answered.effect, answered.response)
    }

    async fn answer_s3(
        &self,
        request: Request<Incoming>,
        source: IpAddr,
    ) -> Result<Response<Body>, HttpError> {
        let id = RequestId::from_bits(random::request_bits());
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path().to_string();
        let method = parts.method.clone();
        let expects = parts.headers.contains_key(header::EXPECT);
        let progress = Progress::new(Arc::clone(&self.calls));
        let response = match self.admit(&mut parts, source) {
            Ok(()) => {
                parts.extensions.insert(progress.clone());
                match document(&mut parts, body).await {
                    Ok(body) => self.s3.call(Request::from_parts(parts, body)).await?,
                    Err(error) => refusal(error)?,
                }
            }
            Err(error) => refusal(error)?,
        };
        let (api, kind, account, effect) = progress.outcome();
        let call = Call {
            number: 0,
            service: "s3",
            api: api.unwrap_or_else(|| method.to_string()),
            kind: kind.unwrap_or(CallKind::Read),
            account,
            target,
            status: response.status().as_u16(),
        };
        let mut response = identified(response, id);
        if expects && !response.status().is_success() {
            // botocore takes the next answer on the connection for this one again, when it was
            // refused before it saw a 100: S3 closes the connection, and so does this.
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.finish(call, effect, response)
    }

    /// Checks what is claimed, and passes it on to the services.
    fn admit(&self, parts: &mut http::request::Parts, source: IpAddr) -> Result<(), S3Error> {
        let Some(claim) = Claim::of(&parts.uri, &parts.headers).map_err(claim_refused)? else {
            return Ok(());
        };
        check_time(&claim, self.clock.now().unix())?;
        let facts = Arc::new(self.facts(&claim, &parts.headers, source));
        if matches!(claim.place, Place::Query { .. }) {
            hoist(&parts.uri, &mut parts.headers);
        }
        parts.extensions.insert(Signed {
            claim: Arc::new(claim),
            facts,
        });
        Ok(())
    }

    fn finish(
        &self,
        mut call: Call,
        effect: Option<FaultEffect>,
        response: Response<Body>,
    ) -> Result<Response<Body>, HttpError> {
        let cut = matches!(
            effect,
            Some(FaultEffect::CutBefore | FaultEffect::CutAfter | FaultEffect::RunInstead(_))
        );
        if cut {
            call.status = 0;
        }
        let call = self.calls.record(call);
        tracing::debug!(
            service = call.service,
            api = call.api,
            status = call.status,
            "answered"
        );
        if let Some(FaultEffect::RunAfter(run) | FaultEffect::RunInstead(run)) = &effect {
            run(&call);
        }
        if cut {
            return Err(HttpError::new("the connection is cut on purpose".into()));
        }
        Ok(response)
    }
}

/// Judges the date of a request by the sandbox's clock.
fn check_time(claim: &Claim, now: i64) -> Result<(), S3Error> {
    let age = now - claim.signed_at.unix();
    match claim.place {
        Place::Header if age.abs() > MAX_SKEW_SECONDS => Err(s3_error!(
            RequestTimeTooSkewed,
            "The difference between the request time and the current time is too large."
        )),
        Place::Query { .. } if age < -MAX_SKEW_SECONDS => {
            Err(s3_error!(AccessDenied, "Request is not yet valid"))
        }
        Place::Query { expires } if age > expires => {
            Err(s3_error!(AccessDenied, "Request has expired"))
        }
        _ => Ok(()),
    }
}

/// In a presigned URL, what would be a header may stand in the query, and is signed there.
fn hoist(uri: &Uri, headers: &mut HeaderMap) {
    const OWN: [&str; 7] = [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-security-token",
    ];
    for (name, value) in Query::parse(uri.query().unwrap_or_default()).pairs() {
        let name = name.to_ascii_lowercase();
        if !name.starts_with("x-amz-") || OWN.contains(&name.as_str()) {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.entry(name).or_insert(value);
        }
    }
}

/// The body. A document is small: it is read here, so that its checksum can be compared.
async fn document(parts: &mut http::request::Parts, body: Incoming) -> Result<Body, S3Error> {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let has_body = parts.method == Method::PUT || parts.method == Method::POST;
    let names_resource = query
        .names()
        .any(|name| name != "x-id" && !name.to_ascii_lowercase().starts_with("x-amz-"));
    let is_content = query.get("partNumber").is_some() || query.get("uploads").is_some();
    let is_framed = parts
        .headers
        .get("x-amz-content-sha256")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"STREAMING-"));
    if is_framed {
        return Ok(framing::checked(body));
    }
    if !has_body || !names_resource || is_content {
        return Ok(Body::from(body));
    }
    let bytes: Bytes = Limited::new(body, MAX_DOCUMENT_BYTES)
        .collect()
        .await
        .map_err(|error| match error.is::<LengthLimitError>() {
            true => s3_error!(MaxMessageLengthExceeded, "Your request was too big."),
            false => s3_error!(IncompleteBody, "The body did not arrive: {error}"),
        })?
        .to_bytes();
    verify_document(&parts.headers, &bytes, query.get("delete").is_some())?;
    Ok(Body::from(bytes))
}

fn claim_refused(error: ClaimError) -> S3Error {
    let words = error.to_string();
    match error {
        ClaimError::TwoMechanisms => s3_error!(InvalidArgument, "{words}"),
        ClaimError::OtherMechanism => s3_error!(InvalidRequest, "{words}"),
        ClaimError::MalformedHeader(_) => s3_error!(AuthorizationHeaderMalformed, "{words}"),
        ClaimError::MalformedQuery(_) => s3_error!(AuthorizationQueryParametersError, "{words}"),
        ClaimError::Unsigned(_) => s3_error!(AccessDenied, "{words}"),
        ClaimError::MissingSigned(_) => s3_error!(SignatureDoesNotMatch, "{words}"),
    }
}

fn refusal(error: S3Error) -> Result<Response<Body>, HttpError> {
    error
        .to_http_response()
        .map_err(|error| HttpError::new(Box::new(error)))
}

/// Puts the request's id into the headers, and into the document of an error.
fn identified(mut response: Response<Body>, id: RequestId) -> Response<Body> {
    let id = id.to_string();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-amz-id-2", value.clone());
        response.headers_mut().insert("x-amz-request-id", value);
    }
    response
        .headers_mut()
        .insert(header::SERVER, HeaderValue::from_static("AmazonS3"));
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error() || status.is_redirection();
    let text = response
        .body()
        .bytes()
        .filter(|_| is_error)
        .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    if let Some(front) = text
        .as_deref()
        .and_then(|text| text.strip_suffix("</Error>"))
    {
        let whole = format!("{front}<RequestId>{id}</RequestId><HostId>{id}</HostId></Error>");
        *response.body_mut() = Body::from(whole);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}
