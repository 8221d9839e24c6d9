//! Clients for one place: S3, IAM and STS with the same credentials.

use crate::aws::credentials::Credentials;
use crate::aws::pace::{Pace, Patience};
use crate::failure::{Details, Failure, Fault, advice};
use crate::model::{Desired, Store};
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use std::time::Duration;
use types::{AccountId, AddressingStyle, Endpoint, Partition, Region, SecretString};

/// Where the services listen, when not at AWS: a sandbox, or an S3-compatible store.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// For S3.
    pub s3: Option<Endpoint>,
    /// For IAM.
    pub iam: Option<Endpoint>,
    /// For STS.
    pub sts: Option<Endpoint>,
    /// Certificates to trust beside the system's, in PEM.
    pub extra_roots: Option<Vec<u8>>,
}

/// How to reach a store.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// What signs.
    pub credentials: Credentials,
    /// The region of the buckets.
    pub region: Region,
    /// Instead of AWS's own endpoints.
    pub endpoints: Endpoints,
    /// Path style for S3; AWS itself is addressed by virtual host.
    pub addressing: AddressingStyle,
    /// Whether this is AWS, or something that acts like it (the sandbox): with IAM, STS, tags at
    /// creation and expected owners.
    pub is_aws: bool,
    /// How long to wait for what.
    pub patience: Patience,
}

/// One store, with one set of credentials.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) pace: Pace,
    pub(crate) is_aws: bool,
    /// The account that must own every bucket: a name that was given up and taken by somebody
    /// else is refused by AWS itself.
    pub(crate) owner: Option<String>,
    pub(crate) region: Region,
}

/// Who the caller is, as STS says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Caller {
    /// The caller's ARN.
    pub arn: String,
    /// The caller's account.
    pub account: AccountId,
    /// The caller's partition.
    pub partition: Partition,
}

impl Cloud {
    /// Clients with `options`; nothing is called yet.
    pub fn connect(options: &ConnectOptions, pace: Pace) -> Self {
        let http = http_client(options.endpoints.extra_roots.as_deref());
        let credentials = aws_credential_types::Credentials::new(
            options.credentials.access_key.clone(),
            options.credentials.secret_key.expose().clone(),
            options
                .credentials
                .session_token
                .as_ref()
                .map(|token| token.expose().clone()),
            None,
            "provisioner",
        );
        Self::with(options, pace, http, credentials)
    }

    fn with(
        options: &ConnectOptions,
        pace: Pace,
        http: SharedHttpClient,
        credentials: aws_credential_types::Credentials,
    ) -> Self {
        let region = options.region.as_str().to_string();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(30))
            .operation_timeout(Duration::from_secs(60))
            .build();
        let url = |endpoint: &Option<Endpoint>| endpoint.as_ref().map(ToString::to_string);
        let mut s3 = aws_sdk_s3::config::Builder::new()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new(region.clone()))
            .credentials_provider(credentials.clone())
            .http_client(http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.clone())
            .force_path_style(options.addressing == AddressingStyle::Path);
        if !options.is_aws {
            // Newer checksums than Content-MD5 are unknown to many stores.
            s3 = s3
                .request_checksum_calculation(
                    aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired,
                )
                .response_checksum_validation(
                    aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired,
                );
        }
        s3.set_endpoint_url(url(&options.endpoints.s3));
        let mut iam = aws_sdk_iam::config::Builder::new()
            .behavior_version(aws_sdk_iam::config::BehaviorVersion::latest())
            .region(aws_sdk_iam::config::Region::new(region.clone()))
            .credentials_provider(credentials.clone())
            .http_client(http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.clone());
        iam.set_endpoint_url(url(&options.endpoints.iam));
        // The regional endpoint: the global one is another region that may be switched off.
        let mut sts = aws_sdk_sts::config::Builder::new()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new(region))
            .credentials_provider(credentials)
            .http_client(http)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        sts.set_endpoint_url(url(&options.endpoints.sts));
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            iam: aws_sdk_iam::Client::from_conf(iam.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            pace,
            is_aws: options.is_aws,
            owner: None,
            region: options.region.clone(),
        }
    }

    /// The same clients, expecting every bucket in the account of `desired`.
    #[must_use]
    pub fn for_tenant(mut self, desired: &Desired) -> Self {
        self.owner = match &desired.store {
            Store::Aws { account, .. } if self.is_aws => Some(account.to_string()),
            _ => None,
        };
        self
    }

    /// Who the credentials belong to.
    ///
    /// # Errors
    /// When STS does not answer, or names nobody that an account id can be read from.
    pub async fn caller(&self) -> Result<Caller, Failure> {
        let identity = self
            .pace
            .call(
                "sts:GetCallerIdentity",
                super::pace::Settling::No,
                || async {
                    self.sts
                        .get_caller_identity()
                        .send()
                        .await
                        .map_err(|e| failure("sts:GetCallerIdentity", "the caller", &e))
                },
            )
            .await?;
        let arn = identity.arn().unwrap_or_default().to_string();
        let account = identity.account().and_then(|a| AccountId::parse(a).ok());
        let partition = [Partition::Aws, Partition::AwsCn, Partition::AwsUsGov]
            .into_iter()
            .find(|p| arn.split(':').nth(1) == Some(p.as_str()));
        match (account, partition) {
            (Some(account), Some(partition)) => Ok(Caller {
                arn,
                account,
                partition,
            }),
            _ => Err(unexpected(
                "sts:GetCallerIdentity",
                "the caller",
                format!("the answer names no account and partition: {arn:?}"),
            )),
        }
    }
}

impl Cloud {
    /// A session of `role`, asked for once: a proof wants the answer, whatever it is.
    ///
    /// # Errors
    /// The refusal.
    pub async fn assume(
        &self,
        role: &str,
        external_id: Option<&str>,
        session: &str,
    ) -> Result<Credentials, Failure> {
        let answer = self
            .sts
            .assume_role()
            .role_arn(role)
            .role_session_name(session)
            .set_external_id(external_id.map(str::to_string))
            .duration_seconds(900)
            .send()
            .await;
        let answer = first_failure("sts:AssumeRole", role, answer)?;
        let Some(credentials) = answer.credentials() else {
            let message = "the answer has no credentials".to_string();
            return Err(unexpected("sts:AssumeRole", role, message));
        };
        Ok(Credentials {
            access_key: credentials.access_key_id().to_string(),
            secret_key: SecretString::from(credentials.secret_access_key()),
            session_token: Some(SecretString::from(credentials.session_token())),
        })
    }
}

/// One tag, as the SDK wants it.
pub(crate) fn one_tag(key: &str, value: &str) -> aws_sdk_s3::types::Tagging {
    super::convert::s3_tags_to_sdk(&[(key.to_string(), value.to_string())].into())
}

/// The answer to a call that is made once.
pub(crate) fn first_failure<T, E>(
    call: &str,
    resource: &str,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<T, Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    answer.map_err(|error| failure(call, resource, &error))
}

fn http_client(extra_roots: Option<&[u8]>) -> SharedHttpClient {
    let mut roots = TrustStore::default();
    if let Some(pem) = extra_roots {
        roots.add_pem_certificate(pem);
    }
    let context = TlsContext::builder()
        .with_trust_store(roots)
        .build()
        .expect("building a context with a trust store cannot fail");
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https()
}

/// What went wrong, with everything that support would ask for.
pub(crate) fn failure<E>(call: &str, resource: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let raw = error.raw_response();
    let header = |name: &str| raw.and_then(|r| r.headers().get(name)).map(str::to_string);
    let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = meta.and_then(|m| m.code()).map(str::to_string);
    let status = raw.map(|r| r.status().as_u16());
    let message = match meta.and_then(|m| m.message()) {
        // RADOS Gateway gives a code and an empty message.
        Some("") => "the store gives no reason".to_string(),
        Some(message) => message.to_string(),
        None => chain(error),
    };
    let (fault, hint) = advice(call, code.as_deref(), status, &message);
    Failure::from(Details {
        call: call.to_string(),
        resource: resource.to_string(),
        message: message.chars().take(400).collect(),
        request_id: header("x-amzn-requestid").or_else(|| header("x-amz-request-id")),
        bucket_region: header("x-amz-bucket-region"),
        code,
        status,
        fault,
        hint,
    })
}

/// An answer that has no sense.
pub(crate) fn unexpected(call: &str, resource: &str, message: String) -> Failure {
    Failure::from(Details {
        call: call.to_string(),
        resource: resource.to_string(),
        code: None,
        message,
        status: Some(200),
        request_id: None,
        fault: Fault::Store,
        hint: "check that the endpoint is what you think it is".to_string(),
        bucket_region: None,
    })
}

/// The causes of an error, outermost last left out: the SDK's outer words say only that it failed.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !parts.contains(&text) {
            parts.push(text);
        }
        next = cause.source();
    }
    if parts.is_empty() {
        error.to_string()
    } else {
        parts.join(": ")
    }
}
