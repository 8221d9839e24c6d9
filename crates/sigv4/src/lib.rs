//! AWS Signature Version 4 as S3 speaks it: verify, sign, presign, and read signed bodies.
//!
//! Pure: no I/O, no async; time and keys are arguments. What it promises:
//!
//! * A [`Verified`] exists only after [`Verifier::verify`] has checked a signature in constant
//!   time; its fields and its constructor are private. It is the only source of a tenant.
//! * Refusals come before any guess: a header that was signed and is missing, an `x-amz-*` header
//!   that is there and was not signed, two ways of authenticating, an unknown payload literal.
//! * An unknown access key costs what a wrong signature costs and enters no cache.
//! * No error, `Debug` or log text holds a secret or the signature that would have been right.
//!
//! The walk of a request: [`Claim::parse`] reads what the client claims, the caller looks the
//! access key up, [`Verifier::verify`] proves the claim, and [`ChunkDecoder`] or [`BodyHash`]
//! checks the body while it streams. What the tenant may do is decided elsewhere.

mod authorization;
mod body_hash;
mod canonical;
mod chunk;
mod claim;
mod date;
mod encode;
mod error;
mod key_cache;
mod payload;
mod presign;
mod query;
mod request;
mod sign;
mod signature;
mod verify;

pub use body_hash::{BodyHash, BodyHashMismatch};
pub use chunk::{ChunkDecoder, ChunkError, Trailers};
pub use claim::{Claim, MAX_PRESIGN_SECONDS, MAX_SKEW_SECONDS};
pub use encode::{encode_path, encode_query_value};
pub use error::{AuthError, Mechanism, Mismatch};
pub use payload::{ChunkChain, Payload};
pub use presign::{PresignError, PresignRequest, SafeUrl, presign};
pub use query::strip_auth_query;
pub use request::RequestView;
pub use sign::{
    Outgoing, OutgoingPayload, SignError, SignatureHeaders, Signer, SigningCredentials, is_signed,
};
pub use verify::{KeyMaterial, Verified, Verifier};

/// SHA-256 of nothing, in hexadecimal: the payload hash of a request without a body.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The payload hash of a request whose body is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The payload hash of a body in unsigned chunks with trailers.
pub const STREAMING_UNSIGNED_PAYLOAD_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
