//! A request as the tenant's store is to see it: its own path, query, headers and signature.
//!
//! Nothing of the client's request is here unless someone above put it here: the host is the
//! endpoint's, the path is encoded anew from the decoded key, the headers are those that were
//! allowed, and the bucket owner that we expect cannot be overridden.

use crate::credentials::Credentials;
use crate::route::Route;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::{Method, Request};
use std::fmt;
use types::{Backend, ObjectKey, Timestamp};

const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_EXPECTED_BUCKET_OWNER: HeaderName =
    HeaderName::from_static("x-amz-expected-bucket-owner");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What the signature says about the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadHash {
    /// Nothing: `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// That it is empty.
    Empty,
    /// Its SHA-256.
    Sha256([u8; 32]),
}

/// Why a request cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// A credential that does not fit into a header.
    #[error("the credentials do not fit into HTTP headers")]
    Credentials,
    /// The query is not percent-encoded.
    #[error("the query has a character that must be percent-encoded")]
    Query,
}

/// A request to one place, not yet signed.
#[derive(Debug)]
pub struct UpstreamRequest<'a> {
    route: &'a Route,
    method: Method,
    path: String,
    query: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    payload: PayloadHash,
}

impl<'a> UpstreamRequest<'a> {
    /// For `key`, the upstream's own key ([`Route::join`] makes it).
    pub fn object(route: &'a Route, method: Method, key: &ObjectKey) -> Self {
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
            headers: Vec::new(),
            payload: PayloadHash::Empty,
        }
    }

    /// Sets the query: percent-encoded, without `?`.
    #[must_use]
    pub fn query(mut self, encoded: impl Into<String>) -> Self {
        self.query = encoded.into();
        self
    }

    /// Adds a header that was allowed. Those that this crate sets itself are replaced.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says what is signed about the body; without this, that it is empty.
    #[must_use]
    pub fn payload(mut self, payload: PayloadHash) -> Self {
        self.payload = payload;
        self
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
    /// All headers, `Host` and `Authorization` included; nothing may be added under `x-amz-`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl SignedRequest {
    /// As an `http::Request` in origin form.
    pub(crate) fn into_http<B>(self, body: B) -> Result<Request<B>, http::Error> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path_and_query)
            .body(body)?;
        for (name, value) in self.headers {
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SignedRequest({} ..)", self.method)
    }
}
