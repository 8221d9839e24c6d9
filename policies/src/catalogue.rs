//! What AWS says about actions: access level, resource type, condition keys; and which actions an
//! API operation needs, because IAM names and API names differ more often than not.
//!
//! Covered: S3 as far as general purpose buckets and their objects go, all of STS, KMS as far as
//! encryption and key administration go, and IAM as far as roles, policies and instance profiles
//! go. Source: the AWS Service Authorization Reference; a test compares the tables with an
//! independent copy of it.

mod iam;
mod kms;
mod operations;
mod s3;
mod sts;

pub use operations::{OPERATIONS, Operation, actions_of};

use crate::evaluate::pattern::{Pattern, Variables};

/// What an action does to what it touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// It names things.
    List,
    /// It reads them.
    Read,
    /// It changes tags only.
    Tagging,
    /// It changes them.
    Write,
    /// It changes who may do what.
    Permissions,
}

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `arn:aws:s3:::bucket`.
    Bucket,
    /// `arn:aws:s3:::bucket/key`.
    Object,
    /// `arn:aws:iam::account:role/name`.
    Role,
    /// `arn:aws:iam::account:user/name`.
    User,
    /// `arn:aws:iam::account:policy/name`.
    ManagedPolicy,
    /// `arn:aws:iam::account:instance-profile/name`.
    InstanceProfile,
    /// `arn:aws:iam::account:root`.
    RootUser,
    /// `arn:aws:sts::account:self`.
    SelfSession,
    /// `arn:aws:kms:region:account:key/id`.
    Key,
    /// `arn:aws:kms:region:account:alias/name`.
    Alias,
    /// No resource: the `Resource` element must be `*`.
    None,
}

/// One action.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name after the colon.
    pub name: &'static str,
    /// What it does.
    pub access: Access,
    /// What it can be done to.
    pub resources: &'static [ResourceType],
    /// Condition keys of the service itself, in groups; a `*` at the end stands for any tag key
    /// or the like. Global `aws:` keys are not listed.
    pub keys: &'static [&'static [&'static str]],
}

impl Entry {
    /// Whether the action carries `key`; the case of a key does not matter.
    pub fn carries(&self, key: &str) -> bool {
        self.keys
            .iter()
            .flat_map(|group| group.iter())
            .any(|known| is_key(known, key))
    }
}

fn is_key(known: &str, key: &str) -> bool {
    match known.strip_suffix('*') {
        Some(stem) => {
            key.len() > stem.len()
                && key.is_char_boundary(stem.len())
                && key[..stem.len()].eq_ignore_ascii_case(stem)
        }
        None => known.eq_ignore_ascii_case(key),
    }
}

/// A service of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// The prefix of its actions.
    pub prefix: &'static str,
    /// Its actions.
    pub actions: &'static [Entry],
    /// Whether an action of this name may exist although it is not listed.
    pub(crate) may_have: fn(&str) -> bool,
}

/// The services of the catalogue.
pub const SERVICES: [Service; 4] = [
    Service {
        prefix: "s3",
        actions: s3::ACTIONS,
        may_have: s3::is_beyond_buckets,
    },
    Service {
        prefix: "sts",
        actions: sts::ACTIONS,
        may_have: |_| false,
    },
    Service {
        prefix: "kms",
        actions: kms::ACTIONS,
        may_have: kms::is_beyond_encryption,
    },
    Service {
        prefix: "iam",
        actions: iam::ACTIONS,
        may_have: iam::is_beyond_roles,
    },
];

/// The entry of `action` (`s3:GetObject`, in any case).
pub fn entry(action: &str) -> Option<&'static Entry> {
    let (prefix, name) = action.split_once(':')?;
    service(prefix)?
        .actions
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(name))
}

/// The names of all actions of the catalogue that `pattern` (`s3:Get*`) matches; `None` when its
/// service is not in the catalogue or the service itself is a pattern.
pub(crate) fn entries_like(pattern: &str) -> Option<Vec<String>> {
    let (prefix, _) = pattern.split_once(':')?;
    let service = service(prefix)?;
    let pattern = Pattern::compile(pattern, Variables::Literal).ok()?;
    let names = service
        .actions
        .iter()
        .map(|entry| format!("{}:{}", service.prefix, entry.name));
    Some(
        names
            .filter(|name| pattern.matches_ignoring_case(name))
            .collect(),
    )
}

/// The service with this action prefix.
pub fn service(prefix: &str) -> Option<&'static Service> {
    SERVICES
        .iter()
        .find(|service| service.prefix.eq_ignore_ascii_case(prefix))
}

/// Whether `action` is certainly a mistake: its service is in the catalogue, and neither the tables
/// nor the parts of the service that they leave out have such a name.
pub fn is_unknown(action: &str) -> bool {
    let Some((prefix, name)) = action.split_once(':') else {
        return true;
    };
    match service(prefix) {
        Some(service) => entry(action).is_none() && !(service.may_have)(name),
        None => false,
    }
}

/// Whether a request for `action` can carry the condition key `key`.
///
/// Global keys can stand on every request. Keys of a service stand only on the actions that list
/// them; of actions that are not in the catalogue nothing is known, so everything is let through.
pub fn may_carry(action: &str, key: &str) -> bool {
    let is_global = key.len() > 4 && key.as_bytes()[..4].eq_ignore_ascii_case(b"aws:");
    is_global || entry(action).is_none_or(|entry| entry.carries(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_key_is_carried_by_listing_and_by_nothing_else_in_the_bucket() {
        assert!(may_carry("s3:ListBucket", "s3:prefix"));
        assert!(may_carry("s3:listbucketversions", "S3:Prefix"));
        for action in [
            "s3:GetBucketLocation",
            "s3:ListBucketMultipartUploads",
            "s3:GetObject",
        ] {
            assert!(!may_carry(action, "s3:prefix"), "{action}");
        }
    }

    #[test]
    fn keys_with_a_free_part_are_known_by_their_stem() {
        assert!(may_carry("s3:GetObject", "s3:ExistingObjectTag/team"));
        assert!(!may_carry("s3:GetObject", "s3:ExistingObjectTag/"));
        assert!(may_carry("kms:Decrypt", "kms:EncryptionContext:aws:s3:arn"));
    }

    #[test]
    fn global_keys_and_unknown_actions_are_let_through() {
        assert!(may_carry("s3:GetBucketLocation", "aws:SourceIp"));
        assert!(may_carry("dynamodb:GetItem", "dynamodb:LeadingKeys"));
    }

    #[test]
    fn api_names_that_are_no_actions_are_unknown() {
        for action in [
            "s3:ListObjectsV2",
            "s3:HeadBucket",
            "s3:CreateMultipartUpload",
            "sts:Assume",
        ] {
            assert!(is_unknown(action), "{action}");
        }
        for action in [
            "s3:GetObject",
            "s3:CreateAccessPoint",
            "iam:CreateUser",
            "sqs:Anything",
        ] {
            assert!(!is_unknown(action), "{action}");
        }
    }

    #[test]
    fn no_action_is_listed_twice() {
        for service in SERVICES {
            for (at, entry) in service.actions.iter().enumerate() {
                let again = service.actions[at + 1..]
                    .iter()
                    .any(|other| other.name == entry.name);
                assert!(!again, "{}:{}", service.prefix, entry.name);
            }
        }
    }
}
