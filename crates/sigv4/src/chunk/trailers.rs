//! The header fields behind the last chunk.

use super::ChunkError;
use crate::payload::ChunkChain;
use crate::signature::{Signature, sha256};

/// More than the checksums that S3 has.
const MAX_TRAILERS: usize = 8;

/// The trailer that signs the others.
const SIGNATURE: &str = "x-amz-trailer-signature";

/// The trailers of a body, verified as far as they are signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trailers(Vec<(String, String)>);

impl Trailers {
    /// The value of `name`, given in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Names, lower case, and values, in the order of their arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads the names that `x-amz-trailer` announces.
pub(super) fn announced(header: &str) -> Result<Vec<String>, ChunkError> {
    let mut names = Vec::new();
    for name in header.split(',').map(|name| name.trim_matches(' ')) {
        if name.is_empty() && header.trim_matches(' ').is_empty() {
            break;
        }
        let name = name.to_ascii_lowercase();
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
            return Err(ChunkError::TrailerHeader(
                "it must hold header names joined with ','",
            ));
        }
        if name == SIGNATURE || names.contains(&name) {
            return Err(ChunkError::TrailerHeader(
                "a name in it is repeated or reserved",
            ));
        }
        if names.len() == MAX_TRAILERS {
            return Err(ChunkError::TrailerHeader(
                "it announces more than 8 trailers",
            ));
        }
        names.push(name);
    }
    Ok(names)
}

/// The trailers that have come so far.
#[derive(Default)]
pub(super) struct TrailerSection {
    fields: Vec<(String, String)>,
    signature: Option<Signature>,
}

impl TrailerSection {
    /// Takes one line. Some clients end each field with a line feed of its own inside the line,
    /// as the fields are spelled where they are signed.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let line = std::str::from_utf8(line).map_err(|_| ChunkError::Trailer("not plain text"))?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.split('\n').try_for_each(|field| self.field(field))
    }

    fn field(&mut self, field: &str) -> Result<(), ChunkError> {
        let (name, value) = field
            .split_once(':')
            .ok_or(ChunkError::Trailer("a trailer is not name:value"))?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim_start_matches(' '));
        if value.bytes().any(|b| !(b' '..=b'~').contains(&b)) {
            return Err(ChunkError::Trailer(
                "the value of a trailer is not plain text",
            ));
        }
        if self.signature.is_some() {
            return Err(ChunkError::Trailer(
                "a trailer follows the signature of the trailers",
            ));
        }
        if name == SIGNATURE {
            let signature = Signature::parse(value.as_bytes());
            self.signature = Some(signature.ok_or(ChunkError::TrailerSignature)?);
            return Ok(());
        }
        if self.fields.len() == MAX_TRAILERS {
            return Err(ChunkError::Trailer("there are more than 8"));
        }
        self.fields.push((name, value.to_string()));
        Ok(())
    }

    /// Judges the whole section: names as announced, and the signature where there must be one.
    pub(super) fn finish(
        self,
        announced: &[String],
        chain: Option<(&ChunkChain, &Signature)>,
    ) -> Result<Trailers, ChunkError> {
        let is_announced = |(name, _): &(String, String)| announced.contains(name);
        let is_there = |name: &String| self.fields.iter().any(|(found, _)| found == name);
        if self.fields.len() != announced.len()
            || !self.fields.iter().all(is_announced)
            || !announced.iter().all(is_there)
        {
            return Err(ChunkError::Trailer(
                "they are not the ones that x-amz-trailer announces",
            ));
        }
        match (chain, self.signature) {
            (None, None) => {}
            (None, Some(_)) => return Err(ChunkError::Trailer("they are signed and must not be")),
            (Some(_), None) => return Err(ChunkError::TrailerSignature),
            (Some((chain, last)), Some(signature)) => {
                verify(&self.fields, chain, last, &signature)?;
            }
        }
        Ok(Trailers(self.fields))
    }
}

/// Signers write several trailers in the order of arrival or sorted by name.
fn verify(
    fields: &[(String, String)],
    chain: &ChunkChain,
    last: &Signature,
    signature: &Signature,
) -> Result<(), ChunkError> {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let holds = |fields: &[(String, String)]| {
        let text: String = fields
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        chain
            .sign_trailer(last, &sha256(text.as_bytes()))
            .matches(signature)
    };
    if holds(fields) || holds(&sorted) {
        Ok(())
    } else {
        Err(ChunkError::TrailerSignature)
    }
}
