//! CompleteMultipartUpload: the list of parts, checked and written anew.

use super::tree::{Record, Records, check_unique, field, malformed};
use crate::checksum::{Algorithm, Digest};
use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::headers::ChecksumPolicy;
use crate::xml::Writer;
use bytes::Bytes;

/// Source: S3 user guide, "Multipart upload limits".
const MAX_PARTS: usize = 10_000;
const MAX_BODY_BYTES: usize = 4 * 1_024 * 1_024;

/// One part of the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedPart {
    /// 1 to 10,000.
    pub number: u16,
    /// As UploadPart answered it, with or without quotes.
    pub etag: String,
    /// As UploadPart answered it.
    pub checksums: Vec<Digest>,
}

/// The client's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteMultipartUpload {
    /// In ascending order of their numbers.
    pub parts: Vec<CompletedPart>,
}

impl CompleteMultipartUpload {
    /// Parses the client's document.
    ///
    /// # Errors
    /// `MalformedXML` for anything but 1 to 10,000 parts in at most 4 MiB of plain XML,
    /// `InvalidPartOrder` when their numbers do not rise, `InvalidRequest` for a bad checksum.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        if body.len() > MAX_BODY_BYTES {
            return Err(malformed("it is larger than 4 MiB"));
        }
        let document =
            Records::parse(body, "CompleteMultipartUpload", MAX_PARTS).map_err(malformed)?;
        if !document.fields.is_empty() {
            return Err(malformed(
                "an element of CompleteMultipartUpload is unknown",
            ));
        }
        if document.records.is_empty() {
            return Err(malformed("it names no part"));
        }
        let parts = document
            .records
            .iter()
            .map(|(name, record)| part(name, record));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        if parts
            .windows(2)
            .any(|pair| pair[0].number >= pair[1].number)
        {
            return Err(S3Error::new(ErrorCode::InvalidPartOrder));
        }
        Ok(Self { parts })
    }

    /// The upstream's document: what was checked is what is sent.
    pub fn upstream_body(&self, checksums: ChecksumPolicy) -> Bytes {
        let mut out = Writer::document();
        out.open_root("CompleteMultipartUpload");
        for part in &self.parts {
            out.open("Part");
            if checksums == ChecksumPolicy::Forward {
                for digest in &part.checksums {
                    out.leaf(digest.algorithm().element_name(), &digest.to_base64());
                }
            }
            out.leaf("ETag", &part.etag);
            out.leaf("PartNumber", &part.number.to_string());
            out.close("Part");
        }
        out.close("CompleteMultipartUpload");
        out.into_bytes()
    }
}

fn part(name: &str, record: &Record) -> Result<CompletedPart, S3Error> {
    if name != "Part" {
        return Err(malformed(
            "an element of CompleteMultipartUpload is unknown",
        ));
    }
    check_unique(record)?;
    let mut checksums = Vec::new();
    for (name, text) in record {
        if matches!(name.as_str(), "ETag" | "PartNumber") {
            continue;
        }
        let algorithm = Algorithm::HEADERS
            .into_iter()
            .find(|known| known.element_name() == name);
        let algorithm = algorithm.ok_or_else(|| malformed("an element of Part is unknown"))?;
        checksums.push(Digest::parse_base64(algorithm, text.trim())?);
    }
    let number = field(record, "PartNumber").map(str::trim);
    let number = number
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse::<u16>().ok())
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| malformed("a part number is not an integer between 1 and 10000"))?;
    let etag = field(record, "ETag").map(str::trim).unwrap_or_default();
    if etag.is_empty() || etag.len() > 256 || !etag.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(malformed("a part has no valid ETag"));
    }
    Ok(CompletedPart {
        number,
        etag: etag.to_owned(),
        checksums,
    })
}
