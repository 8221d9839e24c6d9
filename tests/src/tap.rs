//! Reads along: everything that the gateway answers passes through here on its way to a client,
//! and no byte of it may tell what lies behind the gateway.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What a tap has seen and what it looks for.
#[derive(Debug)]
struct Watch {
    secrets: Vec<String>,
    longest: usize,
    leaks: Mutex<Vec<String>>,
}

/// A loopback port before the gateway's own, for as long as the test process lives.
#[derive(Debug)]
pub struct Tap {
    port: u16,
    watch: Arc<Watch>,
}

impl Tap {
    /// Forwards to the gateway's `port`, and notes wherever a response contains one of `secrets`.
    pub fn before(gateway: u16, secrets: Vec<String>) -> Self {
        assert!(secrets.iter().all(|secret| secret.len() > 3));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let watch = Arc::new(Watch {
            longest: secrets.iter().map(String::len).max().unwrap_or(0),
            secrets,
            leaks: Mutex::default(),
        });
        let watch_here = Arc::clone(&watch);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", gateway)) else {
                    continue;
                };
                join(client, server, Arc::clone(&watch_here));
            }
        });
        Self { port, watch }
    }

    /// The port that clients use.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Fails the test when any response so far told what it should not.
    pub fn assert_nothing_leaked(&self) {
        let leaks = self.watch.found();
        assert!(leaks.is_empty(), "responses give away: {leaks:#?}");
    }
}

/// Copies both ways, each on a thread of its own; the end of one way is passed on.
fn join(client: TcpStream, server: TcpStream, watch: Arc<Watch>) {
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    std::thread::spawn(move || copy(client, server, |_| ()));
    std::thread::spawn(move || {
        let mut window = Vec::new();
        copy(server_too, client_too, |bytes| {
            watch.look(&mut window, bytes);
        });
    });
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(length) if length > 0 && to.write_all(&buffer[..length]).is_ok() => {
                look(&buffer[..length]);
            }
            Ok(_) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            // A connection that was cut must look cut on the other side too.
            Err(_) => {
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

impl Watch {
    fn found(&self) -> Vec<String> {
        let leaks = self.leaks.lock().unwrap_or_else(PoisonError::into_inner);
        leaks.clone()
    }

    /// Looks at new bytes together with the end of the ones before, so that a secret that arrives
    /// in two pieces is seen.
    fn look(&self, window: &mut Vec<u8>, bytes: &[u8]) {
        window.extend_from_slice(bytes);
        for secret in &self.secrets {
            if let Some(at) = find(window, secret.as_bytes()) {
                let around = &window[at.saturating_sub(200)..(at + 100).min(window.len())];
                let around = String::from_utf8_lossy(around).into_owned();
                self.leaks
                    .lock()
                    .unwrap()
                    .push(format!("{secret}: {around}"));
            }
        }
        let keep = self.longest.saturating_sub(1).min(window.len());
        window.drain(..window.len() - keep);
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    // memchr's substring search: a naive one would cost seconds for each 64 MiB in a debug build.
    memchr::memmem::find(haystack, needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_two_pieces_is_seen() {
        let watch = Watch {
            secrets: vec!["hidden-bucket".into()],
            longest: 13,
            leaks: Mutex::default(),
        };
        let mut window = Vec::new();
        watch.look(&mut window, b"<Bucket>hidden-");
        assert!(watch.found().is_empty());
        watch.look(&mut window, b"bucket</Bucket>");
        assert_eq!(watch.found().len(), 1);
    }
}
