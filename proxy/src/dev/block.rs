//! The block to paste: everything a client needs, and lines that work exactly as printed.

use super::region;
use super::setup::Demo;
use crate::output;
use serde_json::json;
use sigv4::{PresignRequest, SigningCredentials};
use std::time::Duration;
use types::{AccessKey, Clock, Endpoint, SystemClock};

/// What `proxy dev` prints when it is ready.
pub(super) struct Block {
    endpoint: Endpoint,
    access_key_id: String,
    secret_access_key: types::SecretString,
    tenant: String,
}

impl Block {
    pub(super) fn new(endpoint: Endpoint, key: &AccessKey, demo: &Demo) -> Self {
        Self {
            endpoint,
            access_key_id: key.id.to_string(),
            secret_access_key: key.secret.clone(),
            tenant: demo.config.tenant.to_string(),
        }
    }

    /// Data to standard output: the demo's key is meant to be pasted.
    pub(super) fn print(&self, as_json: bool) -> Result<(), String> {
        if as_json {
            output::json(&json!({
                "endpoint": self.endpoint.to_string(),
                "region": region().to_string(),
                "access_key_id": self.access_key_id,
                "secret_access_key": self.secret_access_key.expose(),
                "tenant": self.tenant,
                "buckets": { "data": "read_only", "results": "read_write" },
            }));
            return Ok(());
        }
        let read = self.presigned("GET", "/data/welcome.txt", 15 * 60)?;
        let write = self.presigned("PUT", "/results/from-curl.txt", 60 * 60)?;
        let (endpoint, region) = (&self.endpoint, region());
        let (id, secret) = (&self.access_key_id, self.secret_access_key.expose());
        output::line(&format!(
            "# The gateway listens. Tenant {tenant}: bucket data (read-only), bucket results.\n\
             export AWS_ENDPOINT_URL={endpoint}\n\
             export AWS_DEFAULT_REGION={region}\n\
             export AWS_ACCESS_KEY_ID={id}\n\
             export AWS_SECRET_ACCESS_KEY={secret}\n\
             \n\
             aws s3 ls\n\
             aws s3 cp s3://data/welcome.txt -\n\
             echo hello | aws s3 cp - s3://results/hello.txt\n\
             aws s3 ls s3://results/\n\
             aws s3 presign s3://results/hello.txt\n\
             \n\
             # Without any client: URLs for 15 minutes (read) and 60 minutes (write).\n\
             curl '{read}'\n\
             curl -X PUT --data-binary 'hello from curl' '{write}'\n\
             \n\
             # Ctrl-C stops. The next start has the same tenant, key and objects.",
            tenant = self.tenant,
            read = read.expose(),
            write = write.expose(),
        ));
        Ok(())
    }

    fn presigned(&self, method: &str, path: &str, seconds: u64) -> Result<sigv4::SafeUrl, String> {
        let request = PresignRequest {
            method,
            endpoint: &self.endpoint,
            path,
            query: None,
            headers: &[],
            expires_in: Duration::from_secs(seconds),
        };
        let credentials = SigningCredentials {
            access_key_id: &self.access_key_id,
            secret: &self.secret_access_key,
            session_token: None,
            version: 1,
        };
        sigv4::presign(&request, &credentials, &region(), SystemClock.now())
            .map_err(|error| error.to_string())
    }
}
