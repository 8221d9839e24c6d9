//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// An S3 gateway: existing S3 clients point at it unchanged, every file lands in the tenant's own
/// bucket.
#[derive(Debug, Parser)]
#[command(
    name = "proxy",
    version,
    before_help = "Example: proxy dev\n         starts everything on this machine and prints a block to paste",
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the gateway's binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the gateway with embedded defaults, a sandbox AWS and a demo tenant.
    ///
    /// Example: proxy dev --data ./data
    Dev(DevArgs),
    /// Start the gateway for real upstreams.
    ///
    /// Example: proxy serve --config byos.toml
    ///
    /// SIGTERM stops accepting and lets requests in flight end, for at most
    /// `gateway.drain_seconds`. SIGHUP reads the tenants in the file again.
    Serve(ConfigArgs),
    /// Check a configuration file and report every mistake at once.
    ///
    /// Example: proxy check --config byos.toml
    Check(CheckArgs),
    /// Print a time-limited URL for one object.
    ///
    /// Example: proxy presign --endpoint http://127.0.0.1:9000 s3://data/report.pdf
    Presign(PresignArgs),
}

/// Arguments of `proxy dev`.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// Where everything is kept between starts.
    #[arg(long, default_value = "./data")]
    pub data: PathBuf,
    /// Where clients connect; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9000")]
    pub listen: SocketAddr,
    /// Print the block to paste as one line of JSON.
    #[arg(long)]
    pub json: bool,
    /// What to log, as in `info` or `proxy=debug`.
    #[arg(long, default_value = "warn")]
    pub log: String,
}

/// Arguments of commands that need a configuration file and nothing else.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The configuration file; docs/configuration.md lists its settings.
    #[arg(long)]
    pub config: PathBuf,
}

/// Arguments of `proxy check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The configuration file.
    #[arg(long)]
    pub config: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `proxy presign`.
#[derive(Debug, Args)]
pub struct PresignArgs {
    /// The object, as s3://bucket/key in the names that clients use.
    pub object: String,
    /// What the URL allows.
    #[arg(long, value_enum, default_value = "get", ignore_case = true)]
    pub method: PresignMethod,
    /// Seconds that the URL works: 15 minutes to read, 60 to write, unless given; at most 7 days.
    #[arg(long)]
    pub expires: Option<u64>,
    /// The gateway that the URL leads to; the access key comes from AWS_ACCESS_KEY_ID and
    /// AWS_SECRET_ACCESS_KEY.
    #[arg(long, required_unless_present = "direct", conflicts_with = "direct")]
    pub endpoint: Option<String>,
    /// The region that the signature names.
    #[arg(long, default_value = "us-east-1")]
    pub region: String,
    /// Lead straight to the tenant's bucket, not through the gateway: the URL then names the
    /// tenant's bucket. Needs --config and --tenant.
    #[arg(long, requires = "config", requires = "tenant")]
    pub direct: bool,
    /// With --direct: the configuration file that declares the tenant.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// With --direct: the tenant.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What a presigned URL allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PresignMethod {
    /// Read.
    Get,
    /// Read the headers only.
    Head,
    /// Write.
    Put,
    /// Delete.
    Delete,
}

impl PresignMethod {
    /// The same, as `upstream` names it.
    pub fn upstream(self) -> upstream::PresignMethod {
        match self {
            Self::Get => upstream::PresignMethod::Get,
            Self::Head => upstream::PresignMethod::Head,
            Self::Put => upstream::PresignMethod::Put,
            Self::Delete => upstream::PresignMethod::Delete,
        }
    }

    /// The HTTP method.
    pub fn as_str(self) -> &'static str {
        self.upstream().as_str()
    }
}
