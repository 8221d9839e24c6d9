//! An embedded AWS for development and tests: S3, IAM and STS on one loopback listener.
//!
//! It makes the whole way - make a role, assume it, store through it - run on a laptop without
//! an account, and it judges what the gateway and the provisioner send: the protocol and the S3
//! signatures by s3s, the signatures of IAM and STS by `aws-sigv4`, permissions by
//! [`policies::evaluate`], never by our own signing code.
//!
//! Objects, buckets, accounts and sessions are kept on local files and survive a restart and a
//! kill of the process. They are not flushed to the disk: after a power loss anything may be
//! missing. It is never a production store.
//!
//! What AWS has and the sandbox has not is answered with `NotImplemented`, never ignored.

mod ask;
mod calls;
mod claim;
mod disk;
mod document;
mod facts;
mod framing;
mod gate;
mod iam;
mod node;
mod options;
mod query;
mod random;
mod s3;
mod sandbox;
mod server;

pub use calls::{Call, CallKind, Fault, FaultEffect, FaultOn};
pub use options::{Propagation, SandboxOptions};
pub use sandbox::{KeyPair, Sandbox, SandboxError};
