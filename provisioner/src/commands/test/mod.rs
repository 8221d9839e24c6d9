//! `test`: the connection step by step, as the gateway uses it; the first thing that is in the
//! way is named with its cause and the next step.

mod probes;

use crate::aws::Cloud;
use crate::commands::context::{Context, Tenant};
use crate::commands::prove::vendor;
use crate::commands::{CommandError, Results, TenantResult};
use crate::failure::Failure;
use crate::model::{Desired, Trust};
use crate::output::Format;
use crate::prove::{Cause, Denial, LiveDocuments, Vendor, from_trust, from_words};
use probes::Probes;
use serde::Serialize;
use serde_json::json;
use types::RoleArn;

/// One step of the test.
#[derive(Debug, Serialize)]
struct Stage {
    name: &'static str,
    ok: bool,
    /// The answer of the store.
    answer: Option<String>,
    /// What is in the way.
    cause: Option<Cause>,
}

pub(crate) async fn run(context: &Context) -> Results {
    let tenants = context.tenants().await?;
    context.each(tenants, |tenant| one(context, tenant)).await
}

async fn one(context: &Context, tenant: Tenant) -> Result<TenantResult, CommandError> {
    let mut stages = Vec::new();
    test(context, &tenant, &mut stages).await?;
    let failed = stages.iter().any(|stage: &Stage| !stage.ok);
    let text = match context.out.format() {
        Format::Json => String::new(),
        Format::Text => show(&tenant.desired, &stages),
    };
    Ok(TenantResult {
        tenant: tenant.desired.owner.clone(),
        text,
        json: json!({ "ok": !failed, "stages": stages }),
        exit: u8::from(failed),
    })
}

fn show(desired: &Desired, stages: &[Stage]) -> String {
    let mut text = format!("{}\n", desired.owner);
    for stage in stages {
        let sign = if stage.ok { "ok" } else { "NO" };
        text.push_str(&format!("  [{sign}] {}\n", stage.name));
        for line in stage.answer.iter() {
            text.push_str(&format!("       {line}\n"));
        }
        if let Some(cause) = &stage.cause {
            text.push_str(&format!(
                "       cause: {}\n       hint: {}\n",
                cause.cause, cause.hint
            ));
        }
    }
    text
}

async fn test(
    context: &Context,
    tenant: &Tenant,
    stages: &mut Vec<Stage>,
) -> Result<(), CommandError> {
    let desired = &*tenant.desired;
    let session = match (&desired.role, desired.aws()) {
        (Some(role), Some(_)) => {
            let Trust::CrossAccount {
                vendor: vendor_role,
                ..
            } = &role.trust
            else {
                return Err(CommandError::Usage(
                    "a compute role is taken by the customer's own workloads: test it from there"
                        .to_string(),
                ));
            };
            match assume(context, tenant, &role.arn, vendor_role, stages).await? {
                Some(session) => session,
                None => return Ok(()),
            }
        }
        // A compatible store is reached by the keys themselves.
        _ => tenant.cloud.clone(),
    };
    let probes = Probes {
        tenant,
        session: &session,
        patience: context.settling() / 4,
        watch: &*context.out,
    };
    probes.run(stages).await;
    Ok(())
}

async fn assume(
    context: &Context,
    tenant: &Tenant,
    role: &RoleArn,
    vendor_role: &RoleArn,
    stages: &mut Vec<Stage>,
) -> Result<Option<Cloud>, CommandError> {
    let desired = &*tenant.desired;
    let cloud = vendor(context, tenant, vendor_role).await?;
    stages.push(passed("become the gateway's role"));
    let vendor = Vendor {
        cloud: &cloud,
        patience: context.settling() / 4,
    };
    let credentials = match vendor.wait_until_steady(desired, &*tenant.watch).await {
        Ok(credentials) => credentials,
        Err(failure) => {
            let cause = why_not_assumed(tenant, role, vendor_role, &failure).await;
            let name = "assume the tenant's role with the external id";
            stages.push(failed(name, &failure, cause));
            return Ok(None);
        }
    };
    stages.push(passed("assume the tenant's role with the external id"));
    if !refuses_others(desired, &cloud, role, stages).await {
        return Ok(None);
    }
    Ok(Some(context.aws(&desired.region, credentials)?))
}

async fn why_not_assumed(
    tenant: &Tenant,
    role: &RoleArn,
    vendor_role: &RoleArn,
    failure: &Failure,
) -> Option<Cause> {
    if let Some(cause) = from_words(failure) {
        return Some(cause);
    }
    let denial = Denial::of(failure)?;
    if denial == Denial::IdentityPolicy {
        return Some(Cause {
            cause: format!("the vendor's own policies do not let {vendor_role} assume {role}"),
            hint: "nothing is wrong in the customer's account: the vendor has to allow sts:AssumeRole on that role to its own".to_string(),
        });
    }
    if matches!(tenant.cloud.observe_role(role.name()).await, Ok(None)) {
        return Some(Cause {
            cause: format!("the role {role} does not exist"),
            hint: "\"provisioner apply\" makes it".to_string(),
        });
    }
    let id = tenant.desired.external_id.as_str();
    Some(match documents(tenant).await {
        Err(reason) => untold(&reason),
        Ok(documents) => from_trust(vendor_role, role, id, &documents).unwrap_or_else(|| Cause {
            cause: "the role's trust policy admits it, so something else refuses".to_string(),
            hint: format!(
                "check that {vendor_role} may call sts:AssumeRole on {role}, and the service control policies of both organisations; a trust that was put right a moment ago takes some seconds"
            ),
        }),
    })
}

/// Without the external id, with a wrong one, with another tenant's; `false` when one is admitted.
async fn refuses_others(
    desired: &Desired,
    cloud: &Cloud,
    role: &RoleArn,
    stages: &mut Vec<Stage>,
) -> bool {
    let right = desired.external_id.as_str();
    let prefix = right.strip_suffix(desired.tenant.as_str());
    let wrong = [
        (
            "refused without the external id",
            None,
            "does not ask for the external id: every customer of the vendor could reach this one",
        ),
        (
            "refused with a wrong external id",
            Some(format!("{right}-wrong")),
            "accepts other external ids than its own",
        ),
        (
            "refused with another tenant's external id",
            Some(format!("{}byos-proof-other", prefix.unwrap_or_default())),
            "accepts another tenant's external id",
        ),
    ];
    for (name, id, what) in wrong {
        match cloud
            .assume(&role.to_string(), id.as_deref(), "byos-test")
            .await
        {
            Err(failure) if Denial::of(&failure).is_some() => stages.push(passed(name)),
            Err(failure) => {
                stages.push(failed(name, &failure, from_words(&failure)));
                return false;
            }
            Ok(_) => {
                stages.push(Stage {
                    name,
                    ok: false,
                    answer: Some("the role was assumed".to_string()),
                    cause: Some(Cause {
                        cause: format!("the trust policy {what}"),
                        hint: "\"provisioner apply\" puts the trust policy right: it demands exactly this tenant's external id (StringEquals)".to_string(),
                    }),
                });
                return false;
            }
        }
    }
    true
}

fn passed(name: &'static str) -> Stage {
    Stage {
        name,
        ok: true,
        answer: None,
        cause: None,
    }
}

fn failed(name: &'static str, failure: &Failure, cause: Option<Cause>) -> Stage {
    let cause = cause.unwrap_or_else(|| Cause {
        cause: failure.message.clone(),
        hint: failure.hint.clone(),
    });
    Stage {
        name,
        ok: false,
        answer: Some(failure.evidence()),
        cause: Some(cause),
    }
}

/// The documents at IAM and S3, when the caller may read them.
async fn documents(tenant: &Tenant) -> Result<LiveDocuments, String> {
    LiveDocuments::read(&tenant.cloud, &tenant.desired).await
}

/// Refused, and the documents that could tell why cannot be read.
fn untold(reason: &str) -> Cause {
    Cause {
        cause: format!("it is refused, and the policies that could tell why cannot be judged: {reason}"),
        hint: "run it as somebody who may read them: \"provisioner deployer-policy\" prints the rights".to_string(),
    }
}
