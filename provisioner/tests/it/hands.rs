//! What somebody does by hand beside the command, and set-ups that use every setting.

use crate::aws::{Aws, VENDOR_ROLE};
use sandbox::{Fault, FaultEffect, FaultOn, SandboxOptions};
use serde_json::{Value, json};
use types::{AccountId, BucketName, Region};

pub(crate) const DATA: &str = "byos-prod-acme-data";
pub(crate) const RESULTS: &str = "byos-prod-acme-results";
const QUEUE: &str = "arn:aws:sqs:eu-central-1:222222222222:made";
const CEILING: &str = "arn:aws:iam::222222222222:policy/ceiling";

pub(crate) fn customer() -> AccountId {
    AccountId::parse(SandboxOptions::CUSTOMER).unwrap()
}

pub(crate) fn vendor() -> AccountId {
    AccountId::parse(SandboxOptions::VENDOR).unwrap()
}

impl Aws {
    /// A bucket that somebody makes by hand.
    pub(crate) fn bucket_of(&self, account: &AccountId, name: &str, region: &str) {
        let name = BucketName::parse(name).unwrap();
        let region = Region::parse(region).unwrap();
        self.sandbox.create_bucket(account, &name, &region).unwrap();
    }

    /// Everything that the customer's account holds.
    pub(crate) fn held(&self) -> Value {
        self.sandbox.state(&customer()).unwrap()
    }

    /// Every call of `api` is answered with this error.
    pub(crate) fn refuse(&self, api: &str, status: u16, code: &'static str) {
        self.sandbox.inject(Fault {
            on: FaultOn::Api(api.to_string()),
            skip: 0,
            times: u32::MAX,
            effect: FaultEffect::Answer { status, code },
        });
    }

    /// What the rich set-ups point at and do not make: a queue, a key, a boundary.
    pub(crate) async fn surroundings(&self) -> String {
        let admits = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE}]});
        self.sandbox.put_destination(QUEUE, Some(&admits)).unwrap();
        let ceiling = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}]});
        let request = self.iam(&self.customer).create_policy();
        let request = request.policy_name("ceiling");
        request
            .policy_document(ceiling.to_string())
            .send()
            .await
            .unwrap();
        let region = Region::parse("eu-central-1").unwrap();
        self.sandbox
            .create_kms_key(&customer(), &region, None)
            .unwrap()
    }

    /// A file with a cross-account tenant that uses every setting.
    pub(crate) async fn rich(&self) -> String {
        let key = self.surroundings().await;
        let text = RICH.replace("KEY", &key).replace("QUEUE", QUEUE);
        let text = text
            .replace("CEILING", CEILING)
            .replace("VENDOR", VENDOR_ROLE);
        self.write("rich.toml", &text).display().to_string()
    }
}

const RICH: &str = r#"
    org_id = "acme"
    region = "eu-central-1"
    tags = { team = "storage" }
    data.versioning = "enabled"
    data.encryption = { kind = "sse_kms", key = "KEY" }
    data.blocked_encryption = ["SSE-C"]
    data.cors = [{ origins = ["https://app.example.com"], methods = ["GET"] }]
    data.logging = {}
    data.inventory = [{ id = "weekly", frequency = "weekly" }]
    data.lifecycle = [{ id = "old", expire_days = 90, transitions = [{ days = 30, class = "STANDARD_IA" }] }]
    results.versioning = "enabled"
    results.object_lock = { mode = "governance", days = 7 }
    results.notifications.event_bridge = true
    role.vendor_role = "VENDOR"
    role.policy = "managed"
    role.path = "/byos/"
    role.boundary = "CEILING"
    role.description = "reads data, writes results"

    [[results.notifications.entries]]
    id = "made"
    destination = "QUEUE"
    events = ["s3:ObjectCreated:*"]
"#;

/// A tenant whose own machines use the storage: an instance profile beside the role.
pub(crate) const COMPUTE: &str = r#"
    org_id = "acme"
    region = "eu-central-1"
    role.compute = ["ec2", "ecs_tasks"]
    role.policy = "managed"
"#;
