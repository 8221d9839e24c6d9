//! Randomness as an argument: for spreading work in time, never for secrets.

use std::sync::Arc;

/// A source of 64 random bits per call.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The operating system's randomness.
pub fn system_random() -> Random {
    // Without randomness, work bunches up in time and stays correct.
    Arc::new(|| getrandom::u64().unwrap_or_default())
}

/// A number from 0 to `bound` inclusive, made of `bits`.
pub(crate) fn up_to(bits: u64, bound: u64) -> u64 {
    match bound.checked_add(1) {
        Some(choices) => bits % choices,
        None => bits,
    }
}
