//! A call of IAM or STS from its bytes to its answer.

use crate::calls::{Call, CallKind, Calls, FaultEffect};
use crate::claim::{Claim, ClaimError, Place};
use crate::facts::Facts;
use crate::iam::{Api, Caller, Directory, Turn, Unauthenticated};
use crate::query::{self, Form, QueryError, QueryResult, Service, Xml};
use crate::random;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use s3s::Body;
use types::Timestamp;

/// Seconds that a request's clock may be off.
const MAX_SKEW_SECONDS: i64 = 900;

/// A request as it came.
pub(crate) struct Asked {
    pub(crate) path_and_query: String,
    pub(crate) claim: Result<Option<Claim>, ClaimError>,
    pub(crate) now: Timestamp,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The answer, and what to remember of the call.
pub(crate) struct Answered {
    pub(crate) call: Call,
    pub(crate) effect: Option<FaultEffect>,
    pub(crate) response: Response<Body>,
}

/// Answers.
pub(crate) fn answer(
    directory: &Directory,
    calls: &Calls,
    asked: Asked,
    facts: Option<Facts>,
) -> Answered {
    let id = random::request_uuid();
    let mut call = Call {
        number: 0,
        service: "sts",
        api: "POST".to_string(),
        kind: CallKind::Read,
        account: None,
        target: String::new(),
        status: 0,
    };
    let mut effect = None;
    let mut service = Service::Sts;
    let outcome = (|| {
        let mut form = Form::parse(&asked.body)?;
        let version = form.take("Version").unwrap_or_default();
        let action = form.take("Action").unwrap_or_default();
        service =
            Service::of_version(&version).ok_or_else(|| QueryError::invalid_action(&action))?;
        call.service = service.signing_name();
        call.target = target(&form);
        if service == Service::Sts {
            directory.count_call();
        }
        let caller = authenticate(directory, &asked, service)?;
        call.account = Some(caller.account().clone());
        let api = Api::find(service, &action)?;
        call.api = action;
        call.kind = if api.is_write {
            CallKind::Write
        } else {
            CallKind::Read
        };
        effect = calls.fault(&call.api, call.kind);
        match effect {
            Some(FaultEffect::Answer { status, code }) => {
                return Err(QueryError::injected(status, code));
            }
            Some(FaultEffect::CutBefore | FaultEffect::RunInstead(_)) => return Ok(None),
            _ => {}
        }
        let facts = facts.ok_or_else(QueryError::missing_authentication)?;
        let mut turn = Turn {
            directory,
            caller: &caller,
            facts: &facts,
            form,
            condition: None,
        };
        api.run(&mut turn)
    })();
    let response = respond(service, &call.api, outcome, &id);
    call.status = response.status().as_u16();
    Answered {
        call,
        effect,
        response,
    }
}

fn respond(
    service: Service,
    action: &str,
    outcome: QueryResult<Option<Xml>>,
    id: &str,
) -> Response<Body> {
    match outcome {
        Ok(result) => query::success(service, action, result.as_ref(), id),
        Err(error) => query::failure(service, &error, id),
    }
}

fn authenticate(directory: &Directory, asked: &Asked, service: Service) -> QueryResult<Caller> {
    let claim = match &asked.claim {
        Ok(Some(claim)) if claim.place == Place::Header => claim,
        Ok(Some(_)) => {
            return Err(QueryError::not_implemented(
                "presigned calls of IAM and STS",
            ));
        }
        Ok(None) => return Err(QueryError::missing_authentication()),
        Err(error @ ClaimError::MissingSigned(_)) => {
            return Err(QueryError::signature_does_not_match(error));
        }
        Err(error) => return Err(QueryError::incomplete_signature(error)),
    };
    if claim.service != service.signing_name() {
        return Err(QueryError::signature_does_not_match(format_args!(
            "Credential should be scoped to correct service: '{}'.",
            service.signing_name()
        )));
    }
    if asked.now.seconds_since(claim.signed_at).abs() > MAX_SKEW_SECONDS {
        return Err(QueryError::signature_does_not_match(
            "Signature expired: the request was signed more than 15 minutes ago or ahead.",
        ));
    }
    let secret = directory
        .secret(&claim.access_key)
        .ok_or_else(QueryError::invalid_client_token)?;
    query::verify(
        claim,
        secret.expose(),
        &asked.path_and_query,
        &asked.headers,
        &asked.body,
    )?;
    directory
        .caller(&claim.access_key, claim.token.as_deref())
        .map_err(|cause| match cause {
            Unauthenticated::Expired => QueryError::expired_token(),
            _ => QueryError::invalid_client_token(),
        })
}

/// The entity that a call is about, for the call log.
fn target(form: &Form) -> String {
    [
        "RoleArn",
        "PolicyArn",
        "RoleName",
        "UserName",
        "PolicyName",
        "InstanceProfileName",
    ]
    .into_iter()
    .find_map(|name| form.peek(name))
    .unwrap_or_default()
    .to_string()
}

impl QueryError {
    /// An error that was ordered.
    fn injected(status: u16, code: &'static str) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            code,
            message: "This error was injected.".to_string(),
        }
    }
}
