//! Why a request is not who it says it is, in the words of S3.

use crate::claim::{MAX_PRESIGN_SECONDS, MAX_SKEW_SECONDS};
use crate::date::readable;
use std::borrow::Cow;
use std::fmt;
use types::Timestamp;

/// A way of authenticating that is refused by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// `Authorization: AWS id:signature`.
    SigV2Header,
    /// `?AWSAccessKeyId=..&Signature=..&Expires=..`.
    SigV2Query,
    /// `AWS4-ECDSA-P256-SHA256`.
    SigV4A,
    /// Something else; its name, cut to 80 characters when shown.
    Other(String),
}

impl fmt::Display for Mechanism {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SigV2Header => out.write_str(
                "Signature Version 2 is not supported: sign with AWS4-HMAC-SHA256 \
                 (in botocore: signature_version s3v4)",
            ),
            Self::SigV2Query => out.write_str(
                "this presigned URL has a Signature Version 2 signature, which is not supported: \
                 presign with AWS4-HMAC-SHA256 (in botocore: signature_version s3v4)",
            ),
            Self::SigV4A => out.write_str(
                "Signature Version 4A (AWS4-ECDSA-P256-SHA256) is not supported: \
                 sign with AWS4-HMAC-SHA256 and a single region",
            ),
            Self::Other(name) => {
                let name: String = name.chars().take(80).collect();
                write!(
                    out,
                    "{name:?} does not authenticate here: sign with AWS4-HMAC-SHA256"
                )
            }
        }
    }
}

/// What a client needs in order to find out why its signature differs: its own request, as we
/// read it. Neither the secret nor the right signature is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The key that the client named.
    pub access_key_id: String,
    /// The signature that the client sent.
    pub signature_provided: String,
    /// What we would have signed.
    pub string_to_sign: String,
    /// The canonical request behind it, cut to 4 KiB.
    pub canonical_request: String,
    /// The first of the signed headers that software on the way likes to rewrite.
    pub suspect: Option<String>,
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest is for the client's eyes: it holds the values of its headers.
        out.debug_struct("Mismatch")
            .field("access_key_id", &self.access_key_id)
            .field("suspect", &self.suspect)
            .finish_non_exhaustive()
    }
}

/// Why a request is refused before anything is known about its tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Nobody signed it.
    #[error("anonymous requests are not allowed: sign with an access key of this gateway")]
    Anonymous,
    /// Credentials in the header and in the query, or of two versions.
    #[error(
        "the request authenticates in two ways: use the Authorization header or a presigned URL, not both"
    )]
    TwoMechanisms,
    /// A mechanism that we know by name and do not accept.
    #[error("{0}")]
    Unsupported(Mechanism),
    /// The `Authorization` header cannot be read.
    #[error("the Authorization header is malformed: {0}")]
    HeaderMalformed(&'static str),
    /// The query of a presigned URL cannot be read.
    #[error("the presigned URL is malformed: {0}")]
    QueryMalformed(&'static str),
    /// Another header that authentication needs cannot be read.
    #[error("the request is malformed: {0}")]
    RequestMalformed(&'static str),
    /// Neither `x-amz-date` nor `Date`, or not a date.
    #[error("the request needs a valid x-amz-date header (YYYYMMDDTHHMMSSZ) or Date header")]
    DateMissing,
    /// No `x-amz-content-sha256` on a request that may have a body.
    #[error(
        "the header x-amz-content-sha256 is missing: send the body's SHA-256 or UNSIGNED-PAYLOAD"
    )]
    PayloadHashMissing,
    /// A value of `x-amz-content-sha256` that means nothing here.
    #[error(
        "x-amz-content-sha256 is {0:?}: it must be 64 hexadecimal digits, UNSIGNED-PAYLOAD, \
         STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or \
         STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    )]
    PayloadHashUnknown(String),
    /// `host`, or an `x-amz-*` header that is there, is not among the signed headers.
    #[error("these headers must be signed and are not: {0}")]
    HeadersNotSigned(String),
    /// A header was signed and did not arrive.
    #[error(
        "the header {0} is named in SignedHeaders and is not in the request: it was lost or removed on the way"
    )]
    SignedHeaderAbsent(String),
    /// The client's clock and ours are too far apart.
    #[error("the request was signed at {} and it is {} here: set the client's clock", readable(*.signed), readable(*.now))]
    RequestTimeTooSkewed {
        /// When the client says it signed.
        signed: Timestamp,
        /// Our time.
        now: Timestamp,
    },
    /// The URL's life has not begun.
    #[error("the presigned URL is valid from {} and it is {} here: set the signer's clock", readable(*.signed), readable(*.now))]
    NotYetValid {
        /// When the URL's life begins.
        signed: Timestamp,
        /// Our time.
        now: Timestamp,
    },
    /// The URL's life is over.
    #[error("the presigned URL expired at {}: ask for a new one", readable(*.expired))]
    Expired {
        /// The last second of its life.
        expired: Timestamp,
        /// Its `X-Amz-Expires`.
        seconds: u32,
        /// Our time.
        now: Timestamp,
    },
    /// No such key.
    #[error(
        "the access key id is not known here: check that it was issued by this gateway and not revoked"
    )]
    InvalidAccessKeyId(String),
    /// Not 64 lower-case hexadecimal digits.
    #[error("the signature is not 64 lower-case hexadecimal digits")]
    SignatureMalformed,
    /// The signature is not the one that this key makes over this request.
    #[error("the signature does not match: {}", .0.next_step())]
    SignatureDoesNotMatch(Box<Mismatch>),
}

impl AuthError {
    /// The S3 error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Anonymous
            | Self::DateMissing
            | Self::HeadersNotSigned(_)
            | Self::SignedHeaderAbsent(_)
            | Self::NotYetValid { .. }
            | Self::Expired { .. } => "AccessDenied",
            Self::TwoMechanisms | Self::PayloadHashUnknown(_) => "InvalidArgument",
            Self::Unsupported(Mechanism::SigV4A) => "NotImplemented",
            Self::Unsupported(_) | Self::RequestMalformed(_) | Self::PayloadHashMissing => {
                "InvalidRequest"
            }
            Self::HeaderMalformed(_) => "AuthorizationHeaderMalformed",
            Self::QueryMalformed(_) => "AuthorizationQueryParametersError",
            Self::RequestTimeTooSkewed { .. } => "RequestTimeTooSkewed",
            Self::InvalidAccessKeyId(_) => "InvalidAccessKeyId",
            Self::SignatureMalformed | Self::SignatureDoesNotMatch(_) => "SignatureDoesNotMatch",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self.code() {
            "AccessDenied"
            | "RequestTimeTooSkewed"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch" => 403,
            "NotImplemented" => 501,
            _ => 400,
        }
    }

    /// Further elements of the error document, as S3 names them; to be escaped by the writer.
    pub fn details(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        match self {
            Self::HeadersNotSigned(names) => vec![("HeadersNotSigned", names.into())],
            Self::RequestTimeTooSkewed { signed, now } => vec![
                ("RequestTime", readable(*signed).into()),
                ("ServerTime", readable(*now).into()),
                (
                    "MaxAllowedSkewMilliseconds",
                    (MAX_SKEW_SECONDS * 1_000).to_string().into(),
                ),
            ],
            Self::Expired {
                expired,
                seconds,
                now,
            } => vec![
                ("X-Amz-Expires", seconds.to_string().into()),
                ("Expires", readable(*expired).into()),
                ("ServerTime", readable(*now).into()),
            ],
            Self::InvalidAccessKeyId(id) => vec![("AWSAccessKeyId", id.into())],
            Self::SignatureDoesNotMatch(mismatch) => mismatch.details(),
            _ => Vec::new(),
        }
    }
}

impl Mismatch {
    fn next_step(&self) -> String {
        match &self.suspect {
            Some(name) => format!(
                "the client signed {name}, which proxies rewrite; let it sign without, or let \
                 nothing on the way change it"
            ),
            None => "check the secret access key, then compare StringToSign and CanonicalRequest \
                     with the client's own"
                .to_string(),
        }
    }

    fn details(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        vec![
            ("AWSAccessKeyId", (&self.access_key_id).into()),
            ("StringToSign", (&self.string_to_sign).into()),
            ("SignatureProvided", (&self.signature_provided).into()),
            ("StringToSignBytes", spaced_hex(&self.string_to_sign).into()),
            ("CanonicalRequest", (&self.canonical_request).into()),
        ]
    }
}

fn spaced_hex(text: &str) -> String {
    let digits: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

/// What an `X-Amz-Expires` outside its range is told.
pub(crate) const EXPIRES_RANGE: &str = "X-Amz-Expires must be a number of seconds from 1 to 604800";

const _: () = assert!(
    MAX_PRESIGN_SECONDS == 604_800,
    "the text above names the limit"
);
