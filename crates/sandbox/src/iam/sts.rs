//! AssumeRole and GetCallerIdentity.

use super::api::Turn;
use super::caller::{Asked, Caller};
use super::session::Session;
use super::{names, trust};
use crate::document::Document;
use crate::facts::iso;
use crate::query::{QueryError, QueryResult, Xml};
use policies::PolicyKind;
use types::RoleArn;

/// Characters of the `Policy` parameter. Source: AWS STS, AssumeRole.
const MAX_SESSION_POLICY_CHARS: usize = 2_048;
/// Managed policies that can be passed. Source: AWS STS, AssumeRole.
const MAX_POLICY_ARNS: usize = 10;
/// Seconds that any session may last.
const MAX_SECONDS: i64 = 43_200;
/// Seconds that a session lasts at least.
const MIN_SECONDS: i64 = 900;
/// Seconds that a session lasts when nothing is said, and the most when its caller is a session.
const ONE_HOUR: i64 = 3_600;

pub(super) fn get_caller_identity(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    turn.finish()?;
    let mut xml = Xml::new();
    xml.text("Arn", turn.caller.arn());
    xml.text("UserId", turn.caller.user_id());
    xml.text("Account", turn.caller.account().as_str());
    Ok(Some(xml))
}

pub(super) fn assume_role(turn: &mut Turn<'_>) -> QueryResult<Option<Xml>> {
    let wanted = Wanted::take(turn)?;
    let denied = || {
        QueryError::access_denied(format_args!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            turn.caller.arn(),
            wanted.role
        ))
    };
    if matches!(turn.caller, Caller::Root(_)) {
        return Err(QueryError::access_denied(
            "Roles may not be assumed by root accounts.",
        ));
    }
    let accounts = turn.visible();
    // A role that does not exist and one that refuses look the same from outside.
    let role = RoleArn::parse(&wanted.role)
        .ok()
        .and_then(|arn| accounts.role(&arn).cloned())
        .ok_or_else(denied)?;
    let trust = trust::effective(&role.trust, &role.trust_pins, &accounts)
        .policy(PolicyKind::Trust)
        .ok_or_else(denied)?;
    let mut asked = Asked::new("sts:AssumeRole", &wanted.role, turn.facts);
    asked.owner = Some(role.arn.account());
    asked.policy = Some(&trust);
    asked.context.set("sts:RoleSessionName", &wanted.session);
    if let Some(external_id) = &wanted.external_id {
        asked.context.set("sts:ExternalId", external_id);
    }
    turn.authorize_asked(asked)?;
    wanted.check_seconds(turn.caller, role.max_session)?;
    let seconds = wanted.seconds.unwrap_or(ONE_HOUR);
    let packed = wanted.packed_percent()?;
    let session = Session::draw(
        &role,
        wanted.session,
        wanted.policies,
        turn.facts.now,
        seconds,
    );
    let session = turn
        .directory
        .add_session(session)
        .map_err(|error| QueryError::internal(format_args!("writing the session: {error}")))?;
    Ok(Some(show(&session, packed)))
}

/// The parameters of AssumeRole.
struct Wanted {
    role: String,
    session: String,
    external_id: Option<String>,
    seconds: Option<i64>,
    policies: Vec<Document>,
    /// Characters of what was passed.
    packed: usize,
}

impl Wanted {
    fn take(turn: &mut Turn<'_>) -> QueryResult<Self> {
        let form = &mut turn.form;
        let role = form.need("RoleArn")?;
        let session = form.need("RoleSessionName")?;
        let external_id = form.take("ExternalId");
        let seconds = form.number("DurationSeconds")?;
        let policy = form.take("Policy");
        let policy_arns: Vec<String> = (1..)
            .map_while(|at| form.take(&format!("PolicyArns.member.{at}.arn")))
            .collect();
        turn.finish()?;
        names::check_length("roleArn", &role, 20, 2_048)?;
        names::check_length("roleSessionName", &session, 2, 64)?;
        check_alphabet("roleSessionName", &session, b"_+=,.@-", r"[\w+=,.@-]*")?;
        if let Some(id) = &external_id {
            names::check_length("externalId", id, 2, 1_224)?;
            check_alphabet("externalId", id, b"_+=,.@:/-", r"[\w+=,.@:\/-]*")?;
        }
        if let Some(seconds) = seconds {
            check_range(seconds)?;
        }
        let mut policies: Vec<Document> = policy
            .iter()
            .map(|text| session_policy(text))
            .collect::<Result<_, _>>()?;
        let packed: usize = policies.iter().map(Document::counted_size).sum();
        if policy_arns.len() > MAX_POLICY_ARNS {
            return Err(QueryError::validation(format_args!(
                "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: \
                 Member must have length less than or equal to {MAX_POLICY_ARNS}"
            )));
        }
        policies.extend(managed_policies(turn, &role, &policy_arns)?);
        Ok(Self {
            role,
            session,
            external_id,
            seconds,
            policies,
            packed: packed + policy_arns.iter().map(String::len).sum::<usize>(),
        })
    }

    fn check_seconds(&self, caller: &Caller, max_session: i64) -> QueryResult<()> {
        let Some(seconds) = self.seconds else {
            return Ok(());
        };
        if matches!(caller, Caller::Session(..)) && seconds > ONE_HOUR {
            return Err(QueryError::validation(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed \
                 by role chaining",
            ));
        }
        if seconds > max_session {
            return Err(QueryError::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        Ok(())
    }

    /// How much of the room for session policies is used, as STS reports it.
    ///
    /// STS packs into a format of its own; the sandbox counts the compact document, which is
    /// never shorter than what the length check lets in.
    fn packed_percent(&self) -> QueryResult<Option<usize>> {
        if self.policies.is_empty() {
            return Ok(None);
        }
        let percent = (self.packed * 100).div_ceil(MAX_SESSION_POLICY_CHARS);
        if percent > 100 {
            return Err(QueryError::packed_policy_too_large(percent));
        }
        Ok(Some(percent))
    }
}

/// Managed policies that limit a session are those of the role's account.
fn managed_policies(turn: &Turn<'_>, role: &str, arns: &[String]) -> QueryResult<Vec<Document>> {
    let accounts = turn.visible();
    let account = RoleArn::parse(role)
        .ok()
        .map(|role| role.account().to_string());
    arns.iter()
        .map(|arn| {
            let own = arn.split(':').nth(4) == account.as_deref();
            accounts
                .policy(arn)
                .filter(|_| own)
                .map(|document| session_policy_document(document.text()))
                .unwrap_or_else(|| {
                    Err(QueryError::malformed_policy(format_args!(
                        "The policy {arn} does not exist in the account of the role"
                    )))
                })
        })
        .collect()
}

fn session_policy_document(text: &str) -> QueryResult<Document> {
    Document::parse(PolicyKind::Session, text).map_err(QueryError::malformed_policy)
}

fn session_policy(text: &str) -> QueryResult<Document> {
    names::check_length("policy", text, 1, MAX_SESSION_POLICY_CHARS)?;
    session_policy_document(text)
}

fn check_range(seconds: i64) -> QueryResult<()> {
    let (rule, limit) = if seconds < MIN_SECONDS {
        ("greater", MIN_SECONDS)
    } else if seconds > MAX_SECONDS {
        ("less", MAX_SECONDS)
    } else {
        return Ok(());
    };
    Err(QueryError::constraint(
        &seconds.to_string(),
        "durationSeconds",
        format_args!("Member must have value {rule} than or equal to {limit}"),
    ))
}

fn check_alphabet(at: &str, text: &str, extra: &[u8], pattern: &str) -> QueryResult<()> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
    {
        return Ok(());
    }
    Err(QueryError::constraint(
        text,
        at,
        format_args!("Member must satisfy regular expression pattern: {pattern}"),
    ))
}

fn show(session: &Session, packed: Option<usize>) -> Xml {
    let mut xml = Xml::new();
    xml.element("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", session.user_id());
        xml.text(
            "Arn",
            policies::Principal::session(session.role.clone(), session.name.clone())
                .arn()
                .expect("a session has an ARN"),
        );
    });
    xml.element("Credentials", |xml| {
        xml.text("AccessKeyId", &session.access_key);
        xml.text("SecretAccessKey", &session.secret);
        xml.text("SessionToken", &session.token);
        xml.text("Expiration", iso(session.expires));
    });
    xml.optional(
        "PackedPolicySize",
        packed.map(|percent| percent.to_string()),
    );
    xml
}
