//! `status`: what is there, and what the journal knows. Changes nothing.

use crate::commands::context::{Context, Tenant};
use crate::commands::{CommandError, Results, TenantResult, apply, plan};
use crate::journal::{Progress, Run, RunKind, RunState};
use crate::output::{Format, rfc3339};
use crate::plan::DiffOptions;
use serde_json::json;

pub(crate) async fn run(context: &Context) -> Results {
    let tenants = context.tenants().await?;
    context.each(tenants, |tenant| one(context, tenant)).await
}

async fn one(context: &Context, tenant: Tenant) -> Result<TenantResult, CommandError> {
    let journal = context.journal(&tenant.desired).await?;
    let plan = plan::make(&tenant, &journal, DiffOptions::default()).await?;
    let last = journal.last_run()?;
    let open = match &last {
        Some(run) if run.state == RunState::Open => journal
            .records(run)?
            .iter()
            .filter(|(_, record)| record.progress == Progress::Intended)
            .count(),
        _ => 0,
    };
    let held = journal.held_by_terraform()?;
    let owner = tenant.desired.owner.clone();
    let text = match context.out.format() {
        Format::Json => String::new(),
        Format::Text => format!(
            "{owner}\n  caller: {}\n  held by: {}\n  last run: {}\n  {}",
            tenant.caller.as_ref().map_or("not AWS", |c| c.arn.as_str()),
            held.as_ref().map_or_else(
                || "nobody else".to_string(),
                |folder| format!("Terraform, in {}", folder.display())
            ),
            last.as_ref().map_or_else(|| "none".to_string(), describe),
            plan.summary()
        ),
    };
    Ok(TenantResult {
        tenant: owner,
        text,
        json: json!({
            "caller": tenant.caller,
            "last_run": last,
            "calls_in_doubt": open,
            "terraform": held.map(|folder| json!({ "folder": folder })),
            "settled": plan.is_settled(),
            "changes": plan.changes.len(),
            "blockers": plan.blockers,
            "outputs": apply::outputs(&tenant.desired),
        }),
        exit: 0,
    })
}

fn describe(run: &Run) -> String {
    let state = match run.state {
        RunState::Open => "interrupted: run apply again, or rollback",
        RunState::Finished => "finished",
        RunState::RolledBack => "undone",
    };
    let kind = match run.kind {
        RunKind::Apply => "apply",
        RunKind::Destroy => "destroy",
    };
    format!("{kind} of {}, {state}", rfc3339(run.started))
}
