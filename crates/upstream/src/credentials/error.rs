//! Why there are no credentials for a tenant, and what helps.

use types::RoleArn;

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The customer: role, trust policy, bucket.
    Tenant,
    /// AWS, or the way to it: it passes, or the operator looks at the network.
    Upstream,
    /// The operator of this gateway.
    Operator,
}

/// Why a tenant's role could not be assumed.
///
/// The texts are for operators: they name the role and never a secret. They do not go to clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// STS said AccessDenied: trust policy, external id, or the gateway's own permission.
    #[error(
        "STS denied assuming {role}: its trust policy must allow this gateway's principal with the \
         tenant's external id, and the gateway's own policy must allow sts:AssumeRole on it"
    )]
    RoleNotAssumable {
        /// The customer's role.
        role: RoleArn,
    },
    /// STS asked for fewer calls.
    #[error("STS throttles this gateway while assuming {role}")]
    Throttled {
        /// The customer's role.
        role: RoleArn,
    },
    /// STS could not be reached, did not answer in time, or failed.
    #[error("STS did not answer while assuming {role}: {reason}")]
    StsUnavailable {
        /// The customer's role.
        role: RoleArn,
        /// What was observed: `timed out`, `could not connect`, `status 500`.
        reason: String,
    },
    /// STS is switched off in the region that is asked.
    #[error(
        "STS is not active in region {region} for the gateway's account: activate it, or configure \
         another STS region"
    )]
    RegionDisabled {
        /// The STS region.
        region: String,
    },
    /// There is nothing to call STS with.
    #[error("the gateway has no AWS credentials of its own to call STS with")]
    GatewayCredentialsMissing,
    /// STS refused the gateway's own credentials.
    #[error("STS refused the gateway's own AWS credentials ({code}): replace them")]
    GatewayCredentialsInvalid {
        /// The code that STS answered.
        code: String,
    },
    /// STS refused the session policy.
    #[error("STS refused the session policy for {role} ({code}): fewer or shorter prefixes help")]
    SessionPolicyRefused {
        /// The customer's role.
        role: RoleArn,
        /// The code that STS answered.
        code: String,
    },
    /// STS issued a session that would end before the request does.
    #[error("STS issued a session for {role} that ends too soon; is the gateway's clock right?")]
    SessionTooShort {
        /// The customer's role.
        role: RoleArn,
    },
    /// STS answered something that is none of the above.
    #[error("STS refused to assume {role} ({code})")]
    Refused {
        /// The customer's role.
        role: RoleArn,
        /// The code that STS answered.
        code: String,
    },
}

impl CredentialError {
    pub(crate) fn timed_out(role: &RoleArn) -> Self {
        Self::StsUnavailable {
            role: role.clone(),
            reason: "timed out".to_string(),
        }
    }

    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::RoleNotAssumable { .. } | Self::SessionPolicyRefused { .. } => Fault::Tenant,
            Self::Throttled { .. } | Self::StsUnavailable { .. } | Self::Refused { .. } => {
                Fault::Upstream
            }
            Self::RegionDisabled { .. }
            | Self::GatewayCredentialsMissing
            | Self::GatewayCredentialsInvalid { .. }
            | Self::SessionTooShort { .. } => Fault::Operator,
        }
    }

    /// Whether the same call may succeed shortly, with nobody acting.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::StsUnavailable { .. })
    }

    /// One word for metrics and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RoleNotAssumable { .. } => "role_not_assumable",
            Self::Throttled { .. } => "throttled",
            Self::StsUnavailable { .. } => "sts_unavailable",
            Self::RegionDisabled { .. } => "region_disabled",
            Self::GatewayCredentialsMissing => "gateway_credentials_missing",
            Self::GatewayCredentialsInvalid { .. } => "gateway_credentials_invalid",
            Self::SessionPolicyRefused { .. } => "session_policy_refused",
            Self::SessionTooShort { .. } => "session_too_short",
            Self::Refused { .. } => "refused",
        }
    }
}
