//! What a request claims, before anything is proven.

use crate::authorization::{Authorization, V4Header};
use crate::canonical::ALGORITHM;
use crate::date::SigningDate;
use crate::error::{AuthError, EXPIRES_RANGE, Mechanism};
use crate::payload::PayloadMode;
use crate::query::{AuthParameter, QueryAuth};
use crate::request::RequestView;
use crate::signature::Signature;
use crate::{EMPTY_SHA256, UNSIGNED_PAYLOAD};
use std::borrow::Cow;
use std::fmt;
use types::Timestamp;

/// How far a client's clock may be from ours. Source: S3, "RequestTimeTooSkewed".
pub const MAX_SKEW_SECONDS: i64 = 900;

/// The longest life of a presigned URL: seven days. Source: S3, "X-Amz-Expires".
pub const MAX_PRESIGN_SECONDS: u32 = 604_800;

/// How a credential scope ends: this crate verifies requests to S3 and to nothing else.
const SCOPE_END: &str = "/s3/aws4_request";

const MAX_CREDENTIAL_BYTES: usize = 256;
const MAX_SIGNED_HEADERS_BYTES: usize = 4_096;
const MAX_SESSION_TOKEN_BYTES: usize = 8_192;

/// A request that was read and not yet verified.
#[derive(Clone)]
pub struct Claim<'a> {
    pub(crate) request: RequestView<'a>,
    pub(crate) host: &'a str,
    pub(crate) date: SigningDate,
    pub(crate) signed_headers: Cow<'a, str>,
    pub(crate) signature: Signature,
    pub(crate) payload_text: Cow<'a, str>,
    pub(crate) payload_mode: PayloadMode,
    credential: Credential<'a>,
    carrier: Carrier,
    session_token: Option<Cow<'a, str>>,
}

/// Where the claim stood.
#[derive(Debug, Clone, Copy)]
enum Carrier {
    Header,
    Query { expires_in: u32 },
}

impl<'a> Claim<'a> {
    /// Reads the claim of a request, refusing what cannot be true whoever signed it.
    pub fn parse(request: &RequestView<'a>) -> Result<Self, AuthError> {
        let authorization = Authorization::find(request)?;
        let query = QueryAuth::collect(request.query)?;
        let is_ours = !matches!(
            authorization,
            Authorization::Absent | Authorization::Foreign(_)
        );
        match (query.is_version_4(), query.is_version_2()) {
            (true, true) => return Err(AuthError::TwoMechanisms),
            (true, _) | (_, true) if is_ours => return Err(AuthError::TwoMechanisms),
            (true, false) => return Self::of_query(request, query),
            (false, true) => return Err(AuthError::Unsupported(Mechanism::SigV2Query)),
            (false, false) => {}
        }
        match authorization {
            Authorization::Version4(text) => Self::of_header(request, V4Header::parse(text)?),
            Authorization::OtherAws(mechanism) => Err(AuthError::Unsupported(mechanism)),
            Authorization::Foreign(scheme) => {
                Err(AuthError::Unsupported(Mechanism::Other(scheme.into())))
            }
            Authorization::Absent => Err(AuthError::Anonymous),
        }
    }

    /// The access key that the client names.
    pub fn access_key_id(&self) -> &str {
        self.credential.access_key_id()
    }

    /// The session token that came along, signed like the rest.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// Whether the claim stands in a presigned URL.
    pub fn is_presigned(&self) -> bool {
        matches!(self.carrier, Carrier::Query { .. })
    }

    /// When the client says that it signed.
    pub fn signed_at(&self) -> Timestamp {
        self.date.timestamp()
    }

    /// The last second of a presigned URL's life.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self.carrier {
            Carrier::Header => None,
            Carrier::Query { expires_in } => {
                Some(self.signed_at().plus_seconds(i64::from(expires_in)))
            }
        }
    }

    /// Refuses what is too old or too new.
    ///
    /// [`crate::Verifier::verify`] does this too; a caller that asks first spares itself the
    /// look-up of the access key.
    pub fn check_time(&self, now: Timestamp) -> Result<(), AuthError> {
        let signed = self.signed_at();
        let age = now.seconds_since(signed);
        match self.carrier {
            Carrier::Header if age.abs() > MAX_SKEW_SECONDS => {
                Err(AuthError::RequestTimeTooSkewed { signed, now })
            }
            Carrier::Query { .. } if age < -MAX_SKEW_SECONDS => {
                Err(AuthError::NotYetValid { signed, now })
            }
            Carrier::Query { expires_in } if age > i64::from(expires_in) => {
                let expired = signed.plus_seconds(i64::from(expires_in));
                Err(AuthError::Expired {
                    expired,
                    seconds: expires_in,
                    now,
                })
            }
            Carrier::Header | Carrier::Query { .. } => Ok(()),
        }
    }

    /// `20150830/us-east-1/s3/aws4_request`.
    pub(crate) fn scope(&self) -> &str {
        self.credential.scope()
    }

    pub(crate) fn region(&self) -> &str {
        self.credential.region()
    }

    fn of_header(request: &RequestView<'a>, header: V4Header<'a>) -> Result<Self, AuthError> {
        let malformed = AuthError::HeaderMalformed;
        let date = header_date(request)?;
        let credential = Credential::parse(header.credential.into(), &date).map_err(malformed)?;
        check_names(header.signed_headers).map_err(malformed)?;
        let payload_text = match payload_header(request)? {
            Some(text) => text,
            None if matches!(request.method, "GET" | "HEAD" | "DELETE")
                && request.is_bodyless() =>
            {
                EMPTY_SHA256
            }
            None => return Err(AuthError::PayloadHashMissing),
        };
        Ok(Self {
            request: *request,
            host: host(request)?,
            date,
            signed_headers: header.signed_headers.into(),
            signature: signature(header.signature)?,
            payload_mode: PayloadMode::parse(payload_text)?,
            payload_text: payload_text.into(),
            credential,
            carrier: Carrier::Header,
            session_token: token_header(request)?.map(Cow::Borrowed),
        })
    }

    fn of_query(request: &RequestView<'a>, mut query: QueryAuth<'a>) -> Result<Self, AuthError> {
        let malformed = AuthError::QueryMalformed;
        let mut need = |parameter, what| query.take(parameter).ok_or(malformed(what));
        let algorithm = need(AuthParameter::Algorithm, "X-Amz-Algorithm is missing")?;
        check_algorithm(&algorithm)?;
        let credential = need(AuthParameter::Credential, "X-Amz-Credential is missing")?;
        let date = need(AuthParameter::Date, "X-Amz-Date is missing")?;
        let expires = need(AuthParameter::Expires, EXPIRES_RANGE)?;
        let names = need(
            AuthParameter::SignedHeaders,
            "X-Amz-SignedHeaders is missing",
        )?;
        let text = need(AuthParameter::Signature, "X-Amz-Signature is missing")?;
        let date = SigningDate::parse_basic(&date).ok_or(malformed(
            "X-Amz-Date is not a date of the form YYYYMMDDTHHMMSSZ",
        ))?;
        let credential = Credential::parse(credential, &date).map_err(malformed)?;
        check_names(&names).map_err(malformed)?;
        let expires_in = parse_expires(&expires).ok_or(malformed(EXPIRES_RANGE))?;
        let payload = one_of(
            query.take(AuthParameter::ContentSha256),
            payload_header(request)?,
        )
        .ok_or(malformed(
            "X-Amz-Content-Sha256 and the header of that name differ",
        ))?
        .unwrap_or(Cow::Borrowed(UNSIGNED_PAYLOAD));
        let token = one_of(
            query.take(AuthParameter::SecurityToken),
            token_header(request)?,
        )
        .ok_or(malformed(
            "X-Amz-Security-Token and the header of that name differ",
        ))?;
        if token
            .as_ref()
            .is_some_and(|token| token.len() > MAX_SESSION_TOKEN_BYTES)
        {
            return Err(malformed("X-Amz-Security-Token is longer than 8 KiB"));
        }
        Ok(Self {
            request: *request,
            host: host(request)?,
            date,
            signed_headers: names,
            signature: signature(&text)?,
            payload_mode: PayloadMode::parse(&payload)?,
            payload_text: payload,
            credential,
            carrier: Carrier::Query { expires_in },
            session_token: token,
        })
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the signature and not the token: whoever reads a log could replay them.
        out.debug_struct("Claim")
            .field("access_key_id", &self.access_key_id())
            .field("scope", &self.scope())
            .field("carrier", &self.carrier)
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

/// An access key id and the scope of its signing key.
#[derive(Clone)]
struct Credential<'a> {
    text: Cow<'a, str>,
    key_bytes: usize,
}

impl<'a> Credential<'a> {
    /// The scope is the last four parts, so that a key id may hold a slash.
    fn parse(text: Cow<'a, str>, date: &SigningDate) -> Result<Self, &'static str> {
        if text.len() > MAX_CREDENTIAL_BYTES {
            return Err("the credential is longer than 256 bytes");
        }
        let mut parts = text.rsplitn(5, '/');
        let mut next = || parts.next().unwrap_or("");
        let (terminator, service, region, day, key) = (next(), next(), next(), next(), next());
        if key.is_empty() {
            return Err("the credential must be KEY/YYYYMMDD/REGION/s3/aws4_request");
        }
        if terminator != "aws4_request" {
            return Err("the credential must end with aws4_request");
        }
        if service != "s3" {
            return Err("the credential's service must be s3");
        }
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if region.is_empty() || region.len() > 64 || !region.bytes().all(legal) {
            return Err("the credential's region is not the name of a region");
        }
        if day != date.day() {
            return Err("the credential's day is not the day of the request's date");
        }
        let key_bytes = key.len();
        Ok(Self { text, key_bytes })
    }

    fn access_key_id(&self) -> &str {
        &self.text[..self.key_bytes]
    }

    fn scope(&self) -> &str {
        &self.text[self.key_bytes + 1..]
    }

    fn region(&self) -> &str {
        let scope = self.scope();
        &scope["YYYYMMDD/".len()..scope.len() - SCOPE_END.len()]
    }
}

fn check_algorithm(name: &str) -> Result<(), AuthError> {
    match name {
        ALGORITHM => Ok(()),
        "AWS4-ECDSA-P256-SHA256" => Err(AuthError::Unsupported(Mechanism::SigV4A)),
        other => Err(AuthError::Unsupported(Mechanism::Other(other.into()))),
    }
}

/// Signed headers are lower case, sorted, and named once each.
fn check_names(names: &str) -> Result<(), &'static str> {
    if names.len() > MAX_SIGNED_HEADERS_BYTES {
        return Err("SignedHeaders is longer than 4 KiB");
    }
    let mut previous = "";
    for name in names.split(';') {
        let legal = |b: u8| b.is_ascii_graphic() && !b.is_ascii_uppercase();
        if name.is_empty() || !name.bytes().all(legal) {
            return Err("SignedHeaders must be lower-case names joined with ';'");
        }
        if name <= previous {
            return Err("SignedHeaders must be sorted, each name once");
        }
        previous = name;
    }
    Ok(())
}

fn signature(text: &str) -> Result<Signature, AuthError> {
    Signature::parse(text.as_bytes()).ok_or(AuthError::SignatureMalformed)
}

fn parse_expires(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && text.len() <= 6;
    let seconds = digits.then(|| text.parse().ok())??;
    (1..=MAX_PRESIGN_SECONDS)
        .contains(&seconds)
        .then_some(seconds)
}

/// What two places say together: `None` when they contradict each other.
fn one_of<'a>(
    query: Option<Cow<'a, str>>,
    header: Option<&'a str>,
) -> Option<Option<Cow<'a, str>>> {
    match (query, header) {
        (Some(query), Some(header)) if query != header => None,
        (Some(query), _) => Some(Some(query)),
        (None, header) => Some(header.map(Cow::Borrowed)),
    }
}

fn host<'a>(request: &RequestView<'a>) -> Result<&'a str, AuthError> {
    match request.single("host") {
        Ok(Some(host)) => Ok(host.trim_matches(' ')),
        Ok(None) => Err(AuthError::RequestMalformed("the Host header is missing")),
        Err(_) => Err(AuthError::RequestMalformed(
            "the Host header is repeated or not plain text",
        )),
    }
}

/// `x-amz-date`, or `Date` where that is missing.
fn header_date(request: &RequestView<'_>) -> Result<SigningDate, AuthError> {
    let single = |name| request.single(name).map_err(|_| AuthError::DateMissing);
    let date = match single("x-amz-date")? {
        Some(text) => SigningDate::parse_basic(text.trim_matches(' ')),
        None => single("date")?.and_then(SigningDate::parse_header),
    };
    date.ok_or(AuthError::DateMissing)
}

fn payload_header<'a>(request: &RequestView<'a>) -> Result<Option<&'a str>, AuthError> {
    request.single("x-amz-content-sha256").map_err(|_| {
        AuthError::RequestMalformed("the x-amz-content-sha256 header is repeated or not plain text")
    })
}

fn token_header<'a>(request: &RequestView<'a>) -> Result<Option<&'a str>, AuthError> {
    request.single("x-amz-security-token").map_err(|_| {
        AuthError::RequestMalformed("the x-amz-security-token header is repeated or not plain text")
    })
}
