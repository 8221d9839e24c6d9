//! AssumeRole by the AWS SDK: one call per request, no retries of its own, ring for TLS.

use super::{AssumeRole, AssumeRoleRequest, CredentialError, IssuedSession};
use crate::tls::{CaBundle, TrustError};
use async_trait::async_trait;
use aws_sdk_sts::config::{
    BehaviorVersion, Credentials as SdkCredentials, SharedCredentialsProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::{AssumeRoleError, AssumeRoleOutput};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::time::Duration;
use types::{Endpoint, Region, RoleArn, SecretString, Timestamp};

/// Where and as whom STS is called.
#[derive(Debug, Clone)]
pub struct StsConfig {
    /// The region whose STS is asked: the gateway's own, not the bucket's.
    pub region: Region,
    /// Instead of the region's own endpoint: a VPC endpoint, or the sandbox.
    pub endpoint: Option<Endpoint>,
    /// The gateway's own credentials.
    pub credentials: GatewayCredentials,
    /// PEM certificates of the only authorities to trust, instead of the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// The gateway's own AWS credentials: those of a user or role whose only permission is
/// `sts:AssumeRole` on the customers' roles.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GatewayCredentials {
    access_key_id: String,
    secret: SecretString,
    session_token: Option<SecretString>,
}

impl GatewayCredentials {
    /// Keys from the configuration.
    pub fn new(
        access_key_id: impl Into<String>,
        secret: SecretString,
        session_token: Option<SecretString>,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret,
            session_token,
        }
    }

    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` by `lookup`.
    pub fn from_environment(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        match (set("AWS_ACCESS_KEY_ID"), set("AWS_SECRET_ACCESS_KEY")) {
            (Some(id), Some(secret)) => Ok(Self::new(
                id,
                SecretString::new(secret),
                set("AWS_SESSION_TOKEN").map(SecretString::new),
            )),
            _ => Err(CredentialError::GatewayCredentialsMissing),
        }
    }
}

/// The real STS.
#[derive(Debug, Clone)]
pub struct StsClient {
    client: aws_sdk_sts::Client,
    region: Region,
}

impl StsClient {
    /// A client for `config`.
    pub fn new(config: StsConfig) -> Result<Self, TrustError> {
        let keys = config.credentials;
        let keys = SdkCredentials::new(
            keys.access_key_id,
            keys.secret.expose().clone(),
            keys.session_token.map(|token| token.expose().clone()),
            None,
            "gateway",
        );
        let mut sdk = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new(config.region.to_string()))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            // The cache retries: it knows who waits and what was refused before.
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(3))
                    .operation_timeout(Duration::from_secs(10))
                    .build(),
            )
            .http_client(http_client(config.ca_pem)?);
        if let Some(endpoint) = config.endpoint {
            sdk = sdk.endpoint_url(endpoint.to_string());
        }
        Ok(Self {
            client: aws_sdk_sts::Client::from_conf(sdk.build()),
            region: config.region,
        })
    }

    fn explain(
        &self,
        role: &RoleArn,
        error: &SdkError<AssumeRoleError, HttpResponse>,
    ) -> CredentialError {
        let role = role.clone();
        let unavailable = |reason: &str| CredentialError::StsUnavailable {
            role: role.clone(),
            reason: reason.to_string(),
        };
        let (service, status) = match error {
            SdkError::ServiceError(answer) => (answer.err(), answer.raw().status().as_u16()),
            SdkError::TimeoutError(_) => return unavailable("timed out"),
            SdkError::DispatchFailure(_) => return unavailable("could not connect"),
            SdkError::ResponseError(_) => return unavailable("unreadable answer"),
            _ => return unavailable("the call could not be made"),
        };
        let code = service.code().unwrap_or_default();
        by_code(code, status, role.clone(), &self.region)
    }
}

#[async_trait]
impl AssumeRole for StsClient {
    async fn assume_role(
        &self,
        request: &AssumeRoleRequest,
    ) -> Result<IssuedSession, CredentialError> {
        let seconds = i32::try_from(request.duration().as_secs()).unwrap_or(3_600);
        let answer = self
            .client
            .assume_role()
            .role_arn(request.role().to_string())
            .external_id(request.external_id().as_str())
            .role_session_name(request.session_name().as_str())
            .policy(request.session_policy())
            .duration_seconds(seconds)
            .send()
            .await;
        match answer {
            Ok(output) => issued(output).ok_or_else(|| CredentialError::StsUnavailable {
                role: request.role().clone(),
                reason: "an answer without credentials".to_string(),
            }),
            Err(error) => Err(self.explain(request.role(), &error)),
        }
    }
}

fn issued(output: AssumeRoleOutput) -> Option<IssuedSession> {
    let credentials = output.credentials?;
    Some(IssuedSession {
        access_key_id: credentials.access_key_id,
        secret: SecretString::new(credentials.secret_access_key),
        session_token: SecretString::new(credentials.session_token),
        expires: Timestamp::from_unix(credentials.expiration.secs()),
    })
}

/// What an error code of STS means for us. Source: AWS STS API reference, "Common Errors" and
/// AssumeRole's own.
fn by_code(code: &str, status: u16, role: RoleArn, region: &Region) -> CredentialError {
    let code_text = || code.chars().take(64).collect::<String>();
    match code {
        "AccessDenied" | "AccessDeniedException" => CredentialError::RoleNotAssumable { role },
        "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown" => CredentialError::Throttled { role },
        "RegionDisabledException" | "RegionDisabled" => CredentialError::RegionDisabled {
            region: region.to_string(),
        },
        "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "UnrecognizedClientException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired" => CredentialError::GatewayCredentialsInvalid { code: code_text() },
        "MalformedPolicyDocument"
        | "MalformedPolicyDocumentException"
        | "PackedPolicyTooLarge"
        | "PackedPolicyTooLargeException" => CredentialError::SessionPolicyRefused {
            role,
            code: code_text(),
        },
        _ if status == 429 => CredentialError::Throttled { role },
        // An answer that is neither a session nor a refusal is a broken way to STS.
        _ if !(400..500).contains(&status) => CredentialError::StsUnavailable {
            role,
            reason: format!("status {status}"),
        },
        _ => CredentialError::Refused {
            role,
            code: if code.is_empty() {
                format!("status {status}")
            } else {
                code_text()
            },
        },
    }
}

fn http_client(ca_pem: Option<Vec<u8>>) -> Result<SharedHttpClient, TrustError> {
    let builder =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let Some(pem) = ca_pem else {
        return Ok(builder.build_https());
    };
    // The SDK reads the certificates when it connects, and panics on bad ones: read them now.
    CaBundle::from_pem(&pem)?;
    let context = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(pem))
        .build()
        .expect("a context is built from any trust store");
    Ok(builder.tls_context(context).build_https())
}
