//! Who makes a request.

use super::context::Context;
use types::{AccountId, ParseError, Partition, RoleArn};

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// Nobody in particular: an unsigned request.
    Anonymous,
    /// The root user of an account.
    Root {
        /// Its partition.
        partition: Partition,
        /// The account.
        account: AccountId,
    },
    /// An IAM user.
    User {
        /// Its partition.
        partition: Partition,
        /// The account.
        account: AccountId,
        /// Path and name, without a leading slash: `deploy/ci`.
        name: String,
    },
    /// A role that was assumed: nobody *is* a role, everyone acts in a session of one.
    Session {
        /// The role.
        role: RoleArn,
        /// The session's name.
        session: String,
    },
    /// An AWS service acting for itself: `ecs-tasks.amazonaws.com`.
    Service(String),
}

impl Principal {
    /// A session of `role`.
    pub fn session(role: RoleArn, session: impl Into<String>) -> Self {
        Self::Session {
            role,
            session: session.into(),
        }
    }

    /// Parses the ARN of a root, a user or an assumed-role session.
    ///
    /// The ARN of a session does not carry its role's path: a role with a path is better given by
    /// [`Principal::session`].
    pub fn parse(arn: &str) -> Result<Self, ParseError> {
        let refuse = |reason| Err(ParseError::new("principal ARN", arn, reason));
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts[..] else {
            return refuse("it must have the six fields of an IAM or STS ARN");
        };
        let Some(partition) = [Partition::Aws, Partition::AwsCn, Partition::AwsUsGov]
            .into_iter()
            .find(|known| known.as_str() == partition)
        else {
            return refuse("the partition must be aws, aws-cn or aws-us-gov");
        };
        let account = AccountId::parse(account)?;
        match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => Ok(Self::Root { partition, account }),
            ("iam", Some(("user", name))) if !name.is_empty() => Ok(Self::User {
                partition,
                account,
                name: name.to_string(),
            }),
            ("sts", Some(("assumed-role", rest))) => match rest.split_once('/') {
                Some((role, session)) if !session.is_empty() => Ok(Self::Session {
                    role: RoleArn::new(partition, account, "/", role)?,
                    session: session.to_string(),
                }),
                _ => refuse("an assumed-role ARN names a role and a session"),
            },
            _ => refuse("it must name a root, a user or an assumed-role session"),
        }
    }

    /// The account, for principals that have one.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Root { account, .. } | Self::User { account, .. } => Some(account),
            Self::Session { role, .. } => Some(role.account()),
            Self::Anonymous | Self::Service(_) => None,
        }
    }

    /// The ARN that acts, as GetCallerIdentity shows it.
    pub fn arn(&self) -> Option<String> {
        match self {
            Self::Root { partition, account } => {
                Some(format!("arn:{partition}:iam::{account}:root"))
            }
            Self::User {
                partition,
                account,
                name,
            } => Some(format!("arn:{partition}:iam::{account}:user/{name}")),
            Self::Session { role, session } => Some(format!(
                "arn:{}:sts::{}:assumed-role/{}/{session}",
                role.partition(),
                role.account(),
                role.name()
            )),
            Self::Anonymous | Self::Service(_) => None,
        }
    }

    /// The value of `aws:PrincipalArn`: for a session, its role's ARN.
    pub fn principal_arn(&self) -> Option<String> {
        match self {
            Self::Session { role, .. } => Some(role.to_string()),
            _ => self.arn(),
        }
    }

    /// Writes down what AWS itself says about the caller, over whatever stood there: a request
    /// cannot say of itself who makes it.
    pub(super) fn describe(&self, context: &mut Context) {
        context.retain(|key| !FACTS.contains(&key));
        let is_service = matches!(self, Self::Service(_));
        context.set("aws:PrincipalIsAWSService", is_service.to_string());
        let kind = match self {
            Self::Anonymous => Some("Anonymous"),
            Self::Root { .. } => Some("Account"),
            Self::User { .. } => Some("User"),
            Self::Session { .. } => Some("AssumedRole"),
            Self::Service(_) => None,
        };
        if let Some(kind) = kind {
            context.set("aws:PrincipalType", kind);
        }
        if let Some(account) = self.account() {
            context.set("aws:PrincipalAccount", account.as_str());
        }
        if let Some(arn) = self.principal_arn() {
            context.set("aws:PrincipalArn", arn);
        }
        match self {
            Self::User { name, .. } => {
                let last = name.rsplit('/').next().unwrap_or(name);
                context.set("aws:username", last);
            }
            Self::Service(name) => context.set("aws:PrincipalServiceName", name.as_str()),
            _ => {}
        }
    }
}

/// What [`Principal::describe`] alone decides.
const FACTS: [&str; 6] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principaltype",
    "aws:username",
];
