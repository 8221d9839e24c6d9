//! `deployer-policy`: what the person running this needs. Calls nothing.

use crate::cli::DeployerArgs;
use crate::commands::context::Context;
use crate::commands::{Results, TenantResult};
use crate::deployer::{DeployerOptions, deployer_policy};
use crate::model::Documents;
use crate::output::Format;
use crate::plan::{DiffOptions, Observed, diff};

pub(crate) fn run(context: &Context, args: &DeployerArgs) -> Results {
    let options = DeployerOptions {
        destroy: args.with_destroy,
        empty_buckets: args.with_empty_buckets,
        bypass_governance: args.with_bypass_governance,
        prove: args.with_prove,
    };
    let mut results = Vec::new();
    for desired in context.compile_offline()? {
        let documents = Documents::render(&desired)?;
        let nothing = Observed::default();
        let plan = diff(&desired, &documents, &nothing, &DiffOptions::default());
        let steps = plan.changes.iter().map(|change| &change.step);
        let policy = deployer_policy(&desired, &documents, steps, options)?;
        let text = match context.out.format() {
            Format::Json => String::new(),
            Format::Text => format!("{policy:#}\n"),
        };
        let result = TenantResult {
            tenant: desired.owner.clone(),
            text,
            json: policy,
            exit: 0,
        };
        results.push((desired.owner.clone(), Ok(result)));
    }
    Ok(results)
}
