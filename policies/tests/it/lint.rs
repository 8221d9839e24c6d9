//! What the linter says about our own documents, and about those that are often seen.

use crate::render::{account, every_document};
use policies::PolicyKind::{self, Identity, Resource, Trust};
use policies::{Finding, Rule, Severity, lint};
use serde_json::{Value, json};

fn findings(kind: PolicyKind, statements: Value) -> Vec<Finding> {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    lint(kind, &document, Some(&account())).unwrap()
}

fn rules(kind: PolicyKind, statements: Value) -> Vec<Rule> {
    let mut rules: Vec<Rule> = findings(kind, statements)
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    rules.dedup();
    rules
}

/// What a vendor's documentation typically asks its customers to paste.
fn usual_trust() -> Value {
    json!({
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Condition": {"StringEquals": {"sts:ExternalId": "pulse-org-acme"}}
    })
}

fn usual_permissions() -> Value {
    json!({
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
        "Resource": ["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]
    })
}

fn with(mut statement: Value, element: &str, value: Value) -> Value {
    statement[element] = value;
    statement
}

#[test]
fn our_own_documents_are_clean() {
    for (name, document) in every_document() {
        let found = lint(document.policy().kind(), document.value(), Some(&account())).unwrap();
        if name == "permission_whole_buckets" {
            // It was asked for whole buckets.
            assert!(
                found
                    .iter()
                    .all(|finding| finding.rule == Rule::WholeBucket),
                "{found:#?}"
            );
        } else {
            assert_eq!(found, [], "{name}");
        }
    }
}

#[test]
fn the_usual_trust_lets_a_whole_account_in() {
    let found = findings(Trust, usual_trust());
    assert_eq!((found.len(), found[0].rule), (1, Rule::AccountPrincipal));
    assert_eq!(found[0].severity, Severity::High);
}

#[test]
fn the_usual_permissions_are_loose_in_several_ways() {
    assert_eq!(
        rules(Identity, usual_permissions()),
        [
            Rule::MissingAbort,
            Rule::WholeBucket,
            Rule::MixedResources,
            Rule::MissingResourceAccount
        ]
    );
}

#[test]
fn a_missing_or_loose_external_id_is_found() {
    let broker = json!({"AWS": "arn:aws:iam::111111111111:role/broker"});
    let trust = |condition| {
        let statement = with(usual_trust(), "Principal", broker.clone());
        rules(Trust, with(statement, "Condition", condition))
    };
    assert_eq!(trust(json!({})), [Rule::MissingExternalId]);
    assert_eq!(
        trust(json!({"StringNotEquals": {"sts:ExternalId": "x"}})),
        [Rule::MissingExternalId]
    );
    assert_eq!(
        trust(json!({"StringLike": {"sts:ExternalId": "pulse-*"}})),
        [Rule::LooseExternalId]
    );
    assert_eq!(
        trust(json!({"StringEqualsIfExists": {"sts:ExternalId": "pulse-org-acme"}})),
        [Rule::LooseExternalId]
    );
    assert_eq!(
        trust(json!({"StringEquals": {"sts:ExternalId": "pulse-org-acme"}})),
        []
    );
}

#[test]
fn ones_own_principals_need_no_external_id() {
    let own = json!({"AWS": "arn:aws:iam::222222222222:role/ci"});
    let statement = with(
        with(usual_trust(), "Principal", own),
        "Condition",
        json!({}),
    );
    assert_eq!(rules(Trust, statement), []);
}

#[test]
fn anyone_is_critical_unless_a_condition_says_who() {
    let anyone = with(usual_trust(), "Principal", json!("*"));
    assert_eq!(
        findings(Trust, anyone.clone())[0].severity,
        Severity::Critical
    );
    let pinned =
        json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/broker"}});
    assert_eq!(rules(Trust, with(anyone.clone(), "Condition", pinned)), []);
    let elsewhere = json!({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::1:role/x"}});
    assert_eq!(
        rules(Trust, with(anyone, "Condition", elsewhere)),
        [Rule::AnyonePrincipal]
    );
}

#[test]
fn a_source_condition_on_people_never_grants() {
    let condition = json!({
        "StringEquals": {"sts:ExternalId": "pulse-org-acme", "aws:SourceAccount": "111111111111"},
        "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/broker"}
    });
    assert_eq!(
        rules(Trust, with(usual_trust(), "Condition", condition)),
        [Rule::SourceOfNobody]
    );
}

#[test]
fn a_service_must_say_for_whom_it_acts() {
    let service = |name: &str, condition: Value| {
        rules(
            Trust,
            json!({
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": name}, "Condition": condition
            }),
        )
    };
    assert_eq!(
        service("ecs-tasks.amazonaws.com", json!({})),
        [Rule::ServiceWithoutSource]
    );
    assert_eq!(
        service(
            "ecs-tasks.amazonaws.com",
            json!({"StringEquals": {"aws:SourceAccount": "222222222222"}})
        ),
        []
    );
    assert_eq!(service("ec2.amazonaws.com", json!({})), []);
}

fn guarded(action: Value, resource: Value, condition: Value) -> Value {
    let mut condition = condition;
    condition["StringEquals"]["aws:ResourceAccount"] = json!("222222222222");
    json!({"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition})
}

#[test]
fn a_condition_that_the_action_never_carries_is_found() {
    let prefix = json!({"StringLike": {"s3:prefix": "orgs/acme/*"}});
    let bucket = json!("arn:aws:s3:::acme");
    let both = json!([
        "s3:ListBucket",
        "s3:GetBucketLocation",
        "s3:ListBucketMultipartUploads"
    ]);
    let found = findings(Identity, guarded(both, bucket.clone(), prefix.clone()));
    let notes: Vec<&str> = found.iter().map(|finding| finding.note.as_str()).collect();
    assert_eq!(
        notes,
        [
            "s3:GetBucketLocation never carries s3:prefix, so it is never granted here",
            "s3:ListBucketMultipartUploads never carries s3:prefix, so it is never granted here",
        ]
    );
    assert_eq!(
        rules(Identity, guarded(json!("s3:ListBucket"), bucket, prefix)),
        []
    );
}

#[test]
fn an_action_on_the_wrong_kind_of_resource_is_found() {
    let on = |action: &str, resource: &str| {
        rules(Identity, guarded(json!(action), json!(resource), json!({})))
    };
    assert_eq!(
        on("s3:GetObject", "arn:aws:s3:::acme"),
        [Rule::WrongResource]
    );
    assert_eq!(
        on("s3:ListBucket", "arn:aws:s3:::acme/orgs/*"),
        [Rule::WrongResource]
    );
    assert_eq!(on("s3:GetObject", "arn:aws:s3:::acme/orgs/*"), []);
    assert_eq!(on("s3:GetObject", "arn:aws:s3:::acme-*"), []);
    assert_eq!(
        on("s3:ListAllMyBuckets", "arn:aws:s3:::acme"),
        [Rule::WrongResource]
    );
}

#[test]
fn the_name_of_an_operation_is_no_action_and_the_right_name_is_given() {
    let found = findings(
        Identity,
        guarded(
            json!("s3:ListObjectsV2"),
            json!("arn:aws:s3:::acme"),
            json!({}),
        ),
    );
    assert_eq!(
        found[0].note,
        "s3:ListObjectsV2 does not exist: the operation ListObjectsV2 needs s3:ListBucket"
    );
}

#[test]
fn wildcards_in_actions_and_resources_are_found() {
    let found = findings(
        Identity,
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
    );
    assert_eq!(found[0].severity, Severity::Critical);
    assert_eq!(
        rules(
            Identity,
            guarded(
                json!("s3:Get*"),
                json!("arn:aws:s3:::acme/orgs/*"),
                json!({})
            )
        ),
        [Rule::WildcardAction]
    );
    assert_eq!(
        rules(
            Identity,
            guarded(json!("s3:GetObject"), json!("*"), json!({}))
        ),
        [Rule::WildcardResource]
    );
}

#[test]
fn negations_are_found() {
    for element in ["NotAction", "NotResource"] {
        let mut statement = guarded(
            json!("s3:GetObject"),
            json!("arn:aws:s3:::acme/o/*"),
            json!({}),
        );
        let plain = element.trim_start_matches("Not");
        statement[element] = statement[plain].take();
        statement.as_object_mut().unwrap().remove(plain);
        assert!(
            rules(Identity, statement).contains(&Rule::Negated),
            "{element}"
        );
    }
    let mut trust = usual_trust();
    trust["NotPrincipal"] = trust["Principal"].take();
    trust.as_object_mut().unwrap().remove("Principal");
    assert!(rules(Trust, trust).contains(&Rule::Negated));
}

#[test]
fn a_key_is_named_by_its_id_and_serves_both_ways() {
    let found = rules(
        Identity,
        json!({
            "Effect": "Allow", "Action": "kms:GenerateDataKey",
            "Resource": "arn:aws:kms:eu-central-1:222222222222:alias/mine"
        }),
    );
    assert_eq!(found, [Rule::KeyAlias, Rule::MissingDecrypt]);
}

#[test]
fn a_denial_of_other_encryption_must_spare_uploads_without_the_header() {
    let denial = |condition| {
        rules(
            Resource,
            json!({
                "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::acme/*", "Condition": condition
            }),
        )
    };
    let key = "s3:x-amz-server-side-encryption";
    assert_eq!(
        denial(json!({"StringNotEquals": {key: "aws:kms"}})),
        [Rule::EncryptionTrap]
    );
    assert_eq!(
        denial(json!({"StringNotEquals": {key: "aws:kms"}, "Null": {key: "false"}})),
        []
    );
}

#[test]
fn a_variable_in_an_old_document_is_dead() {
    let document = json!({"Statement": guarded(
        json!("s3:GetObject"), json!("arn:aws:s3:::acme/${aws:username}/*"), json!({})
    )});
    let found = lint(Identity, &document, None).unwrap();
    assert_eq!(found[0].rule, Rule::DeadVariable);
}
