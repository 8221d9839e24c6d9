//! `render`: the set-up for another tool. Calls nothing.

use crate::cli::{RenderArgs, RenderKind};
use crate::cloudformation::{MAX_BODY_BYTES, quick_create_link, stack_name};
use crate::commands::context::{Context, file_error};
use crate::commands::{CommandError, Results, TenantResult};
use crate::model::{Desired, Documents, Purpose, companions};
use crate::output::{Format, Output};
use crate::plan::{DiffOptions, Observed, diff};
use crate::script;
use serde_json::{Value, json};
use std::path::Path;

/// A file of a rendering.
struct Rendered {
    name: String,
    text: String,
}

pub(crate) fn run(context: &Context, args: &RenderArgs) -> Results {
    if args.template_url.is_some() && args.kind != RenderKind::Cloudformation {
        return Err(CommandError::Usage(
            "--template-url belongs to \"render cloudformation\"".to_string(),
        ));
    }
    let all = context.compile_offline()?;
    Ok(all
        .iter()
        .map(|desired| (desired.owner.clone(), one(context, desired, args)))
        .collect())
}

fn one(
    context: &Context,
    desired: &Desired,
    args: &RenderArgs,
) -> Result<TenantResult, CommandError> {
    let files = match args.kind {
        RenderKind::Policy => policies(desired)?,
        RenderKind::Cli => vec![aws_cli(desired)?],
        RenderKind::Terraform => terraform(desired)?,
        RenderKind::Cloudformation => {
            cloudformation(&context.out, desired, args.template_url.as_deref())?
        }
    };
    if let Some(folder) = &args.out {
        write(&folder.join(desired.tenant.as_str()), &files)?;
    }
    let text = match (context.out.format(), &args.out) {
        (Format::Json, _) => String::new(),
        (Format::Text, Some(folder)) => format!(
            "{}: {} files in {}\n",
            desired.owner,
            files.len(),
            folder.join(desired.tenant.as_str()).display()
        ),
        (Format::Text, None) => files
            .iter()
            .map(|file| format!("# {}\n{}\n", file.name, file.text))
            .collect(),
    };
    let list: Vec<Value> = files
        .iter()
        .map(|file| json!({ "name": file.name, "text": file.text }))
        .collect();
    Ok(TenantResult {
        tenant: desired.owner.clone(),
        text,
        json: json!({ "files": list }),
        exit: 0,
    })
}

fn write(folder: &Path, files: &[Rendered]) -> Result<(), CommandError> {
    for file in files {
        let path = folder.join(&file.name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|e| file_error("make", parent, &e))?;
        std::fs::write(&path, &file.text).map_err(|e| file_error("write", &path, &e))?;
    }
    Ok(())
}

fn policies(desired: &Desired) -> Result<Vec<Rendered>, CommandError> {
    let documents = Documents::render(desired)?;
    let mut files = Vec::new();
    let mut add = |name: String, document: &Value| {
        files.push(Rendered {
            name: format!("{name}.json"),
            text: format!("{document:#}\n"),
        });
    };
    if let Some(trust) = &documents.trust {
        add("role-trust".to_string(), trust);
    }
    if let Some(permission) = &documents.permission {
        add("role-permissions".to_string(), permission);
    }
    for purpose in [Purpose::Logs, Purpose::Data, Purpose::Results] {
        if let Some(policy) = documents.bucket_policy(purpose) {
            add(format!("{purpose}-bucket"), policy);
        }
    }
    for (at, companion) in companions(desired)?.iter().enumerate() {
        let document = json!({ "place": companion.place, "document": companion.document });
        add(format!("companion-{}", at + 1), &document);
    }
    Ok(files)
}

/// A root module, with the modules and policies that it needs.
fn terraform(desired: &Desired) -> Result<Vec<Rendered>, CommandError> {
    let files = crate::terraform::render(desired)?;
    let rendered = files.iter().map(|(name, text)| Rendered {
        name: name.to_string(),
        text: text.to_string(),
    });
    Ok(rendered.collect())
}

/// One template, and the link that opens it; whoever makes a stack of it acknowledges
/// CAPABILITY_NAMED_IAM.
fn cloudformation(
    out: &Output,
    desired: &Desired,
    template_url: Option<&str>,
) -> Result<Vec<Rendered>, CommandError> {
    let documents = Documents::render(desired)?;
    let template = crate::cloudformation::render(desired, &documents)?;
    if template.len() > MAX_BODY_BYTES {
        out.words(&format!(
            "{}: the template has {} bytes; above {MAX_BODY_BYTES} CloudFormation takes it from S3 only (--template-url)",
            desired.owner,
            template.len()
        ));
    }
    let mut files = vec![Rendered {
        name: "template.json".to_string(),
        text: template,
    }];
    if let Some(url) = template_url {
        let stack = stack_name(&desired.tenant);
        let link = quick_create_link(&desired.region, url, &stack)
            .map_err(|error| CommandError::Usage(format!("--template-url: {error}")))?;
        files.push(Rendered {
            name: "quick-create-link.txt".to_string(),
            text: format!("{link}\n"),
        });
    }
    Ok(files)
}

/// The steps that make the set-up out of nothing.
fn aws_cli(desired: &Desired) -> Result<Rendered, CommandError> {
    let documents = Documents::render(desired)?;
    let plan = diff(
        desired,
        &documents,
        &Observed::default(),
        &DiffOptions::default(),
    );
    Ok(Rendered {
        name: "set-up.sh".to_string(),
        text: script::aws_cli(desired, plan.changes.iter().map(|change| &change.step)),
    })
}
