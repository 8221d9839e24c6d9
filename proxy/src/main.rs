//! The gateway: any S3 client in, the tenant's own bucket out.

fn main() {}
