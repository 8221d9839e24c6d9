//! What can be wrong with a chunked body.

/// Why a chunked body is refused; whatever was sent on of it must not be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The payload is not in chunks.
    #[error("the body is not in aws-chunked framing")]
    NotChunked,
    /// `x-amz-decoded-content-length` is missing.
    #[error("the header x-amz-decoded-content-length is missing: a chunked body needs it")]
    LengthMissing,
    /// `x-amz-decoded-content-length` is not a length.
    #[error("the header x-amz-decoded-content-length is not a length")]
    LengthMalformed,
    /// `x-amz-trailer` cannot be read.
    #[error("the header x-amz-trailer is malformed: {0}")]
    TrailerHeader(&'static str),
    /// The framing cannot be read.
    #[error("the chunked body is malformed: {0}")]
    Framing(&'static str),
    /// A chunk's signature is wrong.
    #[error("the signature of chunk {0} does not match")]
    ChunkSignature(u64),
    /// The signature of the trailers is wrong.
    #[error("the signature of the trailers does not match")]
    TrailerSignature,
    /// More bytes than `x-amz-decoded-content-length` says.
    #[error("the body is longer than x-amz-decoded-content-length, {declared} bytes")]
    TooLong {
        /// What was declared.
        declared: u64,
    },
    /// Fewer bytes than `x-amz-decoded-content-length` says.
    #[error("the body has {decoded} bytes and x-amz-decoded-content-length says {declared}")]
    TooShort {
        /// What came.
        decoded: u64,
        /// What was declared.
        declared: u64,
    },
    /// The body ends before its last chunk or trailer.
    #[error("the body ended before its last chunk was complete")]
    Truncated,
    /// Bytes after the end of the body.
    #[error("there are bytes after the end of the chunked body")]
    AfterEnd,
    /// The trailers are not those that were announced, or cannot be read.
    #[error("the trailers are malformed: {0}")]
    Trailer(&'static str),
    /// An earlier call failed.
    #[error("the body was already refused")]
    AlreadyFailed,
}

impl ChunkError {
    /// The S3 error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LengthMissing => "MissingContentLength",
            Self::LengthMalformed => "InvalidArgument",
            Self::NotChunked
            | Self::Framing(_)
            | Self::TooLong { .. }
            | Self::AfterEnd
            | Self::AlreadyFailed => "InvalidRequest",
            Self::ChunkSignature(_) | Self::TrailerSignature => "SignatureDoesNotMatch",
            Self::TooShort { .. } | Self::Truncated => "IncompleteBody",
            Self::TrailerHeader(_) | Self::Trailer(_) => "MalformedTrailerError",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self.code() {
            "MissingContentLength" => 411,
            "SignatureDoesNotMatch" => 403,
            _ => 400,
        }
    }
}
