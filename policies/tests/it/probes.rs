//! Hand-written questions about the documents that BYOS writes: we, the judge and the person who
//! wrote the question must agree.

use crate::coverage::claims;
use crate::differential::{judge, name};
use crate::render::{all_permissions, grants, plain_bucket, trust};
use policies::render::{bucket_policy, permission_policy, session_policy, trust_policy};
use policies::{Policy, PolicyKind, PolicySet, Principal, Request, evaluate};
use serde_json::{Map, Value, json};
use types::{AccountId, Partition};

const ALLOWED: &str = "Allowed";
const IMPLICIT: &str = "ImplicitlyDenied";
const EXPLICIT: &str = "ExplicitlyDenied";

/// A question with its answer.
struct Probe {
    about: String,
    request: Request,
    identity: Option<Value>,
    session: Option<Value>,
    resource: Option<(PolicyKind, Value)>,
    expected: &'static str,
}

impl Probe {
    fn ours(&self) -> &'static str {
        let parse = |kind, value: &Value| Policy::from_value(kind, value).unwrap();
        let identity = self
            .identity
            .as_ref()
            .map(|value| parse(PolicyKind::Identity, value));
        let session = self
            .session
            .as_ref()
            .map(|value| parse(PolicyKind::Session, value));
        let resource = self
            .resource
            .as_ref()
            .map(|(kind, value)| parse(*kind, value));
        let set = PolicySet {
            identity: identity.iter().collect(),
            session: session.as_ref().map(|policy| vec![policy]),
            resource: resource.as_ref(),
            ..PolicySet::default()
        };
        name(&evaluate(&self.request, &set))
    }

    fn for_the_judge(&self) -> String {
        let mut request = self.request.clone();
        request.fill_in_context();
        let context: Map<String, Value> = request
            .context
            .iter()
            .map(|(key, values)| (key.to_string(), json!(values[0])))
            .collect();
        let mut simulation = json!({
            "request": {
                "principal": request.principal.arn(),
                "action": request.action,
                "resource": {
                    "resource": request.resource,
                    "accountId": request.resource_account.as_ref().unwrap().as_str(),
                },
                "contextVariables": context,
            },
            "identityPolicies": self.identity.iter()
                .map(|policy| json!({"name": "identity", "policy": policy}))
                .collect::<Vec<_>>(),
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        });
        if let Some(policy) = &self.session {
            simulation["sessionPolicy"] = policy.clone();
        }
        if let Some((_, policy)) = &self.resource {
            simulation["resourcePolicy"] = policy.clone();
        }
        simulation.to_string()
    }
}

fn assert_agreed(probes: &[Probe]) {
    let questions: Vec<String> = probes.iter().map(Probe::for_the_judge).collect();
    let verdicts = judge(&questions);
    assert_eq!(verdicts.len(), probes.len());
    for (probe, verdict) in probes.iter().zip(verdicts) {
        let theirs = verdict
            .decision
            .unwrap_or_else(|| format!("{:?}", verdict.refused));
        assert_eq!(probe.ours(), probe.expected, "ours: {}", probe.about);
        assert_eq!(theirs, probe.expected, "the judge's: {}", probe.about);
    }
}

fn may_assume() -> Value {
    json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/byos-*"
    }})
}

fn assume(caller: &str, external_id: Option<&str>) -> Request {
    let role = "arn:aws:iam::222222222222:role/byos-acme";
    let request = Request::new(caller_of(caller), "sts:AssumeRole", role)
        .owned_by(AccountId::parse("222222222222").unwrap());
    match external_id {
        Some(id) => request.with("sts:ExternalId", id),
        None => request,
    }
}

fn caller_of(arn: &str) -> Principal {
    match arn {
        "broker" => Principal::session(trust().vendor, "gateway"),
        other => Principal::parse(other).unwrap(),
    }
}

#[test]
fn the_trust_policy_opens_to_the_broker_with_the_external_id_and_to_nobody_else() {
    let (right, wrong) = (Some("pulse-org-acme"), Some("pulse-org-other"));
    let permitted = Some(may_assume());
    let probe = |about: &str, caller, id, identity: &Option<Value>, expected| Probe {
        about: about.to_string(),
        request: assume(caller, id),
        identity: identity.clone(),
        session: None,
        resource: Some((
            PolicyKind::Trust,
            trust_policy(&trust()).unwrap().value().clone(),
        )),
        expected,
    };
    let neighbour = "arn:aws:sts::111111111111:assumed-role/other/s";
    let namesake = "arn:aws:sts::333333333333:assumed-role/broker/s";
    let own_user = "arn:aws:iam::222222222222:user/admin";
    assert_agreed(&[
        probe("right external id", "broker", right, &permitted, ALLOWED),
        probe("wrong external id", "broker", wrong, &permitted, IMPLICIT),
        probe(
            "external id in other case",
            "broker",
            Some("PULSE-ORG-ACME"),
            &permitted,
            IMPLICIT,
        ),
        probe(
            "empty external id",
            "broker",
            Some(""),
            &permitted,
            IMPLICIT,
        ),
        probe("no external id", "broker", None, &permitted, IMPLICIT),
        probe(
            "broker without permission of its own",
            "broker",
            right,
            &None,
            IMPLICIT,
        ),
        probe(
            "another role of the vendor",
            neighbour,
            right,
            &permitted,
            IMPLICIT,
        ),
        probe(
            "a role of that name elsewhere",
            namesake,
            right,
            &permitted,
            IMPLICIT,
        ),
        probe(
            "the customer's own user",
            own_user,
            right,
            &permitted,
            IMPLICIT,
        ),
    ]);
}

#[test]
fn both_evaluators_agree_on_every_claim_about_role_and_session() {
    let role = permission_policy(&all_permissions()).unwrap();
    let session = session_policy(Partition::Aws, &grants()).unwrap();
    // Not the claims about KMS: the judge does not know kms:EncryptionContext:aws:s3:arn.
    let probes: Vec<Probe> = claims()
        .into_iter()
        .flat_map(|claim| {
            let make = |session: Option<Value>| Probe {
                about: format!("{} {}", claim.request.action, claim.request.resource),
                request: claim.request.clone(),
                identity: Some(role.value().clone()),
                session,
                resource: None,
                expected: if claim.granted { ALLOWED } else { IMPLICIT },
            };
            [make(None), make(Some(session.value().clone()))]
        })
        .collect();
    assert_agreed(&probes);
}

#[test]
fn the_bucket_policy_denies_clear_text_and_old_tls_to_everyone() {
    let everything = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "*", "Resource": "*"
    }});
    let probe = |about: &str, action: &str, resource: &str, keys: &[(&str, &str)], expected| {
        let caller = Principal::parse("arn:aws:iam::222222222222:user/admin").unwrap();
        let mut request = Request::new(caller, action, resource)
            .owned_by(AccountId::parse("222222222222").unwrap());
        for (key, value) in keys {
            request = request.with(key, *value);
        }
        Probe {
            about: about.to_string(),
            request,
            identity: Some(everything.clone()),
            session: None,
            resource: Some((
                PolicyKind::Resource,
                bucket_policy(&plain_bucket()).unwrap().value().clone(),
            )),
            expected,
        }
    };
    let object = "arn:aws:s3:::acme-results/orgs/acme/a";
    let bucket = "arn:aws:s3:::acme-results";
    let tls = |secure, version| [("aws:SecureTransport", secure), ("s3:TlsVersion", version)];
    assert_agreed(&[
        probe(
            "TLS 1.3",
            "s3:GetObject",
            object,
            &tls("true", "1.3"),
            ALLOWED,
        ),
        probe(
            "TLS 1.2",
            "s3:GetObject",
            object,
            &tls("true", "1.2"),
            ALLOWED,
        ),
        probe(
            "TLS 1.1",
            "s3:GetObject",
            object,
            &tls("true", "1.1"),
            EXPLICIT,
        ),
        probe(
            "clear text",
            "s3:PutObject",
            object,
            &[("aws:SecureTransport", "false")],
            EXPLICIT,
        ),
        probe(
            "clear listing",
            "s3:ListBucket",
            bucket,
            &[("aws:SecureTransport", "false")],
            EXPLICIT,
        ),
        probe(
            "another bucket",
            "s3:GetObject",
            "arn:aws:s3:::acme-results-2/a",
            &[("aws:SecureTransport", "false")],
            ALLOWED,
        ),
    ]);
}

#[test]
fn a_key_that_climbs_is_only_a_key() {
    // Path normalisation is for the gateway: to IAM a key is opaque text.
    let read = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/orgs/acme/*"
    }});
    let caller = Principal::parse("arn:aws:iam::222222222222:user/ana").unwrap();
    let resource = "arn:aws:s3:::b/orgs/acme/../other/x";
    assert_agreed(&[Probe {
        about: "a key with two dots".into(),
        request: Request::new(caller, "s3:GetObject", resource)
            .owned_by(AccountId::parse("222222222222").unwrap()),
        identity: Some(read),
        session: None,
        resource: None,
        expected: ALLOWED,
    }]);
}
