//! AWS Signature Version 4: verify, sign, presign, chunked bodies; pure, no I/O.
