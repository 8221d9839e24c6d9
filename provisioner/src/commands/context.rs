//! What every command starts from: the tenants, and a connection for each.

use crate::aws::{
    Caller, Cloud, ConnectOptions, Credentials, Endpoints, Environment, Pace, Patience,
    find_credentials,
};
use crate::cli::{Cli, ConnectArgs, DEFAULT_STATE_DIR, MaxRisk, TenantArgs};
use crate::commands::{CommandError, Results, TenantResult};
use crate::journal::{Journal, JournalError};
use crate::model::{
    Desired, Documents, FileFormat, Home, Store, TenantSpec, compile_all, read_tenants_with,
    set_field, tenant_of,
};
use crate::output::{Output, rfc3339};
use crate::plan::{Plan, Risk};
use crate::runner::Watch;
use crate::script;
use serde_json::{Map, Value};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use types::{AddressingStyle, Clock, Endpoint, Region, TenantId};

/// What every command starts from.
pub(crate) struct Context {
    pub(crate) connect: ConnectArgs,
    pub(crate) environment: Environment,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) out: Arc<Output>,
    pub(crate) specs: Vec<TenantSpec>,
    arguments: TenantArgs,
    pace: Pace,
}

/// One tenant, ready to be worked on.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) desired: Arc<Desired>,
    pub(crate) documents: Arc<Documents>,
    pub(crate) cloud: Cloud,
    pub(crate) caller: Option<Caller>,
    /// Hears how far it is; names the tenant where there are several.
    pub(crate) watch: Arc<dyn Watch>,
}

impl Context {
    pub(crate) fn new(
        cli: Cli,
        environment: Environment,
        clock: Arc<dyn Clock>,
        out: Arc<Output>,
    ) -> Result<Self, CommandError> {
        Ok(Self {
            specs: specs(&cli.tenants, &environment)?,
            connect: cli.connect,
            arguments: cli.tenants,
            pace: Pace::new(patience(&environment)).heard_by(out.clone()),
            environment,
            clock,
            out,
        })
    }

    /// How to say `command` for one tenant with the arguments of this run.
    pub(crate) fn again(&self, command: &str, tenant: &TenantId) -> String {
        let mut words = vec!["provisioner".to_string(), command.to_string()];
        words.extend(self.arguments.of_tenant(tenant));
        if self.connect.state_dir != Path::new(DEFAULT_STATE_DIR) {
            words.push("--state-dir".to_string());
            words.push(self.connect.state_dir.display().to_string());
        }
        let quoted: Vec<String> = words.iter().map(|word| script::quoted(word)).collect();
        quoted.join(" ")
    }

    /// Credentials of the person who runs this.
    pub(crate) fn credentials(&self) -> Result<Credentials, CommandError> {
        Ok(find_credentials(
            self.connect.profile.as_deref(),
            &self.environment,
        )?)
    }

    /// A connection to AWS, or to what stands in for it.
    pub(crate) fn aws(
        &self,
        region: &Region,
        credentials: Credentials,
    ) -> Result<Cloud, CommandError> {
        let endpoints = self.endpoints()?;
        let addressing = match endpoints.s3 {
            Some(_) => AddressingStyle::Path,
            None => AddressingStyle::VirtualHosted,
        };
        let options = ConnectOptions {
            credentials,
            region: region.clone(),
            endpoints,
            addressing,
            is_aws: true,
            patience: self.pace.patience(),
        };
        Ok(Cloud::connect(&options, self.pace.clone()))
    }

    /// How long what was just made may take to be known.
    pub(crate) fn settling(&self) -> Duration {
        // IAM settles within a minute as a rule; half as much again before giving up.
        self.pace.patience().settling.mul_f64(1.5)
    }

    fn endpoints(&self) -> Result<Endpoints, CommandError> {
        let parse = |own: &Option<String>, flag: &str| {
            own.as_ref()
                .or(self.connect.endpoint_url.as_ref())
                .map(|text| {
                    Endpoint::parse(text)
                        // The text itself may hold a password.
                        .map_err(|error| CommandError::Usage(format!("{flag}: {error}")))
                })
                .transpose()
        };
        let extra_roots = match &self.connect.ca_file {
            None => None,
            Some(path) => Some(authority(path)?),
        };
        Ok(Endpoints {
            s3: parse(&self.connect.endpoint_url_s3, "--endpoint-url-s3")?,
            iam: parse(&self.connect.endpoint_url_iam, "--endpoint-url-iam")?,
            sts: parse(&self.connect.endpoint_url_sts, "--endpoint-url-sts")?,
            extra_roots,
        })
    }

    fn compatible(
        &self,
        desired: &Desired,
        credentials: Credentials,
    ) -> Result<Cloud, CommandError> {
        let Store::Compatible {
            endpoint,
            addressing,
        } = &desired.store
        else {
            return self.aws(&desired.region, credentials);
        };
        let options = ConnectOptions {
            credentials,
            region: desired.region.clone(),
            endpoints: Endpoints {
                s3: Some(endpoint.clone()),
                ..self.endpoints()?
            },
            addressing: *addressing,
            is_aws: false,
            patience: self.pace.patience(),
        };
        Ok(Cloud::connect(&options, self.pace.clone()))
    }

    /// Everything that can be known without a call; `spec.account` must be given.
    pub(crate) fn compile_offline(&self) -> Result<Vec<Desired>, CommandError> {
        compile_all(&self.specs, None).map_err(CommandError::Specification)
    }

    /// Every tenant with its connection; one question to STS for all of them.
    pub(crate) async fn tenants(&self) -> Result<Vec<Tenant>, CommandError> {
        let credentials = self.credentials()?;
        let caller = self.caller(&credentials).await?;
        let home = caller.as_ref().map(|caller| Home {
            partition: caller.partition,
            account: caller.account.clone(),
        });
        let all = compile_all(&self.specs, home.as_ref()).map_err(CommandError::Specification)?;
        let several = all.len() > 1;
        let mut tenants = Vec::new();
        for desired in all {
            let documents = Documents::render(&desired)?;
            let cloud = self.compatible(&desired, credentials.clone())?;
            tenants.push(Tenant {
                watch: match several {
                    true => self.out.of_tenant(&desired.tenant),
                    false => self.out.clone(),
                },
                cloud: cloud.for_tenant(&desired),
                desired: Arc::new(desired),
                documents: Arc::new(documents),
                caller: caller.clone(),
            });
        }
        Ok(tenants)
    }

    async fn caller(&self, credentials: &Credentials) -> Result<Option<Caller>, CommandError> {
        let Some(spec) = self.specs.iter().find(|spec| spec.compatible.is_none()) else {
            return Ok(None);
        };
        // A region that is no region is reported with all other mistakes.
        let Ok(region) = Region::parse(&*spec.region) else {
            compile_all(&self.specs, None).map_err(CommandError::Specification)?;
            return Ok(None);
        };
        let cloud = self.aws(&region, credentials.clone())?;
        Ok(Some(cloud.caller().await?))
    }

    /// The journal of a tenant; waits for its lock as long as was asked for.
    pub(crate) async fn journal(&self, desired: &Desired) -> Result<Journal, CommandError> {
        let holder = format!(
            "process {} since {}",
            std::process::id(),
            rfc3339(self.clock.now())
        );
        let deadline = tokio::time::Instant::now() + Duration::from_secs(self.connect.lock_timeout);
        loop {
            match Journal::open(&self.connect.state_dir, &desired.owner, &holder) {
                Err(JournalError::Locked { .. }) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                other => return Ok(other?),
            }
        }
    }

    /// Works on all tenants, so many at a time, and keeps their order.
    pub(crate) async fn each<F, Fut>(&self, tenants: Vec<Tenant>, work: F) -> Results
    where
        F: Fn(Tenant) -> Fut,
        Fut: Future<Output = Result<TenantResult, CommandError>>,
    {
        let work = &work;
        Ok(self
            .at_once(tenants, |tenant| async move {
                let name = tenant.desired.owner.clone();
                (name, work(tenant).await)
            })
            .await)
    }

    /// As many at a time as was asked for, in order.
    pub(crate) async fn at_once<T, U, F, Fut>(&self, items: Vec<T>, work: F) -> Vec<U>
    where
        F: FnMut(T) -> Fut,
        Fut: Future<Output = U>,
    {
        use futures_util::StreamExt;
        futures_util::stream::iter(items.into_iter().map(work))
            .buffered(usize::from(self.connect.parallel))
            .collect()
            .await
    }
}

/// Certificates in PEM. Without any the file is a mistake, and the connection fails much later.
fn authority(path: &Path) -> Result<Vec<u8>, CommandError> {
    let bytes = std::fs::read(path).map_err(|e| file_error("read", path, &e))?;
    if String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
        return Ok(bytes);
    }
    let path = path.display();
    Err(CommandError::Usage(format!(
        "--ca-file: {path} has no certificate in it\nhint: give a PEM file, which has a line -----BEGIN CERTIFICATE-----"
    )))
}

/// Tests make the patience short; people have no reason to.
fn patience(environment: &Environment) -> Patience {
    let default = Patience::default();
    match environment
        .get("BYOS_PATIENCE_MILLISECONDS")
        .and_then(|text| text.parse().ok())
        .map(Duration::from_millis)
    {
        None => default,
        Some(most) => Patience {
            first: default.first.min(most / 8),
            longest: default.longest.min(most),
            unreachable: default.unreachable.min(most),
            busy: default.busy.min(most),
            aborted: default.aborted.min(most),
            settling: default.settling.min(most),
        },
    }
}

/// A region of the environment counts only where nobody wrote one: it must not move a tenant.
fn specs(args: &TenantArgs, environment: &Environment) -> Result<Vec<TenantSpec>, CommandError> {
    let mut specs = written_specs(args)?;
    let region = environment
        .get("AWS_REGION")
        .or_else(|| environment.get("AWS_DEFAULT_REGION"));
    for spec in specs.iter_mut().filter(|spec| spec.region.is_empty()) {
        spec.region = region.cloned().unwrap_or_default();
    }
    Ok(specs)
}

fn written_specs(args: &TenantArgs) -> Result<Vec<TenantSpec>, CommandError> {
    let flags = flags(args)?;
    let Some(path) = &args.file else {
        let [org] = &args.org[..] else {
            return Err(CommandError::Usage(
                "which tenant? give --org and --region, or --file\nhint: provisioner --help begins with an example".to_string(),
            ));
        };
        let mut flags = flags;
        if let Value::Object(table) = &mut flags {
            table.insert("org_id".to_string(), Value::String(org.clone()));
        }
        return tenant_of(flags)
            .map(|spec| vec![spec])
            .map_err(|source| CommandError::Tenants {
                path: "the flags".to_string(),
                source,
            });
    };
    let text = std::fs::read_to_string(path).map_err(|e| file_error("read", path, &e))?;
    let name = path.display().to_string();
    let mut specs =
        read_tenants_with(&text, FileFormat::of_name(&name), &flags).map_err(|source| {
            CommandError::Tenants {
                path: name.clone(),
                source,
            }
        })?;
    for org in &args.org {
        if !specs.iter().any(|spec| spec.org_id == *org) {
            return Err(CommandError::Usage(format!("{name} has no tenant {org:?}")));
        }
    }
    if !args.org.is_empty() {
        specs.retain(|spec| args.org.contains(&spec.org_id));
    }
    if specs.is_empty() {
        return Err(CommandError::Usage(format!("{name} has no tenants")));
    }
    Ok(specs)
}

fn flags(args: &TenantArgs) -> Result<Value, CommandError> {
    let mut root = Value::Object(Map::new());
    let broken = |source| CommandError::Tenants {
        path: "the flags".to_string(),
        source,
    };
    for text in &args.set {
        let Some((field, value)) = text.split_once('=') else {
            return Err(CommandError::Usage(format!(
                "--set {text:?} must look like field=value"
            )));
        };
        set_field(&mut root, field.trim(), value).map_err(broken)?;
    }
    let texts = [
        ("project", &args.project),
        ("environment", &args.environment),
        ("region", &args.region),
        ("account", &args.account),
        ("bucket_prefix", &args.bucket_prefix),
        ("base_path", &args.base_path),
    ];
    if let Value::Object(table) = &mut root {
        for (field, text) in texts {
            if let Some(text) = text {
                table.insert(field.to_string(), Value::String(text.clone()));
            }
        }
        if let Some(arn) = &args.vendor_role {
            let role = table
                .entry("role")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(role) = role {
                role.insert("vendor_role".to_string(), Value::String(arn.clone()));
            }
        }
    }
    Ok(root)
}

pub(crate) fn file_error(doing: &'static str, path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::File {
        doing,
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

/// Refuses a plan that is riskier than allowed.
pub(crate) fn check_risk(plan: &Plan, allowed: Option<MaxRisk>) -> Result<(), CommandError> {
    let Some(allowed) = allowed else {
        return Ok(());
    };
    let allowed = match allowed {
        MaxRisk::Low => Risk::Low,
        MaxRisk::Medium => Risk::Medium,
        MaxRisk::High => Risk::High,
        MaxRisk::Severe => Risk::Severe,
    };
    if plan.max_risk() > allowed {
        return Err(CommandError::TooRisky {
            found: plan.max_risk().as_str(),
            allowed: allowed.as_str(),
        });
    }
    Ok(())
}
