//! Waiting by asking, with a deadline: nothing in the tests sleeps and hopes.

use std::time::{Duration, Instant};

/// How long to leave between two questions.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks until there is an answer, or until `limit` has passed.
pub fn until_some<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Asks until the answer is yes; whether it ever was.
pub fn until(limit: Duration, mut ask: impl FnMut() -> bool) -> bool {
    until_some(limit, || ask().then_some(())).is_some()
}
