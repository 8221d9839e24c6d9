//! The query string, decoded once, with every name accounted for.

use crate::encoding::{Plus, decode};
use crate::error::S3Error;
use crate::error_code::ErrorCode;

/// More parameters than any S3 operation has, presigned or not.
const MAX_PARAMETERS: usize = 64;

/// What authenticates a presigned request; `sigv4` reads them, the operation does not.
const AUTHENTICATION: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// The parameters that say what a request does, each at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// Without authentication and `x-amz-*`.
    pub(crate) parameters: Vec<(String, String)>,
    /// `x-amz-*` parameters that act as headers, lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, S3Error> {
        let mut query = Self {
            parameters: Vec::new(),
            headers: Vec::new(),
        };
        let pairs = raw.unwrap_or("").split('&').filter(|pair| !pair.is_empty());
        for (count, pair) in pairs.enumerate() {
            if count == MAX_PARAMETERS {
                return Err(argument("The query has too many parameters."));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode_part(name)?, decode_part(value)?);
            let lower = name.to_ascii_lowercase();
            if AUTHENTICATION.contains(&lower.as_str()) {
                continue;
            }
            let (list, name) = match lower.starts_with("x-amz-") {
                true => (&mut query.headers, lower),
                false => (&mut query.parameters, name),
            };
            if list.iter().any(|(seen, _)| *seen == name) {
                return Err(argument("A query parameter is given more than once.")
                    .with("ArgumentName", name));
            }
            list.push((name, value));
        }
        Ok(query)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(found, _)| found == name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Refuses whatever is in neither `allowed` nor `x-id`, which SDKs add to name the operation.
    pub(crate) fn allow_only(&self, allowed: &[&str]) -> Result<(), S3Error> {
        for (name, _) in &self.parameters {
            if name != "x-id" && !allowed.contains(&name.as_str()) {
                return Err(S3Error::with_message(
                    ErrorCode::NotImplemented,
                    "A query parameter asks for something that is not implemented.",
                )
                .with("ArgumentName", name.clone()));
            }
        }
        Ok(())
    }
}

pub(crate) fn argument(message: &'static str) -> S3Error {
    S3Error::with_message(ErrorCode::InvalidArgument, message)
}

fn decode_part(raw: &str) -> Result<String, S3Error> {
    decode(raw, Plus::Space).map_err(|error| {
        S3Error::with_message(
            ErrorCode::InvalidURI,
            format!("The query could not be parsed: {error}."),
        )
    })
}
