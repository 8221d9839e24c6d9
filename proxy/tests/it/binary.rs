//! The program itself: what it logs at its finest level, and how it ends.

use crate::support::checksum::sample;
use crate::support::client::Client;
use crate::support::documents::response;
use crate::support::request::Request;
use crate::support::signer::{Signer, UNSIGNED};
use crate::support::stub::{Step, Stub};
use crate::support::{eventually, logs};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use types::{Clock, SystemClock};

const ID: &str = "BYOSPROGRAMKEY000001";

/// What STS answers to everything.
const SESSION: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials>\
    <AccessKeyId>ASIAHIDDEN</AccessKeyId>\
    <SecretAccessKey>canary-session-secret</SecretAccessKey>\
    <SessionToken>canary-session-token</SessionToken>\
    <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
    </AssumeRoleResponse>";

fn configuration(folder: &Path, storage: SocketAddr, sts: SocketAddr) -> String {
    let secret = |name: &str| {
        let path = folder.join(name);
        std::fs::write(&path, format!("canary-{name}-secret")).unwrap();
        path.display().to_string()
    };
    let (client, operator, token) = (secret("client"), secret("operator"), secret("token"));
    let (port, folder) = (storage.port(), folder.display());
    format!(
        r#"
[gateway]
listen = "127.0.0.1:0"
region = "eu-central-1"
[store]
engine = "sled"
path = "{folder}/store"
key_file = "{folder}/store.key"
[sts]
region = "eu-central-1"
endpoint = "http://{sts}"
access_key_id = "AKIDOPERATOR"
secret_access_key_file = "{operator}"
session_token_file = "{token}"
[upstream]
allow_http = true
allow_private = ["127.0.0.0/8"]
allowed_ports = [{port}]
[log]
format = "json"
filter = "trace"
[[tenants]]
id = "acme"
role = "arn:aws:iam::123456789012:role/hidden-role"
[[tenants.buckets]]
name = "results"
bucket = "hidden-acme-results"
prefix = "hidden-prefix/acme/"
access = "read_write"
region = "eu-central-1"
endpoint = "http://{storage}"
[[tenants.keys]]
id = "{ID}"
secret_file = "{client}"
[[tenants.keys.grants]]
access = "read_write"
"#
    )
}

/// The running program.
struct Program {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    reading: JoinHandle<()>,
}

impl Program {
    async fn start(configuration: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_proxy"))
            .args(["serve", "--config"])
            .arg(configuration)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&log);
        let reading = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        eventually("the program listens", || address(&log).is_some()).await;
        Self {
            child,
            address: address(&log).unwrap(),
            log,
            reading,
        }
    }

    /// SIGTERM.
    fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end; all that it logged.
    async fn ended(&mut self) -> Vec<String> {
        let child = Mutex::new(&mut self.child);
        let status = || child.lock().unwrap().try_wait().unwrap();
        eventually("the program ends", || status().is_some()).await;
        assert!(status().unwrap().success());
        eventually("its log is read", || self.reading.is_finished()).await;
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, unless the test has failed.
        let _ = self.child.kill();
    }
}

/// Where it says that it listens.
fn address(log: &Mutex<Vec<String>>) -> Option<SocketAddr> {
    let log = log.lock().unwrap();
    let line = log.iter().find(|line| line.contains("\"listening\""))?;
    let text = line
        .split('"')
        .find(|text| text.starts_with("127.0.0.1:"))?;
    text.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_logs_no_secret_at_its_finest_and_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, sts) = (Stub::start(None).await, Stub::start(None).await);
    sts.script(|_| {
        let session = response("200 OK", "Content-Type: text/xml\r\n", SESSION);
        vec![Step::ReadBody, Step::Send(session)]
    });
    let path = folder.path().join("byos.toml");
    let text = configuration(folder.path(), storage.address, sts.address);
    std::fs::write(&path, text).unwrap();
    let mut program = Program::start(&path).await;
    let signer = Signer {
        id: ID.to_string(),
        secret: "canary-client-secret".to_string(),
        now: SystemClock.now(),
    };
    let address = program.address;
    let ask = async |request: &Request| {
        let mut client = Client::connect(address).await;
        client.ask(request).await.status
    };
    let get = Request::new("GET", "/results/canary?response-content-type=canary%2Ftype")
        .header("user-agent", "canary");
    assert_eq!(ask(&signer.sign(get.clone())).await, 200);
    assert_eq!(ask(&signer.presign(get.clone())).await, 200);
    let mut forged = signer.clone();
    forged.secret = "canary-guess".to_string();
    assert_eq!(ask(&forged.sign(get.clone())).await, 403);
    assert_eq!(ask(&forged.presign(get)).await, 403);
    assert_eq!(
        ask(&signer.sign(Request::new("GET", "/results?list-type=2"))).await,
        200
    );
    storage.script(|_| {
        let refusal = response(
            "403 Forbidden",
            "",
            "<Error><Code>AccessDenied</Code></Error>",
        );
        vec![Step::ReadBody, Step::Send(refusal)]
    });
    assert_eq!(
        ask(&signer.sign(Request::new("GET", "/results/canary"))).await,
        502
    );
    storage.script(|_| vec![Step::Reset]);
    assert_eq!(
        ask(&signer.sign(Request::new("GET", "/results/canary"))).await,
        503
    );
    storage.behave();
    storage.forget();

    let put = Request::new("PUT", "/results/canary").body(sample(300_000));
    let put = signer.sign_payload(put, UNSIGNED);
    let mut uploader = Client::connect(program.address).await;
    let bytes = put.bytes();
    uploader.send(&bytes[..100_000]).await;
    eventually("the upload is under way", || storage.count() == 1).await;
    program.terminate();
    uploader.must_send(&bytes[100_000..]).await;
    assert_eq!(uploader.answer("PUT").await.status, 200);
    let log = program.ended().await;
    assert!(log.len() > 10, "{log:#?}");
    for line in &log {
        assert!(!logs::leaks(line), "logged: {line}");
        assert!(
            line.starts_with('{') && line.ends_with('}'),
            "not JSON: {line}"
        );
    }
    let requests = log.iter().filter(|line| line.contains("\"request_id\""));
    assert_eq!(requests.count(), 8, "one line each");
}
