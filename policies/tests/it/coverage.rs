//! Least privilege, both ways: what the gateway does is granted where it should be and nowhere
//! else, and nothing is granted that nobody needs.

use crate::render::{account, all_permissions, grants, key, permissions, tenant_role};
use policies::catalogue::OPERATIONS;
use policies::render::{permission_policy, session_policy};
use policies::{Document, Policy, PolicyKind, PolicySet, Principal, Request, evaluate};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use types::{AccountId, Action, Partition};

const PREFIX: &str = "extractions/orgs/acme/";

/// A question about a place, and whether the answer must be yes.
pub(crate) struct Claim {
    pub(crate) request: Request,
    pub(crate) granted: bool,
}

fn owned(action: &str, resource: String) -> Request {
    let session = Principal::session(tenant_role(), "acme");
    Request::new(session, action, resource)
        .owned_by(account())
        .with("kms:ViaService", "s3.eu-central-1.amazonaws.com")
}

fn on_object(action: Action, bucket: &str, object: &str) -> Request {
    owned(action.iam_name(), format!("arn:aws:s3:::{bucket}/{object}"))
}

fn on_bucket(action: Action, bucket: &str) -> Request {
    owned(action.iam_name(), format!("arn:aws:s3:::{bucket}"))
}

fn listing(bucket: &str, prefix: &str) -> Request {
    on_bucket(Action::ListBucket, bucket).with("s3:prefix", prefix)
}

fn is_on_objects(action: Action) -> bool {
    use Action as A;
    match action {
        A::GetObject
        | A::GetObjectVersion
        | A::PutObject
        | A::DeleteObject
        | A::DeleteObjectVersion
        | A::AbortMultipartUpload
        | A::ListMultipartUploadParts => true,
        A::ListBucket
        | A::ListBucketMultipartUploads
        | A::GetBucketLocation
        | A::ListAllMyBuckets => false,
    }
}

/// Whether `action` on objects below the prefix must work in the bucket.
fn works_below_the_prefix(action: Action, writable: bool) -> bool {
    match action {
        Action::GetObject | Action::GetObjectVersion => true,
        // Below the probe folder only.
        Action::DeleteObjectVersion => false,
        _ => writable,
    }
}

/// Every action that the gateway knows, at every place that matters.
pub(crate) fn claims() -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut claim = |request, granted| claims.push(Claim { request, granted });
    for (bucket, writable) in [("acme-data", false), ("acme-results", true)] {
        for action in Action::ALL
            .into_iter()
            .filter(|action| is_on_objects(*action))
        {
            let below = works_below_the_prefix(action, writable);
            claim(
                on_object(action, bucket, &format!("{PREFIX}job/a.json")),
                below,
            );
            claim(
                on_object(action, bucket, "extractions/orgs/other/job/a.json"),
                false,
            );
            claim(on_object(action, bucket, "extractions/orgs/acme"), false);
            claim(on_object(action, bucket, "a.json"), false);
            claim(
                on_object(action, "someone-else", &format!("{PREFIX}a.json")),
                false,
            );
            let mut foreign = on_object(action, bucket, &format!("{PREFIX}a.json"));
            foreign = foreign.owned_by(AccountId::parse("999999999999").unwrap());
            claim(foreign, false);
        }
        let probe = format!("{PREFIX}.byos-probe/x");
        claim(
            on_object(Action::DeleteObjectVersion, bucket, &probe),
            writable,
        );
        claim(listing(bucket, PREFIX), true);
        claim(listing(bucket, &format!("{PREFIX}job/")), true);
        claim(listing(bucket, "extractions/orgs/other/"), false);
        claim(listing(bucket, "extractions/"), false);
        claim(listing(bucket, ""), false);
        claim(on_bucket(Action::ListBucket, bucket), false);
        claim(on_bucket(Action::GetBucketLocation, bucket), true);
        claim(
            on_bucket(Action::ListBucketMultipartUploads, bucket),
            writable,
        );
    }
    claim(on_bucket(Action::GetBucketLocation, "someone-else"), false);
    // The gateway answers ListBuckets by itself.
    claim(
        owned(Action::ListAllMyBuckets.iam_name(), "*".into()),
        false,
    );
    claims
}

/// What S3 asks KMS for in the name of the session.
fn key_claims() -> Vec<Claim> {
    let context = "kms:EncryptionContext:aws:s3:arn";
    let on_key = |action: &str, place: &str| {
        owned(action, key().as_str().to_string()).with(context, format!("arn:aws:s3:::{place}"))
    };
    let data = format!("acme-data/{PREFIX}a");
    let results = format!("acme-results/{PREFIX}a");
    [
        (on_key("kms:Decrypt", &data), true),
        (on_key("kms:Decrypt", "acme-data"), true),
        (on_key("kms:Decrypt", &results), true),
        (on_key("kms:GenerateDataKey", &results), true),
        (on_key("kms:GenerateDataKey", &data), false),
        (on_key("kms:Decrypt", "someone-else/x"), false),
        (on_key("kms:Encrypt", &results), false),
        (
            on_key("kms:Decrypt", &data).with("kms:ViaService", "sqs.eu-central-1.amazonaws.com"),
            false,
        ),
    ]
    .into_iter()
    .map(|(request, granted)| Claim { request, granted })
    .collect()
}

/// An account without a key policy lets nobody use the key: this is what AWS makes by default.
fn default_key_policy() -> Value {
    json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": account().as_str()}, "Action": "kms:*", "Resource": "*"
    }})
}

fn granted(request: &Request, role: &Policy, session: Option<&Policy>) -> bool {
    let key_policy = Policy::from_value(PolicyKind::Resource, &default_key_policy()).unwrap();
    let set = PolicySet {
        identity: vec![role],
        session: session.map(|policy| vec![policy]),
        resource: request.action.starts_with("kms:").then_some(&key_policy),
        ..PolicySet::default()
    };
    evaluate(request, &set).is_allowed()
}

fn wrong(claims: &[Claim], role: &Policy, session: Option<&Policy>) -> Vec<String> {
    claims
        .iter()
        .filter(|claim| granted(&claim.request, role, session) != claim.granted)
        .map(|claim| {
            let verb = if claim.granted { "refused" } else { "granted" };
            format!(
                "{} {}: {verb}",
                claim.request.action, claim.request.resource
            )
        })
        .collect()
}

#[test]
fn the_role_may_do_what_the_gateway_does_and_nothing_else() {
    let role = permission_policy(&all_permissions()).unwrap();
    assert_eq!(wrong(&claims(), role.policy(), None), [""; 0]);
    assert_eq!(wrong(&key_claims(), role.policy(), None), [""; 0]);
}

#[test]
fn a_session_keeps_what_its_role_may_do_on_its_own_buckets() {
    let role = permission_policy(&all_permissions()).unwrap();
    let session = session_policy(Partition::Aws, &grants()).unwrap();
    let session = Some(session.policy());
    assert_eq!(wrong(&claims(), role.policy(), session), [""; 0]);
    assert_eq!(wrong(&key_claims(), role.policy(), session), [""; 0]);
}

#[test]
fn a_session_of_an_almighty_role_stays_below_its_prefixes() {
    let almighty = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "*", "Resource": "*"
    }});
    let role = Policy::from_value(PolicyKind::Identity, &almighty).unwrap();
    let session = session_policy(Partition::Aws, &grants()).unwrap();
    // The session does not know who owns the buckets: that is for the role to say.
    let claims: Vec<Claim> = claims()
        .into_iter()
        .filter(|claim| claim.request.resource_account == Some(account()))
        .collect();
    assert_eq!(wrong(&claims, &role, Some(session.policy())), [""; 0]);
}

#[test]
fn without_extras_the_role_has_none_of_them() {
    let role = permission_policy(&permissions()).unwrap();
    let object = format!("{PREFIX}.byos-probe/x");
    for request in [
        on_object(Action::GetObjectVersion, "acme-data", &object),
        on_object(Action::GetObjectVersion, "acme-results", &object),
        on_object(Action::DeleteObjectVersion, "acme-results", &object),
        on_bucket(Action::ListBucketMultipartUploads, "acme-results"),
    ] {
        assert!(
            !granted(&request, role.policy(), None),
            "{}",
            request.action
        );
    }
}

fn named_actions(document: &Document) -> BTreeSet<String> {
    let statements = document.value()["Statement"].as_array().unwrap();
    let actions = statements
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        });
    actions
        .map(|action| action.as_str().unwrap().to_string())
        .collect()
}

#[test]
fn no_granted_action_lacks_an_operation_that_needs_it() {
    let mut needed: BTreeSet<String> = Action::ALL
        .into_iter()
        .map(|action| action.iam_name().to_string())
        .collect();
    // In encrypted buckets S3 calls KMS in the name of the session.
    needed.extend(["kms:Decrypt".to_string(), "kms:GenerateDataKey".to_string()]);
    for document in [
        permission_policy(&all_permissions()).unwrap(),
        session_policy(Partition::Aws, &grants()).unwrap(),
    ] {
        let more: Vec<String> = named_actions(&document)
            .difference(&needed)
            .cloned()
            .collect();
        assert_eq!(more, [""; 0]);
    }
}

#[test]
fn every_action_of_the_gateway_is_one_that_an_operation_of_s3_needs() {
    for action in Action::ALL {
        let needed = OPERATIONS.iter().any(|operation| {
            [
                operation.actions,
                operation.with_version,
                operation.on_source,
            ]
            .concat()
            .contains(&action.iam_name())
        });
        assert!(needed, "{action:?}");
    }
}

#[test]
fn taking_any_action_out_of_any_statement_breaks_something() {
    let role = permission_policy(&all_permissions()).unwrap();
    let claims: Vec<Claim> = claims().into_iter().chain(key_claims()).collect();
    let statements = role.value()["Statement"].as_array().unwrap();
    for (at, statement) in statements.iter().enumerate() {
        let actions = match &statement["Action"] {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        };
        for action in &actions {
            let mut mutant = role.value().clone();
            let rest: Vec<&Value> = actions.iter().filter(|other| *other != action).collect();
            if rest.is_empty() {
                mutant["Statement"].as_array_mut().unwrap().remove(at);
            } else {
                mutant["Statement"][at]["Action"] = json!(rest);
            }
            let mutant = Policy::from_value(PolicyKind::Identity, &mutant).unwrap();
            let broken = wrong(&claims, &mutant, None);
            assert!(
                !broken.is_empty(),
                "{action} of {} is not needed",
                statement["Sid"]
            );
        }
    }
}
