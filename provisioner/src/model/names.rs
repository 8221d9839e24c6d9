//! Names of buckets, roles and policies, derived from project, environment and tenant.
//!
//! A name that is too long, or whose org id cannot stand in it as it is, gets a piece of the
//! SHA-256 of what was lost: deterministic, and never the same for two tenants.

use sha2::{Digest, Sha256};
use types::TenantId;

/// The longest bucket name. Source: S3 user guide, "General purpose bucket naming rules".
pub const MAX_BUCKET_NAME: usize = 63;
/// The longest role name. Source: IAM API reference, CreateRole.
pub const MAX_ROLE_NAME: usize = 64;
/// The longest policy name. Source: IAM API reference, CreatePolicy.
pub const MAX_POLICY_NAME: usize = 128;

/// What the names of one tenant's resources are made of.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// Stands first in every bucket name, when given.
    pub prefix: Option<&'a str>,
    /// The product.
    pub project: &'a str,
    /// The stage: `prod`, `staging`.
    pub environment: &'a str,
    /// The customer.
    pub tenant: &'a TenantId,
}

impl Naming<'_> {
    /// A bucket's name: `{prefix-}{project}-{environment}-{org}-{purpose}{suffix}`.
    pub fn bucket(&self, purpose: &str, suffix: &str) -> String {
        let prefix = self.prefix.map(|p| format!("{p}-")).unwrap_or_default();
        let name = format!("{prefix}{}-{purpose}", self.stem());
        let room = MAX_BUCKET_NAME.saturating_sub(suffix.len());
        format!("{}{suffix}", shortened(&name, room))
    }

    /// A role's name: `{project}-{environment}-{org}-{purpose}`.
    pub fn role(&self, purpose: &str) -> String {
        shortened(&format!("{}-{purpose}", self.stem()), MAX_ROLE_NAME)
    }

    fn stem(&self) -> String {
        format!(
            "{}-{}-{}",
            self.project,
            self.environment,
            slug(self.tenant)
        )
    }
}

/// The org id in the alphabet that bucket names and (case-insensitive) role names share.
fn slug(tenant: &TenantId) -> String {
    let text = tenant.as_str();
    let plain: String = text
        .chars()
        .map(|c| {
            if c == '_' {
                '-'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    let trimmed = plain.trim_matches('-');
    if trimmed == text {
        plain
    } else if trimmed.is_empty() {
        digest(text)
    } else {
        format!("{trimmed}-{}", digest(text))
    }
}

fn shortened(name: &str, room: usize) -> String {
    if name.len() <= room {
        return name.to_string();
    }
    let digest = digest(name);
    let kept = room.saturating_sub(digest.len() + 1);
    format!("{}-{digest}", name[..kept].trim_end_matches('-'))
}

/// Eight hexadecimal digits: enough to keep apart the tenants that share a shortened name.
fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::BucketName;

    fn naming(tenant: &TenantId) -> Naming<'_> {
        Naming {
            prefix: None,
            project: "pulse",
            environment: "prod",
            tenant,
        }
    }

    #[test]
    fn a_plain_org_id_stands_in_the_name_as_it_is() {
        let acme = TenantId::parse("acme").unwrap();
        assert_eq!(naming(&acme).bucket("data", ""), "pulse-prod-acme-data");
        assert_eq!(naming(&acme).role("gateway"), "pulse-prod-acme-gateway");
    }

    #[test]
    fn org_ids_that_differ_only_in_case_get_different_names() {
        let names: std::collections::BTreeSet<String> = ["acme", "Acme", "ACME", "a_cme", "a-cme"]
            .iter()
            .map(|org| {
                naming(&TenantId::parse(*org).unwrap())
                    .role("gateway")
                    .to_lowercase()
            })
            .collect();
        assert_eq!(names.len(), 5);
    }

    #[test]
    fn a_long_name_is_shortened_with_a_hash_and_never_cut_silently() {
        let one = TenantId::parse(format!("{}1", "a".repeat(63))).unwrap();
        let two = TenantId::parse(format!("{}2", "a".repeat(63))).unwrap();
        let (one, two) = (naming(&one).role("gateway"), naming(&two).role("gateway"));
        assert_eq!(one.len(), MAX_ROLE_NAME);
        assert_ne!(one, two);
    }

    proptest! {
        #[test]
        fn every_derived_bucket_name_is_valid(org in "[A-Za-z0-9_-]{1,64}", suffix in "(-123456789012-eu-central-1-an)?") {
            let tenant = TenantId::parse(org).unwrap();
            let name = naming(&tenant).bucket("results", &suffix);
            prop_assert!(BucketName::parse(name.clone()).is_ok(), "{}", name);
        }

        #[test]
        fn two_tenants_never_share_a_bucket_name(a in "[A-Za-z0-9_-]{1,64}", b in "[A-Za-z0-9_-]{1,64}") {
            let (a, b) = (TenantId::parse(a).unwrap(), TenantId::parse(b).unwrap());
            prop_assert_eq!(a == b, naming(&a).bucket("data", "") == naming(&b).bucket("data", ""));
        }
    }
}
