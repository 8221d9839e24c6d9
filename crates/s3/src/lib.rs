//! The S3 protocol as data: addressing, operations, headers, checksums, XML, errors; pure, no I/O.
