//! The project's own sandbox, in this process: the AWS of `proxy dev`.

use crate::client::Login;
use crate::customer::Customer;
use sandbox::{KeyPair, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use std::sync::LazyLock;
use tokio::runtime::Runtime;
use types::{AccountId, BucketName, Region};

/// A running sandbox with a vendor's and a customer's account.
#[derive(Debug)]
pub struct Embedded {
    sandbox: Sandbox,
    _runtime: Runtime,
}

impl Embedded {
    /// The one sandbox of this test process; tests keep apart by names of their own.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Embedded> = LazyLock::new(Embedded::start);
        &SHARED
    }

    /// A sandbox of the caller's own.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .worker_threads(2)
            .build()
            .unwrap();
        let sandbox = runtime
            .block_on(Sandbox::start(SandboxOptions::default()))
            .unwrap();
        Self {
            sandbox,
            _runtime: runtime,
        }
    }

    /// Scheme, host and port, for S3, IAM and STS alike.
    pub fn endpoint(&self) -> String {
        self.sandbox.endpoint().to_string()
    }

    /// A user of the vendor's account who may assume roles.
    pub fn gateway_user(&self, name: &str) -> Login {
        let may_assume = allow(&json!("sts:AssumeRole"), &json!("arn:aws:iam::*:role/*"));
        let policy = json!({ "Version": "2012-10-17", "Statement": [may_assume] });
        let keys = self
            .sandbox
            .create_user(
                &account(SandboxOptions::VENDOR),
                name,
                &[("assume", &policy)],
            )
            .unwrap();
        self.login(&keys)
    }

    /// The same set-up as [`crate::ministack::MiniStack::customer`] makes, without the network.
    pub fn customer(
        &self,
        org: &str,
        gateway_user: &str,
        external_id: &str,
        prefix: &str,
    ) -> Customer {
        let customer = account(SandboxOptions::CUSTOMER);
        let buckets = ["data", "results"].map(|kind| format!("real-{org}-{kind}-7f3a"));
        for bucket in &buckets {
            let (name, region) = (BucketName::parse(bucket), Region::parse("us-east-1"));
            let (name, region) = (name.unwrap(), region.unwrap());
            self.sandbox
                .create_bucket(&customer, &name, &region)
                .unwrap();
        }
        let permissions = permissions(&buckets, prefix);
        let vendor = SandboxOptions::VENDOR;
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:aws:iam::{vendor}:user/{gateway_user}") },
                "Action": "sts:AssumeRole",
                "Condition": { "StringEquals": { "sts:ExternalId": external_id } },
            }],
        });
        let role = format!("byos-{org}-role");
        let role = self
            .sandbox
            .create_role(&customer, &role, &trust, &[("byos", &permissions)])
            .unwrap();
        let everything = allow(&json!("s3:*"), &json!("*"));
        let everything = json!({ "Version": "2012-10-17", "Statement": [everything] });
        let owner = self
            .sandbox
            .create_user(&customer, &format!("owner-{org}"), &[("own", &everything)])
            .unwrap();
        let [data_bucket, results_bucket] = buckets;
        Customer {
            role_arn: role.to_string(),
            data_bucket,
            results_bucket,
            owner: self.login(&owner),
        }
    }

    fn login(&self, keys: &KeyPair) -> Login {
        Login {
            endpoint: self.endpoint(),
            region: "us-east-1".to_owned(),
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.expose().to_owned(),
            authority: None,
        }
    }
}

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn allow(actions: &Value, resources: &Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// Reading in both buckets and writing in the second, under `prefix`.
fn permissions(buckets: &[String; 2], prefix: &str) -> Value {
    let whole = buckets
        .each_ref()
        .map(|bucket| format!("arn:aws:s3:::{bucket}"));
    let under = whole.each_ref().map(|bucket| format!("{bucket}/{prefix}*"));
    json!({
        "Version": "2012-10-17",
        "Statement": [
            allow(
                &json!(["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"]),
                &json!(whole),
            ),
            allow(&json!(["s3:GetObject", "s3:GetObjectVersion"]), &json!(under)),
            allow(
                &json!([
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts",
                ]),
                &json!(under[1]),
            ),
        ],
    })
}
