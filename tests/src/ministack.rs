//! MiniStack with signatures and policies enforced: an AWS that somebody else wrote.

use crate::certificate::{self, Certificate};
use crate::client::{Login, curl, run};
use crate::customer::Customer;
use crate::place;
use crate::server::{self, Server};
use serde_json::Value;
use std::path::Path;
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
    certificate: Option<Certificate>,
}

impl MiniStack {
    /// The one emulator of this test process; tests keep apart by names of their own.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<MiniStack> = LazyLock::new(MiniStack::start);
        &SHARED
    }

    /// Another one, over TLS, with one answer put right: see `tests/servers/corrected_ministack.py`.
    /// Policies that demand TLS or admit one role of an account can be used there.
    pub fn over_tls() -> &'static Self {
        static SHARED: LazyLock<MiniStack> = LazyLock::new(|| {
            let script = place::server_script("corrected_ministack.py");
            let arguments = vec![script.to_str().unwrap().to_owned()];
            MiniStack::run(&place::python_tool("python"), arguments, true)
        });
        &SHARED
    }

    /// An emulator of the caller's own.
    pub fn start() -> Self {
        Self::run(&place::python_tool("ministack"), Vec::new(), false)
    }

    fn run(program: &Path, arguments: Vec<String>, tls: bool) -> Self {
        let port = place::free_port();
        let mut certificate = None;
        let mut server = Server::start("ministack", program, |folder| {
            certificate = tls.then(|| certificate::make(folder));
            (arguments, settings(port, certificate.as_ref()))
        });
        match &certificate {
            None => server.wait_until(|_| server::answers_ok(port, HEALTH)),
            Some(certificate) => {
                let authority = certificate.authority.to_str().unwrap();
                let health = format!("https://127.0.0.1:{port}{HEALTH}");
                let ask = ["--fail", "--cacert", authority, &health];
                server.wait_until(|_| run(&mut curl(&ask)).status.success());
            }
        }
        Self {
            _server: server,
            port,
            certificate,
        }
    }

    /// Scheme, host and port, for S3, IAM and STS alike.
    pub fn endpoint(&self) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Root of an account: signatures are not checked, so this is for setting things up only.
    pub fn root_of(&self, account: &str) -> Login {
        Login {
            endpoint: self.endpoint(),
            region: "us-east-1".to_owned(),
            access_key_id: account.to_owned(),
            secret_access_key: "anything".to_owned(),
            authority: self.certificate.as_ref().map(|made| made.authority.clone()),
        }
    }

    /// A role of the vendor's account that may assume any role, and a user who may take it: the
    /// role's ARN and the user's keys.
    pub fn vendor_role(&self, name: &str) -> (String, Login) {
        let keys = self
            .root_of(VENDOR_ACCOUNT)
            .python("ministack.py", &["vendor-role", name]);
        let role = format!("arn:aws:iam::{VENDOR_ACCOUNT}:role/{name}");
        (role, self.login(&keys))
    }

    /// A user of the customer's account with these policies and no other right.
    pub fn customers_user(&self, name: &str, policies: &[&Value]) -> Login {
        let policies: Vec<_> = policies.iter().map(ToString::to_string).collect();
        let mut arguments = vec!["user", name];
        arguments.extend(policies.iter().map(String::as_str));
        let keys = self
            .root_of(CUSTOMER_ACCOUNT)
            .python("ministack.py", &arguments);
        self.login(&keys)
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

const HEALTH: &str = "/_localstack/health";

fn settings(port: u16, certificate: Option<&Certificate>) -> Vec<(String, String)> {
    let port = port.to_string();
    let mut settings = vec![
        // Without this every signature is accepted.
        ("AUTH", "true"),
        // The default is every interface of the machine.
        ("BIND_HOST", "127.0.0.1"),
        ("GATEWAY_PORT", &port),
        ("SERVICES", "s3,iam,sts,kms"),
        // It would listen on a port that is always the same.
        ("IOT_MTLS_ENABLED", "false"),
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
    if let Some(certificate) = certificate {
        settings.extend([
            ("USE_SSL", "1"),
            ("MINISTACK_SSL_CERT", certificate.chain.to_str().unwrap()),
            ("MINISTACK_SSL_KEY", certificate.key.to_str().unwrap()),
        ]);
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    settings.into_iter().map(owned).collect()
}
