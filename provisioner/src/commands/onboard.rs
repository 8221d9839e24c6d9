//! `onboard` and `offboard`: the whole way, in order, stopping at the first thing that is not
//! right.

use crate::cli::{DestroyArgs, OnboardArgs};
use crate::commands::apply::{apply, output_lines, outputs};
use crate::commands::context::{Context, Tenant};
use crate::commands::destroy::take_down;
use crate::commands::prove::{check_out, prove, vendor_role, write};
use crate::commands::signing::signing_key;
use crate::commands::{CommandError, Results, TenantResult};
use crate::output::Format;
use crate::plan::Adoption;
use crate::prove::{Signed, Verdict};
use serde_json::{Value, json};

/// Apply, prove, register. A tenant whose role is not proven is never registered.
pub(crate) async fn run(context: &Context, args: &OnboardArgs) -> Results {
    let tenants = context.tenants().await?;
    check_out(&args.sign, tenants.len())?;
    // What cannot be proven is not made first.
    for tenant in &tenants {
        vendor_role(&tenant.desired)?;
    }
    let key = args.sign.key.as_deref();
    let key = key
        .map(|path| signing_key(path, &context.out))
        .transpose()?;
    let key = key.as_ref();
    let applied = apply(
        context,
        tenants.clone(),
        &args.apply,
        None,
        &Adoption::Refuse,
    )
    .await?;
    let mut results = Vec::new();
    let mut ready = Vec::new();
    for tenant in tenants {
        let name = tenant.desired.owner.clone();
        match applied.iter().find(|(applied, _)| *applied == name) {
            Some((_, Ok(done))) => ready.push((tenant, done.json.clone())),
            _ => continue,
        }
    }
    for (name, result) in applied {
        if result.is_err() {
            results.push((name, result));
        }
    }
    for (tenant, made) in ready {
        let name = tenant.desired.owner.clone();
        let result = match prove(context, &tenant, key).await {
            Ok(signed) => finish(context, &tenant, &made, &signed, args),
            Err(error) => Err(error),
        };
        results.push((name, result));
    }
    Ok(results)
}

fn finish(
    context: &Context,
    tenant: &Tenant,
    made: &Value,
    signed: &Signed,
    args: &OnboardArgs,
) -> Result<TenantResult, CommandError> {
    let certificate = &signed.certificate;
    if let Some(path) = &args.sign.out {
        write(path, signed)?;
    }
    if certificate.verdict == Verdict::Violated {
        return Err(CommandError::NotProven(certificate.matrix()));
    }
    let registration = registration(args.admin_url.as_deref());
    let text = match context.out.format() {
        Format::Json => String::new(),
        Format::Text => format!(
            "{}{}: {registration}\n{}",
            certificate.matrix(),
            tenant.desired.owner,
            output_lines(&outputs(&tenant.desired))
        ),
    };
    Ok(TenantResult {
        tenant: tenant.desired.owner.clone(),
        text,
        json: json!({
            "applied": made,
            "certificate": signed,
            "registered": false,
            "registration": registration,
            "outputs": outputs(&tenant.desired),
        }),
        exit: match certificate.verdict {
            Verdict::Proven => 0,
            _ => 2,
        },
    })
}

/// What was done about the gateway.
fn registration(admin_url: Option<&str>) -> String {
    match admin_url {
        // The address may hold a password, so it is not repeated.
        Some(_) => "not registered: this version cannot speak to the admin API of --admin-url yet; enter the outputs in Settings > Storage"
            .to_string(),
        None => "not registered: no --admin-url was given; enter the outputs in Settings > Storage"
            .to_string(),
    }
}

/// The gateway first, so that nothing points at what is taken down.
pub(crate) async fn off(context: &Context, args: &DestroyArgs) -> Results {
    let tenants = context.tenants().await?;
    for tenant in &tenants {
        context.out.words(&format!(
            "{}: disable the tenant in Settings > Storage first; this version does not tell the gateway",
            tenant.desired.owner
        ));
    }
    take_down(context, tenants, args).await
}
