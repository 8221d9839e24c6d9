//! Verifies the signature of a query-protocol request: signed again by `aws-sigv4`, compared.

use super::error::{QueryError, QueryResult};
use crate::claim::Claim;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use http::HeaderMap;

/// Whether `claim` is the signature of this request under `secret`.
pub(crate) fn verify(
    claim: &Claim,
    secret: &str,
    path_and_query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> QueryResult<()> {
    let expected = expected_signature(claim, secret, path_and_query, headers, body)
        .map_err(QueryError::incomplete_signature)?;
    if same(expected.as_bytes(), claim.signature.as_bytes()) {
        return Ok(());
    }
    Err(QueryError::signature_does_not_match(
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method. Consult the service documentation \
         for details.",
    ))
}

fn expected_signature(
    claim: &Claim,
    secret: &str,
    path_and_query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<String, String> {
    // aws-sigv4 adds x-amz-date itself, from the time that it is given.
    let signed: Vec<(&str, &str)> = claim
        .signed_headers
        .iter()
        .filter(|name| name.as_str() != "x-amz-date")
        .map(|name| {
            let value = headers
                .get(name.as_str())
                .and_then(|value| value.to_str().ok());
            value
                .map(|value| (name.as_str(), value))
                .ok_or_else(|| format!("The header {name} is not text"))
        })
        .collect::<Result<_, _>>()?;
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings.excluded_headers = None;
    let identity = Credentials::new(&claim.access_key, secret, None, None, "sandbox").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&claim.region)
        .name(&claim.service)
        .time(claim.signed_at.system_time())
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let host = headers
        .get(http::header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let uri = format!("http://{host}{path_and_query}");
    let request = SignableRequest::new("POST", uri, signed.into_iter(), SignableBody::Bytes(body))
        .map_err(|error| error.to_string())?;
    let (_, signature) = sign(request, &params)
        .map_err(|error| error.to_string())?
        .into_parts();
    Ok(signature)
}

/// Takes the same time wherever the difference is.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |difference, (left, right)| difference | (left ^ right))
            == 0
}
