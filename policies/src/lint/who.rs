//! Rules about principals.

use super::{Findings, Rule};
use crate::diff::Severity;
use crate::document::PolicyKind;
use crate::normalize::{ACCOUNT, ANYONE, NormalStatement};

/// Keys that narrow down who makes a request.
const WHO: [&str; 8] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:userid",
];
const SOURCE: [&str; 2] = ["aws:sourceaccount", "aws:sourcearn"];

/// Services that call on their own behalf only, or that send no source.
const WITHOUT_SOURCE: [&str; 2] = ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"];

pub(super) fn check(statement: &NormalStatement, findings: &mut Findings<'_>) {
    let Some(clause) = &statement.principals else {
        return;
    };
    if clause.negated {
        let severity = if statement.allows {
            Severity::Critical
        } else {
            Severity::Medium
        };
        let note = "NotPrincipal names who is left out, and meets everybody else".into();
        findings.add(severity, Rule::Negated, note);
    }
    if !statement.allows {
        return;
    }
    for item in &clause.items {
        let name = item.normal.as_str();
        if name == ANYONE {
            anyone(statement, findings);
        } else if let Some(service) = name.strip_prefix("service ") {
            service_source(statement, service, findings);
        } else if findings.kind == PolicyKind::Trust {
            person(statement, name, findings);
        }
    }
}

fn anyone(statement: &NormalStatement, findings: &mut Findings<'_>) {
    if WHO.iter().any(|key| statement.demands(key)) {
        return;
    }
    let note = "anyone may, in any account".into();
    findings.add(Severity::Critical, Rule::AnyonePrincipal, note);
}

fn service_source(statement: &NormalStatement, service: &str, findings: &mut Findings<'_>) {
    if WITHOUT_SOURCE.contains(&service) || SOURCE.iter().any(|key| statement.demands(key)) {
        return;
    }
    let note = format!("{service} may act for anyone: demand aws:SourceAccount or aws:SourceArn");
    findings.add(Severity::Medium, Rule::ServiceWithoutSource, note);
}

/// A trust in an account, user, role or session.
fn person(statement: &NormalStatement, name: &str, findings: &mut Findings<'_>) {
    let account = match name.strip_prefix(ACCOUNT) {
        Some(account) => account,
        None => name.split(':').nth(4).unwrap_or_default(),
    };
    if name.starts_with(ACCOUNT) && !statement.demands("aws:principalarn") {
        let note = format!("every principal of account {account} may: demand one aws:PrincipalArn");
        findings.add(Severity::High, Rule::AccountPrincipal, note);
    }
    for key in SOURCE {
        if statement.demands(key) {
            let note = format!("{key} is never there when a user or role asks");
            findings.add(Severity::High, Rule::SourceOfNobody, note);
        }
    }
    let own = findings
        .owner
        .is_some_and(|owner| owner.as_str() == account);
    if own || !statement.names_action("sts:AssumeRole") {
        return;
    }
    let demanded = statement.conditions.iter().find(|((operator, key), _)| {
        key.normal == "sts:externalid"
            && operator.starts_with("String")
            && !operator.contains("Not")
    });
    match demanded {
        None => {
            let note = format!("account {account} may assume the role without an external id");
            findings.add(Severity::High, Rule::MissingExternalId, note);
        }
        Some(((operator, _), values)) => {
            let wildcard =
                operator.contains("Like") && values.iter().any(|value| value.contains(['*', '?']));
            if operator.ends_with("IfExists") || wildcard {
                let note = format!("{operator} does not hold callers to one external id");
                findings.add(Severity::High, Rule::LooseExternalId, note);
            }
        }
    }
}
