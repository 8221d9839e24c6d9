//! The SDK's calls as they are on the wire, and what its answers mean.

use crate::fixtures::{ROLE, START, ScriptedSts, access, clock, random};
use crate::servers::{Authority, Reply, Server, Validity, response};
use std::collections::BTreeMap;
use types::{Endpoint, Region, SecretString};
use upstream::{
    AssumeRole, AssumeRoleRequest, CacheLimits, CredentialCache, CredentialError, Fault,
    GatewayCredentials, StsClient, StsConfig, TrustError,
};

const ISSUED: &str = "<AssumeRoleResponse \
    xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
    <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey>\
    <SessionToken>canary-token+/=</SessionToken><Expiration>2027-01-15T09:00:00Z</Expiration>\
    </Credentials></AssumeRoleResult></AssumeRoleResponse>";

/// A request as the cache makes it.
async fn request() -> AssumeRoleRequest {
    let clock = clock();
    let recorder = ScriptedSts::new(&clock);
    let limits = CacheLimits::default();
    let cache = CredentialCache::new(recorder.clone(), clock, random(1), limits);
    cache.get(&access("acme"), START).await.unwrap();
    recorder.calls().remove(0)
}

fn client(endpoint: &str, ca_pem: Option<String>) -> StsClient {
    StsClient::new(StsConfig {
        region: Region::parse("eu-central-1").unwrap(),
        endpoint: Some(Endpoint::parse(endpoint).unwrap()),
        credentials: GatewayCredentials::new(
            "AKIAGATEWAY",
            SecretString::from("canary-gateway-secret"),
            Some(SecretString::from("canary-gateway-token")),
        ),
        ca_pem: ca_pem.map(String::into_bytes),
    })
    .unwrap()
}

fn form(request: &str) -> BTreeMap<String, String> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    body.split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| {
            let value = value.replace('+', " ");
            let value = percent_encoding::percent_decode_str(&value);
            (name.to_string(), value.decode_utf8().unwrap().into_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_call_carries_every_restriction_and_comes_back_as_a_session() {
    let server = Server::start(None, Reply::Close(response("200 OK", "", ISSUED))).await;
    let request = request().await;
    let client = client(&format!("http://{}", server.address), None);
    let session = client.assume_role(&request).await.unwrap();
    assert_eq!(session.access_key_id, "ASIAEXAMPLE");
    assert_eq!(session.secret.expose(), "canary-secret");
    assert_eq!(session.session_token.expose(), "canary-token+/=");
    assert_eq!(session.expires, START.plus_seconds(3_600));

    let sent = &server.received()[0];
    let form = form(sent);
    assert_eq!(form["Action"], "AssumeRole");
    assert_eq!(form["RoleArn"], ROLE);
    assert_eq!(form["ExternalId"], "pulse-org-acme");
    assert_eq!(form["RoleSessionName"], "byos-acme");
    assert_eq!(form["DurationSeconds"], "3600");
    assert_eq!(form["Policy"], request.session_policy());
    // The most that AssumeRole takes.
    assert!(form["Policy"].chars().count() <= 2_048);
    assert!(sent.contains("/eu-central-1/sts/aws4_request"));
    assert!(sent.contains("Credential=AKIAGATEWAY/"));
    assert!(!sent.contains("canary-gateway-secret"));
}

#[tokio::test]
async fn each_refusal_of_sts_is_told_apart_in_one_call() {
    let request = request().await;
    for (status, code, kind, fault, retryable) in [
        (
            403,
            "AccessDenied",
            "role_not_assumable",
            Fault::Tenant,
            false,
        ),
        (400, "Throttling", "throttled", Fault::Upstream, true),
        (
            400,
            "ThrottlingException",
            "throttled",
            Fault::Upstream,
            true,
        ),
        (503, "SlowDown", "throttled", Fault::Upstream, true),
        (429, "", "throttled", Fault::Upstream, true),
        (
            403,
            "RegionDisabledException",
            "region_disabled",
            Fault::Operator,
            false,
        ),
        (
            403,
            "InvalidClientTokenId",
            "gateway_credentials_invalid",
            Fault::Operator,
            false,
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "gateway_credentials_invalid",
            Fault::Operator,
            false,
        ),
        (
            403,
            "ExpiredToken",
            "gateway_credentials_invalid",
            Fault::Operator,
            false,
        ),
        (
            400,
            "MalformedPolicyDocument",
            "session_policy_refused",
            Fault::Tenant,
            false,
        ),
        (
            400,
            "PackedPolicyTooLarge",
            "session_policy_refused",
            Fault::Tenant,
            false,
        ),
        (
            500,
            "InternalFailure",
            "sts_unavailable",
            Fault::Upstream,
            true,
        ),
        (
            503,
            "ServiceUnavailable",
            "sts_unavailable",
            Fault::Upstream,
            true,
        ),
        (400, "ValidationError", "refused", Fault::Upstream, false),
        (418, "", "refused", Fault::Upstream, false),
    ] {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
             <Message>canary-message</Message></Error></ErrorResponse>"
        );
        let reply = Reply::Close(response(&format!("{status} X"), "", &body));
        let server = Server::start(None, reply).await;
        let client = client(&format!("http://{}", server.address), None);
        let error = client.assume_role(&request).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {code}");
        assert_eq!(
            (error.fault(), error.retryable()),
            (fault, retryable),
            "{code}"
        );
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
        assert_eq!(
            server.received().len(),
            1,
            "{code}: the cache retries, not the SDK"
        );
    }
}

#[tokio::test]
async fn an_sts_that_breaks_off_or_is_gone_is_unavailable() {
    let request = request().await;
    let garbage = Server::start(None, Reply::Close(b"nonsense".to_vec())).await;
    let empty = Server::start(None, Reply::Close(response("200 OK", "", "<a/>"))).await;
    // A bound port that nobody listens on: connecting is refused for as long as it is held.
    let holder = tokio::net::TcpSocket::new_v4().unwrap();
    holder.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let gone = holder.local_addr().unwrap();
    for address in [garbage.address, empty.address, gone] {
        let client = client(&format!("http://{address}"), None);
        let error = client.assume_role(&request).await.unwrap_err();
        assert!(
            matches!(error, CredentialError::StsUnavailable { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn sts_by_tls_is_verified_against_the_configured_authority() {
    let request = request().await;
    let (ours, theirs) = (Authority::new(), Authority::new());
    let reply = Reply::Close(response("200 OK", "", ISSUED));
    let tls = ours.server("127.0.0.1", Validity::Now);
    let server = Server::start(Some(tls), reply).await;
    let url = format!("https://{}", server.address);
    let trusted = client(&url, Some(ours.pem()));
    assert!(trusted.assume_role(&request).await.is_ok());
    for ca in [Some(theirs.pem()), None] {
        let error = client(&url, ca).assume_role(&request).await.unwrap_err();
        assert!(matches!(error, CredentialError::StsUnavailable { .. }));
    }
    assert_eq!(server.received().len(), 1);
}

#[test]
fn an_authority_for_sts_that_cannot_be_read_is_refused_at_once() {
    let config = StsConfig {
        region: Region::parse("eu-central-1").unwrap(),
        endpoint: None,
        credentials: GatewayCredentials::new("AKIAGATEWAY", SecretString::from("x"), None),
        ca_pem: Some(b"nonsense".to_vec()),
    };
    assert_eq!(StsClient::new(config).unwrap_err(), TrustError::Empty);
}

#[test]
fn the_gateways_credentials_come_from_the_environment_whole_or_not_at_all() {
    let from = |pairs: &'static [(&str, &str)]| {
        GatewayCredentials::from_environment(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_string())
        })
    };
    let whole = from(&[
        ("AWS_ACCESS_KEY_ID", "AKIAGATEWAY"),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret"),
        ("AWS_SESSION_TOKEN", "canary-token"),
    ]);
    assert!(!format!("{:?}", whole.unwrap()).contains("canary"));
    for part in [
        from(&[]),
        from(&[("AWS_ACCESS_KEY_ID", "AKIAGATEWAY")]),
        from(&[("AWS_SECRET_ACCESS_KEY", "canary-secret")]),
        from(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "x")]),
    ] {
        assert_eq!(
            part.unwrap_err(),
            CredentialError::GatewayCredentialsMissing
        );
    }
}
