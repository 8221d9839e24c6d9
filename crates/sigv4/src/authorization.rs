//! The `Authorization` header.

use crate::canonical::ALGORITHM;
use crate::error::{AuthError, Mechanism};
use crate::request::RequestView;

/// Longer than any that a client writes: a hundred signed headers fit twice.
const MAX_AUTHORIZATION_BYTES: usize = 8_192;

/// What the header holds.
pub(crate) enum Authorization<'a> {
    /// No header.
    Absent,
    /// Signature Version 4, to be read with [`V4Header::parse`].
    Version4(&'a str),
    /// Another way of AWS, which we refuse by its name.
    OtherAws(Mechanism),
    /// Basic, Bearer and the like: not ours.
    Foreign(&'a str),
}

impl<'a> Authorization<'a> {
    pub(crate) fn find(request: &RequestView<'a>) -> Result<Self, AuthError> {
        let value = request
            .single("authorization")
            .map_err(|_| AuthError::HeaderMalformed("it is repeated, or not plain text"))?;
        let Some(value) = value else {
            return Ok(Self::Absent);
        };
        if value.len() > MAX_AUTHORIZATION_BYTES {
            return Err(AuthError::HeaderMalformed("it is longer than 8 KiB"));
        }
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        Ok(match scheme {
            ALGORITHM => Self::Version4(rest),
            "AWS" => Self::OtherAws(Mechanism::SigV2Header),
            "AWS4-ECDSA-P256-SHA256" => Self::OtherAws(Mechanism::SigV4A),
            _ if scheme.starts_with("AWS") => Self::OtherAws(Mechanism::Other(scheme.into())),
            _ => Self::Foreign(scheme),
        })
    }
}

/// The three parts of a version 4 header.
pub(crate) struct V4Header<'a> {
    pub(crate) credential: &'a str,
    pub(crate) signed_headers: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> V4Header<'a> {
    /// Reads `Credential`, `SignedHeaders` and `Signature`, each once, in any order.
    pub(crate) fn parse(text: &'a str) -> Result<Self, AuthError> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in text.split(',') {
            let (name, value) = part
                .trim_matches(' ')
                .split_once('=')
                .ok_or(AuthError::HeaderMalformed("a part of it is not name=value"))?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(AuthError::HeaderMalformed("it has an unknown part")),
            };
            if slot.replace(value).is_some() {
                return Err(AuthError::HeaderMalformed("a part of it is repeated"));
            }
        }
        Ok(Self {
            credential: credential.ok_or(AuthError::HeaderMalformed("Credential is missing"))?,
            signed_headers: signed_headers
                .ok_or(AuthError::HeaderMalformed("SignedHeaders is missing"))?,
            signature: signature.ok_or(AuthError::HeaderMalformed("Signature is missing"))?,
        })
    }
}
