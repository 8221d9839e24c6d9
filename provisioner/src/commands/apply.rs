//! `apply`: shows the plan, asks once for all tenants, makes the steps, looks again.

use crate::cli::{ApplyArgs, Via};
use crate::commands::context::{Context, Tenant, check_risk, file_error};
use crate::commands::{CommandError, Results, TenantResult, plan, via_terraform};
use crate::journal::{Journal, RunKind};
use crate::model::{Attachment, Desired, Purpose};
use crate::output::{Format, Output};
use crate::plan::{Adoption, DiffOptions, Plan};
use crate::runner::{Report, Watch, run as run_steps};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) async fn run(context: &Context, args: &ApplyArgs) -> Results {
    let saved = match &args.plan {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| file_error("read", path, &e))?;
            Some(saved_plan(&text)?)
        }
    };
    let tenants = context.tenants().await?;
    apply(context, tenants, args, saved.as_ref(), &Adoption::Refuse).await
}

/// Plans every tenant, asks once, then applies every plan.
pub(crate) async fn apply(
    context: &Context,
    tenants: Vec<Tenant>,
    args: &ApplyArgs,
    saved: Option<&Plan>,
    adoption: &Adoption,
) -> Results {
    if args.by.via == Via::Terraform {
        return match saved {
            None => via_terraform::apply(context, tenants, args).await,
            Some(_) => Err(CommandError::Usage(
                "--plan holds a plan of the direct way: leave it out, or --via terraform"
                    .to_string(),
            )),
        };
    }
    let order: Vec<String> = tenants.iter().map(|t| t.desired.owner.clone()).collect();
    let looked = context
        .at_once(tenants, |tenant| async move {
            let prepared = prepare(context, &tenant, args, saved, adoption).await;
            (tenant, prepared)
        })
        .await;
    let mut planned = Vec::new();
    let mut results = Vec::new();
    for (tenant, prepared) in looked {
        match prepared {
            Ok((journal, plan)) => planned.push((tenant, journal, plan)),
            Err(error) => results.push((tenant.desired.owner.clone(), Err(error))),
        }
    }
    let steps: usize = planned.iter().map(|(_, _, plan)| plan.changes.len()).sum();
    // A person may take long to answer, and what others set meanwhile must not be overwritten.
    let was_asked = steps > 0 && saved.is_none() && !args.yes;
    if steps > 0 && saved.is_none() {
        for (_, _, plan) in planned.iter().filter(|(_, _, p)| !p.changes.is_empty()) {
            context.out.words(&plan.show(context.out.colour()));
        }
        agree(
            &context.out,
            args.yes,
            &format!("Make these {steps} changes? [yes/no]"),
        )?;
    }
    let (all, ended) = (planned.len(), AtomicUsize::new(0));
    let ended = &ended;
    let done = context
        .at_once(planned, |(tenant, journal, plan)| async move {
            let name = tenant.desired.owner.clone();
            let still = match was_asked {
                true => is_still_so(&tenant, &journal, &plan, adoption).await,
                false => Ok(()),
            };
            let result = match still {
                Ok(()) => make(context, &tenant, &journal, &plan).await,
                Err(error) => Err(error),
            };
            let number = ended.fetch_add(1, Ordering::Relaxed) + 1;
            if all > 1 {
                let words = match &result {
                    Ok(_) => "as desired",
                    Err(_) => "stopped",
                };
                context
                    .out
                    .tell(&format!("[{number}/{all}] {name}: {words}"));
            }
            (name, result)
        })
        .await;
    results.extend(done);
    Ok(in_order(&order, results))
}

/// Results in the order of the file, wherever they came from.
pub(crate) fn in_order<T>(order: &[String], mut results: Vec<(String, T)>) -> Vec<(String, T)> {
    results.sort_by_key(|(name, _)| order.iter().position(|known| known == name));
    results
}

/// Whether the plan that was agreed to would be made again.
async fn is_still_so(
    tenant: &Tenant,
    journal: &Journal,
    agreed: &Plan,
    adoption: &Adoption,
) -> Result<(), CommandError> {
    let options = DiffOptions {
        adoption: adoption.clone(),
        ..DiffOptions::default()
    };
    let now = plan::make(tenant, journal, options).await?;
    match now.fingerprint == agreed.fingerprint {
        true => Ok(()),
        false => Err(CommandError::Changed),
    }
}

async fn prepare(
    context: &Context,
    tenant: &Tenant,
    args: &ApplyArgs,
    saved: Option<&Plan>,
    adoption: &Adoption,
) -> Result<(Journal, Plan), CommandError> {
    let journal = context.journal(&tenant.desired).await?;
    let options = DiffOptions {
        adoption: adoption.clone(),
        ..DiffOptions::default()
    };
    let plan = plan::make(tenant, &journal, options).await?;
    if let Some(saved) = saved
        && (saved.owner != plan.owner
            || saved.fingerprint != plan.fingerprint
            || saved.changes != plan.changes)
    {
        return Err(CommandError::Stale);
    }
    if !plan.blockers.is_empty() {
        return Err(CommandError::Blocked(plan.blockers));
    }
    check_risk(&plan, args.max_risk)?;
    if !plan.changes.is_empty() {
        refuse_if_held(
            &journal,
            "apply with --via terraform; or delete that folder, when Terraform is to hold it no longer",
        )?;
    }
    Ok((journal, plan))
}

/// What Terraform holds is changed by Terraform.
pub(crate) fn refuse_if_held(journal: &Journal, advice: &str) -> Result<(), CommandError> {
    match journal.held_by_terraform()? {
        None => Ok(()),
        Some(folder) => Err(CommandError::HeldByTerraform {
            folder,
            advice: advice.to_string(),
        }),
    }
}

/// Consent by flag, or by a person who types it.
pub(crate) fn agree(out: &Output, yes: bool, question: &str) -> Result<(), CommandError> {
    if yes {
        return Ok(());
    }
    match out.ask(question).as_deref() {
        Some("yes" | "y") => Ok(()),
        Some(_) => Err(CommandError::Declined("you said no".to_string())),
        None => Err(CommandError::Declined(
            "nobody is there to ask\nhint: --yes says it beforehand".to_string(),
        )),
    }
}

async fn make(
    context: &Context,
    tenant: &Tenant,
    journal: &Journal,
    plan: &Plan,
) -> Result<TenantResult, CommandError> {
    let mut report = Report::default();
    if !plan.changes.is_empty() {
        let run = journal.begin(RunKind::Apply, context.clock.now())?;
        report = run_steps(plan, journal, &run, &tenant.cloud, &*tenant.watch)
            .await
            .map_err(|source| CommandError::Stopped {
                undo: Some(context.again("rollback", &tenant.desired.tenant)),
                source,
            })?;
        let mut applied = journal.applied()?;
        applied.extend(plan.applied());
        journal.remember_applied(&applied)?;
        let mut refused = journal.refused()?;
        refused.extend(report.refused.clone());
        journal.remember_refused(&refused)?;
    }
    let after = look_again(context, tenant, journal, &report).await?;
    Ok(done(context, &tenant.desired, &report, &after))
}

/// Reads until what was written can be seen, or the time for that is up.
pub(crate) async fn look_again(
    context: &Context,
    tenant: &Tenant,
    journal: &Journal,
    report: &Report,
) -> Result<Plan, CommandError> {
    let deadline = Instant::now() + context.settling() / 3;
    let mut wait = Duration::from_millis(200);
    loop {
        let after = plan::make(tenant, journal, DiffOptions::default()).await?;
        if after.is_settled() {
            return Ok(after);
        }
        // Waiting lets writes be seen; what the caller may not read stays unread.
        let differs = !after.changes.is_empty() || !after.blockers.is_empty();
        let waiting_helps = differs && report.done > 0;
        if !waiting_helps || Instant::now() + wait > deadline {
            return Err(CommandError::NotSettled(format!(
                "{}\nhint: grant what cannot be read (\"provisioner deployer-policy\"), or look again with \"provisioner drift\" in a minute",
                after.show(crate::plan::Colour::Off)
            )));
        }
        tenant
            .watch
            .tell("waiting until everything that was written can be read back");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
}

fn done(context: &Context, desired: &Desired, report: &Report, after: &Plan) -> TenantResult {
    let outputs = outputs(desired);
    let mut text = String::new();
    if context.out.format() == Format::Text {
        text = match report.done {
            0 => format!("{}: no changes\n", desired.owner),
            n => format!("{}: {n} changes made\n", desired.owner),
        };
        text.push_str(&output_lines(&outputs));
        for line in &report.unsupported {
            text.push_str(&format!("  not in this store: {line}\n"));
        }
        if report.done > 0 {
            let undo = context.again("rollback", &desired.tenant);
            text.push_str(&format!("  undo it with: {undo}\n"));
        }
    }
    TenantResult {
        tenant: desired.owner.clone(),
        text,
        json: json!({
            "changes_made": report.done,
            "unsupported": report.unsupported,
            "outputs": outputs,
            "findings": after.findings,
        }),
        exit: 0,
    }
}

/// The outputs for people, one a line.
pub(crate) fn output_lines(outputs: &Value) -> String {
    let fields = outputs.as_object().into_iter().flatten();
    fields
        .filter_map(|(name, value)| Some(format!("  {name} = {}\n", value.as_str()?)))
        .collect()
}

/// What the next one in the chain wants to know: the same names as the Terraform outputs.
pub(crate) fn outputs(desired: &Desired) -> Value {
    let partition = desired.aws().map(|(partition, _)| partition);
    let arn = |purpose: Purpose| {
        let bucket = desired.bucket(purpose)?;
        Some(bucket.arn(partition?))
    };
    let role = desired.role.as_ref();
    json!({
        "data_bucket": desired.data().name,
        "data_bucket_arn": arn(Purpose::Data),
        "results_bucket": desired.results().name,
        "results_bucket_arn": arn(Purpose::Results),
        "logs_bucket": desired.bucket(Purpose::Logs).map(|b| b.name.as_str()),
        "region": desired.region,
        "key_prefix": desired.key_prefix,
        "role_arn": role.map(|r| r.arn.to_string()),
        "role_name": role.map(|r| r.arn.name()),
        "policy_arn": role.and_then(|r| match &r.attachment {
            Attachment::Managed { arn, .. } => Some(arn.to_string()),
            Attachment::Inline { .. } => None,
        }),
        "instance_profile": role.and_then(|r| r.instance_profile.clone()),
        "external_id": role.map(|_| desired.external_id.as_str()),
    })
}

fn saved_plan(text: &str) -> Result<Plan, CommandError> {
    let broken = |error: serde_json::Error| {
        CommandError::Usage(format!("the saved plan cannot be read: {error}"))
    };
    let value: Value = serde_json::from_str(text).map_err(broken)?;
    serde_json::from_value(value.get("plan").cloned().unwrap_or(Value::Null)).map_err(broken)
}
