//! `destroy`: counts what lies in the buckets, refuses while there is anything, then takes down.

use crate::cli::{DestroyArgs, Via};
use crate::commands::apply::{agree, in_order, refuse_if_held};
use crate::commands::context::{Context, Tenant};
use crate::commands::{CommandError, Results, TenantResult, via_terraform};
use crate::journal::{Journal, RunKind};
use crate::output::{Format, Output};
use crate::plan::{BucketState, Contents, DestroyOptions, Plan, Step, destroy};
use crate::runner::run as run_steps;
use serde_json::json;
use std::collections::BTreeMap;

pub(crate) async fn run(context: &Context, args: &DestroyArgs) -> Results {
    let tenants = context.tenants().await?;
    take_down(context, tenants, args).await
}

pub(crate) async fn take_down(
    context: &Context,
    tenants: Vec<Tenant>,
    args: &DestroyArgs,
) -> Results {
    if args.by.via == Via::Terraform {
        return via_terraform::destroy(context, tenants, args).await;
    }
    let order: Vec<String> = tenants.iter().map(|t| t.desired.owner.clone()).collect();
    let looked = context
        .at_once(tenants, |tenant| async move {
            let prepared = prepare(context, &tenant, args).await;
            (tenant, prepared)
        })
        .await;
    let mut planned = Vec::new();
    let mut results = Vec::new();
    for (tenant, prepared) in looked {
        let allowed = prepared
            .and_then(|(journal, plan)| refuse_if_held(&journal, HELD).map(|()| (journal, plan)));
        match allowed {
            Ok((journal, plan)) => planned.push((tenant, journal, plan)),
            Err(error) => results.push((tenant.desired.owner.clone(), Err(error))),
        }
    }
    let steps: usize = planned.iter().map(|(_, _, plan)| plan.changes.len()).sum();
    if steps > 0 {
        for (_, _, plan) in &planned {
            context.out.words(&plan.show(context.out.colour()));
        }
        agree(
            &context.out,
            args.yes,
            &format!("Take this down, {steps} steps? [yes/no]"),
        )?;
        for (tenant, _, plan) in &planned {
            agree_to_lose_data(&context.out, tenant, plan, args)?;
        }
    }
    let done = context
        .at_once(planned, |(tenant, journal, plan)| async move {
            let name = tenant.desired.owner.clone();
            (name, make(context, &tenant, &journal, &plan).await)
        })
        .await;
    results.extend(done);
    Ok(in_order(&order, results))
}

/// What to do about a set-up that Terraform holds.
const HELD: &str =
    "destroy with --via terraform; or delete that folder, when Terraform is to hold it no longer";

/// Counts what lies in the buckets, and plans.
pub(crate) async fn prepare(
    context: &Context,
    tenant: &Tenant,
    args: &DestroyArgs,
) -> Result<(Journal, Plan), CommandError> {
    let journal = context.journal(&tenant.desired).await?;
    let observed = tenant.cloud.observe(&tenant.desired).await?;
    let mut contents = BTreeMap::new();
    for bucket in &tenant.desired.buckets {
        if let Some(BucketState::Present(_)) = observed.buckets.get(&bucket.purpose) {
            let found: Contents = tenant.cloud.contents(bucket.name.as_str()).await?;
            contents.insert(bucket.purpose, found);
        }
    }
    let options = DestroyOptions {
        empty_buckets: args.empty_buckets,
        bypass_governance: args.bypass_governance,
        claimed: journal.claims()?,
        unfinished: journal.unfinished()?,
    };
    let plan = destroy(&tenant.desired, &observed, &contents, &options);
    if !plan.blockers.is_empty() {
        return Err(CommandError::Blocked(plan.blockers));
    }
    Ok((journal, plan))
}

/// Data needs a consent of its own: the org id, typed once more.
pub(crate) fn agree_to_lose_data(
    out: &Output,
    tenant: &Tenant,
    plan: &Plan,
    args: &DestroyArgs,
) -> Result<(), CommandError> {
    let loses_data = plan
        .changes
        .iter()
        .any(|change| matches!(change.step, Step::EmptyBucket { .. }));
    let org = tenant.desired.tenant.as_str();
    if !loses_data || args.confirm.iter().any(|confirmed| confirmed == org) {
        return Ok(());
    }
    let question = format!("This deletes all data of {org}. Type {org} to agree:");
    match out.ask(&question).as_deref() {
        Some(typed) if typed == org => Ok(()),
        Some(_) => Err(CommandError::Declined(
            "the name does not match".to_string(),
        )),
        None => Err(CommandError::Declined(format!(
            "deleting data needs --confirm {org}"
        ))),
    }
}

async fn make(
    context: &Context,
    tenant: &Tenant,
    journal: &Journal,
    plan: &Plan,
) -> Result<TenantResult, CommandError> {
    let run = journal.begin(RunKind::Destroy, context.clock.now())?;
    let report = run_steps(plan, journal, &run, &tenant.cloud, &*tenant.watch)
        .await
        .map_err(|source| CommandError::Stopped { undo: None, source })?;
    journal.forget_applied()?;
    let text = match context.out.format() {
        Format::Json => String::new(),
        Format::Text => {
            let mut text = match report.done {
                0 => format!("{}: nothing of ours is there\n", tenant.desired.owner),
                n => format!("{}: taken down, {n} steps\n", tenant.desired.owner),
            };
            for finding in &plan.findings {
                text.push_str(&format!("  {}: {}\n", finding.resource, finding.message));
            }
            text
        }
    };
    Ok(TenantResult {
        tenant: tenant.desired.owner.clone(),
        text,
        json: json!({
            "changes_made": report.done,
            "findings": plan.findings,
        }),
        // What could not be touched is told, not passed over.
        exit: match plan.findings.iter().any(|finding| finding.kind.is_drift()) {
            true => 2,
            false => 0,
        },
    })
}
