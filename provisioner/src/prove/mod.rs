//! The least-privilege certificate: what the role may do, and what it may not.
//!
//! Two independent halves. *Live*: calls with the role's own session, each refusal with a
//! permitted call just before it, so that a refusal cannot be a broken session or a missing
//! bucket, and only the role's own policies count as who refused. *Computed*: every action of the
//! catalogue against every kind of resource, and every statement that the set-up does not have,
//! judged from the documents that stand at IAM and S3. Anything that is neither proven nor refuted
//! is inconclusive, never proven.

mod attempt;
mod canonical;
mod cases;
mod computed;
mod denial;
mod diagnose;
mod documents;
mod extra;
mod live;
mod sign;
mod trial;
mod verify;
mod witness;

pub(crate) use attempt::Attempt;
pub use computed::computed;
pub use denial::Denial;
pub use diagnose::{Cause, Refused, from_documents, from_trust, from_words};
pub use documents::LiveDocuments;
pub use live::{Found, Live, Vendor};
pub use sign::{KeyError, PublicKey, Signature, Signed, SigningKey};
pub use verify::{Signer, VerifyError, verify};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use types::Timestamp;

/// Names the shape of a certificate.
pub const CERTIFICATE_SCHEMA: &str = "byos.certificate/1";

/// One statement too many violates hundreds of claims; a person reads a few.
const SHOWN_VIOLATIONS: usize = 12;

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
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The claim in words.
    pub claim: String,
    /// The IAM actions that the call needs.
    pub actions: Vec<String>,
    /// What was expected.
    pub expected: Expected,
    /// What became of it.
    pub verdict: Verdict,
    /// The permitted call just before.
    pub control: Option<String>,
    /// Who refused, when it was refused.
    pub denial: Option<Denial>,
    /// The answer: call, status, code, request id.
    pub evidence: String,
}

/// The computed half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`CERTIFICATE_SCHEMA`].
    pub schema: String,
    /// The version of the provisioner that made it.
    pub provisioner: String,
    /// Whose set-up.
    pub tenant: String,
    /// When, in Unix seconds.
    pub issued: Timestamp,
    /// The customer's account.
    pub account: String,
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
    /// SHA-256 of every document that was judged, in the canonical form, by its place.
    pub documents: BTreeMap<String, String>,
    /// The live half.
    pub live: Vec<Check>,
    /// The computed half.
    pub computed: Computed,
    /// The worst verdict of all.
    pub verdict: Verdict,
}

impl Certificate {
    /// The worst verdict of both halves; a half that asked nothing proves nothing.
    pub fn worst(live: &[Check], computed: &Computed) -> Verdict {
        let nothing = match live.is_empty() || computed.decisions == 0 {
            true => Verdict::Inconclusive,
            false => Verdict::Proven,
        };
        live.iter()
            .map(|check| check.verdict)
            .chain([computed.verdict(), nothing])
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
                let _ = writeln!(
                    out,
                    "  [{}] {} ({})",
                    check.verdict.sign(),
                    check.claim,
                    check.actions.join(", ")
                );
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
        let shown = computed.violations.len().min(SHOWN_VIOLATIONS);
        let lines = computed.violations[..shown].iter();
        for line in lines.chain(&computed.inconclusive) {
            let _ = writeln!(out, "       {line}");
        }
        if let more @ 1.. = computed.violations.len() - shown {
            let _ = writeln!(out, "       and {more} more; --json has all of them");
        }
        let _ = writeln!(out, "verdict: {}", self.conclusion());
        out
    }

    /// The verdict, with what to do next.
    fn conclusion(&self) -> &'static str {
        let too_wide = self
            .live
            .iter()
            .any(|c| c.expected == Expected::Denied && c.verdict == Verdict::Violated)
            || self
                .computed
                .violations
                .iter()
                .any(|v| !v.ends_with(TOO_NARROW));
        match self.verdict {
            Verdict::Proven => "proven",
            Verdict::Inconclusive => {
                "INCONCLUSIVE: nothing is refuted, and not everything is proven\nhint: see the lines with ??, put right what they name, and prove again"
            }
            Verdict::Violated if too_wide => {
                "VIOLATED: the role may do more than it shall, do not enable this tenant\nhint: \"provisioner drift\" shows what differs, \"provisioner apply\" puts it right; then prove again"
            }
            Verdict::Violated => {
                "VIOLATED: the role may not do all that it shall, the service cannot work with it\nhint: \"provisioner test\" names what refuses, \"provisioner apply\" puts the role right; then prove again"
            }
        }
    }
}

/// How a violation ends that opens nothing.
const TOO_NARROW: &str = "is refused and should not be";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_wins() {
        let check = |verdict| Check {
            claim: "c".to_string(),
            actions: Vec::new(),
            expected: Expected::Denied,
            verdict,
            control: None,
            denial: None,
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
        assert_eq!(worst(&[]), Verdict::Inconclusive);
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
