//! The demo tenant's side of AWS, made in the sandbox as a customer would make it.

use super::{region, tenant};
use crate::assemble;
use crate::config::UpstreamSettings;
use bytes::Bytes;
use policies::render::{
    CrossAccountTrust, TenantBucket, TenantPermissions, permission_policy, trust_policy,
};
use sandbox::{KeyPair, Sandbox, SandboxError, SandboxOptions};
use serde_json::json;
use sigv4::{OutgoingPayload, Signer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use types::{
    AccountId, ActionSet, Backend, BucketAccess, BucketAlias, BucketMapping, BucketName, Clock,
    ConfigStatus, ConfigVersion, Endpoint, ExternalId, ExternalIdPrefix, Grant, KeyPrefix,
    Location, ObjectKey, Partition, RoleArn, StorageConfig, StorageMode, SystemClock,
    UpstreamAccess,
};
use upstream::{
    ClientLimits, CredentialCache, Route, TenantAccess, UpstreamClient, UpstreamRequest,
};

const GATEWAY_USER: &str = "byos-gateway";
const ROLE: &str = "byos-demo";

/// Why the demo could not be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetupError {
    /// The sandbox refused.
    #[error("the sandbox did not take the demo tenant's set-up")]
    Sandbox(#[from] SandboxError),
    /// A policy could not be made.
    #[error("a policy of the demo tenant could not be made")]
    Policy(#[from] policies::RenderError),
    /// The sample object could not be stored.
    #[error("the sample object could not be stored: {0}")]
    Sample(String),
}

/// The demo tenant, ready in the sandbox.
#[derive(Debug)]
pub(super) struct Demo {
    /// The gateway's own identity, in the vendor's account.
    pub(super) gateway: KeyPair,
    /// The tenant's storage configuration.
    pub(super) config: StorageConfig,
    /// The customer's own keys: for the sample object, which the tenant may only read.
    customer: KeyPair,
}

impl Demo {
    /// Makes the buckets, the role and the gateway's user, or finds them as they were.
    pub(super) fn new(aws: &Sandbox) -> Result<Self, SetupError> {
        let (vendor, customer) = (
            account(SandboxOptions::VENDOR),
            account(SandboxOptions::CUSTOMER),
        );
        let (data, results) = (bucket("byos-demo-data"), bucket("byos-demo-results"));
        aws.create_bucket(&customer, &data, &region())?;
        aws.create_bucket(&customer, &results, &region())?;
        let role = RoleArn::new(Partition::Aws, customer.clone(), "/", ROLE)
            .expect("the demo's role name is legal");
        let may_assume = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "AssumeTenantRoles", "Effect": "Allow",
                "Action": "sts:AssumeRole", "Resource": role.to_string(),
            }],
        });
        let gateway = aws.create_user(&vendor, GATEWAY_USER, &[("assume", &may_assume)])?;
        let permissions = permission_policy(&TenantPermissions {
            partition: Partition::Aws,
            account: customer.clone(),
            prefix: prefix(),
            data: Some(TenantBucket {
                bucket: data.clone(),
                key: None,
            }),
            results: Some(TenantBucket {
                bucket: results.clone(),
                key: None,
            }),
            extras: BTreeSet::new(),
        })?;
        let trust = trust(&vendor)?;
        aws.create_role(&customer, ROLE, &trust, &[("storage", permissions.value())])?;
        let config = config(aws.endpoint(), role, &data, &results);
        Ok(Self {
            gateway,
            config,
            customer: aws.root_keys(&customer)?,
        })
    }

    /// What the demo's access key may do: what the buckets allow.
    pub(super) fn grants(&self) -> Vec<Grant> {
        vec![Grant::on_all_buckets(ActionSet::ReadWrite)]
    }

    /// Puts one object into the data bucket with the customer's own keys.
    pub(super) async fn put_sample(&self, upstream: &UpstreamSettings) -> Result<(), SetupError> {
        let words = |error: &dyn std::error::Error| SetupError::Sample(error.to_string());
        let owner = StorageConfig {
            access: UpstreamAccess::StaticKeys {
                access_key_id: self.customer.access_key_id.clone(),
                secret_access_key: self.customer.secret_access_key.clone(),
            },
            ..self.config.clone()
        };
        let access = TenantAccess::of(&owner).map_err(|error| words(&error))?;
        let mapping = &owner.buckets[&alias("data")];
        let route = Route::new(&access, mapping);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let resolver = assemble::resolver(upstream, &clock);
        let client = UpstreamClient::new(resolver, ClientLimits::default())
            .map_err(|error| words(&error))?;
        let no_sts: Arc<dyn upstream::AssumeRole> = Arc::new(assemble::NoSts);
        let cache = CredentialCache::new(
            no_sts,
            Arc::clone(&clock),
            upstream::system_random(),
            upstream::CacheLimits::default(),
        );
        let now = clock.now();
        let keys = cache
            .get(&access, now)
            .await
            .map_err(|error| words(&error))?;
        let key = ObjectKey::parse("welcome.txt").map_err(|error| words(&error))?;
        let key = route.join(&key).map_err(|error| words(&error))?;
        let body = Bytes::from_static(b"This object lives in the demo tenant's own bucket.\n");
        let request = UpstreamRequest::object(&route, http::Method::PUT, &key)
            .payload(OutgoingPayload::Unsigned)
            .sign(&Signer::new(1), &keys, now)
            .map_err(|error| words(&error))?;
        let answer = client
            .send(&route, request, body)
            .await
            .map_err(|error| words(&error))?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(SetupError::Sample(format!(
                "the sandbox answered {}",
                answer.status()
            )))
        }
    }
}

/// The trust policy that `policies` renders, for a gateway that signs in as a user: the sandbox
/// has no machine whose role it could take.
fn trust(vendor: &AccountId) -> Result<serde_json::Value, SetupError> {
    let role = RoleArn::new(Partition::Aws, vendor.clone(), "/", GATEWAY_USER)
        .expect("the gateway's name is legal for a role too");
    let rendered = trust_policy(&CrossAccountTrust {
        vendor: role,
        external_id: ExternalId::of(&ExternalIdPrefix::default(), &tenant()),
        extras: BTreeSet::new(),
    })?;
    let mut trust = rendered.value().clone();
    let user = format!("arn:aws:iam::{vendor}:user/{GATEWAY_USER}");
    trust["Statement"][0]["Condition"]["ArnEquals"]["aws:PrincipalArn"] = user.into();
    Ok(trust)
}

fn config(
    endpoint: &Endpoint,
    role: RoleArn,
    data: &BucketName,
    results: &BucketName,
) -> StorageConfig {
    let mapping = |bucket: &BucketName, access| BucketMapping {
        location: Location {
            backend: Backend::AwsS3 {
                region: region(),
                endpoint: Some(endpoint.clone()),
            },
            bucket: bucket.clone(),
            prefix: prefix(),
        },
        access,
    };
    StorageConfig {
        tenant: tenant(),
        version: ConfigVersion::FIRST,
        mode: StorageMode::Customer,
        status: ConfigStatus::Enabled,
        access: UpstreamAccess::AssumeRole {
            role,
            external_id_prefix: ExternalIdPrefix::default(),
        },
        buckets: BTreeMap::from([
            (alias("data"), mapping(data, BucketAccess::ReadOnly)),
            (alias("results"), mapping(results, BucketAccess::ReadWrite)),
        ]),
    }
}

fn prefix() -> KeyPrefix {
    KeyPrefix::parse("extractions/orgs/demo/").expect("the demo's prefix is legal")
}

fn alias(name: &str) -> BucketAlias {
    BucketAlias::parse(name).expect("the demo's bucket names are legal")
}

fn bucket(name: &str) -> BucketName {
    BucketName::parse(name).expect("the demo's bucket names are legal")
}

fn account(id: &str) -> AccountId {
    AccountId::parse(id).expect("the sandbox's accounts have 12 digits")
}
