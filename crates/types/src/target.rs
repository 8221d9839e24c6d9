//! Targets: the place a job writes to, fixed when the job begins.

use crate::text::checked_text;
use crate::{BucketMapping, StorageMode};
use serde::{Deserialize, Serialize};

checked_text! {
    /// The content address of a target: 64 lower-case hexadecimal digits of SHA-256.
    TargetId, "target id", check_target_id
}

/// An immutable place that a job pins: "pin the place, not the key".
///
/// Two equal targets have the same id, whoever computes it; a later change of the tenant's
/// configuration makes another target and leaves running jobs where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Whose storage it is.
    pub mode: StorageMode,
    /// Where, and what is allowed there.
    pub mapping: BucketMapping,
}

fn check_target_id(text: &str) -> Result<(), &'static str> {
    if text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        Ok(())
    } else {
        Err("it must have 64 lower-case hexadecimal digits")
    }
}
