//! The name under which the customer's CloudTrail shows our sessions.

use sha2::{Digest, Sha256};
use std::fmt;
use types::TenantId;

/// The longest role session name. Source: AWS STS AssumeRole, parameter `RoleSessionName`.
const MAX_CHARS: usize = 64;

/// Hexadecimal digits of the tenant's hash in a shortened name.
const HASH_DIGITS: usize = 16;

/// `byos-{tenant}`, shortened to what AWS takes, and different for different tenants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionName(String);

impl SessionName {
    /// The session name of `tenant`.
    pub fn of(tenant: &TenantId) -> Self {
        let whole = format!("byos-{tenant}");
        if whole.len() <= MAX_CHARS {
            return Self(whole);
        }
        // The dot is legal in a session name and not in an org id: no whole name looks like this.
        let hash = hex::encode(Sha256::digest(tenant.as_str()));
        let kept = &whole[..MAX_CHARS - 1 - HASH_DIGITS];
        Self(format!("{kept}.{}", &hash[..HASH_DIGITS]))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(tenant: &str) -> String {
        SessionName::of(&TenantId::parse(tenant).unwrap()).to_string()
    }

    #[test]
    fn a_short_org_id_stands_whole_in_the_session_name() {
        assert_eq!(name_of("acme_1"), "byos-acme_1");
        assert_eq!(name_of(&"a".repeat(59)), format!("byos-{}", "a".repeat(59)));
    }

    #[test]
    fn long_org_ids_that_begin_alike_keep_different_legal_names() {
        let one = name_of(&format!("{}1", "a".repeat(63)));
        let two = name_of(&format!("{}2", "a".repeat(63)));
        assert_ne!(one, two);
        for name in [one, two] {
            assert_eq!(name.len(), 64);
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
            );
        }
    }

    #[test]
    fn no_org_id_can_take_the_name_of_a_shortened_one() {
        let shortened = name_of(&"a".repeat(64));
        assert!(TenantId::parse(shortened.trim_start_matches("byos-")).is_err());
    }
}
