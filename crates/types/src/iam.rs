//! AWS accounts, partitions and role ARNs.

use crate::ParseError;
use crate::names::Region;
use crate::text::checked_text;
use std::fmt;

checked_text! {
    /// A 12-digit AWS account id.
    AccountId, "account id", check_account
}

/// A set of AWS regions with its own accounts and ARNs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Partition {
    /// The commercial regions.
    #[serde(rename = "aws")]
    Aws,
    /// China.
    #[serde(rename = "aws-cn")]
    AwsCn,
    /// GovCloud (US).
    #[serde(rename = "aws-us-gov")]
    AwsUsGov,
}

impl Partition {
    /// As it stands in an ARN.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
        }
    }

    /// The partition that `region` belongs to.
    pub fn of_region(region: &Region) -> Self {
        match region.as_str() {
            cn if cn.starts_with("cn-") => Self::AwsCn,
            gov if gov.starts_with("us-gov-") => Self::AwsUsGov,
            _ => Self::Aws,
        }
    }

    /// The DNS suffix of service endpoints.
    pub const fn dns_suffix(self) -> &'static str {
        match self {
            Self::AwsCn => "amazonaws.com.cn",
            Self::Aws | Self::AwsUsGov => "amazonaws.com",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Aws, Self::AwsCn, Self::AwsUsGov]
            .into_iter()
            .find(|p| p.as_str() == text)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// `arn:{partition}:iam::{account}:role/{path}{name}`.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn {
    partition: Partition,
    account: AccountId,
    /// `/` or `/segment/.../`.
    path: String,
    name: String,
}

impl RoleArn {
    /// The ARN that a role has, or will have once it is made: it is known before the role exists.
    pub fn new(
        partition: Partition,
        account: AccountId,
        path: &str,
        name: &str,
    ) -> Result<Self, ParseError> {
        Self::parse(&format!("arn:{partition}:iam::{account}:role{path}{name}"))
    }

    /// Parses a role's ARN; users, roots and assumed-role sessions are refused.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason| Err(ParseError::new("role ARN", text, reason));
        let mut parts = text.splitn(6, ':');
        let (Some("arn"), Some(partition), Some("iam"), Some(""), Some(account), Some(resource)) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return refuse("it must look like arn:aws:iam::123456789012:role/name");
        };
        let Some(partition) = Partition::parse(partition) else {
            return refuse("the partition must be aws, aws-cn or aws-us-gov");
        };
        let Ok(account) = AccountId::parse(account) else {
            return refuse("the account id must have 12 digits");
        };
        let Some(path_and_name) = resource.strip_prefix("role/") else {
            return refuse("it must name a role, not a user, a group, the root or a session");
        };
        let (path, name) = match path_and_name.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".to_string(), path_and_name),
        };
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name_byte) {
            return refuse("the role name must have 1 to 64 of A-Z a-z 0-9 +=,.@_-");
        }
        if path.len() > 512
            || path.contains("//")
            || !path.bytes().all(|b| b == b'/' || is_name_byte(b))
        {
            return refuse(
                "the role path must be '/' or segments of A-Z a-z 0-9 +=,.@_- between '/'",
            );
        }
        Ok(Self {
            partition,
            account,
            path,
            name: name.to_string(),
        })
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account that owns the role.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The path, `/` when there is none.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name without its path.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b)
}

impl fmt::Display for RoleArn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "arn:{}:iam::{}:role{}{}",
            self.partition, self.account, self.path, self.name
        )
    }
}

impl std::str::FromStr for RoleArn {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RoleArn {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        Self::parse(&text)
    }
}

impl From<RoleArn> for String {
    fn from(arn: RoleArn) -> String {
        arn.to_string()
    }
}

fn check_account(text: &str) -> Result<(), &'static str> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err("it must have 12 digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_round_trips() {
        for arn in [
            "arn:aws:iam::123456789012:role/r",
            "arn:aws-cn:iam::123456789012:role/a/b/r",
        ] {
            assert_eq!(RoleArn::parse(arn).unwrap().to_string(), arn);
        }
        assert_eq!(
            RoleArn::parse("arn:aws:iam::123456789012:role/a/b/r")
                .unwrap()
                .path(),
            "/a/b/"
        );
    }

    #[test]
    fn what_is_not_a_role_is_refused() {
        for arn in [
            "",
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::123456789012:user/u",
            "arn:aws:sts::123456789012:assumed-role/r/s",
            "arn:aws:iam::12345678901:role/r",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/a//b",
            "arn:aws:iam::123456789012:role/a${b}",
            "arn:gcp:iam::123456789012:role/r",
        ] {
            assert!(RoleArn::parse(arn).is_err(), "{arn}");
        }
    }
}
