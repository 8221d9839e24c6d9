//! What the evaluator says about the documents that BYOS lives by.

use policies::{Decision, Layer, Policy, PolicyKind, PolicySet, Principal, Request, evaluate};
use types::{AccountId, RoleArn};

const VENDOR: &str = "111111111111";
const CUSTOMER: &str = "222222222222";

fn policy(kind: PolicyKind, value: serde_json::Value) -> Policy {
    Policy::from_value(kind, &value).unwrap()
}

fn identity(statements: serde_json::Value) -> Policy {
    document(PolicyKind::Identity, statements)
}

fn document(kind: PolicyKind, statements: serde_json::Value) -> Policy {
    policy(
        kind,
        serde_json::json!({"Version": "2012-10-17", "Statement": statements}),
    )
}

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn broker() -> Principal {
    let role = RoleArn::parse(&format!("arn:aws:iam::{VENDOR}:role/byos/broker")).unwrap();
    Principal::session(role, "gateway")
}

fn tenant_session() -> Principal {
    let role = RoleArn::parse(&format!("arn:aws:iam::{CUSTOMER}:role/tenant")).unwrap();
    Principal::session(role, "acme")
}

fn user(account: &str) -> Principal {
    Principal::parse(&format!("arn:aws:iam::{account}:user/ana")).unwrap()
}

fn trust() -> Policy {
    document(
        PolicyKind::Trust,
        serde_json::json!([{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{VENDOR}:root")},
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnEquals": {"aws:PrincipalArn": format!("arn:aws:iam::{VENDOR}:role/byos/broker")},
                "StringEquals": {"sts:ExternalId": "pulse-org-acme"}
            }
        }]),
    )
}

fn may_assume() -> Policy {
    identity(serde_json::json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}))
}

fn assume(principal: Principal) -> Request {
    Request::new(
        principal,
        "sts:AssumeRole",
        format!("arn:aws:iam::{CUSTOMER}:role/tenant"),
    )
    .owned_by(account(CUSTOMER))
}

#[test]
fn the_broker_assumes_the_role_with_the_right_external_id() {
    let (trust, may) = (trust(), may_assume());
    let set = PolicySet {
        identity: vec![&may],
        resource: Some(&trust),
        ..PolicySet::default()
    };
    let request = assume(broker()).with("sts:ExternalId", "pulse-org-acme");
    assert!(evaluate(&request, &set).is_allowed());
}

#[test]
fn without_a_right_external_id_the_trust_policy_refuses() {
    let (trust, may) = (trust(), may_assume());
    let set = PolicySet {
        identity: vec![&may],
        resource: Some(&trust),
        ..PolicySet::default()
    };
    let refused = Decision::ImplicitDeny {
        layer: Layer::Trust,
    };
    assert_eq!(evaluate(&assume(broker()), &set), refused);
    let wrong = assume(broker()).with("sts:ExternalId", "pulse-org-other");
    assert_eq!(evaluate(&wrong, &set), refused);
}

#[test]
fn another_role_of_the_vendor_account_is_refused() {
    let (trust, may) = (trust(), may_assume());
    let set = PolicySet {
        identity: vec![&may],
        resource: Some(&trust),
        ..PolicySet::default()
    };
    let request = assume(user(VENDOR)).with("sts:ExternalId", "pulse-org-acme");
    assert!(!evaluate(&request, &set).is_allowed());
}

#[test]
fn a_trust_in_the_account_leaves_the_decision_to_the_callers_own_policies() {
    let trust = trust();
    let set = PolicySet {
        resource: Some(&trust),
        ..PolicySet::default()
    };
    let request = assume(broker()).with("sts:ExternalId", "pulse-org-acme");
    assert_eq!(
        evaluate(&request, &set),
        Decision::ImplicitDeny {
            layer: Layer::Identity
        }
    );
}

#[test]
fn a_trust_policy_that_names_a_user_of_its_own_account_suffices() {
    let trust = document(
        PolicyKind::Trust,
        serde_json::json!({
            "Sid": "Ana", "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": format!("arn:aws:iam::{CUSTOMER}:user/ana")}
        }),
    );
    let set = PolicySet {
        resource: Some(&trust),
        ..PolicySet::default()
    };
    let Decision::Allowed { by } = evaluate(&assume(user(CUSTOMER)), &set) else {
        panic!("it must be allowed");
    };
    assert_eq!(by[0].sid.as_deref(), Some("Ana"));
}

#[test]
fn permission_to_assume_is_not_enough_when_the_trust_names_someone_else() {
    let (trust, may) = (trust(), may_assume());
    let set = PolicySet {
        identity: vec![&may],
        resource: Some(&trust),
        ..PolicySet::default()
    };
    assert_eq!(
        evaluate(&assume(user(CUSTOMER)), &set),
        Decision::ImplicitDeny {
            layer: Layer::Trust
        }
    );
}

#[test]
fn a_service_assumes_a_role_that_trusts_it_from_the_right_account() {
    let trust = document(
        PolicyKind::Trust,
        serde_json::json!({
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": CUSTOMER}}
        }),
    );
    let set = PolicySet {
        resource: Some(&trust),
        ..PolicySet::default()
    };
    let ecs = || assume(Principal::Service("ecs-tasks.amazonaws.com".into()));
    assert!(evaluate(&ecs().with("aws:SourceAccount", CUSTOMER), &set).is_allowed());
    assert!(!evaluate(&ecs().with("aws:SourceAccount", VENDOR), &set).is_allowed());
    let ec2 = assume(Principal::Service("ec2.amazonaws.com".into()));
    assert!(!evaluate(&ec2.with("aws:SourceAccount", CUSTOMER), &set).is_allowed());
}

fn get(principal: Principal, key: &str) -> Request {
    Request::new(
        principal,
        "s3:GetObject",
        format!("arn:aws:s3:::acme-data/{key}"),
    )
    .owned_by(account(CUSTOMER))
}

fn reads(prefix: &str) -> serde_json::Value {
    serde_json::json!({
        "Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::acme-data/{prefix}*")
    })
}

#[test]
fn a_session_policy_takes_away_and_never_gives() {
    let (role, narrow, wide) = (
        identity(reads("orgs/acme/")),
        document(PolicyKind::Session, reads("orgs/acme/a/")),
        document(PolicyKind::Session, reads("")),
    );
    let with = |session| PolicySet {
        identity: vec![&role],
        session: Some(vec![session]),
        ..PolicySet::default()
    };
    assert!(evaluate(&get(tenant_session(), "orgs/acme/a/1"), &with(&narrow)).is_allowed());
    assert_eq!(
        evaluate(&get(tenant_session(), "orgs/acme/b"), &with(&narrow)),
        Decision::ImplicitDeny {
            layer: Layer::Session
        }
    );
    assert_eq!(
        evaluate(&get(tenant_session(), "orgs/other/a"), &with(&wide)),
        Decision::ImplicitDeny {
            layer: Layer::Identity
        }
    );
}

#[test]
fn a_bucket_policy_that_names_the_role_is_limited_by_session_and_boundary() {
    let bucket = |principal: &str| {
        document(
            PolicyKind::Resource,
            serde_json::json!({
                "Effect": "Allow", "Action": "s3:GetObject", "Principal": {"AWS": principal},
                "Resource": "arn:aws:s3:::acme-data/*"
            }),
        )
    };
    let role = bucket(&format!("arn:aws:iam::{CUSTOMER}:role/tenant"));
    let session = bucket(&format!("arn:aws:sts::{CUSTOMER}:assumed-role/tenant/acme"));
    let narrow = document(PolicyKind::Session, reads("a/"));
    let set = |resource| PolicySet {
        resource: Some(resource),
        session: Some(vec![&narrow]),
        ..PolicySet::default()
    };
    assert_eq!(
        evaluate(&get(tenant_session(), "b/1"), &set(&role)),
        Decision::ImplicitDeny {
            layer: Layer::Session
        }
    );
    assert!(evaluate(&get(tenant_session(), "a/1"), &set(&role)).is_allowed());
    assert!(evaluate(&get(tenant_session(), "b/1"), &set(&session)).is_allowed());
    let bounded = PolicySet {
        boundary: Some(&narrow),
        ..set(&role)
    };
    assert!(!evaluate(&get(tenant_session(), "b/1"), &bounded).is_allowed());
}

#[test]
fn an_explicit_deny_in_any_layer_wins_and_is_named() {
    let allow = identity(reads(""));
    let deny = document(
        PolicyKind::Resource,
        serde_json::json!([
            {"Sid": "Nothing", "Effect": "Deny", "Action": "s3:PutObject", "Principal": "*",
             "Resource": "arn:aws:s3:::acme-data/*"},
            {"Sid": "DenyInsecureTransport", "Effect": "Deny", "Action": "s3:*", "Principal": "*",
             "Resource": ["arn:aws:s3:::acme-data", "arn:aws:s3:::acme-data/*"],
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        ]),
    );
    let set = PolicySet {
        identity: vec![&allow],
        resource: Some(&deny),
        ..PolicySet::default()
    };
    let request = |tls: &str| get(tenant_session(), "k").with("aws:SecureTransport", tls);
    assert!(evaluate(&request("true"), &set).is_allowed());
    let Decision::ExplicitDeny { by } = evaluate(&request("false"), &set) else {
        panic!("it must be denied");
    };
    assert_eq!((by.layer, by.statement), (Layer::Resource, 1));
    assert_eq!(by.sid.as_deref(), Some("DenyInsecureTransport"));
}

#[test]
fn another_account_needs_both_sides() {
    let (mine, theirs) = (
        identity(reads("")),
        document(
            PolicyKind::Resource,
            serde_json::json!({
                "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-data/*",
                "Principal": {"AWS": VENDOR}
            }),
        ),
    );
    let decide = |identity: Vec<&Policy>, resource| {
        let set = PolicySet {
            identity,
            resource,
            ..PolicySet::default()
        };
        evaluate(&get(user(VENDOR), "k"), &set).is_allowed()
    };
    assert!(decide(vec![&mine], Some(&theirs)));
    assert!(!decide(vec![&mine], None));
    assert!(!decide(vec![], Some(&theirs)));
}

#[test]
fn a_near_miss_names_the_condition_that_failed() {
    let role = identity(serde_json::json!([
        {"Sid": "ListData", "Effect": "Allow", "Action": "s3:ListBucket",
         "Resource": "arn:aws:s3:::acme-data",
         "Condition": {"StringLike": {"s3:prefix": ["orgs/acme/*"]}}},
        reads("orgs/acme/")
    ]));
    let set = PolicySet {
        identity: vec![&role],
        ..PolicySet::default()
    };
    let bucket = "arn:aws:s3:::acme-data";
    let head_bucket = Request::new(tenant_session(), "s3:ListBucket", bucket);
    let misses = policies::near_misses(&head_bucket, &set);
    assert_eq!(misses.len(), 1);
    assert_eq!(
        misses[0].to_string(),
        "statement \"ListData\" of the identity policy does not grant it: \
         s3:prefix must be StringLike orgs/acme/*, and is absent"
    );
    let misses = policies::near_misses(&get(tenant_session(), "orgs/other/x"), &set);
    assert_eq!(
        misses[0].to_string(),
        "statement \"Read\" of the identity policy does not grant it: \
         it is about arn:aws:s3:::acme-data/orgs/acme/*"
    );
    assert_eq!(
        policies::near_misses(&get(tenant_session(), "orgs/acme/x"), &set),
        []
    );
}

#[test]
fn the_owners_root_user_needs_no_policy_but_obeys_denials() {
    let root = || Principal::parse(&format!("arn:aws:iam::{CUSTOMER}:root")).unwrap();
    assert!(evaluate(&get(root(), "k"), &PolicySet::default()).is_allowed());
    let deny = document(
        PolicyKind::Resource,
        serde_json::json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*",
                           "Resource": "arn:aws:s3:::acme-data/*"}),
    );
    let set = PolicySet {
        resource: Some(&deny),
        ..PolicySet::default()
    };
    assert!(!evaluate(&get(root(), "k"), &set).is_allowed());
    let foreign = Principal::parse(&format!("arn:aws:iam::{VENDOR}:root")).unwrap();
    assert!(!evaluate(&get(foreign, "k"), &PolicySet::default()).is_allowed());
}

#[test]
fn a_denial_by_not_principal_always_meets_a_principal_with_a_boundary() {
    let role = format!("arn:aws:iam::{CUSTOMER}:role/tenant");
    let deny = document(
        PolicyKind::Resource,
        serde_json::json!({"Effect": "Deny", "NotPrincipal": {"AWS": [CUSTOMER, role]},
                           "Action": "s3:*", "Resource": "arn:aws:s3:::acme-data/*"}),
    );
    let (allow, boundary) = (
        identity(reads("")),
        document(PolicyKind::Boundary, reads("")),
    );
    let free = PolicySet {
        identity: vec![&allow],
        resource: Some(&deny),
        ..PolicySet::default()
    };
    assert!(evaluate(&get(tenant_session(), "k"), &free).is_allowed());
    let bounded = PolicySet {
        boundary: Some(&boundary),
        ..free
    };
    assert!(matches!(
        evaluate(&get(tenant_session(), "k"), &bounded),
        Decision::ExplicitDeny { .. }
    ));
}

#[test]
fn a_principal_that_was_deleted_is_matched_by_its_id_only() {
    let trust = document(
        PolicyKind::Trust,
        serde_json::json!({"Effect": "Allow", "Action": "sts:AssumeRole",
                           "Principal": {"AWS": "AROAIIIIIIIIIIIIIIIII"}}),
    );
    let may = may_assume();
    let set = PolicySet {
        identity: vec![&may],
        resource: Some(&trust),
        ..PolicySet::default()
    };
    let as_role = |id: &str| assume(broker()).with("aws:userid", format!("{id}:gateway"));
    assert!(evaluate(&as_role("AROAIIIIIIIIIIIIIIIII"), &set).is_allowed());
    assert!(!evaluate(&as_role("AROAJJJJJJJJJJJJJJJJJ"), &set).is_allowed());
    assert!(!evaluate(&assume(broker()), &set).is_allowed());
}

#[test]
fn an_organisation_can_take_away_at_every_level() {
    let (allow, all, nothing) = (
        identity(reads("")),
        identity(serde_json::json!({"Effect": "Allow", "Action": "*", "Resource": "*"})),
        identity(serde_json::json!({"Effect": "Allow", "Action": "sts:*", "Resource": "*"})),
    );
    let decide = |levels| {
        let set = PolicySet {
            identity: vec![&allow],
            service_control: levels,
            ..PolicySet::default()
        };
        evaluate(&get(tenant_session(), "k"), &set)
    };
    assert!(decide(vec![vec![&all], vec![&nothing, &all]]).is_allowed());
    assert_eq!(
        decide(vec![vec![&all], vec![&nothing]]),
        Decision::ImplicitDeny {
            layer: Layer::ServiceControl
        }
    );
}

#[test]
fn a_key_that_the_action_never_carries_is_absent_even_when_it_is_given() {
    let role = identity(serde_json::json!({
        "Effect": "Allow", "Action": "s3:*", "Resource": "*",
        "Condition": {"StringLike": {"s3:prefix": "orgs/acme/*"}}
    }));
    let set = PolicySet {
        identity: vec![&role],
        ..PolicySet::default()
    };
    let ask = |action: &str| {
        Request::new(tenant_session(), action, "arn:aws:s3:::acme-data")
            .with("s3:prefix", "orgs/acme/")
    };
    assert!(evaluate(&ask("s3:ListBucket"), &set).is_allowed());
    assert!(!evaluate(&ask("s3:GetBucketLocation"), &set).is_allowed());
    assert!(!evaluate(&ask("s3:ListBucketMultipartUploads"), &set).is_allowed());
}

#[test]
fn a_request_cannot_say_of_itself_who_makes_it() {
    let (trust, may) = (trust(), may_assume());
    let set = PolicySet {
        identity: vec![&may],
        resource: Some(&trust),
        ..PolicySet::default()
    };
    let forged = assume(user(VENDOR))
        .with("sts:ExternalId", "pulse-org-acme")
        .with(
            "aws:PrincipalArn",
            format!("arn:aws:iam::{VENDOR}:role/byos/broker"),
        );
    assert!(!evaluate(&forged, &set).is_allowed());
}
