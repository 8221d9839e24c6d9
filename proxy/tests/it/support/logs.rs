//! Every log line of this process at the finest level, searched for what nobody may log.

use super::CANARY;
use std::io;
use std::sync::{LazyLock, Mutex, Once};
use tracing_subscriber::fmt::MakeWriter;

/// The lines that should not be.
static LOG: LazyLock<Mutex<Vec<String>>> = LazyLock::new(Mutex::default);

/// What gives a secret away whatever its value.
const MARKS: [&str; 4] = [
    CANARY,
    "signature=",
    "aws4-hmac-sha256 credential",
    "x-amz-signature",
];

/// Starts listening; once is enough, more does no harm.
///
/// Not to `aws_sigv4`: in this process it signs for the clients.
pub(crate) fn listen() {
    note_panics();
    let _ = tracing_subscriber::fmt()
        .with_env_filter("trace,aws_sigv4=off")
        .with_ansi(false)
        .with_writer(Listener)
        .try_init();
}

/// No line so far holds a secret, a signature or a customer's name for an object.
pub(crate) fn assert_clean() {
    let log = LOG.lock().unwrap();
    assert!(log.is_empty(), "logged: {log:#?}");
}

/// A panic that is not a test's own is as bad as a secret.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or("", |location| location.file());
            if !place.contains("tests/it") {
                LOG.lock().unwrap().push(panic.to_string());
            }
            before(panic);
        }));
    });
}

/// Whether a line holds what nobody may log.
pub(crate) fn leaks(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    MARKS.iter().any(|mark| lower.contains(mark))
}

#[derive(Clone, Copy)]
struct Listener;

impl<'a> MakeWriter<'a> for Listener {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

impl io::Write for Listener {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).into_owned();
        if leaks(&text) {
            LOG.lock().unwrap().push(text);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
