//! Files of every size that matters, made once.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const MIB: usize = 1 << 20;

/// The sizes at which something changes: nothing, one byte, around a chunk of 8 KiB, one part of a
/// multipart upload, and many.
pub const SIZES: [usize; 7] = [0, 1, 8_191, 8_192, 8_193, 5 * MIB, 64 * MIB];

/// A folder with a file of each size, named for it.
pub fn folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        // Beside the tools: made once for many runs, and ignored by git.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/files");
        std::fs::create_dir_all(&folder).unwrap();
        for size in SIZES {
            let path = folder.join(size.to_string());
            if std::fs::metadata(&path).is_ok_and(|found| found.len() == size as u64) {
                continue;
            }
            // Another test process may be making the same file.
            let draft = folder.join(format!(".{size}-{}", std::process::id()));
            std::fs::write(&draft, content(size)).unwrap();
            std::fs::rename(&draft, &path).unwrap();
        }
        folder
    });
    &FOLDER
}

/// Bytes that repeat nowhere near a power of two, the same in every run.
pub fn content(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ size as u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(size).collect()
}

/// File names that a file system can carry and that URLs and XML have to escape.
pub const ODD_NAMES: [&str; 8] = [
    "with space",
    "with+plus",
    "100%",
    "a%20b",
    "ünïcode-日本語-😀",
    "quote'and\"ampersand&",
    "semi;colon=equals,comma",
    "tilde~star*paren(s)",
];

/// Keys that no file system can carry.
pub const ODD_KEYS: [&str; 4] = ["two//slashes", "ends/with/slash/", "/begins", "<xml>]]>"];
