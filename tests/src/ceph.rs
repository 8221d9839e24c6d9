//! A Ceph RADOS Gateway: a real S3-compatible store that is reached with static keys.

use crate::certificate::{self, Certificate};
use crate::client::Login;
use crate::place;
use crate::server::Server;
use std::sync::LazyLock;

/// A running store, everything in memory.
#[derive(Debug)]
pub struct Ceph {
    server: Server,
    http_port: u16,
    tls_port: u16,
    certificate: Certificate,
}

impl Ceph {
    /// The one store of this test process; tests keep apart by buckets of their own.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Ceph> = LazyLock::new(Ceph::start);
        &SHARED
    }

    /// A store of the caller's own.
    pub fn start() -> Self {
        for tool in ["ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph"] {
            place::system_tool(tool);
        }
        let [http_port, tls_port, monitor_port] = [(); 3].map(|()| place::free_port());
        let mut made = None;
        let mut server = Server::start("ceph", &place::server_script("rgw"), |folder| {
            let certificate = certificate::make(folder);
            let key = std::fs::read_to_string(&certificate.key).unwrap();
            let chain = std::fs::read_to_string(&certificate.chain).unwrap();
            std::fs::write(folder.join("tls.pem"), key + &chain).unwrap();
            made = Some(certificate);
            let mut arguments = vec![folder.display().to_string()];
            arguments.extend([http_port, tls_port, monitor_port].map(|port| port.to_string()));
            (arguments, Vec::new())
        });
        server.wait_until(|folder| folder.join("ready").exists());
        Self {
            server,
            http_port,
            tls_port,
            certificate: made.expect("the server was prepared before it was started"),
        }
    }

    /// Over clear text, as the user who owns what the tests create.
    pub fn http(&self) -> Login {
        Login {
            endpoint: format!("http://127.0.0.1:{}", self.http_port),
            region: "us-east-1".to_owned(),
            // The keys stand in tests/servers/rgw too.
            access_key_id: "CEPHFIRSTKEY00000001".to_owned(),
            secret_access_key: "ceph-first-secret-0000000000000000000001".to_owned(),
            authority: None,
        }
    }

    /// The same user over TLS.
    pub fn https(&self) -> Login {
        Login {
            endpoint: format!("https://localhost:{}", self.tls_port),
            authority: Some(self.certificate.authority.clone()),
            ..self.http()
        }
    }

    /// A user to whom the first one's buckets are closed.
    pub fn stranger(&self) -> Login {
        self.http().with_keys(
            "CEPHSECONDKEY0000001",
            "ceph-second-secret-000000000000000000001",
        )
    }

    /// What the daemons wrote.
    pub fn log(&self) -> String {
        self.server.log()
    }
}
