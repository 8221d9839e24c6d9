//! Sets a tenant's storage up, proves it, finds drift, takes it down.

fn main() {}
