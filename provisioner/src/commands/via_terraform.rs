//! `apply` and `destroy` with `--via terraform`: writes the configuration, runs the user's terraform on it, and looks at
//! what came of it through the same eyes as the direct way.

use crate::cli::{ApplyArgs, ByArgs, DestroyArgs};
use crate::commands::apply::{agree, in_order, look_again, outputs};
use crate::commands::context::{Context, Tenant, check_risk, file_error};
use crate::commands::destroy::{self, agree_to_lose_data};
use crate::commands::{CommandError, Results, TenantResult, plan};
use crate::journal::{Journal, RunKind};
use crate::output::Format;
use crate::plan::{DiffOptions, Plan, Step};
use crate::runner::{Report, run as run_steps};
use crate::terraform::{Planned, Terraform, TerraformFailure, imports, in_the_way, render};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the import blocks of what is there already stand.
const IMPORTS: &str = "imports.tf";

/// A tenant whose plan waits for a yes.
struct Ready {
    tenant: Tenant,
    journal: Journal,
    direct: Plan,
    terraform: Terraform,
    planned: Planned,
}

/// Plans every tenant, asks once, then applies one after the other.
pub(crate) async fn apply(context: &Context, tenants: Vec<Tenant>, args: &ApplyArgs) -> Results {
    let order: Vec<String> = tenants.iter().map(|t| t.desired.owner.clone()).collect();
    let mut ready = Vec::new();
    let mut results = Vec::new();
    for tenant in tenants {
        let name = tenant.desired.owner.clone();
        match prepare(context, tenant, args).await {
            Ok(one) => ready.push(one),
            Err(error) => results.push((name, Err(error))),
        }
    }
    let changes: usize = ready.iter().map(|one| one.planned.changes.len()).sum();
    if changes > 0 {
        ready.iter().for_each(|one| show(context, one));
        agree(
            &context.out,
            args.yes,
            &format!("Let terraform make these {changes} changes? [yes/no]"),
        )?;
    }
    for one in ready {
        let name = one.tenant.desired.owner.clone();
        results.push((name, make(context, one).await));
    }
    Ok(in_order(&order, results))
}

async fn prepare(
    context: &Context,
    tenant: Tenant,
    args: &ApplyArgs,
) -> Result<Ready, CommandError> {
    let journal = context.journal(&tenant.desired).await?;
    // The direct plan knows what forbids to go on, and how risky it is.
    let direct = plan::make(&tenant, &journal, DiffOptions::default()).await?;
    if !direct.blockers.is_empty() {
        return Err(CommandError::Blocked(direct.blockers));
    }
    check_risk(&direct, args.max_risk)?;

    let files = render(&tenant.desired)?;
    let observed = tenant.cloud.observe(&tenant.desired).await?;
    let held = journal.held_by_terraform()?.is_some();
    let blockers = in_the_way(&tenant.desired, &observed, &direct, held);
    if !blockers.is_empty() {
        return Err(CommandError::Blocked(blockers));
    }
    let folder = folder(context, &args.by, &tenant)?;
    files.write(&folder)?;
    write_imports(&folder, imports(&tenant.desired, &observed)?)?;

    let terraform = terraform(context, &args.by, &folder);
    let planned = {
        let (terraform, out) = (terraform.clone(), context.out.clone());
        blocking(move || {
            terraform.init(&*out)?;
            terraform.plan(&*out)
        })
        .await?
    };
    Ok(Ready {
        tenant,
        journal,
        direct,
        terraform,
        planned,
    })
}

async fn make(context: &Context, ready: Ready) -> Result<TenantResult, CommandError> {
    let Ready {
        tenant,
        journal,
        direct,
        terraform,
        planned,
    } = ready;
    let report = Report {
        done: planned.changes.len(),
        ..Report::default()
    };
    let folder = terraform.folder().to_path_buf();
    journal.hold_by_terraform(&folder)?;
    // Also without changes: terraform may have something to import.
    let out = context.out.clone();
    let said = blocking(move || {
        terraform.apply(&*out)?;
        terraform.outputs()
    })
    .await?;
    let wanted = outputs(&tenant.desired);
    check_outputs(&wanted, &said)?;
    let mut applied = journal.applied()?;
    applied.extend(direct.applied());
    journal.remember_applied(&applied)?;
    let after = look_again(context, &tenant, &journal, &report).await?;
    Ok(TenantResult {
        tenant: tenant.desired.owner.clone(),
        text: match context.out.format() {
            Format::Json => String::new(),
            Format::Text => {
                let undo = context.again("destroy --via terraform", &tenant.desired.tenant);
                text(&tenant, &report, &wanted, &folder, &undo)
            }
        },
        json: json!({
            "changes_made": report.done,
            "unsupported": report.unsupported,
            "outputs": wanted,
            "findings": after.findings,
            "terraform": { "folder": folder },
        }),
        exit: 0,
    })
}

/// Takes every tenant down by terraform, after the same look into the buckets as the direct way.
pub(crate) async fn destroy(
    context: &Context,
    tenants: Vec<Tenant>,
    args: &DestroyArgs,
) -> Results {
    let order: Vec<String> = tenants.iter().map(|t| t.desired.owner.clone()).collect();
    let mut ready = Vec::new();
    let mut results = Vec::new();
    for tenant in tenants {
        let name = tenant.desired.owner.clone();
        match prepare_destroy(context, tenant, args).await {
            Ok(one) => ready.push(one),
            Err(error) => results.push((name, Err(error))),
        }
    }
    let changes: usize = ready.iter().map(|one| one.planned.changes.len()).sum();
    if changes > 0 {
        ready.iter().for_each(|one| show(context, one));
        agree(
            &context.out,
            args.yes,
            &format!("Let terraform take this down, {changes} changes? [yes/no]"),
        )?;
        for one in &ready {
            agree_to_lose_data(&context.out, &one.tenant, &one.direct, args)?;
        }
    }
    for one in ready {
        let name = one.tenant.desired.owner.clone();
        results.push((name, take_down(context, one, args).await));
    }
    Ok(in_order(&order, results))
}

async fn prepare_destroy(
    context: &Context,
    tenant: Tenant,
    args: &DestroyArgs,
) -> Result<Ready, CommandError> {
    // Terraform would take settings and role away before S3 refuses to delete a bucket with data.
    let (journal, direct) = destroy::prepare(context, &tenant, args).await?;
    let folder = folder(context, &args.by, &tenant)?;
    if !folder.join("main.tf").is_file() {
        return Err(CommandError::Usage(format!(
            "there is no configuration of Terraform in {}\nhint: say where it is with --terraform-dir, or leave --via terraform out",
            folder.display()
        )));
    }
    // What is gone cannot be imported.
    write_imports(&folder, None)?;
    let terraform = terraform(context, &args.by, &folder);
    let planned = {
        let (terraform, out) = (terraform.clone(), context.out.clone());
        blocking(move || {
            terraform.init(&*out)?;
            terraform.plan_destroy(&*out)
        })
        .await?
    };
    Ok(Ready {
        tenant,
        journal,
        direct,
        terraform,
        planned,
    })
}

async fn take_down(
    context: &Context,
    ready: Ready,
    args: &DestroyArgs,
) -> Result<TenantResult, CommandError> {
    let Ready {
        tenant,
        journal,
        mut direct,
        terraform,
        planned,
    } = ready;
    // Data is deleted by us: Terraform's way would need a flag that stays in the configuration.
    let is_emptying = |step: &Step| matches!(step, Step::EmptyBucket { .. });
    direct.changes.retain(|change| is_emptying(&change.step));
    if !direct.changes.is_empty() {
        let run = journal.begin(RunKind::Destroy, context.clock.now())?;
        run_steps(&direct, &journal, &run, &tenant.cloud, &*tenant.watch)
            .await
            .map_err(|source| CommandError::Stopped { undo: None, source })?;
    }
    let out = context.out.clone();
    blocking(move || terraform.apply(&*out)).await?;
    journal.forget_applied()?;
    journal.release_by_terraform()?;
    drop(journal);
    // What Terraform did not know of would stay unseen.
    let (_, left) = destroy::prepare(context, &tenant, args).await?;
    if !left.changes.is_empty() {
        return Err(CommandError::NotSettled(format!(
            "{}\nhint: Terraform's state did not have this; \"{}\" takes it down",
            left.show(crate::plan::Colour::Off),
            context.again("destroy", &tenant.desired.tenant),
        )));
    }
    let done = planned.changes.len() + direct.changes.len();
    let owner = &tenant.desired.owner;
    Ok(TenantResult {
        tenant: owner.clone(),
        text: match (context.out.format(), done) {
            (Format::Json, _) => String::new(),
            (Format::Text, 0) => format!("{owner}: nothing of ours is there\n"),
            (Format::Text, n) => format!("{owner}: taken down by terraform, {n} steps\n"),
        },
        json: json!({ "changes_made": done, "findings": direct.findings }),
        exit: 0,
    })
}

fn show(context: &Context, ready: &Ready) {
    for change in &ready.planned.changes {
        context.out.words(&format!(
            "{}: {} {}",
            ready.tenant.desired.owner,
            change.actions.join(" and "),
            change.address
        ));
    }
}

fn text(tenant: &Tenant, report: &Report, outputs: &Value, folder: &Path, undo: &str) -> String {
    let mut text = match report.done {
        0 => format!("{}: no changes\n", tenant.desired.owner),
        n => format!("{}: {n} changes made by terraform\n", tenant.desired.owner),
    };
    for (name, value) in outputs.as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            text.push_str(&format!("  {name} = {value}\n"));
        }
    }
    let folder = folder.display();
    text.push_str(&format!("  configuration and state: {folder}\n"));
    text.push_str(&format!("  undo it with: {undo}\n"));
    text
}

/// What terraform says must be what the model says.
fn check_outputs(wanted: &Value, said: &BTreeMap<String, Value>) -> Result<(), CommandError> {
    for (name, value) in said {
        if wanted.get(name).is_some_and(|wanted| wanted != value) {
            return Err(CommandError::NotSettled(format!(
                "terraform says {name} = {value}, and not {}\nhint: somebody changed the configuration that was written: run it again",
                wanted[name]
            )));
        }
    }
    Ok(())
}

/// One folder for each tenant; the parts of an owner have no character that a path could mind.
fn folder(context: &Context, args: &ByArgs, tenant: &Tenant) -> Result<PathBuf, CommandError> {
    let all = args
        .terraform_dir
        .clone()
        .unwrap_or_else(|| context.connect.state_dir.join("terraform"));
    let folder = all.join(&tenant.desired.owner);
    std::path::absolute(&folder).map_err(|error| file_error("find", &folder, &error))
}

fn terraform(context: &Context, args: &ByArgs, folder: &Path) -> Terraform {
    Terraform::new(folder, environment(context))
        .binary(args.terraform.clone().unwrap_or_else(|| "terraform".into()))
}

fn write_imports(folder: &Path, blocks: Option<String>) -> Result<(), CommandError> {
    let path = folder.join(IMPORTS);
    let written = match blocks {
        Some(blocks) => std::fs::write(&path, blocks),
        None => match std::fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        },
    };
    written.map_err(|error| file_error("write", &path, &error))
}

/// What terraform and its provider read: the credentials and endpoints of this run, and nothing
/// that is ours alone.
fn environment(
    context: &Context,
) -> impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)> {
    let mut environment = context.environment.clone();
    environment.retain(|name, _| is_for_terraform(name));
    let connect = &context.connect;
    for (name, value) in [
        ("AWS_PROFILE", &connect.profile),
        ("AWS_ENDPOINT_URL", &connect.endpoint_url),
        ("AWS_ENDPOINT_URL_S3", &connect.endpoint_url_s3),
        ("AWS_ENDPOINT_URL_IAM", &connect.endpoint_url_iam),
        ("AWS_ENDPOINT_URL_STS", &connect.endpoint_url_sts),
    ] {
        if let Some(value) = value {
            environment.insert(name.to_string(), value.clone());
        }
    }
    if connect.profile.is_some() {
        // Keys in the environment would win over the profile.
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ] {
            environment.remove(name);
        }
    }
    if let Some(file) = &connect.ca_file {
        environment.insert("AWS_CA_BUNDLE".to_string(), file.display().to_string());
    }
    environment
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
}

/// What Terraform may hear of the environment: of its own settings only how it gets its provider.
/// Arguments, variables, workspaces and data folders that are meant for other configurations would
/// change what is done here, and its log has requests in it.
fn is_for_terraform(name: &str) -> bool {
    const KNOWN: [&str; 5] = [
        "TF_CLI_CONFIG_FILE",
        "TF_PLUGIN_CACHE_DIR",
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE",
        "TF_REATTACH_PROVIDERS",
        "TF_APPEND_USER_AGENT",
    ];
    let registry = name.starts_with("TF_TOKEN_") || name.starts_with("TF_REGISTRY_");
    let theirs = name.starts_with("TF_") && !KNOWN.contains(&name) && !registry;
    !theirs && !name.starts_with("BYOS_")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TerraformFailure> + Send + 'static,
) -> Result<T, CommandError> {
    let outcome = tokio::task::spawn_blocking(work).await;
    Ok(outcome.expect("terraform is driven without panics")?)
}
