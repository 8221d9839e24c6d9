//! The store that configurations are applied to.

use crate::generated::{BOUNDARY, FOREIGN_LOGS};
use provisioner::aws::{Cloud, ConnectOptions, Credentials, Endpoints, Pace, Patience};
use provisioner::model::{Desired, Destination, Documents};
use provisioner::plan::{DiffOptions, IamResource, Observed, Setting, Step, diff};
use sandbox::SandboxOptions;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::runtime::Runtime;
use types::{AccountId, AddressingStyle, BucketName};

/// The sandbox, in this process, on a thread of its own.
pub(crate) struct Sandbox {
    pub(crate) endpoint: String,
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) inner: sandbox::Sandbox,
    runtime: Runtime,
}

impl Sandbox {
    /// With the customer's account, 222222222222, and its root keys.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let inner = runtime
            .block_on(sandbox::Sandbox::start(SandboxOptions::default()))
            .unwrap();
        let keys = inner.root_keys(&customer()).unwrap();
        Self {
            endpoint: inner
                .endpoint()
                .to_string()
                .trim_end_matches('/')
                .to_string(),
            access_key_id: keys.access_key_id.to_string(),
            secret: keys.secret_access_key.expose().to_string(),
            inner,
            runtime,
        }
    }

    /// With everything in it that others have made and that `desired` points at: a boundary, a
    /// bucket for logs, receivers of events.
    pub(crate) fn for_tenant(desired: &Desired) -> Self {
        let store = Self::start();
        if desired.role.as_ref().is_some_and(|r| r.boundary.is_some()) {
            store.execute(desired, &[boundary()]);
        }
        let logs = BucketName::parse(FOREIGN_LOGS).unwrap();
        let points_there = desired.buckets.iter().any(|bucket| {
            bucket.logging.as_ref().is_some_and(|l| l.target == logs)
                || bucket.inventories.iter().any(|i| i.destination == logs)
        });
        if points_there {
            let account = customer();
            store
                .inner
                .create_bucket(&account, &logs, &desired.region)
                .unwrap();
            let setting = Setting::Policy(welcome_logs());
            let bucket = FOREIGN_LOGS.to_string();
            store.execute(desired, &[Step::PutSetting { bucket, setting }]);
        }
        for told in desired
            .buckets
            .iter()
            .filter_map(|b| b.notifications.as_ref())
        {
            for entry in &told.entries {
                let arn = entry.destination.arn().as_str();
                let policy = welcome_events(&entry.destination);
                store.inner.put_destination(arn, Some(&policy)).unwrap();
            }
        }
        store
    }

    /// All that the account holds, as the sandbox itself keeps it: what `observe` does not look at,
    /// this sees. Left out by the sandbox: unique ids, dates, keys, and order where AWS gives it no
    /// meaning.
    pub(crate) fn state(&self) -> Value {
        self.inner.state(&customer()).unwrap()
    }

    /// How many calls have changed something.
    pub(crate) fn writes(&self) -> usize {
        let calls = self.inner.calls();
        calls
            .iter()
            .filter(|call| call.kind == sandbox::CallKind::Write)
            .count()
    }

    /// A bucket that somebody else has made.
    pub(crate) fn make_bucket(&self, name: &str) {
        let region = types::Region::parse("eu-central-1").unwrap();
        let name = BucketName::parse(name).unwrap();
        let made = self.inner.create_bucket(&customer(), &name, &region);
        made.unwrap();
    }

    /// Somebody else's tag on a role.
    pub(crate) fn tag_role(&self, role: &str, key: &str, value: &str) {
        let resource = IamResource::Role(role.to_string());
        let tags = BTreeMap::from([(key.to_string(), value.to_string())]);
        self.execute(&crate::specs::desired(""), &[Step::Tag { resource, tags }]);
    }

    /// An object of the tenant.
    pub(crate) fn put_object(&self, bucket: &str, key: &str) {
        let credentials = aws_credential_types::Credentials::new(
            &self.access_key_id,
            &self.secret,
            None,
            None,
            "test",
        );
        let config = aws_sdk_s3::config::Builder::new()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new("eu-central-1"))
            .credentials_provider(credentials)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.endpoint)
            .force_path_style(true)
            .build();
        let put = aws_sdk_s3::Client::from_conf(config).put_object();
        self.runtime
            .block_on(put.bucket(bucket).key(key).send())
            .unwrap();
    }

    fn execute(&self, desired: &Desired, steps: &[Step]) {
        let cloud = self.cloud(desired);
        for step in steps {
            self.runtime.block_on(cloud.execute(step)).unwrap();
        }
    }

    /// The direct way: what is there.
    pub(crate) fn observe(&self, desired: &Desired) -> Observed {
        let cloud = self.cloud(desired);
        self.runtime.block_on(cloud.observe(desired)).unwrap()
    }

    /// The direct way: every step of the plan.
    pub(crate) fn apply(&self, desired: &Desired) {
        let cloud = self.cloud(desired);
        let documents = Documents::render(desired).unwrap();
        self.runtime.block_on(async {
            let observed = cloud.observe(desired).await.unwrap();
            let plan = diff(desired, &documents, &observed, &DiffOptions::default());
            assert!(plan.blockers.is_empty(), "{:?}", plan.blockers);
            for change in &plan.changes {
                cloud.execute(&change.step).await.unwrap();
            }
        });
    }

    fn cloud(&self, desired: &Desired) -> Cloud {
        let endpoint = || Some(types::Endpoint::parse(&self.endpoint).unwrap());
        let options = ConnectOptions {
            credentials: Credentials {
                access_key: self.access_key_id.clone(),
                secret_key: types::Secret::new(self.secret.clone()),
                session_token: None,
            },
            region: desired.region.clone(),
            endpoints: Endpoints {
                s3: endpoint(),
                iam: endpoint(),
                sts: endpoint(),
                extra_roots: None,
            },
            addressing: AddressingStyle::Path,
            is_aws: true,
            patience: Patience::default(),
        };
        Cloud::connect(&options, Pace::new(Patience::default()))
    }
}

fn customer() -> AccountId {
    AccountId::parse(SandboxOptions::CUSTOMER).unwrap()
}

fn boundary() -> Step {
    Step::CreatePolicy {
        name: BOUNDARY.rsplit('/').next().unwrap().to_string(),
        path: "/".to_string(),
        arn: BOUNDARY.to_string(),
        document: json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }],
        }),
        tags: BTreeMap::from([("team".to_string(), "security".to_string())]),
    }
}

fn welcome_logs() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": ["logging.s3.amazonaws.com", "s3.amazonaws.com"] },
            "Action": "s3:PutObject",
            "Resource": format!("arn:aws:s3:::{FOREIGN_LOGS}/*"),
        }],
    })
}

fn welcome_events(destination: &Destination) -> Value {
    let action = match destination {
        Destination::Queue(_) => "sqs:SendMessage",
        Destination::Topic(_) => "sns:Publish",
        Destination::Function(_) => "lambda:InvokeFunction",
    };
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "s3.amazonaws.com" },
            "Action": action,
            "Resource": destination.arn().as_str(),
        }],
    })
}

/// Where two states differ: path, one, other.
pub(crate) fn differences(one: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", one, other, &mut found);
    found
}

fn compare(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                compare(&format!("{path}/{key}"), &one[key], &other[key], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}/{at}"), a, b, found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{path}: {one} and {other}")),
    }
}
