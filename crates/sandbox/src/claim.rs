//! What a request claims about its signer, before anything is verified.
//!
//! Only AWS Signature Version 4 is heard, by header or by query, never by both. The checks here
//! are those that s3s leaves out: every signed header is there, everything that must be signed
//! is signed.

use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;
use time::PrimitiveDateTime;
use time::macros::format_description;
use types::Timestamp;

/// Where the signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the `Authorization` header.
    Header,
    /// In the query, valid for so many seconds.
    Query {
        /// `X-Amz-Expires`.
        expires: i64,
    },
}

/// The parts of a SigV4 signature.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) place: Place,
    pub(crate) access_key: String,
    pub(crate) region: String,
    pub(crate) service: String,
    /// When the request says it was signed.
    pub(crate) signed_at: Timestamp,
    /// In lower case.
    pub(crate) signed_headers: Vec<String>,
    pub(crate) signature: String,
    /// `x-amz-security-token`.
    pub(crate) token: Option<String>,
}

/// Why a request's authentication cannot be heard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("Only one auth mechanism allowed")]
    TwoMechanisms,
    #[error(
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    )]
    OtherMechanism,
    #[error("{0}")]
    MalformedHeader(&'static str),
    #[error("{0}")]
    MalformedQuery(&'static str),
    #[error("There were headers present in the request which were not signed: {0}")]
    Unsigned(String),
    #[error("The signed header {0} is not in the request")]
    MissingSigned(String),
}

impl Claim {
    /// The claim of a request; `None` when nothing is signed.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Result<Option<Self>, ClaimError> {
        let query = Query::parse(uri.query().unwrap_or_default());
        let by_query = query.get("X-Amz-Algorithm").is_some()
            || query.get("X-Amz-Signature").is_some()
            || query.get("X-Amz-Credential").is_some();
        let old_query = query.get("AWSAccessKeyId").is_some() || query.get("Signature").is_some();
        let mut authorizations = headers.get_all(http::header::AUTHORIZATION).iter();
        let by_header = authorizations.next();
        if authorizations.next().is_some() || (by_header.is_some() && (by_query || old_query)) {
            return Err(ClaimError::TwoMechanisms);
        }
        if old_query {
            return Err(ClaimError::OtherMechanism);
        }
        let claim = match by_header {
            Some(value) => {
                let text = value.to_str().map_err(|_| {
                    ClaimError::MalformedHeader("The authorization header is not text.")
                })?;
                Self::from_header(text, headers)?
            }
            None if by_query => Self::from_query(&query)?,
            None => return Ok(None),
        };
        claim.check_headers(headers)?;
        Ok(Some(claim))
    }

    fn from_header(text: &str, headers: &HeaderMap) -> Result<Self, ClaimError> {
        let malformed = ClaimError::MalformedHeader;
        let (algorithm, fields) = text.split_once(' ').ok_or(ClaimError::OtherMechanism)?;
        if algorithm != "AWS4-HMAC-SHA256" {
            return Err(ClaimError::OtherMechanism);
        }
        let mut credential = None;
        let mut signed_headers = None;
        let mut signature = None;
        for field in fields.split(',') {
            let (name, value) = field
                .trim()
                .split_once('=')
                .ok_or(malformed("The authorization header is malformed."))?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(malformed("The authorization header has an unknown field.")),
            };
            if slot.replace(value).is_some() {
                return Err(malformed("The authorization header repeats a field."));
            }
        }
        let (Some(credential), Some(signed_headers), Some(signature)) =
            (credential, signed_headers, signature)
        else {
            return Err(malformed("The authorization header lacks a field."));
        };
        let date = headers
            .get("x-amz-date")
            .and_then(|date| date.to_str().ok())
            .ok_or(malformed(
                "AWS authentication requires a valid x-amz-date header",
            ))?;
        let token = headers
            .get("x-amz-security-token")
            .and_then(|token| token.to_str().ok());
        Self::assemble(
            Place::Header,
            credential,
            date,
            signed_headers,
            signature,
            token,
        )
        .map_err(malformed)
    }

    fn from_query(query: &Query) -> Result<Self, ClaimError> {
        let malformed = ClaimError::MalformedQuery;
        let need = |name| {
            query.get(name).ok_or(malformed(
                "Query-string authentication requires the X-Amz-Algorithm, X-Amz-Credential, \
                 X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders and X-Amz-Expires parameters.",
            ))
        };
        match need("X-Amz-Algorithm")? {
            "AWS4-HMAC-SHA256" => {}
            _ => return Err(ClaimError::OtherMechanism),
        }
        let expires = need("X-Amz-Expires")?
            .parse::<i64>()
            .map_err(|_| malformed("X-Amz-Expires should be a number"))?;
        if !(1..=604_800).contains(&expires) {
            return Err(malformed(
                "X-Amz-Expires must be between 1 second and a week",
            ));
        }
        Self::assemble(
            Place::Query { expires },
            need("X-Amz-Credential")?,
            need("X-Amz-Date")?,
            need("X-Amz-SignedHeaders")?,
            need("X-Amz-Signature")?,
            query.get("X-Amz-Security-Token"),
        )
        .map_err(malformed)
    }

    fn assemble(
        place: Place,
        credential: &str,
        date: &str,
        signed_headers: &str,
        signature: &str,
        token: Option<&str>,
    ) -> Result<Self, &'static str> {
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key, day, region, service, "aws4_request"] = scope[..] else {
            return Err(
                "The credential is malformed; expecting \"<key>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            );
        };
        let signed_at = PrimitiveDateTime::parse(
            date,
            format_description!("[year][month][day]T[hour][minute][second]Z"),
        )
        .map_err(|_| "The date is not in the format YYYYMMDD'T'HHMMSS'Z'.")?;
        if !date.starts_with(day) || day.len() != 8 {
            return Err("The credential's date is not the date of the request.");
        }
        Ok(Self {
            place,
            access_key: access_key.to_string(),
            region: region.to_string(),
            service: service.to_string(),
            signed_at: Timestamp::from_unix(signed_at.assume_utc().unix_timestamp()),
            signed_headers: signed_headers
                .split(';')
                .map(str::to_ascii_lowercase)
                .collect(),
            signature: signature.to_string(),
            token: token.map(str::to_string),
        })
    }

    fn check_headers(&self, headers: &HeaderMap) -> Result<(), ClaimError> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        if let Some(absent) = self
            .signed_headers
            .iter()
            .find(|name| !headers.contains_key(name.as_str()))
        {
            return Err(ClaimError::MissingSigned(absent.clone()));
        }
        let unsigned: Vec<&str> = headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| *name == "host" || name.starts_with("x-amz-"))
            .filter(|name| !is_signed(name))
            .collect();
        if unsigned.is_empty() {
            Ok(())
        } else {
            Err(ClaimError::Unsigned(unsigned.join(", ")))
        }
    }
}

/// The decoded parameters of a query, in order.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses; what is not UTF-8 is kept with replacement characters, and so matches nothing.
    pub(crate) fn parse(query: &str) -> Self {
        Self(
            query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// All parameters.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names of all parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260102/eu-west-1/s3/aws4_request, \
                          SignedHeaders=host;x-amz-date, Signature=00";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn of(uri: &str, pairs: &[(&'static str, &str)]) -> Result<Option<Claim>, ClaimError> {
        Claim::of(&uri.parse().unwrap(), &headers(pairs))
    }

    #[test]
    fn a_signed_request_names_its_key_and_scope() {
        let claim = of(
            "/",
            &[
                ("host", "h"),
                ("x-amz-date", "20260102T030405Z"),
                ("authorization", HEADER),
            ],
        )
        .unwrap()
        .unwrap();
        assert_eq!(claim.access_key, "AKIAEXAMPLE");
        assert_eq!(
            (claim.region.as_str(), claim.service.as_str()),
            ("eu-west-1", "s3")
        );
        assert_eq!(claim.signed_at.unix(), 1_767_323_045);
    }

    #[test]
    fn a_request_that_says_it_twice_or_in_an_old_way_is_refused() {
        let base = [
            ("host", "h"),
            ("x-amz-date", "20260102T030405Z"),
            ("authorization", HEADER),
        ];
        assert_eq!(
            of("/?X-Amz-Signature=0", &base).unwrap_err(),
            ClaimError::TwoMechanisms
        );
        assert_eq!(
            of("/?AWSAccessKeyId=a&Signature=b&Expires=1", &[("host", "h")]).unwrap_err(),
            ClaimError::OtherMechanism
        );
        assert_eq!(
            of(
                "/",
                &[("host", "h"), ("authorization", "AWS key:signature")]
            )
            .unwrap_err(),
            ClaimError::OtherMechanism
        );
        assert!(of("/", &[("host", "h")]).unwrap().is_none());
    }

    #[test]
    fn what_must_be_signed_and_is_not_is_refused() {
        let signed = [
            ("host", "h"),
            ("x-amz-date", "20260102T030405Z"),
            ("authorization", HEADER),
        ];
        let mut extra = signed.to_vec();
        extra.push(("x-amz-meta-a", "b"));
        assert_eq!(
            of("/", &extra).unwrap_err(),
            ClaimError::Unsigned("x-amz-meta-a".into())
        );
        assert_eq!(
            of("/", &signed[1..]).unwrap_err(),
            ClaimError::MissingSigned("host".into())
        );
    }
}
