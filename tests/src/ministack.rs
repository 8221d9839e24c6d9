//! MiniStack with signatures and policies enforced: an AWS that somebody else wrote.

use crate::client::Login;
use crate::customer::Customer;
use crate::place;
use crate::server::{self, Server};
use serde_json::Value;
use std::sync::LazyLock;

/// The account of the SaaS.
pub const VENDOR_ACCOUNT: &str = "111111111111";
/// The account of the customer, whose buckets and role these are.
pub const CUSTOMER_ACCOUNT: &str = "222222222222";

/// A running emulator with S3, IAM, STS and KMS.
#[derive(Debug)]
pub struct MiniStack {
    _server: Server,
    port: u16,
}

impl MiniStack {
    /// The one emulator of this test process; tests keep apart by names of their own.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<MiniStack> = LazyLock::new(MiniStack::start);
        &SHARED
    }

    /// An emulator of the caller's own.
    pub fn start() -> Self {
        let port = place::free_port();
        let mut server = Server::start("ministack", &place::python_tool("ministack"), |_| {
            let settings = [
                // Without this every signature is accepted.
                ("AUTH", "true"),
                // The default is every interface of the machine.
                ("BIND_HOST", "127.0.0.1"),
                ("GATEWAY_PORT", &port.to_string()),
                ("SERVICES", "s3,iam,sts,kms"),
                // The configured root key skips every check, so no test may guess it.
                ("AWS_ACCESS_KEY_ID", "AKIANOBODYUSESTHIS01"),
                (
                    "AWS_SECRET_ACCESS_KEY",
                    "nobody-uses-this-secret-0000000000000001",
                ),
                ("DOCKER_HOST", "unix:///nonexistent"),
                ("LOG_LEVEL", "WARNING"),
                ("PYTHONDONTWRITEBYTECODE", "1"),
            ];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
            (Vec::new(), settings.into())
        });
        server.wait_until(|_| server::answers_ok(port, "/_localstack/health"));
        Self {
            _server: server,
            port,
        }
    }

    /// Scheme, host and port, for S3, IAM and STS alike.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Root of an account: signatures are not checked, so this is for setting things up only.
    pub fn root_of(&self, account: &str) -> Login {
        Login {
            endpoint: self.endpoint(),
            region: "us-east-1".to_owned(),
            access_key_id: account.to_owned(),
            secret_access_key: "anything".to_owned(),
            authority: None,
        }
    }

    /// A user of the vendor's account who may assume the roles of `org`'s name, as the gateway.
    pub fn gateway_user(&self, name: &str) -> Login {
        let keys = self
            .root_of(VENDOR_ACCOUNT)
            .python("ministack.py", &["gateway-user", name]);
        self.login(&keys)
    }

    /// Two buckets and a role in the customer's account, trusting `gateway_user` of the vendor's
    /// account when it brings `external_id`; the role reads the data bucket and writes to the
    /// results bucket, under `prefix` only.
    pub fn customer(
        &self,
        org: &str,
        gateway_user: &str,
        external_id: &str,
        prefix: &str,
    ) -> Customer {
        let made = self.root_of(CUSTOMER_ACCOUNT).python(
            "ministack.py",
            &["customer", org, gateway_user, external_id, prefix],
        );
        let fields: Value = serde_json::from_str(&made).unwrap();
        let field = |name: &str| fields[name].as_str().unwrap().to_owned();
        Customer {
            role_arn: field("role_arn"),
            data_bucket: field("data_bucket"),
            results_bucket: field("results_bucket"),
            owner: self.login(&made),
        }
    }

    fn login(&self, keys: &str) -> Login {
        let keys: Value = serde_json::from_str(keys).unwrap();
        self.root_of(VENDOR_ACCOUNT).with_keys(
            keys["access_key_id"].as_str().unwrap(),
            keys["secret_access_key"].as_str().unwrap(),
        )
    }
}
