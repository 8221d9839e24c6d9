//! What can be written on the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use types::TenantId;

const EXAMPLE: &str = "\
Example:
  provisioner plan  --org acme --region eu-central-1 --vendor-role arn:aws:iam::111111111111:role/byos-gateway
  provisioner apply --file tenants.toml --org acme
";

const EXIT_CODES: &str = "\
Exit codes: 0 everything is as desired, or was made so; 2 there are differences (plan, drift);
1 an error. Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
AWS_SESSION_TOKEN, or from --profile; never from arguments.";

/// Sets a tenant's storage up, proves it, finds drift, takes it down.
#[derive(Debug, Parser)]
#[command(name = "provisioner", version, before_help = EXAMPLE, after_help = EXIT_CODES)]
pub struct Cli {
    /// Which tenants.
    #[command(flatten)]
    pub tenants: TenantArgs,
    /// Which store, with which credentials.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How results are written.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What to do; without it, `plan`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Which tenants, and what they shall have.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Tenants")]
pub struct TenantArgs {
    /// A TOML or JSON file with one or many tenants
    #[arg(long, short, global = true, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The tenant's org id; with --file, only these tenants
    #[arg(long, global = true, value_name = "ORG_ID")]
    pub org: Vec<String>,
    /// The product, first in every name
    #[arg(long, global = true)]
    pub project: Option<String>,
    /// The stage, second in every name
    #[arg(long, global = true)]
    pub environment: Option<String>,
    /// Where the buckets stand; AWS_REGION when nobody says
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// The customer's account; the credentials must belong to it
    #[arg(long, global = true)]
    pub account: Option<String>,
    /// Before the project in bucket names
    #[arg(long, global = true)]
    pub bucket_prefix: Option<String>,
    /// Before orgs/{org_id}/ in keys, for example extractions/
    #[arg(long, global = true)]
    pub base_path: Option<String>,
    /// The gateway's role that may assume the tenant's role
    #[arg(long, global = true, value_name = "ARN")]
    pub vendor_role: Option<String>,
    /// Any other field of the file, for example --set results.versioning=enabled
    #[arg(long, global = true, value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
}

/// Where journals are kept when nobody says.
pub const DEFAULT_STATE_DIR: &str = ".byos";

impl TenantArgs {
    /// The same arguments, for one tenant of them.
    pub fn of_tenant(&self, tenant: &TenantId) -> Vec<String> {
        let file = self.file.as_ref().map(|path| path.display().to_string());
        let org = Some(tenant.to_string());
        let flags = [
            ("--file", &file),
            ("--org", &org),
            ("--project", &self.project),
            ("--environment", &self.environment),
            ("--region", &self.region),
            ("--account", &self.account),
            ("--bucket-prefix", &self.bucket_prefix),
            ("--base-path", &self.base_path),
            ("--vendor-role", &self.vendor_role),
        ];
        let given = flags
            .into_iter()
            .filter_map(|(flag, value)| Some((flag, value.clone()?)));
        let set = self.set.iter().map(|field| ("--set", field.clone()));
        given
            .chain(set)
            .flat_map(|(flag, value)| [flag.to_string(), value])
            .collect()
    }
}

/// Which store, with which credentials.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// A profile of the credentials file, instead of the environment
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// The vendor's credentials, for prove, test and onboard; or BYOS_VENDOR_ACCESS_KEY_ID and
    /// BYOS_VENDOR_SECRET_ACCESS_KEY
    #[arg(long, global = true)]
    pub vendor_profile: Option<String>,
    /// All services listen here: a sandbox
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL", value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// S3 listens here
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL_S3", value_name = "URL")]
    pub endpoint_url_s3: Option<String>,
    /// IAM listens here
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL_IAM", value_name = "URL")]
    pub endpoint_url_iam: Option<String>,
    /// STS listens here
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL_STS", value_name = "URL")]
    pub endpoint_url_sts: Option<String>,
    /// Certificates to trust beside the system's (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Journals and locks, one folder per tenant
    #[arg(
        long,
        global = true,
        env = "BYOS_STATE_DIR",
        default_value = DEFAULT_STATE_DIR,
        value_name = "DIR"
    )]
    pub state_dir: PathBuf,
    /// Wait so many seconds for another run on the same tenant
    #[arg(long, global = true, default_value_t = 0, value_name = "SECONDS")]
    pub lock_timeout: u64,
    /// So many tenants at the same time
    #[arg(long, global = true, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
}

/// How results are written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// One JSON document on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// No colours
    #[arg(long, global = true)]
    pub no_color: bool,
    /// No progress on stderr
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// How much a change may hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MaxRisk {
    /// Only what adds or tightens.
    Low,
    /// Also what changes behaviour.
    Medium,
    /// Also what widens access or deletes what can be made again.
    High,
    /// Everything.
    Severe,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Show what would change; change nothing (the default)
    Plan(PlanArgs),
    /// Make the set-up as desired
    Apply(ApplyArgs),
    /// Take the set-up down: refuses while a bucket holds data
    Destroy(DestroyArgs),
    /// Exit with 2 when the set-up is not as desired
    Drift,
    /// Take over a bucket or role that exists already, field by field
    Adopt(AdoptArgs),
    /// Print the set-up for another tool
    Render(RenderArgs),
    /// Prove what the role may do, and what it may not
    Prove(ProveArgs),
    /// Test the connection step by step, and name what is in the way
    Test,
    /// Plan, apply, prove, and register with the gateway
    Onboard(OnboardArgs),
    /// Take the set-up down after the gateway forgot the tenant
    Offboard(DestroyArgs),
    /// Print the IAM policy that the person running this needs
    DeployerPolicy(DeployerArgs),
    /// What is there, and what the journal knows
    Status,
    /// Undo what the last run made
    Rollback(RollbackArgs),
}

/// Of `plan`.
#[derive(Debug, Clone, Default, Args)]
pub struct PlanArgs {
    /// Save the plan, for apply --plan
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Fail when any change is riskier
    #[arg(long)]
    pub max_risk: Option<MaxRisk>,
}

/// By which way changes are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// By calls of our own.
    #[default]
    Api,
    /// By the user's terraform, which then holds the state.
    Terraform,
}

/// By which way, and with which terraform.
#[derive(Debug, Clone, Default, Args)]
pub struct ByArgs {
    /// Who makes the changes
    #[arg(long, value_enum, default_value_t = Via::Api)]
    pub via: Via,
    /// The terraform to run, when it is not in the PATH
    #[arg(long, env = "BYOS_TERRAFORM", value_name = "FILE")]
    pub terraform: Option<PathBuf>,
    /// Configuration and state of terraform, one folder per tenant; in --state-dir when absent
    #[arg(long, env = "BYOS_TERRAFORM_DIR", value_name = "DIR")]
    pub terraform_dir: Option<PathBuf>,
}

/// Of `apply`.
#[derive(Debug, Clone, Default, Args)]
pub struct ApplyArgs {
    /// By which way
    #[command(flatten)]
    pub by: ByArgs,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Refuse when any change is riskier
    #[arg(long)]
    pub max_risk: Option<MaxRisk>,
    /// Apply this saved plan, if nothing has changed since
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

/// Of `destroy` and `offboard`.
#[derive(Debug, Clone, Default, Args)]
pub struct DestroyArgs {
    /// By which way
    #[command(flatten)]
    pub by: ByArgs,
    /// Do not ask (data is still only deleted with --confirm)
    #[arg(long, short)]
    pub yes: bool,
    /// Delete all objects, versions, markers and uploads first
    #[arg(long)]
    pub empty_buckets: bool,
    /// Delete objects under governance retention too
    #[arg(long, requires = "empty_buckets")]
    pub bypass_governance: bool,
    /// The org id once more, as the consent to delete its data
    #[arg(long, value_name = "ORG_ID")]
    pub confirm: Vec<String>,
}

/// Of `adopt`.
#[derive(Debug, Clone, Default, Args)]
pub struct AdoptArgs {
    /// Take over, with these settings left to their owner; "none" leaves none
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    pub leave: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Refuse when any change is riskier
    #[arg(long)]
    pub max_risk: Option<MaxRisk>,
}

/// What to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RenderKind {
    /// Terraform configuration.
    Terraform,
    /// A CloudFormation template.
    Cloudformation,
    /// A script of aws cli calls.
    Cli,
    /// The policy documents, and what others have to allow.
    Policy,
}

/// Of `render`.
#[derive(Debug, Clone, Args)]
pub struct RenderArgs {
    /// For which tool
    pub kind: RenderKind,
    /// Write files into this folder instead of stdout
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where in S3 the CloudFormation template will lie: adds the link that opens it in the
    /// customer's console
    #[arg(long, value_name = "URL")]
    pub template_url: Option<String>,
}

/// How a certificate is signed and kept.
#[derive(Debug, Clone, Default, Args)]
pub struct SignArgs {
    /// Sign the certificate with this Ed25519 key (PKCS#8, made when absent)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Write the certificate here
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Of `prove`.
#[derive(Debug, Clone, Default, Args)]
pub struct ProveArgs {
    /// Signing and keeping
    #[command(flatten)]
    pub sign: SignArgs,
    /// A certificate to check instead of making one; needs no tenant and no credentials
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    pub verify: Option<PathBuf>,
    /// Who must have signed it: 64 hexadecimal digits, or a file with them or with a public key
    /// in PEM; --key names the private key itself
    #[arg(
        long,
        value_name = "HEX|FILE",
        requires = "verify",
        conflicts_with = "key"
    )]
    pub public_key: Option<String>,
}

/// Of `onboard`.
#[derive(Debug, Clone, Default, Args)]
pub struct OnboardArgs {
    /// Apply's own
    #[command(flatten)]
    pub apply: ApplyArgs,
    /// Prove's own
    #[command(flatten)]
    pub sign: SignArgs,
    /// The gateway's admin API
    #[arg(long, env = "BYOS_ADMIN_URL", value_name = "URL")]
    pub admin_url: Option<String>,
}

/// Of `deployer-policy`.
#[derive(Debug, Clone, Default, Args)]
pub struct DeployerArgs {
    /// Also what take-down needs
    #[arg(long)]
    pub with_destroy: bool,
    /// Also what putting and removing probes needs
    #[arg(long)]
    pub with_prove: bool,
    /// Also what emptying buckets needs
    #[arg(long, requires = "with_destroy")]
    pub with_empty_buckets: bool,
    /// Also what overriding governance retention needs
    #[arg(long, requires = "with_empty_buckets")]
    pub with_bypass_governance: bool,
}

/// Of `rollback`.
#[derive(Debug, Clone, Default, Args)]
pub struct RollbackArgs {
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}
