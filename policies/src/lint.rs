//! What is loose, useless or dangerous in a document, although AWS would take it.
//!
//! Public linters call the policies that most integrations ship clean: they do not read trust
//! policies, and an action with a condition that can never hold is fine with them. The rules here
//! are about what breaks a tenant's set-up or opens it to someone else.

mod conditions;
mod scope;
mod who;

use crate::diff::Severity;
use crate::document::PolicyKind;
use crate::normalize::{Normal, NormalStatement, NotAPolicy, VERSION_WITH_VARIABLES, normalize};
use serde_json::Value;
use std::fmt;
use types::AccountId;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Anyone may, and no condition narrows who.
    AnyonePrincipal,
    /// A whole account may assume the role: no `aws:PrincipalArn` narrows it to one principal.
    AccountPrincipal,
    /// Another account may assume the role without an external id.
    MissingExternalId,
    /// The external id is optional or has a wildcard.
    LooseExternalId,
    /// A service may, on behalf of anyone: no source account or ARN.
    ServiceWithoutSource,
    /// A condition on the source of a service call, on a statement for people and roles: it is
    /// never there, so the statement never grants.
    SourceOfNobody,
    /// `NotAction`, `NotResource` or `NotPrincipal`.
    Negated,
    /// An action with a wildcard.
    WildcardAction,
    /// Every resource.
    WildcardResource,
    /// Every object of a bucket.
    WholeBucket,
    /// An action that does not exist: mostly the name of an API operation.
    UnknownAction,
    /// No resource of the statement is of a type that the action is done to.
    WrongResource,
    /// Resources of both types in one statement: each action is done to some of them only.
    MixedResources,
    /// A condition on a key that the action never carries.
    AbsentKey,
    /// Uploads are granted, but not cleaning up after a broken one.
    MissingAbort,
    /// A key may be used to write, but not to read: multipart uploads need both.
    MissingDecrypt,
    /// IAM does not follow aliases in `Resource`.
    KeyAlias,
    /// The denial also meets uploads that do not ask for any encryption.
    EncryptionTrap,
    /// A bucket of the same name in another account would be as good.
    MissingResourceAccount,
    /// `${...}` stands in a document of a version that has no variables.
    DeadVariable,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub rule: Rule,
    /// In which statement: its `Sid`, or its place.
    pub statement: String,
    /// In words.
    pub note: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.statement, self.note)
    }
}

/// Everything that is wrong with `document`, the gravest first.
///
/// `owner` is the account that the document belongs to: its own principals need no external id.
pub fn lint(
    kind: PolicyKind,
    document: &Value,
    owner: Option<&AccountId>,
) -> Result<Vec<Finding>, NotAPolicy> {
    let normal = normalize(document)?;
    let mut findings = Findings {
        kind,
        owner,
        list: Vec::new(),
        label: String::new(),
    };
    let variables = document.get("Version").and_then(Value::as_str) == Some(VERSION_WITH_VARIABLES);
    for statement in &normal.statements {
        findings.label = normal.label(statement).to_string();
        if !variables && statement.has_variable() {
            findings.add(
                Severity::High,
                Rule::DeadVariable,
                "it has a policy variable, which only version 2012-10-17 replaces".into(),
            );
        }
        who::check(statement, &mut findings);
        scope::check(statement, &mut findings);
        conditions::check(statement, &mut findings);
    }
    whole_document(&normal, &mut findings);
    let mut list = findings.list;
    list.sort_by(|a, b| {
        (b.severity, a.rule, &a.statement, &a.note).cmp(&(
            a.severity,
            b.rule,
            &b.statement,
            &b.note,
        ))
    });
    Ok(list)
}

/// Where findings go.
struct Findings<'a> {
    kind: PolicyKind,
    owner: Option<&'a AccountId>,
    label: String,
    list: Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, severity: Severity, rule: Rule, note: String) {
        self.list.push(Finding {
            severity,
            rule,
            statement: self.label.clone(),
            note,
        });
    }
}

/// Permissions that are of use only together.
fn whole_document(normal: &Normal, findings: &mut Findings<'_>) {
    if findings.kind != PolicyKind::Identity {
        return;
    }
    for (with, without, rule, note) in [
        (
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            Rule::MissingAbort,
            "uploads are granted without s3:AbortMultipartUpload: broken ones stay and cost money",
        ),
        (
            "s3:PutObject",
            "s3:ListMultipartUploadParts",
            Rule::MissingAbort,
            "uploads are granted without s3:ListMultipartUploadParts: broken ones cannot be resumed",
        ),
        (
            "kms:GenerateDataKey",
            "kms:Decrypt",
            Rule::MissingDecrypt,
            "kms:GenerateDataKey without kms:Decrypt: multipart uploads need both",
        ),
    ] {
        let granting = |action| {
            move |statement: &&NormalStatement| statement.allows && statement.names_action(action)
        };
        if let Some(statement) = normal.statements.iter().find(granting(with))
            && !normal
                .statements
                .iter()
                .any(|other| granting(without)(&other))
        {
            findings.label = normal.label(statement).to_string();
            findings.add(Severity::Medium, rule, note.into());
        }
    }
}
