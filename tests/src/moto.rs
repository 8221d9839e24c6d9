//! moto: S3, IAM and STS that somebody else wrote, which enforce nothing.
//!
//! Without its authentication, which refuses signed listings, it lets everybody do everything, so
//! it judges no right and no policy: only whether calls and answers have the shapes of AWS.

use crate::client::Login;
use crate::place;
use crate::server::{self, Server};
use std::sync::LazyLock;

/// The account of whoever asks.
pub const ACCOUNT: &str = "123456789012";

/// A running emulator.
#[derive(Debug)]
pub struct Moto {
    _server: Server,
    port: u16,
}

impl Moto {
    /// The one emulator of this test process; tests keep apart by names of their own.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Moto> = LazyLock::new(Moto::start);
        &SHARED
    }

    /// An emulator of the caller's own.
    pub fn start() -> Self {
        let port = place::free_port();
        let mut server = Server::start("moto", &place::python_tool("moto_server"), |_| {
            let arguments = ["--host", "127.0.0.1", "--port", &port.to_string()].map(str::to_owned);
            let settings = [("PYTHONDONTWRITEBYTECODE", "1")];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
            (arguments.into(), settings.into())
        });
        server.wait_until(|_| server::answers_ok(port, "/moto-api/"));
        Self {
            _server: server,
            port,
        }
    }

    /// Anybody.
    pub fn login(&self) -> Login {
        Login {
            endpoint: format!("http://127.0.0.1:{}", self.port),
            region: "eu-central-1".to_owned(),
            access_key_id: "AKIAANYBODY000000001".to_owned(),
            secret_access_key: "any-secret-00000000000000000000000000001".to_owned(),
            authority: None,
        }
    }
}
