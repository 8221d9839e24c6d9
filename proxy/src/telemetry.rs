//! Where log lines go: standard error, as JSON lines or text.
//!
//! No line ever carries a key, a query, a header value or a secret: what is logged about a request
//! is written in one place, `gateway::log`.

use crate::config::LogSettings;
use tracing_subscriber::EnvFilter;

/// Starts logging; a filter that does not parse is an error in the words of the filter's parser.
///
/// Pingora's and the AWS SDK's own targets are held at `warn`, whatever the filter says: at finer
/// levels they log headers.
///
/// # Errors
/// When the filter does not parse, or logging was started before.
pub fn start(settings: &LogSettings) -> Result<(), String> {
    let mut filter = EnvFilter::try_new(&settings.filter).map_err(|error| error.to_string())?;
    for quiet in [
        "pingora",
        "pingora_core",
        "pingora_proxy",
        "aws_smithy_runtime",
        "aws_sdk_sts",
    ] {
        let directive = format!("{quiet}=warn").parse();
        filter = filter.add_directive(directive.map_err(|_| "a fixed directive does not parse")?);
    }
    // The sandbox's S3 library reports every refusal as an error, and whole requests below that.
    let silent = "s3s=off".parse();
    filter = filter.add_directive(silent.map_err(|_| "a fixed directive does not parse")?);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if settings.json {
        lines.json().try_init()
    } else {
        lines.try_init()
    };
    started.map_err(|error| error.to_string())
}
