//! Reaching a tenant's own bucket: credentials, endpoint guard, rewriting, signing.
