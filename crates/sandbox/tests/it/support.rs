//! Starting sandboxes, and sending them bytes.

use sandbox::{KeyPair, Sandbox, SandboxOptions};
use std::path::Path;
use types::{AccountId, BucketName, Region};

/// The account whose buckets are used.
pub(crate) fn customer() -> AccountId {
    AccountId::parse(SandboxOptions::CUSTOMER).unwrap()
}

/// The account of the service.
pub(crate) fn vendor() -> AccountId {
    AccountId::parse(SandboxOptions::VENDOR).unwrap()
}

/// A sandbox that keeps its data in `directory`.
pub(crate) async fn start_in(directory: &Path) -> Sandbox {
    start(SandboxOptions {
        data_dir: Some(directory.to_path_buf()),
        ..SandboxOptions::default()
    })
    .await
}

/// A sandbox.
pub(crate) async fn start(options: SandboxOptions) -> Sandbox {
    Sandbox::start(options).await.unwrap()
}

/// A sandbox with the bucket `data` of the customer, and the customer's root keys.
pub(crate) async fn start_with_bucket() -> (Sandbox, KeyPair) {
    let sandbox = start(SandboxOptions::default()).await;
    make_bucket(&sandbox, "data");
    let keys = sandbox.root_keys(&customer()).unwrap();
    (sandbox, keys)
}

/// Makes a bucket of the customer in the first region.
pub(crate) fn make_bucket(sandbox: &Sandbox, name: &str) {
    let region = Region::parse("us-east-1").unwrap();
    let name = BucketName::parse(name).unwrap();
    sandbox.create_bucket(&customer(), &name, &region).unwrap();
}
