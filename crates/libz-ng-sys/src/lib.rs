//! The zlib API that flate2 asks of zlib-ng, answered by stock zlib.
//!
//! zlib-ng is built with CMake; stock zlib needs a C compiler only. The gateway never compresses,
//! so the slower of the two costs nothing.

pub use libz_sys::*;
