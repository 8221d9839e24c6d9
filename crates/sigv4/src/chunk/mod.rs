//! Taking aws-chunked framing off a body, and checking what it promises.

mod decoder;
mod error;
mod trailers;

pub use decoder::ChunkDecoder;
pub use error::ChunkError;
pub use trailers::Trailers;
