//! Documents that mean the same, and what is said about those that do not.

use crate::render::{all_permissions, every_document, permissions, trust};
use policies::render::{TenantPermissions, permission_policy, trust_policy};
use policies::{Change, ChangeKind, Severity, diff, normalize, same_meaning};
use serde_json::{Value, json};

fn statement(statement: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn changes(old: &Value, new: &Value) -> Vec<Change> {
    diff(&normalize(old).unwrap(), &normalize(new).unwrap())
}

fn assert_same(one: Value, other: Value) {
    assert!(same_meaning(&one, &other).unwrap(), "{one}\n{other}");
    assert_eq!(changes(&one, &other), []);
}

fn bucket_statement() -> Value {
    json!({
        "Sid": "A", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::c/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "true"}, "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::b"}}
    })
}

fn changed(element: &str, value: Value) -> Value {
    let mut other = bucket_statement();
    other[element] = value;
    statement(other)
}

#[test]
fn a_scalar_and_a_list_of_one_mean_the_same() {
    let one = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    let list = json!({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]});
    assert_same(statement(one.clone()), statement(list.clone()));
    assert_same(
        json!({"Version": "2012-10-17", "Statement": one}),
        statement(list),
    );
}

#[test]
fn order_and_repetition_do_not_matter() {
    assert_same(
        statement(bucket_statement()),
        changed(
            "Action",
            json!(["s3:PutObject", "s3:GetObject", "s3:PutObject"]),
        ),
    );
    assert_same(
        statement(bucket_statement()),
        changed("Resource", json!(["arn:aws:s3:::c/*", "arn:aws:s3:::b/*"])),
    );
    let (a, b) = (
        bucket_statement(),
        json!({"Effect": "Deny", "Action": "*", "Resource": "*"}),
    );
    assert_same(
        json!({"Version": "2012-10-17", "Statement": [a, b]}),
        json!({"Version": "2012-10-17", "Statement": [b, a, a]}),
    );
}

#[test]
fn the_case_of_actions_and_keys_does_not_matter() {
    assert_same(
        statement(bucket_statement()),
        changed("Action", json!(["S3:getobject", "s3:PUTOBJECT"])),
    );
    assert_same(
        statement(bucket_statement()),
        changed(
            "Condition",
            json!({
                "Bool": {"AWS:securetransport": true}, "ArnLike": {"aws:sourcearn": ["arn:aws:s3:::b"]}
            }),
        ),
    );
}

#[test]
fn both_ways_to_write_a_principal_mean_the_same() {
    assert_same(
        statement(bucket_statement()),
        changed("Principal", json!({"AWS": ["222222222222"]})),
    );
    assert_same(
        changed("Principal", json!("*")),
        changed("Principal", json!({"AWS": "*"})),
    );
}

#[test]
fn names_do_not_matter_and_neither_does_a_version_without_variables() {
    let mut anonymous = bucket_statement();
    anonymous.as_object_mut().unwrap().remove("Sid");
    assert_same(statement(bucket_statement()), statement(anonymous.clone()));
    assert_same(
        statement(bucket_statement()),
        json!({"Id": "x", "Statement": anonymous}),
    );
}

#[test]
fn the_version_matters_as_soon_as_there_is_a_variable() {
    let home = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}/*"});
    let old = json!({"Version": "2008-10-17", "Statement": home});
    let found = changes(&old, &statement(home));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ChangeKind::VariablesChanged);
}

#[test]
fn what_differs_in_meaning_is_not_the_same() {
    let same = statement(bucket_statement());
    for other in [
        changed("Effect", json!("Deny")),
        changed("Action", json!("s3:GetObject")),
        changed("Resource", json!("arn:aws:s3:::B/*")),
        changed("Principal", json!({"AWS": "333333333333"})),
        changed("Principal", json!({"Service": "222222222222"})),
        changed(
            "Condition",
            json!({"Bool": {"aws:SecureTransport": "true"}}),
        ),
        changed(
            "Condition",
            json!({
                "Bool": {"aws:SecureTransport": "true"}, "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::B"}
            }),
        ),
    ] {
        assert!(!same_meaning(&same, &other).unwrap(), "{other}");
        assert!(!changes(&same, &other).is_empty(), "{other}");
    }
}

#[test]
fn every_rendered_document_means_what_its_text_means() {
    for (name, document) in every_document() {
        let again = serde_json::from_str(&document.pretty()).unwrap();
        assert!(same_meaning(document.value(), &again).unwrap(), "{name}");
    }
}

#[test]
fn a_tag_key_keeps_its_case() {
    let tag = |key: &str| changed("Condition", json!({"StringEquals": {key: "x"}}));
    assert!(same_meaning(&tag("aws:ResourceTag/Team"), &tag("AWS:resourcetag/Team")).unwrap());
    assert!(!same_meaning(&tag("aws:ResourceTag/Team"), &tag("aws:ResourceTag/team")).unwrap());
}

#[test]
fn what_is_no_policy_is_refused() {
    for value in [
        json!([]),
        json!({}),
        json!({"Statement": "x"}),
        json!({"Statement": [{"Action": "s3:GetObject"}]}),
        json!({"Statement": [{"Effect": "Allow"}]}),
        json!({"Statement": [{"Effect": "Allow", "Action": {"a": 1}}]}),
    ] {
        assert!(normalize(&value).is_err(), "{value}");
    }
}

fn trust_value() -> Value {
    trust_policy(&trust()).unwrap().value().clone()
}

#[test]
fn losing_the_external_id_is_critical_and_comes_first() {
    let old = trust_value();
    let mut new = old.clone();
    new["Statement"][0]["Condition"] = json!({});
    let found = changes(&old, &new);
    assert_eq!(found[0].severity, Severity::Critical);
    assert_eq!(
        found[0].to_string(),
        "AssumeWithExternalId: no longer looks at sts:ExternalId (StringEquals pulse-org-acme)"
    );
    assert_eq!(found[1].severity, Severity::High);
    assert!(found[1].note.contains("aws:PrincipalArn"), "{}", found[1]);
}

#[test]
fn another_external_id_is_high() {
    let old = trust_value();
    let mut new = old.clone();
    new["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("pulse-org-evil");
    let found = changes(&old, &new);
    assert_eq!((found.len(), found[0].severity), (1, Severity::High));
}

#[test]
fn a_principal_widened_from_a_role_to_its_account_is_high() {
    let role = statement(json!({
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::111111111111:role/broker"}
    }));
    let account = statement(json!({
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111111111111"}
    }));
    let found = changes(&role, &account);
    assert_eq!(found[0].severity, Severity::High);
    assert_eq!(found[0].kind, ChangeKind::PrincipalWidened);
    assert_eq!(
        found[0].note,
        "the principal is widened from arn:aws:iam::111111111111:role/broker to account 111111111111"
    );
}

#[test]
fn a_principal_widened_to_anyone_is_critical() {
    let found = changes(
        &statement(bucket_statement()),
        &changed("Principal", json!("*")),
    );
    assert_eq!(found[0].severity, Severity::Critical);
}

#[test]
fn a_new_action_is_named_with_its_resource() {
    let old = permission_policy(&permissions()).unwrap().value().clone();
    let mut new = old.clone();
    let actions = new["Statement"][5]["Action"].as_array_mut().unwrap();
    actions.push(json!("s3:PutObjectAcl"));
    let found = changes(&old, &new);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::High);
    assert_eq!(
        found[0].note,
        "gains s3:PutObjectAcl on arn:aws:s3:::acme-results/extractions/orgs/acme/*"
    );
    let back = changes(&new, &old);
    assert_eq!((back.len(), back[0].severity), (1, Severity::Low));
}

#[test]
fn a_widened_resource_says_from_what_to_what() {
    let old = permission_policy(&permissions()).unwrap();
    let new = permission_policy(&TenantPermissions {
        prefix: types::KeyPrefix::parse("extractions/").unwrap(),
        ..permissions()
    });
    let found = changes(old.value(), new.unwrap().value());
    assert!(
        found.iter().any(|change| change.severity == Severity::Medium
            && change.note
                == "the resource is widened from arn:aws:s3:::acme-data/extractions/orgs/acme/* to arn:aws:s3:::acme-data/extractions/*"),
        "{found:#?}"
    );
}

#[test]
fn a_denial_that_goes_is_high() {
    let denials = every_document()
        .into_iter()
        .find(|(name, _)| *name == "bucket")
        .unwrap()
        .1
        .value()
        .clone();
    let mut fewer = denials.clone();
    fewer["Statement"].as_array_mut().unwrap().remove(0);
    let found = changes(&denials, &fewer);
    assert_eq!(found[0].severity, Severity::High);
    assert_eq!(found[0].kind, ChangeKind::StatementRemoved);
}

#[test]
fn statements_that_only_take_away_are_low() {
    let (more, less) = (
        permission_policy(&all_permissions()).unwrap(),
        permission_policy(&permissions()).unwrap(),
    );
    let found = changes(more.value(), less.value());
    assert!(!found.is_empty());
    for change in found {
        assert_eq!(change.severity, Severity::Low, "{change}");
    }
}

#[test]
fn a_unique_id_says_that_the_principal_is_gone_and_vanishes_when_it_is_not() {
    let wanted = statement(json!({
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::111111111111:role/broker"}
    }));
    let live = statement(json!({
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "AROAIIIIIIIIIIIIIIIII"}
    }));
    let found = changes(&wanted, &live);
    assert!(
        found
            .iter()
            .any(|change| change.kind == ChangeKind::PrincipalReplaced),
        "{found:?}"
    );

    let live = normalize(&live).unwrap();
    assert_eq!(
        live.unique_ids().into_iter().collect::<Vec<_>>(),
        ["AROAIIIIIIIIIIIIIIIII"]
    );
    let resolved = live.resolve(|_| Some("arn:aws:iam::111111111111:role/broker".into()));
    assert_eq!(diff(&normalize(&wanted).unwrap(), &resolved), []);
}

#[test]
fn a_new_door_in_a_trust_policy_is_high() {
    let old = trust_value();
    let mut new = old.clone();
    new["Statement"].as_array_mut().unwrap().push(json!({
        "Sid": "Support", "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::333333333333:role/support"},
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    }));
    let found = changes(&old, &new);
    assert_eq!((found.len(), found[0].severity), (1, Severity::High));
    assert_eq!(
        found[0].to_string(),
        "Support: admits arn:aws:iam::333333333333:role/support to sts:AssumeRole when \
         aws:MultiFactorAuthPresent Bool true"
    );
}

#[test]
fn leaving_less_out_grants_more() {
    let all_but = |resources: Value| {
        statement(json!({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": resources}))
    };
    let both = all_but(json!(["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]));
    let found = changes(&both, &all_but(json!("arn:aws:s3:::a/*")));
    assert_eq!((found.len(), found[0].severity), (1, Severity::Medium));
}
