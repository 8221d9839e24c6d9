//! From the upstream's error to the client's: what is the client's own fault passes in our words,
//! everything else becomes trouble of the tenant's storage, without a word about where that is.

use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::operation::Operation;
use crate::xml::{Scanner, Token, Visit, XmlError};
use http::{HeaderMap, StatusCode};
use types::Region;

/// The largest error document that is read, in bytes.
const MAX_UPSTREAM_ERROR_BYTES: usize = 64 * 1_024;
const MAX_FIELD_CHARS: usize = 2_048;

/// What the upstream's answer means to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The client asked for something that cannot be had: passed on.
    Client,
    /// Our identity is known and may not do this.
    AccessDenied,
    /// Our credential is wrong or over: refresh it once, then try again.
    CredentialRejected,
    /// Our clock and theirs differ too much.
    ClockSkewed,
    /// The bucket is in another region.
    WrongRegion {
        /// Which, when the answer says so.
        region: Option<Region>,
    },
    /// The configured bucket is not there.
    NoSuchBucket,
    /// The key that encrypts the objects refuses.
    EncryptionKeyRefused,
    /// The storage is full.
    StorageFull,
    /// Too many requests.
    Throttled,
    /// The upstream does not work now.
    Unavailable,
    /// A HEAD was answered with a bare 400: the client's fault or a credential that is over.
    BareBadRequest,
    /// An answer that S3 does not give.
    Unexpected,
}

/// What an error is about, and what must not show.
#[derive(Debug, Clone, Copy)]
pub struct ErrorContext<'a> {
    /// What was asked.
    pub operation: &'a Operation,
    /// `/bucket/key` in the client's names.
    pub resource: &'a str,
    /// Real bucket, prefix, host, role: words of the upstream that hold one of these never pass.
    pub hidden: &'a [&'a str],
}

/// The upstream's error, translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamFailure {
    /// What it means to the gateway.
    pub kind: FailureKind,
    /// The upstream's code, for the log.
    pub upstream_code: Option<String>,
    /// What the client gets.
    pub client: S3Error,
}

/// Whether an upstream status is an error: everything but 2xx and 304, which has no body.
pub fn is_failure(status: StatusCode) -> bool {
    !status.is_success() && status != StatusCode::NOT_MODIFIED
}

/// Translates an error of the upstream, whose body may be cut after 64 KiB.
pub fn translate_upstream_error(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    context: &ErrorContext<'_>,
) -> UpstreamFailure {
    let document = ErrorDocument::parse(&body[..body.len().min(MAX_UPSTREAM_ERROR_BYTES)]);
    let code = document.get("Code").filter(|code| {
        (1..=128).contains(&code.len())
            && code
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
    });
    let kind = match code {
        Some(code) => kind_of_code(code, status, &document, headers),
        None => kind_of_status(status, headers, context.operation),
    };
    let client = match kind {
        FailureKind::Client => client_error(code, status, &document, context),
        _ => storage_error(&kind),
    };
    UpstreamFailure {
        client: client.on(context.resource),
        upstream_code: code.map(str::to_owned),
        kind,
    }
}

/// Codes that are passed on under the same name.
const PASSED: &[ErrorCode] = &[
    ErrorCode::BadDigest,
    ErrorCode::ConditionalRequestConflict,
    ErrorCode::EntityTooLarge,
    ErrorCode::EntityTooSmall,
    ErrorCode::IncompleteBody,
    ErrorCode::InvalidArgument,
    ErrorCode::InvalidDigest,
    ErrorCode::InvalidEncryptionAlgorithmError,
    ErrorCode::InvalidObjectState,
    ErrorCode::InvalidPart,
    ErrorCode::InvalidPartOrder,
    ErrorCode::InvalidRange,
    ErrorCode::InvalidRequest,
    ErrorCode::InvalidStorageClass,
    ErrorCode::KeyTooLongError,
    ErrorCode::MetadataTooLarge,
    ErrorCode::MethodNotAllowed,
    ErrorCode::NoSuchKey,
    ErrorCode::NoSuchUpload,
    ErrorCode::NoSuchVersion,
    ErrorCode::NotImplemented,
    ErrorCode::OperationAborted,
    ErrorCode::PreconditionFailed,
    ErrorCode::RequestTimeout,
    ErrorCode::XAmzContentChecksumMismatch,
    ErrorCode::XAmzContentSHA256Mismatch,
];

fn kind_of_code(
    code: &str,
    status: StatusCode,
    document: &ErrorDocument,
    headers: &HeaderMap,
) -> FailureKind {
    if ErrorCode::parse(code).is_some_and(|code| PASSED.contains(&code)) {
        return FailureKind::Client;
    }
    match code {
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "NotSignedUp" | "Forbidden" => {
            FailureKind::AccessDenied
        }
        "AuthorizationHeaderMalformed" => match region(document, headers) {
            None => FailureKind::CredentialRejected,
            region => FailureKind::WrongRegion { region },
        },
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "IncorrectEndpoint"
        | "IllegalLocationConstraintException" => FailureKind::WrongRegion {
            region: region(document, headers),
        },
        "AuthFailure"
        | "AuthorizationQueryParametersError"
        | "CredentialsNotSupported"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSecurity"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "MissingSecurityHeader"
        | "RequestExpired"
        | "SignatureDoesNotMatch"
        | "TokenRefreshRequired"
        | "UnrecognizedClientException" => FailureKind::CredentialRejected,
        "RequestTimeTooSkewed" | "RequestInTheFuture" => FailureKind::ClockSkewed,
        "NoSuchBucket" | "InvalidBucketName" | "InvalidBucketState" => FailureKind::NoSuchBucket,
        "QuotaExceeded"
        | "InsufficientStorage"
        | "XMinioStorageFull"
        | "XMinioAdminBucketQuotaExceeded" => FailureKind::StorageFull,
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "Throttling"
        | "ThrottlingException"
        | "RequestThrottled"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "Busy" => FailureKind::Throttled,
        "InternalError" | "InternalServerError" | "ServiceUnavailable" | "OperationTimedOut" => {
            FailureKind::Unavailable
        }
        _ if code.starts_with("KMS.") || code.starts_with("Kms") => {
            FailureKind::EncryptionKeyRefused
        }
        _ if status == StatusCode::TOO_MANY_REQUESTS => FailureKind::Throttled,
        _ if status.is_server_error() => FailureKind::Unavailable,
        _ => FailureKind::Unexpected,
    }
}

/// For answers without a document: to a HEAD, or from something that is not S3.
fn kind_of_status(status: StatusCode, headers: &HeaderMap, operation: &Operation) -> FailureKind {
    let is_head = matches!(
        operation,
        Operation::HeadObject(_) | Operation::HeadBucket { .. }
    );
    match status.as_u16() {
        301 | 302 | 303 | 307 | 308 => FailureKind::WrongRegion {
            region: header_region(headers),
        },
        400 if is_head => FailureKind::BareBadRequest,
        401 => FailureKind::CredentialRejected,
        403 => FailureKind::AccessDenied,
        404 if matches!(operation, Operation::HeadBucket { .. }) => FailureKind::NoSuchBucket,
        404 | 405 if is_head => FailureKind::Client,
        409 | 412 | 416 => FailureKind::Client,
        429 => FailureKind::Throttled,
        507 => FailureKind::StorageFull,
        500..=599 => FailureKind::Unavailable,
        _ => FailureKind::Unexpected,
    }
}

fn region(document: &ErrorDocument, headers: &HeaderMap) -> Option<Region> {
    let named = document
        .get("Region")
        .and_then(|text| Region::parse(text).ok());
    named.or_else(|| header_region(headers))
}

fn header_region(headers: &HeaderMap) -> Option<Region> {
    let text = headers.get("x-amz-bucket-region")?.to_str().ok()?;
    Region::parse(text).ok()
}

/// Elements that say more about the client's own request, and nothing about the storage.
const DETAILS: &[&str] = &[
    "ActualObjectSize",
    "ArgumentName",
    "Condition",
    "ETag",
    "Header",
    "MaxSizeAllowed",
    "MinSizeAllowed",
    "PartNumber",
    "ProposedSize",
    "RangeRequested",
    "StorageClass",
];

fn client_error(
    code: Option<&str>,
    status: StatusCode,
    document: &ErrorDocument,
    context: &ErrorContext<'_>,
) -> S3Error {
    let code = code
        .and_then(ErrorCode::parse)
        .unwrap_or(match status.as_u16() {
            405 => ErrorCode::MethodNotAllowed,
            409 => ErrorCode::OperationAborted,
            412 => ErrorCode::PreconditionFailed,
            416 => ErrorCode::InvalidRange,
            _ => ErrorCode::NoSuchKey,
        });
    // Only these say in their words what is wrong; the words of all others are always the same.
    let speaks = matches!(
        code,
        ErrorCode::InvalidArgument | ErrorCode::InvalidRequest | ErrorCode::NotImplemented
    );
    let mut error = match document.get("Message") {
        Some(message) if speaks && shows_nothing(message, context) => {
            S3Error::with_message(code, message.to_owned())
        }
        _ => S3Error::new(code),
    };
    for name in DETAILS {
        match document.get(name) {
            Some(value) if value.len() <= 128 && shows_nothing(value, context) => {
                error = error.with(name, value);
            }
            _ => {}
        }
    }
    error
}

/// Whether the upstream's words may pass: short, printable, and without anything that looks like
/// a place or an account.
fn shows_nothing(text: &str, context: &ErrorContext<'_>) -> bool {
    let lower = text.to_ascii_lowercase();
    let named = |hidden: &&str| !hidden.is_empty() && lower.contains(&hidden.to_ascii_lowercase());
    let digits = text
        .split(|c: char| !c.is_ascii_digit())
        .any(|run| run.len() >= 12);
    text.len() <= 300
        && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        && !context.hidden.iter().any(named)
        && !["arn:", "://", "amazonaws", "s3://"]
            .iter()
            .any(|mark| lower.contains(mark))
        && !digits
}

fn storage_error(kind: &FailureKind) -> S3Error {
    let unavailable = |words| S3Error::with_message(ErrorCode::TenantStorageUnavailable, words);
    let refused = |words| S3Error::with_message(ErrorCode::TenantStorageRefused, words);
    match kind {
        FailureKind::Client | FailureKind::AccessDenied => ErrorCode::TenantStorageRefused.into(),
        FailureKind::CredentialRejected => unavailable(
            "The storage of this tenant did not accept the gateway's credentials; try again. If it lasts, the tenant's administrator must look at the role.",
        ),
        FailureKind::ClockSkewed => unavailable(
            "The clocks of the gateway and of the tenant's storage differ too much; try again.",
        ),
        FailureKind::WrongRegion { .. } => unavailable(
            "The storage of this tenant is in another region than configured; try again. If it lasts, the tenant's administrator must look at the storage settings.",
        ),
        FailureKind::NoSuchBucket => refused(
            "The storage of this tenant does not exist under the configured name; its administrator must look at the storage settings.",
        ),
        FailureKind::EncryptionKeyRefused => refused(
            "The encryption key of this tenant's storage refused the gateway; its administrator must look at the key policy.",
        ),
        FailureKind::StorageFull => ErrorCode::QuotaExceeded.into(),
        FailureKind::Throttled => ErrorCode::SlowDown.into(),
        FailureKind::Unavailable => ErrorCode::TenantStorageUnavailable.into(),
        FailureKind::BareBadRequest => ErrorCode::InvalidRequest.into(),
        FailureKind::Unexpected => refused(
            "The storage of this tenant answered in an unexpected way; its administrator must look at the storage settings.",
        ),
    }
}

/// The children of an `<Error>` document; empty when it is none.
#[derive(Debug, Default)]
pub(crate) struct ErrorDocument {
    depth: usize,
    is_error: bool,
    current: String,
    text: String,
    fields: Vec<(String, String)>,
}

impl ErrorDocument {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let mut document = Self::default();
        // What was read before a flaw still counts: the body may be cut.
        let _flaw: Result<(), XmlError> = Scanner::whole(body, &mut document);
        document
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Visit for ErrorDocument {
    type Error = XmlError;

    fn visit(&mut self, token: Token<'_>) -> Result<(), XmlError> {
        match token {
            Token::Open(name) => {
                self.depth += 1;
                match self.depth {
                    1 => self.is_error = name == "Error",
                    2 => self.current = name.to_owned(),
                    _ => {}
                }
                self.text.clear();
            }
            Token::Text(text) if self.depth == 2 && self.text.len() < MAX_FIELD_CHARS => {
                self.text.extend(text.chars().take(MAX_FIELD_CHARS));
            }
            Token::Text(_) => {}
            Token::Close(_) => {
                if self.depth == 2 && self.is_error {
                    let field = std::mem::take(&mut self.current);
                    self.fields.push((field, std::mem::take(&mut self.text)));
                }
                self.depth -= 1;
            }
        }
        Ok(())
    }
}
