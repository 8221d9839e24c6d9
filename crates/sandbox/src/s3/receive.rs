//! Takes a body in: counted, hashed, written as it comes, verified before it counts.

use super::checksum::{Declared, Digests, Sums, declared_md5};
use super::fault::{lost, named};
use crate::disk::{ChecksumAlgorithm, Draft, Store};
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, TrailingHeaders, s3_error};
use std::sync::Arc;

/// A body larger than this goes to disk piece by piece; memory per upload stays about here.
const PIECE_BYTES: usize = 1 << 20;

/// What is expected of a body.
pub(super) struct Expected {
    length: Option<u64>,
    md5: Option<String>,
    declared: Declared,
    trailers: Option<TrailingHeaders>,
}

impl Expected {
    /// Reads the headers of an upload; `length` is that of the body without its framing.
    pub(super) fn of(
        headers: &HeaderMap,
        length: Option<i64>,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<Self> {
        let length = length
            .map(|length| {
                u64::try_from(length)
                    .map_err(|_| s3_error!(InvalidArgument, "The content length is negative"))
            })
            .transpose()?;
        Ok(Self {
            length,
            md5: declared_md5(headers)?,
            declared: Declared::of(headers)?,
            trailers,
        })
    }

    /// The algorithm that the client chose.
    pub(super) fn algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.declared.algorithm()
    }
}

/// A body that has arrived as it was meant.
pub(super) struct Received {
    draft: Option<Draft>,
    /// Not on disk yet.
    rest: Vec<u8>,
    pub(super) size: u64,
    pub(super) sums: Sums,
}

impl Received {
    /// A body that is on disk already.
    pub(super) fn written(draft: Draft, size: u64, sums: Sums) -> Self {
        Self {
            draft: Some(draft),
            rest: Vec::new(),
            size,
            sums,
        }
    }

    /// The draft with all bytes in it. Touches files.
    pub(super) fn into_draft(mut self, store: &Store) -> S3Result<Draft> {
        let mut draft = match self.draft.take() {
            Some(draft) => draft,
            None => store.draft().map_err(S3Error::internal_error)?,
        };
        draft.write(&self.rest).map_err(S3Error::internal_error)?;
        Ok(draft)
    }
}

/// Reads `body` to its end. Whatever is not as expected is an error, and then nothing stays.
pub(super) async fn receive(
    store: &Arc<Store>,
    body: Option<StreamingBlob>,
    expected: Expected,
    algorithm: ChecksumAlgorithm,
) -> S3Result<Received> {
    let mut digests = Digests::new(algorithm);
    let mut draft = None;
    let mut rest =
        Vec::with_capacity(expected.length.unwrap_or(0).min(PIECE_BYTES as u64) as usize);
    let mut size = 0_u64;
    if let Some(mut body) = body {
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(broken)?;
            size += bytes.len() as u64;
            if expected.length.is_some_and(|length| size > length) {
                return Err(incomplete());
            }
            digests.update(&bytes);
            rest.extend_from_slice(&bytes);
            if rest.len() >= PIECE_BYTES {
                (draft, rest) = write_piece(store, draft, rest).await?;
            }
        }
    }
    if expected.length.is_some_and(|length| size != length) {
        return Err(incomplete());
    }
    let sums = digests.finish();
    let trailers = expected.trailers.and_then(|trailers| trailers.take());
    sums.verify(
        expected.md5.as_deref(),
        &expected.declared,
        trailers.as_ref(),
    )?;
    Ok(Received {
        draft,
        rest,
        size,
        sums,
    })
}

async fn write_piece(
    store: &Arc<Store>,
    draft: Option<Draft>,
    mut piece: Vec<u8>,
) -> S3Result<(Option<Draft>, Vec<u8>)> {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || {
        let mut draft = match draft {
            Some(draft) => draft,
            None => store.draft()?,
        };
        draft.write(&piece)?;
        piece.clear();
        Ok((Some(draft), piece))
    })
    .await
    .map_err(lost)?
    .map_err(|error: std::io::Error| S3Error::internal_error(error))
}

fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}

/// The streams of s3s are private to it: their errors can only be told apart by their words.
fn broken(error: s3s::StdError) -> S3Error {
    let words = error.to_string();
    let mut answer = if words.contains("Sha256Mismatch") {
        named(
            "XAmzContentSHA256Mismatch",
            StatusCode::BAD_REQUEST,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    } else if words.contains("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. Check \
             your key and signing method."
        )
    } else {
        incomplete()
    };
    answer.set_source(error);
    answer
}
