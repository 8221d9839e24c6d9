//! Checksums: computed while bytes pass, compared with what the client declared.

use crate::error::S3Error;
use crate::error_code::ErrorCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderMap;
use sha2::Digest as _;

/// A checksum that S3 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// CRC-32 (ISO-HDLC).
    Crc32,
    /// CRC-32C (iSCSI).
    Crc32c,
    /// CRC-64/NVME, the default of current SDKs and of S3.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// MD5: only as Content-MD5, never as an `x-amz-checksum-*` header.
    Md5,
}

impl Algorithm {
    /// The ones that have an `x-amz-checksum-*` header.
    pub const HEADERS: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The header that carries the value, in lower case.
    pub const fn header_name(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
            Self::Md5 => "content-md5",
        }
    }

    /// The element that carries the value in documents.
    pub const fn element_name(self) -> &'static str {
        match self {
            Self::Crc32 => "ChecksumCRC32",
            Self::Crc32c => "ChecksumCRC32C",
            Self::Crc64Nvme => "ChecksumCRC64NVME",
            Self::Sha1 => "ChecksumSHA1",
            Self::Sha256 => "ChecksumSHA256",
            Self::Md5 => "ContentMD5",
        }
    }

    /// The name in `x-amz-checksum-algorithm`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Md5 => "MD5",
        }
    }

    /// The length of the value, in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Md5 => 16,
        }
    }

    /// From the name in `x-amz-checksum-algorithm`, whatever its case.
    ///
    /// # Errors
    /// `InvalidRequest`, with the name.
    pub fn parse(name: &str) -> Result<Self, S3Error> {
        let found = Self::HEADERS
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| unsupported(name))
    }

    /// From the name of its header or trailer, in lower case; Content-MD5 is none of them.
    pub fn from_header(name: &str) -> Option<Self> {
        Self::HEADERS
            .into_iter()
            .find(|known| known.header_name() == name)
    }
}

pub(crate) fn unsupported(name: &str) -> S3Error {
    let shown: String = name.chars().take(64).collect();
    S3Error::with_message(
        ErrorCode::InvalidRequest,
        format!(
            "The checksum {shown} is not supported; use CRC32, CRC32C, CRC64NVME, SHA1 or SHA256."
        ),
    )
}

/// The value of a checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl Digest {
    /// From base64, with the exact length of the algorithm.
    ///
    /// # Errors
    /// `InvalidDigest` for Content-MD5, `InvalidRequest` with the header's name for the others.
    pub fn parse_base64(algorithm: Algorithm, text: &str) -> Result<Self, S3Error> {
        match STANDARD.decode(text) {
            Ok(bytes) if bytes.len() == algorithm.digest_len() => Ok(Self { algorithm, bytes }),
            _ if algorithm == Algorithm::Md5 => Err(S3Error::with_message(
                ErrorCode::InvalidDigest,
                "The Content-MD5 value is not valid.",
            )),
            _ => Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                format!("The value of {} is not valid.", algorithm.header_name()),
            )),
        }
    }

    /// Which checksum it is.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes, most significant first.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As it stands in headers.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }
}

/// A checksum in the making.
#[derive(Clone)]
pub struct Checksum {
    algorithm: Algorithm,
    state: State,
}

#[derive(Clone)]
enum State {
    Crc(crc_fast::Digest),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Md5(md5::Md5),
}

impl Checksum {
    /// Of no bytes yet.
    pub fn new(algorithm: Algorithm) -> Self {
        let crc = |kind| State::Crc(crc_fast::Digest::new(kind));
        let state = match algorithm {
            Algorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Md5 => State::Md5(md5::Md5::new()),
        };
        Self { algorithm, state }
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
        }
    }

    /// The value.
    pub fn finish(self) -> Digest {
        let bytes = match self.state {
            State::Crc(state) => {
                let all = state.finalize().to_be_bytes();
                all[all.len() - self.algorithm.digest_len()..].to_vec()
            }
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
            State::Md5(state) => state.finalize().to_vec(),
        };
        Digest {
            algorithm: self.algorithm,
            bytes,
        }
    }

    /// The value of `bytes` alone.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        let mut checksum = Self::new(algorithm);
        checksum.update(bytes);
        checksum.finish()
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Checksum({})", self.algorithm.name())
    }
}

/// What the client declares about its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeclaredChecksums {
    /// From an `x-amz-checksum-*` header. For CompleteMultipartUpload it is about the whole
    /// object and must not be compared with the body.
    pub header: Option<Digest>,
    /// The checksum that `x-amz-trailer` announces behind the body.
    pub trailer: Option<Algorithm>,
    /// From Content-MD5.
    pub content_md5: Option<Digest>,
}

/// Reads the checksums that the headers declare.
///
/// # Errors
/// `InvalidRequest` for an unsupported algorithm (with its name), for more than one
/// `x-amz-checksum-*`, and for a contradiction; `InvalidDigest` for a bad Content-MD5.
pub fn declared_checksums(headers: &HeaderMap) -> Result<DeclaredChecksums, S3Error> {
    let declared = DeclaredChecksums {
        header: header_checksum(headers)?,
        trailer: trailer_checksum(headers)?,
        content_md5: single(headers, "content-md5")?
            .map(|text| Digest::parse_base64(Algorithm::Md5, text))
            .transpose()?,
    };
    if declared.header.is_some() && declared.trailer.is_some() {
        return Err(invalid(
            "A checksum is expected either in a header or in the trailer, not in both.",
        ));
    }
    // An algorithm without a value asks for nothing that could be checked: some presigners do that.
    if let Some(name) = single(headers, "x-amz-sdk-checksum-algorithm")? {
        let named = Algorithm::parse(name)?;
        let given = declared
            .header
            .as_ref()
            .map(Digest::algorithm)
            .or(declared.trailer);
        if given.is_some_and(|given| given != named) {
            return Err(invalid(
                "The x-amz-sdk-checksum-algorithm header names another checksum than the one that was sent.",
            ));
        }
    }
    Ok(declared)
}

fn header_checksum(headers: &HeaderMap) -> Result<Option<Digest>, S3Error> {
    let mut found = None;
    for name in headers.keys().map(http::HeaderName::as_str) {
        let Some(rest) = name.strip_prefix("x-amz-checksum-") else {
            continue;
        };
        if matches!(rest, "algorithm" | "mode" | "type") {
            continue;
        }
        let algorithm = Algorithm::from_header(name).ok_or_else(|| unsupported(rest))?;
        let text = single(headers, name)?.unwrap_or_default();
        if found
            .replace(Digest::parse_base64(algorithm, text)?)
            .is_some()
        {
            return Err(invalid(
                "A single x-amz-checksum- header is expected; several checksums are not allowed.",
            ));
        }
    }
    Ok(found)
}

fn trailer_checksum(headers: &HeaderMap) -> Result<Option<Algorithm>, S3Error> {
    let Some(text) = single(headers, "x-amz-trailer")? else {
        return Ok(None);
    };
    let name = text.trim().to_ascii_lowercase();
    if name.contains(',') {
        return Err(invalid("A single trailer is expected."));
    }
    match Algorithm::from_header(&name) {
        Some(algorithm) => Ok(Some(algorithm)),
        None => Err(unsupported(
            name.strip_prefix("x-amz-checksum-").unwrap_or(&name),
        )),
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, S3Error> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(invalid("A checksum header is not ASCII.")),
        },
        (Some(_), Some(_)) => Err(invalid("A checksum header is given more than once.")),
    }
}

fn invalid(message: &'static str) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidRequest, message)
}
