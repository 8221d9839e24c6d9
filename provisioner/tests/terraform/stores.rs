//! The store that configurations are applied to.

use provisioner::aws::{Cloud, ConnectOptions, Credentials, Endpoints, Pace, Patience};
use provisioner::model::{Desired, Documents};
use provisioner::plan::{DiffOptions, Observed, diff};
use sandbox::SandboxOptions;
use tokio::runtime::Runtime;
use types::{AccountId, AddressingStyle};

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
        let account = AccountId::parse(SandboxOptions::CUSTOMER).unwrap();
        let keys = inner.root_keys(&account).unwrap();
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
