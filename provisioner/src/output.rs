//! The only place that writes to the terminal: data to stdout, words to stderr.

use crate::aws::Listen;
use crate::plan::Colour;
use crate::runner::Watch;
use serde_json::Value;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Arc, Mutex};
use types::{TenantId, Timestamp};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For machines: one document on stdout, the same shape in every version of its schema.
    Json,
}

/// Where words and data go.
#[derive(Debug)]
pub struct Output {
    format: Format,
    colour: Colour,
    quiet: bool,
    // Lines of tenants that are worked on at the same time must not mix.
    line: Mutex<()>,
}

impl Output {
    /// With this format; `quiet` keeps progress to itself.
    pub fn new(format: Format, colour_allowed: bool, quiet: bool) -> Self {
        let colour = match colour_allowed && std::io::stdout().is_terminal() {
            true => Colour::On,
            false => Colour::Off,
        };
        Self {
            format,
            colour,
            quiet,
            line: Mutex::new(()),
        }
    }

    /// How results are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether colours may be used.
    pub fn colour(&self) -> Colour {
        self.colour
    }

    /// Data, as it is.
    pub fn data(&self, text: &str) {
        let _guard = self.line.lock();
        let mut stdout = std::io::stdout().lock();
        // A reader that went away (`| head`) is no error of ours.
        let _ = stdout.write_all(text.as_bytes());
        let _ = stdout.flush();
    }

    /// One JSON document.
    pub fn json(&self, value: &Value) {
        self.data(&format!("{value:#}\n"));
    }

    /// Words that matter even when it shall be quiet.
    pub fn words(&self, text: &str) {
        let _guard = self.line.lock();
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Whether somebody sits there who could answer.
    pub fn is_attended(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    /// Asks on stderr and reads one line; `None` when nobody sits there.
    pub fn ask(&self, question: &str) -> Option<String> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        {
            let _guard = self.line.lock();
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "{question} ");
            let _ = stderr.flush();
        }
        let mut line = String::new();
        stdin.lock().read_line(&mut line).ok()?;
        Some(line.trim().to_string())
    }
}

/// Progress of one tenant among several.
#[derive(Debug)]
struct OfTenant {
    out: Arc<Output>,
    tenant: TenantId,
}

impl Watch for OfTenant {
    fn tell(&self, line: &str) {
        self.out.tell(&format!("{}: {line}", self.tenant));
    }
}

impl Output {
    /// Progress whose lines begin with the tenant.
    pub fn of_tenant(self: &Arc<Self>, tenant: &TenantId) -> Arc<dyn Watch> {
        Arc::new(OfTenant {
            out: Arc::clone(self),
            tenant: tenant.clone(),
        })
    }
}

/// A time as people and machines read it: `2026-01-31T12:00:00Z`.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time::OffsetDateTime::from_unix_timestamp(time.unix())
        .ok()
        .and_then(|time| {
            time.format(&time::format_description::well_known::Rfc3339)
                .ok()
        })
        .unwrap_or_else(|| time.unix().to_string())
}

impl Listen for Output {
    fn hear(&self, line: &str) {
        self.tell(line);
    }
}

impl Watch for Output {
    fn tell(&self, line: &str) {
        if !self.quiet {
            self.words(line);
        }
    }
}
