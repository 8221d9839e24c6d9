//! The session policy of an AssumeRole call: this tenant's buckets and prefixes, and no more,
//! whatever the customer's role would allow. The document itself comes from `policies`.

use policies::RenderError;
use policies::render::{SessionGrant, session_policy};
use types::{BucketMapping, Partition};

/// Why no session can be asked for: without a policy that AWS takes, none is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tenant's sessions cannot be limited to its buckets and prefixes")]
pub struct SessionPolicyError(#[from] RenderError);

/// The policy text for `places`.
pub(crate) fn limited_to<'a>(
    partition: Partition,
    places: impl Iterator<Item = &'a BucketMapping>,
) -> Result<String, SessionPolicyError> {
    let grants: Vec<_> = places
        .map(|mapping| SessionGrant {
            bucket: mapping.location.bucket.clone(),
            prefix: mapping.location.prefix.clone(),
            access: mapping.access,
        })
        .collect();
    Ok(session_policy(partition, &grants)?.compact())
}
