//! `drift`: whether everything is as desired. Changes nothing.

use crate::commands::context::Context;
use crate::commands::{Results, plan};
use crate::plan::DiffOptions;

pub(crate) async fn run(context: &Context) -> Results {
    let tenants = context.tenants().await?;
    context
        .each(tenants, |tenant| async move {
            let journal = context.journal(&tenant.desired).await?;
            let plan = plan::make(&tenant, &journal, DiffOptions::default()).await?;
            Ok(plan::result(context, plan))
        })
        .await
}
