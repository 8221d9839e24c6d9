//! Identifiers and secrets in the shapes that AWS gives them.

const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const MIXED: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
const SECRET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An access key id: `AKIA` for a user's own, `ASIA` for a session's.
pub(crate) fn access_key_id(prefix: &str) -> String {
    format!("{prefix}{}", text(UPPER, 16))
}

/// A unique id: `AIDA` for users, `AROA` for roles, `ANPA` for policies, `AIPA` for profiles.
pub(crate) fn unique_id(prefix: &str) -> String {
    format!("{prefix}{}", text(UPPER, 17))
}

/// A secret access key.
pub(crate) fn secret() -> String {
    text(SECRET, 40)
}

/// A session token.
pub(crate) fn session_token() -> String {
    text(SECRET, 356)
}

/// The id of an object version.
pub(crate) fn version_id() -> String {
    text(MIXED, 32)
}

/// The id of a multipart upload.
pub(crate) fn upload_id() -> String {
    text(MIXED, 64).replace(['.', '_'], "0")
}

/// The id of a request to S3.
pub(crate) fn request_bits() -> u64 {
    u64::from_le_bytes(bytes())
}

/// The id of a request to IAM or STS.
pub(crate) fn request_uuid() -> String {
    let hex = hex::encode(bytes::<16>());
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

fn text<const N: usize>(alphabet: &[u8; N], length: usize) -> String {
    let mut random = vec![0_u8; length];
    fill(&mut random);
    random
        .iter()
        .map(|byte| char::from(alphabet[usize::from(*byte) % N]))
        .collect()
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut random = [0_u8; N];
    fill(&mut random);
    random
}

fn fill(random: &mut [u8]) {
    getrandom::fill(random).expect("the operating system has randomness");
}
