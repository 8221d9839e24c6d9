//! `adopt`: takes over what exists already, setting by setting, with consent. What is left to
//! its owner is remembered in a tag; what was adopted is never deleted later.

use crate::cli::{AdoptArgs, ApplyArgs};
use crate::commands::apply::apply;
use crate::commands::context::{Context, Tenant};
use crate::commands::{CommandError, Results, TenantResult, plan};
use crate::output::Format;
use crate::plan::{Adoption, Cause, Change, DiffOptions, Field, Plan};
use std::collections::BTreeSet;

pub(crate) async fn run(context: &Context, args: &AdoptArgs) -> Results {
    let leave = fields(&args.leave)?;
    let tenants = context.tenants().await?;
    if !args.yes && args.leave.is_empty() && tenants.len() > 1 {
        return Err(CommandError::Usage(
            "adopt asks setting by setting: choose one tenant with --org, or give --leave and --yes".to_string(),
        ));
    }
    let adoption = Adoption::Take { leave };
    if !args.yes && !context.out.is_attended() {
        return look(context, tenants, adoption).await;
    }
    let adoption = match (&adoption, args.leave.is_empty(), &tenants[..]) {
        (Adoption::Take { .. }, true, [tenant]) if !args.yes => ask(context, tenant).await?,
        _ => adoption,
    };
    let apply_args = ApplyArgs {
        yes: args.yes,
        max_risk: args.max_risk,
        ..ApplyArgs::default()
    };
    apply(context, tenants, &apply_args, None, &adoption).await
}

/// The fields of `--leave`; "none" stands for none.
fn fields(names: &[String]) -> Result<BTreeSet<Field>, CommandError> {
    let mut all = BTreeSet::new();
    for name in names.iter().filter(|name| *name != "none") {
        let field = Field::parse(name).filter(|field| field.may_stay_unmanaged());
        match field {
            Some(field) => all.insert(field),
            None => {
                let open: Vec<&str> = Field::ALL
                    .into_iter()
                    .filter(|field| field.may_stay_unmanaged())
                    .map(Field::as_str)
                    .collect();
                return Err(CommandError::Usage(format!(
                    "--leave {name:?}: only these can be left to their owner: {}",
                    open.join(", ")
                )));
            }
        };
    }
    Ok(all)
}

/// What taking over would change; changes nothing.
async fn look(context: &Context, tenants: Vec<Tenant>, adoption: Adoption) -> Results {
    let adoption = &adoption;
    context
        .each(tenants, |tenant| async move {
            let plan = planned(context, &tenant, adoption.clone()).await?;
            let again = context.again("adopt", &tenant.desired.tenant);
            let hint = format!(
                "  nothing was changed; take it over with: {again} --yes [--leave FIELD,...]\n"
            );
            let shown = plan::result(context, plan);
            Ok(TenantResult {
                text: match context.out.format() {
                    Format::Text => format!("{}{hint}", shown.text),
                    Format::Json => shown.text,
                },
                ..shown
            })
        })
        .await
}

async fn planned(
    context: &Context,
    tenant: &Tenant,
    adoption: Adoption,
) -> Result<Plan, CommandError> {
    let journal = context.journal(&tenant.desired).await?;
    let options = DiffOptions {
        adoption,
        ..DiffOptions::default()
    };
    plan::make(tenant, &journal, options).await
}

/// One question for every setting that taking over would change.
async fn ask(context: &Context, tenant: &Tenant) -> Result<Adoption, CommandError> {
    let whole = Adoption::Take {
        leave: BTreeSet::new(),
    };
    let plan = planned(context, tenant, whole).await?;
    let mut leave = BTreeSet::new();
    let adopted = |change: &&Change| change.cause == Cause::Adopted;
    let open = plan.changes.iter().filter(adopted);
    let fields: BTreeSet<Field> = open
        .filter_map(|change| Field::parse(&change.part))
        .filter(|field| field.may_stay_unmanaged())
        .collect();
    context.out.words(&plan.show(context.out.colour()));
    for field in fields {
        match context
            .out
            .ask(&format!("Take over {field}? [yes/no]"))
            .as_deref()
        {
            Some("yes" | "y") => {}
            _ => {
                leave.insert(field);
            }
        }
    }
    Ok(Adoption::Take { leave })
}
