//! An embedded AWS for development and tests: S3, IAM and STS on one loopback listener.
//!
//! It makes the whole way - make a role, assume it, store through it - run on a laptop without
//! an account, and it judges what the gateway and the provisioner send: the protocol and the S3
//! signatures by s3s, the signatures of IAM and STS by `aws-sigv4`, permissions by
//! [`policies::evaluate()`], never by our own signing code.
//!
//! Objects, buckets, accounts and sessions are kept on local files and survive a restart and a
//! kill of the process. They are not flushed to the disk: after a power loss anything may be
//! missing. It is never a production store.
//!
//! What AWS has and the sandbox has not is answered with `NotImplemented`, never ignored: calls,
//! query parameters, headers and form fields alike.
//!
//! # What is there
//! - S3: buckets, objects, copies, multipart uploads, listings, versions, conditional requests,
//!   the five checksums, object lock; of the settings all but website, replication, analytics and
//!   access control lists. Lifecycle, logging, notification and inventory are kept and checked,
//!   never carried out.
//! - IAM: roles, users, access keys, inline and managed policies with versions, boundaries,
//!   instance profiles, tags, quotas. Groups, federation and service-linked roles are not there.
//! - STS: AssumeRole with external id and session policies, GetCallerIdentity.
//! - KMS: keys can be made by [`Sandbox::create_kms_key`], and S3 asks for their permissions.
//!
//! # What is different from AWS
//! - One endpoint stands for all regions: the region of a request's signature counts as the
//!   region of the endpoint that it was sent to.
//! - `aws:SecureTransport` is true although nothing is encrypted, unless
//!   [`SandboxOptions::counts_as_tls`] says otherwise.
//! - Nobody is anonymous: an unsigned request is refused, whatever a bucket policy says.
//! - A `Range` header that is no range is an error; S3 ignores it.

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
mod seed;
mod server;
mod state;

pub use calls::{Call, CallKind, Fault, FaultEffect, FaultOn};
pub use options::{Propagation, SandboxOptions};
pub use sandbox::{KeyPair, Sandbox, SandboxError};
