//! What the role shall be: who may assume it, and how its permissions hang on it.

use crate::model::arn::Arn;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use types::{ExternalId, RoleArn};

/// The role as it shall be. Its documents are rendered from the whole model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DesiredRole {
    /// Known before the role exists.
    pub arn: RoleArn,
    /// Who may assume it.
    pub trust: Trust,
    /// How the permission policy hangs on the role.
    pub attachment: Attachment,
    /// A policy that bounds whatever the role is given.
    pub boundary: Option<Arn>,
    /// The longest session, in seconds.
    pub max_session_seconds: u32,
    /// For people who look at the role in the console.
    pub description: String,
    /// Every tag that is ours, the ownership tag included.
    pub tags: BTreeMap<String, String>,
    /// For EC2: the profile that carries the role, of the same name and path.
    pub instance_profile: Option<String>,
}

/// Who may assume the role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trust {
    /// The vendor's gateway, with the tenant's external id.
    ///
    /// The principal is the vendor's account pinned to the role by `aws:PrincipalArn`, so that
    /// the vendor can delete and make its role again without breaking every tenant.
    CrossAccount {
        /// The gateway's role.
        vendor: RoleArn,
        /// What it must present.
        external_id: ExternalId,
        /// Whether the gateway sends session tags and a source identity.
        session_tags: bool,
    },
    /// Compute in the customer's own account.
    Compute {
        /// Which services.
        services: BTreeSet<ComputeService>,
    },
}

/// A service whose workloads may take the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComputeService {
    /// EC2 instances, through an instance profile; Batch compute environments too.
    Ec2,
    /// ECS tasks and Batch jobs.
    EcsTasks,
}

impl ComputeService {
    /// The service principal.
    pub const fn principal(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2.amazonaws.com",
            Self::EcsTasks => "ecs-tasks.amazonaws.com",
        }
    }
}

/// How a permission policy hangs on the role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Attachment {
    /// Inside the role; falls back to `Managed` only when the specification says `auto`.
    Inline {
        /// The policy's name.
        name: String,
    },
    /// A policy of its own, with versions.
    Managed {
        /// The policy's ARN, known before it exists.
        arn: Arn,
        /// The policy's name.
        name: String,
    },
}

/// A way into S3 without the internet; made only through Terraform or CloudFormation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VpcEndpoint {
    /// The network.
    pub vpc_id: String,
    /// Gateway or interface.
    pub kind: VpcEndpointKind,
    /// Gateway: the route tables that learn the way.
    pub route_table_ids: Vec<String>,
    /// Interface: where its addresses stand.
    pub subnet_ids: Vec<String>,
    /// Interface: who may reach it.
    pub security_group_ids: Vec<String>,
}

/// How a VPC endpoint works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VpcEndpointKind {
    /// By routes; free of charge.
    #[default]
    Gateway,
    /// By addresses in the network.
    Interface,
}
