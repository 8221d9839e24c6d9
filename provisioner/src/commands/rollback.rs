//! `rollback`: undoes what the last run made, the latest step first.

use crate::cli::RollbackArgs;
use crate::commands::apply::{agree, refuse_if_held};
use crate::commands::context::{Context, Tenant};
use crate::commands::{CommandError, Results, TenantResult};
use crate::journal::{Progress, RunKind, RunState};
use crate::output::Format;
use crate::runner::roll_back;
use serde_json::json;

pub(crate) async fn run(context: &Context, args: &RollbackArgs) -> Results {
    let tenants = context.tenants().await?;
    context
        .each(tenants, |tenant| one(context, tenant, args))
        .await
}

async fn one(
    context: &Context,
    tenant: Tenant,
    args: &RollbackArgs,
) -> Result<TenantResult, CommandError> {
    let journal = context.journal(&tenant.desired).await?;
    let owner = tenant.desired.owner.clone();
    refuse_if_held(
        &journal,
        "\"provisioner destroy --via terraform\" takes it down; to undo a change, apply the former specification with --via terraform",
    )?;
    let run = match journal.last_run()? {
        Some(run) if run.kind == RunKind::Apply && run.state != RunState::RolledBack => run,
        Some(run) if run.kind == RunKind::Destroy => {
            return Err(CommandError::Usage(
                "the last run took the set-up down: what was deleted cannot be brought back\nhint: \"provisioner apply\" makes it again, without the data".to_string(),
            ));
        }
        _ => {
            return Ok(TenantResult {
                text: format!("{owner}: there is nothing to undo\n"),
                tenant: owner,
                json: json!({ "undone": 0 }),
                exit: 0,
            });
        }
    };
    let steps = journal
        .records(&run)?
        .iter()
        .filter(|(_, record)| matches!(record.progress, Progress::Done { .. } | Progress::Intended))
        .count();
    let question = format!(
        "{owner}: undo the {steps} steps of run {}? [yes/no]",
        run.id
    );
    agree(&context.out, args.yes, &question)?;
    let report = roll_back(&journal, &run, &tenant.cloud, &*tenant.watch)
        .await
        .map_err(|source| CommandError::Stopped { undo: None, source })?;
    journal.forget_applied()?;
    let text = match context.out.format() {
        Format::Json => String::new(),
        Format::Text => format!("{owner}: {} steps undone\n", report.done),
    };
    Ok(TenantResult {
        tenant: owner,
        text,
        json: json!({ "undone": report.done, "run": run.id }),
        exit: 0,
    })
}
