//! An embedded AWS for development and tests: S3, IAM and STS on local files.
