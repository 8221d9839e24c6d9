//! `plan`: what would change. Changes nothing.

use crate::cli::PlanArgs;
use crate::commands::context::{Context, Tenant, check_risk, file_error};
use crate::commands::{CommandError, Results, TenantResult};
use crate::journal::Journal;
use crate::output::Format;
use crate::plan::{Colour, DiffOptions, Plan, diff};
use serde_json::{Value, json};

pub(crate) async fn run(context: &Context, args: &PlanArgs) -> Results {
    let tenants = context.tenants().await?;
    if args.out.is_some() && tenants.len() != 1 {
        return Err(CommandError::Usage(
            "--out saves the plan of one tenant: choose it with --org".to_string(),
        ));
    }
    context
        .each(tenants, |tenant| one(context, tenant, args))
        .await
}

async fn one(
    context: &Context,
    tenant: Tenant,
    args: &PlanArgs,
) -> Result<TenantResult, CommandError> {
    let journal = context.journal(&tenant.desired).await?;
    let plan = make(&tenant, &journal, DiffOptions::default()).await?;
    if let Some(path) = &args.out {
        let text = format!("{:#}\n", to_json(&plan));
        std::fs::write(path, text).map_err(|e| file_error("write", path, &e))?;
    }
    check_risk(&plan, args.max_risk)?;
    Ok(result(context, plan))
}

/// The plan of one tenant from fresh reads.
pub(crate) async fn make(
    tenant: &Tenant,
    journal: &Journal,
    mut options: DiffOptions,
) -> Result<Plan, CommandError> {
    options.claimed = journal.claims()?;
    options.unfinished = journal.unfinished()?;
    let observed = tenant.cloud.observe(&tenant.desired).await?;
    let mut plan = diff(&tenant.desired, &tenant.documents, &observed, &options);
    plan.set_aside(&journal.refused()?);
    plan.tell_causes(&journal.applied()?);
    Ok(plan)
}

pub(crate) fn result(context: &Context, plan: Plan) -> TenantResult {
    let text = match context.out.format() {
        Format::Text => plan.show(context.out.colour()),
        Format::Json => String::new(),
    };
    TenantResult {
        tenant: plan.owner.clone(),
        text,
        json: to_json(&plan),
        exit: if plan.is_settled() { 0 } else { 2 },
    }
}

/// The plan with its summary; `apply --plan` reads it back.
pub(crate) fn to_json(plan: &Plan) -> Value {
    json!({
        "plan": plan,
        "settled": plan.is_settled(),
        "max_risk": plan.max_risk(),
        "text": plan.show(Colour::Off),
    })
}
