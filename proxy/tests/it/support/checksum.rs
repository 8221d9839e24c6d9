//! Checksums by the simplest code there is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// CRC-32 as in ISO 3309, bit by bit, in base64 as S3 writes it.
pub(crate) fn crc32(bytes: &[u8]) -> String {
    let mut register = u32::MAX;
    for byte in bytes {
        register ^= u32::from(*byte);
        for _ in 0..8 {
            let low = register & 1;
            register = (register >> 1) ^ (0xedb8_8320 * low);
        }
    }
    STANDARD.encode((!register).to_be_bytes())
}

/// Bytes that differ from place to place.
pub(crate) fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
}

#[test]
fn the_check_value_of_crc_32_comes_out() {
    assert_eq!(
        crc32(b"123456789"),
        STANDARD.encode(0xcbf4_3926_u32.to_be_bytes())
    );
}
