//! The least-privilege certificate: what the role may do, and what it may not.
//!
//! Two independent halves. *Live*: calls with the role's own session, each refusal with a
//! permitted call just before it, so that a refusal cannot be a broken session or a missing
//! bucket. *Computed*: every action of the catalogue against every kind of resource, judged from
//! the documents that stand at IAM and S3. Anything that is neither proven nor refuted is
//! inconclusive, never proven.

mod attempt;
mod computed;
mod diagnose;
mod live;
mod sign;

pub(crate) use attempt::Attempt;
pub use computed::{LiveDocuments, computed};
pub use diagnose::{Cause, Refused, from_documents, from_trust, from_words};
pub use live::{Live, Vendor};
pub use sign::{SignError, Signed, SigningKey, verify};

use serde::{Deserialize, Serialize};
use std::fmt::Write;
use types::Timestamp;

/// Names the shape of a certificate.
pub const CERTIFICATE_SCHEMA: &str = "byos.certificate/1";

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As claimed.
    Proven,
    /// It could not be tried, or the answer does not tell.
    Inconclusive,
    /// The opposite is true.
    Violated,
}

impl Verdict {
    const fn sign(self) -> &'static str {
        match self {
            Self::Proven => "ok",
            Self::Inconclusive => "??",
            Self::Violated => "NO",
        }
    }
}

/// What a check expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// The call is permitted.
    Allowed,
    /// The call is refused with AccessDenied.
    Denied,
}

/// One claim, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The claim in words.
    pub claim: String,
    /// What was expected.
    pub expected: Expected,
    /// What became of it.
    pub verdict: Verdict,
    /// The permitted call just before.
    pub control: Option<String>,
    /// The answer: call, status, code, request id.
    pub evidence: String,
}

/// The computed half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// Questions that were asked.
    pub decisions: usize,
    /// Everything that is allowed, in words.
    pub allowed: Vec<String>,
    /// Answers that are not as specified.
    pub violations: Vec<String>,
    /// Why it says nothing, when it says nothing.
    pub inconclusive: Option<String>,
}

impl Computed {
    /// What it says as a whole.
    pub fn verdict(&self) -> Verdict {
        match (&self.violations[..], &self.inconclusive) {
            ([], None) => Verdict::Proven,
            ([], Some(_)) => Verdict::Inconclusive,
            _ => Verdict::Violated,
        }
    }
}

/// What was proven about one tenant's role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// [`CERTIFICATE_SCHEMA`].
    pub schema: String,
    /// Whose set-up.
    pub tenant: String,
    /// When, in Unix seconds.
    pub issued: Timestamp,
    /// The role.
    pub role_arn: String,
    /// Who may assume it.
    pub vendor_role: String,
    /// With which external id.
    pub external_id: String,
    /// The buckets: data and results.
    pub buckets: Vec<String>,
    /// The prefix that it is confined to.
    pub key_prefix: String,
    /// The live half.
    pub live: Vec<Check>,
    /// The computed half.
    pub computed: Computed,
    /// The worst verdict of all.
    pub verdict: Verdict,
}

impl Certificate {
    /// The worst verdict of both halves.
    pub fn worst(live: &[Check], computed: &Computed) -> Verdict {
        live.iter()
            .map(|check| check.verdict)
            .chain([computed.verdict()])
            .max()
            .unwrap_or(Verdict::Inconclusive)
    }

    /// The certificate as a matrix that people read.
    pub fn matrix(&self) -> String {
        let mut out = format!(
            "{} may be used by {}\nwith the external id {}\n\n",
            self.role_arn, self.vendor_role, self.external_id
        );
        for (title, expected) in [
            ("permitted", Expected::Allowed),
            ("refused", Expected::Denied),
        ] {
            let _ = writeln!(out, "{title}:");
            for check in self.live.iter().filter(|c| c.expected == expected) {
                let _ = writeln!(out, "  [{}] {}", check.verdict.sign(), check.claim);
                if check.verdict != Verdict::Proven {
                    let _ = writeln!(out, "       {}", check.evidence);
                }
            }
        }
        let computed = &self.computed;
        let _ = writeln!(
            out,
            "computed from the documents: [{}] {} decisions, {} allowed",
            computed.verdict().sign(),
            computed.decisions,
            computed.allowed.len()
        );
        for line in computed.violations.iter().chain(&computed.inconclusive) {
            let _ = writeln!(out, "       {line}");
        }
        let _ = writeln!(
            out,
            "verdict: {}",
            match self.verdict {
                Verdict::Proven => "proven",
                Verdict::Inconclusive => "INCONCLUSIVE",
                Verdict::Violated => "VIOLATED: do not enable this tenant",
            }
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_wins() {
        let check = |verdict| Check {
            claim: "c".to_string(),
            expected: Expected::Denied,
            verdict,
            control: None,
            evidence: "e".to_string(),
        };
        let computed = Computed {
            decisions: 1,
            allowed: Vec::new(),
            violations: Vec::new(),
            inconclusive: None,
        };
        let worst = |verdicts: &[Verdict]| {
            let checks: Vec<Check> = verdicts.iter().map(|v| check(*v)).collect();
            Certificate::worst(&checks, &computed)
        };
        assert_eq!(worst(&[Verdict::Proven]), Verdict::Proven);
        assert_eq!(
            worst(&[Verdict::Proven, Verdict::Inconclusive]),
            Verdict::Inconclusive
        );
        assert_eq!(
            worst(&[Verdict::Violated, Verdict::Inconclusive]),
            Verdict::Violated
        );
    }
}
