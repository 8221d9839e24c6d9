//! Gives a body out: small ones at once, large ones piece by piece.

use super::fault::lost;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes that are read at once, and so held in memory per download.
const PIECE_BYTES: u64 = 256 << 10;

/// A file that has been opened, and what of it is to be sent.
#[derive(Debug)]
struct Source {
    file: File,
    left: u64,
}

impl Source {
    fn open(path: &Path, span: Range<u64>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if span.start > 0 {
            file.seek(SeekFrom::Start(span.start))?;
        }
        Ok(Self {
            file,
            left: span.end - span.start,
        })
    }

    fn next_piece(&mut self) -> io::Result<Bytes> {
        let length = self.left.min(PIECE_BYTES);
        let mut piece = vec![0; length as usize];
        self.file.read_exact(&mut piece)?;
        self.left -= length;
        Ok(piece.into())
    }
}

/// The bytes `span` of the file at `path`, as the body of an answer; `None` when the file is gone.
pub(super) async fn body(path: PathBuf, span: Range<u64>) -> S3Result<Option<StreamingBlob>> {
    let opened = tokio::task::spawn_blocking(move || {
        let mut source = Source::open(&path, span)?;
        let first = source.next_piece()?;
        Ok((first, source))
    })
    .await
    .map_err(lost)?;
    let (first, source) = match opened {
        Ok(opened) => opened,
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(S3Error::internal_error(error)),
    };
    if source.left == 0 {
        return Ok(Some(StreamingBlob::from(s3s::Body::from(first))));
    }
    let rest = stream::try_unfold(source, |mut source| async move {
        if source.left == 0 {
            return Ok(None);
        }
        tokio::task::spawn_blocking(move || {
            let piece = source.next_piece()?;
            Ok(Some((piece, source)))
        })
        .await
        .map_err(io::Error::other)?
    });
    let whole = stream::iter([Ok::<_, io::Error>(first)]).chain(rest);
    Ok(Some(StreamingBlob::wrap(whole)))
}
