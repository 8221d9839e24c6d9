//! Every error code that the gateway answers with: its HTTP status, whose fault it is, its words.

use http::StatusCode;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The client's: it must send something else.
    Client,
    /// The tenant's storage: its administrator must look at it.
    Tenant,
    /// Ours.
    Gateway,
}

macro_rules! error_codes {
    ($($name:ident $status:literal $fault:ident $message:literal;)*) => {
        /// An S3 error code. The name of the variant is the code that the client sees.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(#[doc = $message] $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As it stands in `<Code>`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> StatusCode {
                let number: u16 = match self { $(Self::$name => $status,)* };
                StatusCode::from_u16(number).expect("the table holds only valid statuses")
            }

            /// Whose fault it is.
            pub const fn fault(self) -> Fault {
                match self { $(Self::$name => Fault::$fault,)* }
            }

            /// What it says unless the place that raises it knows better.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }
        }
    };
}

error_codes! {
    AccessDenied 403 Client "Access denied.";
    AuthorizationHeaderMalformed 400 Client "The authorization header is malformed.";
    AuthorizationQueryParametersError 400 Client "The authorization query parameters are not valid.";
    BadDigest 400 Client "The checksum that was sent does not match the bytes that arrived.";
    ConditionalRequestConflict 409 Client "Another request changed the same object at the same time; try again.";
    EntityTooLarge 400 Client "The upload is larger than the largest allowed object.";
    EntityTooSmall 400 Client "A part other than the last is smaller than the smallest allowed part.";
    ExpiredToken 400 Client "The session token has expired.";
    IncompleteBody 400 Client "The body is shorter than it was declared to be.";
    InternalError 500 Gateway "The gateway met an internal error; try again.";
    InvalidAccessKeyId 403 Client "The access key id does not exist.";
    InvalidArgument 400 Client "An argument is not valid.";
    InvalidBucketName 400 Client "The bucket name is not valid.";
    InvalidChunkSizeError 400 Client "The chunk size is not valid.";
    InvalidDigest 400 Client "The Content-MD5 or checksum value is not valid.";
    InvalidEncryptionAlgorithmError 400 Client "The encryption algorithm is not valid.";
    InvalidObjectState 403 Client "The object is archived and must be restored before it can be read.";
    InvalidPart 400 Client "One or more of the named parts could not be found, or its ETag does not match.";
    InvalidPartOrder 400 Client "The parts are not in ascending order of their numbers.";
    InvalidRange 416 Client "The requested range cannot be satisfied.";
    InvalidRequest 400 Client "The request is not valid.";
    InvalidStorageClass 400 Client "The storage class is not valid.";
    InvalidToken 400 Client "The session token is not valid.";
    InvalidURI 400 Client "The URI could not be parsed.";
    KeyTooLongError 400 Client "The key is too long.";
    MalformedTrailerError 400 Client "The trailer does not match what the headers announced.";
    MalformedXML 400 Client "The XML is not well-formed or does not follow the schema.";
    MaxMessageLengthExceeded 400 Client "The request document is too large.";
    MetadataTooLarge 400 Client "The metadata headers exceed the largest allowed metadata size.";
    MethodNotAllowed 405 Client "This method is not allowed on this resource.";
    MissingContentLength 411 Client "The Content-Length header is required.";
    MissingSecurityHeader 400 Client "A required header is missing.";
    NoSuchBucket 404 Client "The bucket does not exist.";
    NoSuchKey 404 Client "The key does not exist.";
    NoSuchUpload 404 Client "The multipart upload does not exist; it may have been completed or aborted.";
    NoSuchVersion 404 Client "The version does not exist.";
    NotImplemented 501 Client "The request asks for something that is not implemented.";
    OperationAborted 409 Client "A conflicting operation is in progress on this resource; try again.";
    PreconditionFailed 412 Client "At least one of the preconditions did not hold.";
    QuotaExceeded 403 Tenant "The storage of this tenant is full; its administrator must make room.";
    RequestHeaderSectionTooLarge 400 Client "The headers exceed the largest allowed size.";
    RequestTimeTooSkewed 403 Client "The difference between the request time and the server's time is too large.";
    RequestTimeout 400 Client "The body did not arrive within the timeout.";
    ServiceUnavailable 503 Gateway "The gateway cannot serve the request now; try again.";
    SignatureDoesNotMatch 403 Client "The signature that was calculated does not match the signature that was sent.";
    SlowDown 503 Client "Reduce the request rate.";
    TenantStorageRefused 502 Tenant "The storage of this tenant refused the gateway; its administrator must look at the role and the bucket policy.";
    TenantStorageTimeout 504 Tenant "The storage of this tenant did not answer in time.";
    TenantStorageUnavailable 503 Tenant "The storage of this tenant cannot be reached or is not working now; try again.";
    XAmzContentChecksumMismatch 400 Client "The checksum that was sent does not match the bytes that arrived.";
    XAmzContentSHA256Mismatch 400 Client "The x-amz-content-sha256 header does not match the bytes that arrived.";
}

impl ErrorCode {
    /// The code with this exact name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }

    /// Whether the same request may succeed later without a change.
    pub fn retry_helps(self) -> bool {
        let transient = matches!(
            self,
            Self::RequestTimeout | Self::OperationAborted | Self::ConditionalRequestConflict
        );
        transient || (self.status().is_server_error() && self != Self::NotImplemented)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
            assert!(code.status().as_u16() >= 400);
        }
        assert_eq!(ErrorCode::parse("nosuchkey"), None);
    }

    #[test]
    fn only_passing_trouble_invites_a_retry() {
        assert!(ErrorCode::SlowDown.retry_helps());
        assert!(ErrorCode::TenantStorageUnavailable.retry_helps());
        assert!(!ErrorCode::NotImplemented.retry_helps());
        assert!(!ErrorCode::AccessDenied.retry_helps());
    }
}
