//! The rules of the role.

use super::{Base, naming, tags_with_owner, text};
use crate::model::arn::Arn;
use crate::model::names::{MAX_POLICY_NAME, MAX_ROLE_NAME};
use crate::model::problems::Checks;
use crate::model::role::{Attachment, ComputeService, DesiredRole, Trust};
use crate::model::spec::{AttachmentSpec, RoleSpec, TenantSpec};
use types::RoleArn;

/// Both STS's default and the longest session of a chained role.
/// Source: STS API reference, AssumeRole, DurationSeconds.
const CHAINED_SESSION_SECONDS: u32 = 3_600;

pub(super) fn compile(
    spec: &TenantSpec,
    base: &Base<'_>,
    checks: &mut Checks,
) -> Option<DesiredRole> {
    let role = &spec.role;
    let trust = trust(role, base, checks);
    let max_session_seconds = role.max_session_seconds.unwrap_or(CHAINED_SESSION_SECONDS);
    check_session(max_session_seconds, trust.as_ref(), checks);
    let name = name(spec, base, trust.as_ref(), checks);
    let path = role.path.as_deref().unwrap_or("/");
    checks.require(
        path.starts_with('/') && path.ends_with('/'),
        "role.path",
        "a path begins and ends with '/'",
    );
    let arn = name.as_deref().and_then(|name| {
        let account = base.account()?.clone();
        checks.keep(
            "role.path",
            RoleArn::new(base.partition(), account, path, name),
        )
    });
    let boundary = checks.keep_optional("role.boundary", role.boundary.as_deref(), |text| {
        Arn::of_service("iam", text)
    });
    if let Some(Some(boundary)) = &boundary {
        checks.require(
            boundary.resource().starts_with("policy/"),
            "role.boundary",
            "it must be the ARN of a managed policy",
        );
    }
    let description = role.description.clone().unwrap_or_else(|| {
        format!(
            "Access to the storage of {} for {}",
            base.owner, spec.project
        )
    });
    // Source: IAM API reference, CreateRole, Description.
    text::words(&description, 1_000, "role.description", checks);
    let tags = tags_with_owner(base, &role.tags, "role.tags", checks);

    let (arn, trust) = (arn?, trust?);
    let attachment = attachment(role.policy, &arn, checks)?;
    let for_ec2 =
        matches!(&trust, Trust::Compute { services } if services.contains(&ComputeService::Ec2));
    Some(DesiredRole {
        instance_profile: for_ec2.then(|| arn.name().to_string()),
        attachment,
        trust,
        arn,
        boundary: boundary?,
        max_session_seconds,
        description,
        tags,
    })
}

fn trust(role: &RoleSpec, base: &Base<'_>, checks: &mut Checks) -> Option<Trust> {
    match (&role.vendor_role, role.compute.is_empty()) {
        (Some(_), false) => {
            checks.refuse(
                "role",
                "a role is either for the vendor (vendor_role) or for compute, not both",
            );
            None
        }
        (None, true) => {
            checks.refuse(
                "role.vendor_role",
                "who may assume the role? give the gateway's role ARN, or role.compute for workloads of the customer",
            );
            None
        }
        (Some(text), true) => {
            let vendor = checks.keep("role.vendor_role", RoleArn::parse(text))?;
            checks.require(
                vendor.partition() == base.partition(),
                "role.vendor_role",
                "no trust reaches from one partition into another",
            );
            Some(Trust::CrossAccount {
                vendor,
                external_id: base.external_id.clone(),
                session_tags: role.session_tags,
            })
        }
        (None, false) => {
            checks.require(
                !role.session_tags,
                "role.session_tags",
                "session tags are for cross-account roles",
            );
            Some(Trust::Compute {
                services: role.compute.clone(),
            })
        }
    }
}

fn check_session(seconds: u32, trust: Option<&Trust>, checks: &mut Checks) {
    // Source: IAM API reference, CreateRole, MaxSessionDuration.
    checks.require(
        (3_600..=43_200).contains(&seconds),
        "role.max_session_seconds",
        "it must be 3,600 to 43,200 seconds",
    );
    checks.require(
        seconds <= CHAINED_SESSION_SECONDS || !matches!(trust, Some(Trust::CrossAccount { .. })),
        "role.max_session_seconds",
        "the gateway is a role itself, and STS ends chained sessions after 3,600 seconds whatever the role allows",
    );
}

fn name(
    spec: &TenantSpec,
    base: &Base<'_>,
    trust: Option<&Trust>,
    checks: &mut Checks,
) -> Option<String> {
    match &spec.role.name {
        None => {
            let purpose = match trust {
                Some(Trust::Compute { .. }) => "compute",
                _ => "gateway",
            };
            Some(naming(spec, base).role(purpose))
        }
        Some(name) => {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
            let holds = (1..=MAX_ROLE_NAME).contains(&name.len()) && name.bytes().all(legal);
            checks.require(
                holds,
                "role.name",
                format!(
                    "{name:?} must have 1 to 64 of A-Z a-z 0-9 +=,.@_-: it is never cut silently"
                ),
            );
            holds.then(|| name.clone())
        }
    }
}

fn attachment(kind: AttachmentSpec, arn: &RoleArn, checks: &mut Checks) -> Option<Attachment> {
    let name = format!("{}-storage", arn.name());
    debug_assert!(
        name.len() <= MAX_POLICY_NAME,
        "a role name has at most 64 characters"
    );
    match kind {
        AttachmentSpec::Inline => Some(Attachment::Inline { name }),
        AttachmentSpec::Managed => checks
            .keep("role.path", managed_policy_arn(arn, &name))
            .map(|arn| Attachment::Managed { arn, name }),
    }
}

/// The ARN of the managed policy `name` beside the role, known before it exists.
pub(crate) fn managed_policy_arn(role: &RoleArn, name: &str) -> Result<Arn, types::ParseError> {
    Arn::of_service(
        "iam",
        &format!(
            "arn:{}:iam::{}:policy{}{name}",
            role.partition(),
            role.account(),
            role.path()
        ),
    )
}
