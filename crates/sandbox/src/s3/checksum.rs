//! MD5 and the five additional checksums.

use super::fault::named;
use crate::disk::{ChecksumAlgorithm, ChecksumScope, StoredChecksum};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Result, s3_error};

impl ChecksumAlgorithm {
    pub(crate) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// As the API names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// Its header and trailer.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The algorithm that the API calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// What a multipart upload with this algorithm has when it does not say.
    pub(crate) const fn default_scope(self) -> ChecksumScope {
        match self {
            Self::Crc64Nvme => ChecksumScope::FullObject,
            _ => ChecksumScope::Composite,
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

impl ChecksumScope {
    /// As the API names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Composite => "COMPOSITE",
            Self::FullObject => "FULL_OBJECT",
        }
    }

    /// The scope that the API calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Composite, Self::FullObject]
            .into_iter()
            .find(|scope| scope.name() == name)
    }
}

/// What the client says about the checksum of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Declared {
    /// Nothing.
    Nothing,
    /// The value, in a header, in base64.
    Value(ChecksumAlgorithm, String),
    /// That it will come behind the body.
    Trailer(ChecksumAlgorithm),
}

impl Declared {
    /// Reads the headers of an upload.
    pub(crate) fn of(headers: &HeaderMap) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut found = ChecksumAlgorithm::ALL
            .into_iter()
            .filter_map(|algorithm| Some((algorithm, text(algorithm.header())?)));
        let value = found.next();
        if found.next().is_some() {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            ));
        }
        let trailer = text("x-amz-trailer").map(|names| {
            ChecksumAlgorithm::ALL
                .into_iter()
                .find(|algorithm| names.trim().eq_ignore_ascii_case(algorithm.header()))
        });
        match (value, trailer) {
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header"
            )),
            (None, Some(None)) => Err(s3_error!(
                InvalidRequest,
                "The value specified in the x-amz-trailer header is not supported"
            )),
            (None, Some(Some(algorithm))) => Ok(Self::Trailer(algorithm)),
            (Some((algorithm, value)), None) => {
                check_base64(algorithm, value)?;
                Ok(Self::Value(algorithm, value.to_string()))
            }
            (None, None) => Ok(Self::Nothing),
        }
    }

    /// The algorithm, when there is one.
    pub(crate) fn algorithm(&self) -> Option<ChecksumAlgorithm> {
        match self {
            Self::Nothing => None,
            Self::Value(algorithm, _) | Self::Trailer(algorithm) => Some(*algorithm),
        }
    }
}

fn check_base64(algorithm: ChecksumAlgorithm, value: &str) -> S3Result<()> {
    match STANDARD.decode(value) {
        Ok(bytes) if bytes.len() == algorithm.bytes() => Ok(()),
        _ => Err(s3_error!(
            InvalidRequest,
            "Value for {} header is invalid.",
            algorithm.header()
        )),
    }
}

/// A `Content-MD5` header.
pub(crate) fn declared_md5(headers: &HeaderMap) -> S3Result<Option<String>> {
    let Some(value) = headers.get("content-md5") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    match STANDARD.decode(text) {
        Ok(bytes) if bytes.len() == 16 => Ok(Some(text.to_string())),
        _ => Err(s3_error!(
            InvalidDigest,
            "The Content-MD5 you specified was invalid."
        )),
    }
}

/// One running checksum.
pub(crate) enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    /// Over nothing yet.
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> Self {
        match algorithm {
            ChecksumAlgorithm::Crc32 => Self::Crc32(Crc32::new()),
            ChecksumAlgorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            ChecksumAlgorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            ChecksumAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            ChecksumAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    /// Over more.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// In base64.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Crc32(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Crc32c(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Crc64Nvme(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Sha1(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Sha256(hasher) => STANDARD.encode(hasher.finalize()),
        }
    }
}

/// MD5 and one checksum, running over a body.
pub(crate) struct Digests {
    md5: Md5,
    algorithm: ChecksumAlgorithm,
    hasher: Hasher,
}

/// Finished digests.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    pub(crate) md5: [u8; 16],
    pub(crate) algorithm: ChecksumAlgorithm,
    /// In base64.
    pub(crate) checksum: String,
}

impl Digests {
    /// Over nothing yet.
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> Self {
        Self {
            md5: Md5::new(),
            algorithm,
            hasher: Hasher::new(algorithm),
        }
    }

    /// Over more.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.hasher.update(bytes);
    }

    /// The values.
    pub(crate) fn finish(self) -> Sums {
        Sums {
            md5: self.md5.finalize(),
            algorithm: self.algorithm,
            checksum: self.hasher.finish(),
        }
    }
}

impl Sums {
    /// The entity tag of a body that was sent in one piece.
    pub(crate) fn etag(&self) -> String {
        hex::encode(self.md5)
    }

    /// As it is stored with an object that was sent in one piece.
    pub(crate) fn stored(&self) -> StoredChecksum {
        StoredChecksum {
            algorithm: self.algorithm,
            scope: ChecksumScope::FullObject,
            value: self.checksum.clone(),
        }
    }

    /// Whether this is what the client meant.
    pub(crate) fn verify(
        &self,
        md5: Option<&str>,
        declared: &Declared,
        trailers: Option<&HeaderMap>,
    ) -> S3Result<()> {
        if md5.is_some_and(|md5| md5 != STANDARD.encode(self.md5)) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let expected = match declared {
            Declared::Nothing => return Ok(()),
            Declared::Value(_, value) => value.as_str(),
            Declared::Trailer(algorithm) => {
                let value = trailers
                    .and_then(|trailers| trailers.get(algorithm.header()))
                    .and_then(|value| value.to_str().ok())
                    .ok_or_else(|| {
                        named(
                            "MalformedTrailerError",
                            StatusCode::BAD_REQUEST,
                            "The request contained trailing data that was not well-formed or did \
                             not conform to our published schema.",
                        )
                    })?;
                check_base64(*algorithm, value)?;
                value
            }
        };
        if expected != self.checksum {
            return Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                self.algorithm.name()
            ));
        }
        Ok(())
    }
}

/// Compares a small document with the digests that its headers declare.
pub(crate) fn verify_document(headers: &HeaderMap, bytes: &[u8], required: bool) -> S3Result<()> {
    let hash = headers
        .get("x-amz-content-sha256")
        .map(HeaderValue::as_bytes);
    let hash = hash.filter(|hash| hash.len() == 64);
    if hash.is_some_and(|hash| hash != hex::encode(Sha256::checksum(bytes)).as_bytes()) {
        return Err(named(
            "XAmzContentSHA256Mismatch",
            StatusCode::BAD_REQUEST,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ));
    }
    let md5 = declared_md5(headers)?;
    let declared = Declared::of(headers)?;
    if required && md5.is_none() && declared == Declared::Nothing {
        return Err(s3_error!(
            InvalidRequest,
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        ));
    }
    let mut digests = Digests::new(declared.algorithm().unwrap_or(ChecksumAlgorithm::Crc32));
    digests.update(bytes);
    digests.finish().verify(md5.as_deref(), &declared, None)
}

/// The entity tag of an object that was sent in parts, from the tags of the parts.
pub(crate) fn multipart_etag<'a>(parts: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = parts.len();
    let mut md5 = Md5::new();
    for etag in parts {
        md5.update(&hex::decode(etag).unwrap_or_default());
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

/// The checksum of checksums, `-N` behind it.
pub(crate) fn composite<'a>(
    algorithm: ChecksumAlgorithm,
    parts: impl ExactSizeIterator<Item = &'a str>,
) -> String {
    let count = parts.len();
    let mut hasher = Hasher::new(algorithm);
    for checksum in parts {
        hasher.update(&STANDARD.decode(checksum).unwrap_or_default());
    }
    format!("{}-{count}", hasher.finish())
}
