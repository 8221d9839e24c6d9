//! What is known about a request besides who sends it.

use std::net::IpAddr;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use types::Timestamp;

/// The circumstances of a request.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) now: Timestamp,
    pub(crate) source: IpAddr,
    pub(crate) user_agent: Option<String>,
    /// The region that the signature names; it stands for the regional endpoint.
    pub(crate) region: String,
    /// Whether the request counts as sent over TLS.
    pub(crate) secure: bool,
}

impl Facts {
    /// The condition keys that every request has.
    pub(crate) fn context(&self) -> policies::Context {
        let mut context = policies::Context::new()
            .with("aws:SecureTransport", self.secure.to_string())
            .with("aws:SourceIp", self.source.to_string())
            .with("aws:RequestedRegion", &self.region)
            .with("aws:CurrentTime", iso(self.now))
            .with("aws:EpochTime", self.now.unix().to_string());
        if let Some(agent) = &self.user_agent {
            context.set("aws:UserAgent", agent);
        }
        context
    }
}

/// `2026-01-02T03:04:05Z`.
pub(crate) fn iso(time: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp(time.unix())
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_string())
}
