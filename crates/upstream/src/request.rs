//! A request as the tenant's store is to see it: its own path, query, headers and signature.
//!
//! Nothing of the client's request is here unless someone above put it here: the host is the
//! endpoint's, the path is encoded anew from the decoded key, the headers are those that were
//! allowed, and the bucket owner that we expect cannot be overridden.

use crate::credentials::Credentials;
use crate::route::{Route, UpstreamKey};
use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use sigv4::{Outgoing, OutgoingPayload, SignError, Signer, SigningCredentials};
use std::fmt;
use types::{Backend, Timestamp};

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const EXPECTED_OWNER: HeaderName = HeaderName::from_static("x-amz-expected-bucket-owner");
const EXPECTED_SOURCE_OWNER: HeaderName =
    HeaderName::from_static("x-amz-source-expected-bucket-owner");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// A request to one place, not yet signed.
#[derive(Debug)]
pub struct UpstreamRequest<'a> {
    route: &'a Route,
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    payload: OutgoingPayload,
}

impl<'a> UpstreamRequest<'a> {
    /// For one object.
    pub fn object(route: &'a Route, method: Method, key: &UpstreamKey) -> Self {
        Self::at(route, method, route.object_path(key))
    }

    /// For the bucket itself: listings, DeleteObjects.
    pub fn bucket(route: &'a Route, method: Method) -> Self {
        Self::at(route, method, route.bucket_path())
    }

    fn at(route: &'a Route, method: Method, path: String) -> Self {
        Self {
            route,
            method,
            path,
            query: String::new(),
            headers: HeaderMap::new(),
            payload: OutgoingPayload::Empty,
        }
    }

    /// Sets the query: encoded by `sigv4::encode_query_value` or its equal, without `?`.
    #[must_use]
    pub fn query(mut self, encoded: impl Into<String>) -> Self {
        self.query = encoded.into();
        self
    }

    /// Sets the headers that were allowed. Those that this crate sets itself are replaced.
    #[must_use]
    pub fn headers(mut self, allowed: HeaderMap) -> Self {
        self.headers = allowed;
        self
    }

    /// Says what is signed about the body; without this, that it is empty.
    #[must_use]
    pub fn payload(mut self, payload: OutgoingPayload) -> Self {
        self.payload = payload;
        self
    }

    /// Signs, as of `now`, for the region of the route.
    pub fn sign(
        mut self,
        signer: &Signer,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<SignedRequest, SignError> {
        self.set_own_headers();
        let signature = signer.sign(
            &Outgoing {
                method: self.method.as_str(),
                path: &self.path,
                query: (!self.query.is_empty()).then_some(&*self.query),
                headers: &self.headers,
                payload: self.payload,
            },
            &credentials.signing(),
            self.route.region(),
            now,
        )?;
        let headers = &mut self.headers;
        headers.insert(DATE, signature.date);
        headers.insert(CONTENT_SHA256, signature.content_sha256);
        headers.insert(AUTHORIZATION, signature.authorization);
        if let Some(token) = signature.security_token {
            headers.insert(SECURITY_TOKEN, token);
        }
        let mut path_and_query = self.path;
        if !self.query.is_empty() {
            path_and_query.push('?');
            path_and_query.push_str(&self.query);
        }
        Ok(SignedRequest {
            method: self.method,
            path_and_query,
            headers: self.headers,
        })
    }

    /// What only this crate may say, whatever was allowed: where to, as whom, and in whose bucket.
    fn set_own_headers(&mut self) {
        for ours in [
            AUTHORIZATION,
            CONTENT_SHA256,
            DATE,
            EXPECTED_OWNER,
            EXPECTED_SOURCE_OWNER,
            SECURITY_TOKEN,
        ] {
            self.headers.remove(ours);
        }
        let host = HeaderValue::from_str(self.route.host_header())
            .expect("an endpoint's host is plain text");
        self.headers.insert(HOST, host);
        let account = match self.route.location().backend {
            Backend::AwsS3 { .. } => self.route.access().account(),
            Backend::S3Compatible { .. } => None,
        };
        if let Some(account) = account {
            // A bucket that was deleted and made again by someone else is not the tenant's.
            let owner =
                HeaderValue::from_str(account.as_str()).expect("an account id has 12 digits");
            if self.headers.contains_key(COPY_SOURCE) {
                self.headers.insert(EXPECTED_SOURCE_OWNER, owner.clone());
            }
            self.headers.insert(EXPECTED_OWNER, owner);
        }
    }
}

impl Credentials {
    pub(crate) fn signing(&self) -> SigningCredentials<'_> {
        SigningCredentials {
            access_key_id: self.access_key_id(),
            secret: self.secret(),
            session_token: self.session_token(),
            version: self.version(),
        }
    }
}

/// A request that the store accepts: send it as it is, soon.
///
/// `Debug` shows the method only: the path is a customer's key, the headers hold the session.
#[derive(Clone)]
pub struct SignedRequest {
    /// The method.
    pub method: Method,
    /// The raw path and query, as signed.
    pub path_and_query: String,
    /// All headers, `host` and `authorization` included; of those for which `sigv4::is_signed`
    /// holds none may be added or changed.
    pub headers: HeaderMap,
}

impl SignedRequest {
    /// As an `http::Request` in origin form.
    pub(crate) fn into_http<B>(self, body: B) -> Result<Request<B>, http::Error> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path_and_query)
            .body(body)?;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SignedRequest({} ..)", self.method)
    }
}
