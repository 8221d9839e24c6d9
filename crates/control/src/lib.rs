//! Use cases without HTTP: tenants, access keys, routing, presigning.
