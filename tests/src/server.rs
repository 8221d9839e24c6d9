//! A server process that cannot outlive the test.

use crate::{place, wait};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long any server may take to become ready; generous, since the machine may be busy.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// A running server. Dropping it kills the server's process group and removes its folder; so does
/// the end of the test process, because the supervising script then reads end of file.
#[derive(Debug)]
pub struct Server {
    name: String,
    supervisor: Child,
    folder: PathBuf,
}

impl Server {
    /// Runs `program` with `arguments` and just the given environment, in its own new folder that
    /// `prepare` may fill first.
    pub fn start(
        name: &str,
        program: &Path,
        prepare: impl FnOnce(&Path) -> (Vec<String>, Vec<(String, String)>),
    ) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(&format!("byos-{name}-"))
            .tempdir()
            .expect("a temporary folder can be made")
            .keep();
        let (arguments, environment) = prepare(&folder);
        let supervisor = Command::new(place::server_script("supervise"))
            .arg(&folder)
            .arg(program)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &folder)
            .env("LANG", "C.UTF-8")
            .envs(environment)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Only the shell's remarks on killed jobs; the server's own words are in the log.
            .stderr(Stdio::null())
            // An interrupt at the keyboard must end the server through the pipe, in order.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self {
            name: name.to_owned(),
            supervisor,
            folder,
        }
    }

    /// Waits until `ready` says yes; a server that ends first, or never becomes ready, fails the
    /// test with what it logged.
    pub fn wait_until(&mut self, mut ready: impl FnMut(&Path) -> bool) {
        let mut ended = false;
        let folder = self.folder.clone();
        let supervisor = &mut self.supervisor;
        let is_ready = wait::until(READY_WITHIN, || {
            ended = supervisor.try_wait().is_ok_and(|status| status.is_some());
            ended || ready(&folder)
        }) && !ended;
        assert!(is_ready, "{} is not ready:\n{}", self.name, self.log());
    }

    /// Everything that the server wrote so far.
    pub fn log(&self) -> String {
        let log = std::fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The server's own folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        wait::until_some(Duration::from_secs(10), || {
            std::fs::read_to_string(self.folder.join("pid"))
                .ok()?
                .trim()
                .parse()
                .ok()
        })
        .expect("the supervisor writes the process id as soon as the server runs")
    }

    /// Sends `signal`, for example `TERM`, to the server process alone.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.pid().to_string())
            .status()
            .expect("kill is part of every system");
        assert!(status.success(), "{} takes no {signal}", self.name);
    }

    /// Waits for the server to end by itself; whether it did within `limit`.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        let supervisor = &mut self.supervisor;
        wait::until(limit, || {
            supervisor.try_wait().is_ok_and(|status| status.is_some())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // The supervisor kills without asking, so this ends at once; an error leaves nothing to do.
        let _ = self.supervisor.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whether an HTTP GET of `path` at a loopback port is answered with status 200.
pub fn answers_ok(port: u16, path: &str) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n"
        )?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
