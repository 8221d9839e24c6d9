//! Whether an `aws-chunked` body ends as it must.
//!
//! s3s checks every chunk that comes, and takes the end of the stream for the end of the body. A
//! body whose last, empty chunk is missing has been cut, though: here it becomes an error.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use s3s::{Body, StdError};

/// Characters of a chunk's head: far more than a length and a signature.
const MAX_HEAD_BYTES: usize = 1_024;

/// The end of the stream came before the end of the body.
#[derive(Debug, thiserror::Error)]
#[error("the last chunk is missing")]
struct LastChunkMissing;

/// `body`, with an error behind it when it has been cut.
pub(crate) fn checked(body: Incoming) -> Body {
    let state = Some((body, Framing::default()));
    let frames = futures_util::stream::unfold(state, |state| async move {
        let (mut body, mut framing) = state?;
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    framing.feed(data);
                }
                Some((Ok(frame), Some((body, framing))))
            }
            Some(Err(error)) => Some((Err(StdError::from(error)), None)),
            None if framing.has_ended() => None,
            None => Some((Err(StdError::from(LastChunkMissing)), None)),
        }
    });
    Body::http_body_unsync(http_body_util::StreamBody::new(Box::pin(frames)))
}

/// Follows the chunks of a body.
#[derive(Debug, Default)]
struct Framing {
    head: Vec<u8>,
    /// Bytes of data and line end still to come.
    skip: u64,
    ended: bool,
    broken: bool,
}

impl Framing {
    fn feed(&mut self, data: &Bytes) {
        let mut rest = data.as_ref();
        while !rest.is_empty() && !self.ended && !self.broken {
            if self.skip > 0 {
                let skipped = self.skip.min(rest.len() as u64);
                rest = &rest[skipped as usize..];
                self.skip -= skipped;
                continue;
            }
            let Some(at) = rest.iter().position(|byte| *byte == b'\n') else {
                self.head.extend_from_slice(rest);
                self.broken = self.head.len() > MAX_HEAD_BYTES;
                return;
            };
            self.head.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            match chunk_length(&self.head) {
                Some(0) => self.ended = true,
                Some(length) => self.skip = length.saturating_add(2),
                None => self.broken = true,
            }
            self.head.clear();
        }
    }

    /// A body that is not in chunks at all is not judged here: s3s refuses it.
    fn has_ended(&self) -> bool {
        self.ended || self.broken
    }
}

fn chunk_length(head: &[u8]) -> Option<u64> {
    let head = std::str::from_utf8(head).ok()?;
    let digits = head.split(';').next()?.trim();
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"3;chunk-signature=0\r\nabc\r\n2\r\n0\n\r\n0;chunk-signature=0\r\n\r\n";

    #[test]
    fn only_the_empty_chunk_ends_a_body() {
        for size in 1..WHOLE.len() {
            let mut framing = Framing::default();
            for piece in WHOLE.chunks(size) {
                framing.feed(&Bytes::copy_from_slice(piece));
            }
            assert!(framing.has_ended(), "in pieces of {size}");
        }
        let end_of_head = WHOLE.len() - 2;
        for length in 0..end_of_head {
            let mut framing = Framing::default();
            framing.feed(&Bytes::copy_from_slice(&WHOLE[..length]));
            assert!(!framing.has_ended(), "cut at {length}");
        }
    }
}
