//! Query parameters that authenticate: found, collected, and taken out before forwarding.

use crate::encode::decode_component;
use crate::error::AuthError;
use std::borrow::Cow;

/// More parameters than any S3 operation has, presigned or not.
const MAX_PARAMETERS: usize = 64;

/// A parameter that belongs to authentication, by its name without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthParameter {
    Algorithm,
    Credential,
    Date,
    Expires,
    SignedHeaders,
    Signature,
    SecurityToken,
    ContentSha256,
}

/// What Signature Version 4 puts into a query.
const PARAMETERS: [(&str, AuthParameter); 8] = [
    ("algorithm", AuthParameter::Algorithm),
    ("credential", AuthParameter::Credential),
    ("date", AuthParameter::Date),
    ("expires", AuthParameter::Expires),
    ("signedheaders", AuthParameter::SignedHeaders),
    ("signature", AuthParameter::Signature),
    ("security-token", AuthParameter::SecurityToken),
    ("content-sha256", AuthParameter::ContentSha256),
];

impl AuthParameter {
    /// The parameter that a raw name spells, escapes included.
    pub(crate) fn of(raw_name: &str) -> Option<Self> {
        let name = decode_component(raw_name)?;
        let prefix = name.get(..6)?;
        if !prefix.eq_ignore_ascii_case("x-amz-") {
            return None;
        }
        let tail = &name[6..];
        PARAMETERS
            .iter()
            .find_map(|(known, parameter)| known.eq_ignore_ascii_case(tail).then_some(*parameter))
    }
}

/// The raw names and values of a query; a name without `=` has an empty value.
pub(crate) fn pairs(raw: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    raw.unwrap_or("")
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The authentication parameters of a query, decoded once.
#[derive(Default)]
pub(crate) struct QueryAuth<'a> {
    values: [Option<Cow<'a, str>>; PARAMETERS.len()],
    has_version_2: bool,
}

impl<'a> QueryAuth<'a> {
    /// Collects; a repeated or undecodable parameter is an error.
    pub(crate) fn collect(raw: Option<&'a str>) -> Result<Self, AuthError> {
        let mut found = Self::default();
        let (mut v2_signature, mut v2_expires) = (false, false);
        for (count, (name, value)) in pairs(raw).enumerate() {
            if count == MAX_PARAMETERS {
                return Err(AuthError::RequestMalformed(
                    "its query has more than 64 parameters",
                ));
            }
            match name {
                "AWSAccessKeyId" => found.has_version_2 = true,
                "Signature" => v2_signature = true,
                "Expires" => v2_expires = true,
                _ => {}
            }
            let Some(parameter) = AuthParameter::of(name) else {
                continue;
            };
            let value = decode_component(value)
                .ok_or(AuthError::QueryMalformed("an X-Amz parameter is not UTF-8"))?;
            if found.values[parameter as usize].replace(value).is_some() {
                return Err(AuthError::QueryMalformed("an X-Amz parameter is repeated"));
            }
        }
        found.has_version_2 |= v2_signature && v2_expires;
        Ok(found)
    }

    /// Whether the query claims an identity by Signature Version 4.
    pub(crate) fn is_version_4(&self) -> bool {
        use AuthParameter::{Algorithm, Credential, Signature};
        [Algorithm, Credential, Signature]
            .iter()
            .any(|p| self.values[*p as usize].is_some())
    }

    /// Whether the query claims an identity by Signature Version 2.
    pub(crate) fn is_version_2(&self) -> bool {
        self.has_version_2
    }

    /// Takes a value out.
    pub(crate) fn take(&mut self, parameter: AuthParameter) -> Option<Cow<'a, str>> {
        self.values[parameter as usize].take()
    }
}

/// The query without its authentication parameters; the others stay byte for byte, in order.
///
/// Empty when nothing is left. What goes is what [`crate::Claim::parse`] recognises:
/// `X-Amz-Algorithm`, `-Credential`, `-Date`, `-Expires`, `-SignedHeaders`, `-Signature`,
/// `-Security-Token` and `-Content-Sha256`, in any case and escaping.
pub fn strip_auth_query(query: &str) -> Cow<'_, str> {
    let is_auth = |part: &&str| {
        let name = part.split_once('=').map_or(*part, |(name, _)| name);
        AuthParameter::of(name).is_some()
    };
    if !query.split('&').any(|part| is_auth(&part)) {
        return Cow::Borrowed(query);
    }
    let mut rest = String::with_capacity(query.len());
    for (index, part) in query.split('&').filter(|part| !is_auth(part)).enumerate() {
        if index > 0 {
            rest.push('&');
        }
        rest.push_str(part);
    }
    Cow::Owned(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authentication_is_stripped_and_the_rest_stays_byte_for_byte() {
        for (query, rest) in [
            ("", ""),
            ("a=%2f+b&c", "a=%2f+b&c"),
            ("X-Amz-Signature=1", ""),
            (
                "z=1&X-Amz-Algorithm=x&a=b%2Fc&X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Expires=1&c=\
                 &X-Amz-SignedHeaders=host&x-amz-signature=s&X-Amz-Security-Token=t\
                 &X-Amz-Content-Sha256=h&x-amz-acl=private&z=0",
                "z=1&a=b%2Fc&c=&x-amz-acl=private&z=0",
            ),
            ("X%2DAmz%2DSignature=1&partNumber=1", "partNumber=1"),
            (
                "X-Amz-SignatureX=1&X-Amz-=2&X-Am",
                "X-Amz-SignatureX=1&X-Amz-=2&X-Am",
            ),
        ] {
            assert_eq!(strip_auth_query(query), rest, "{query}");
        }
    }

    #[test]
    fn a_repeated_authentication_parameter_is_an_error() {
        for query in [
            "X-Amz-Signature=1&X-Amz-Signature=1",
            "X-Amz-Date=1&x-amz-date=1",
            "X-Amz-Expires=1&X-Amz%2dExpires=2",
        ] {
            assert!(QueryAuth::collect(Some(query)).is_err(), "{query}");
        }
    }
}
