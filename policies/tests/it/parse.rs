//! What IAM refuses, refused with the place and the rule.

use policies::PolicyKind::{self, Boundary, Identity, Resource, Session, Trust};
use policies::{Policy, Reason};
use proptest::prelude::*;
use serde_json::{Value, json};
use types::BucketName;

fn statement(kind: PolicyKind) -> Value {
    let mut statement = json!({"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject"});
    if kind == Trust {
        statement["Action"] = json!("sts:AssumeRole");
    }
    if kind.has_principal() {
        statement["Principal"] = json!({"AWS": "222222222222"});
    }
    if kind.has_resource() {
        statement["Resource"] = json!("arn:aws:s3:::b/*");
    }
    statement
}

fn parse(kind: PolicyKind, statement: Value) -> Result<Policy, policies::Malformed> {
    let document = json!({"Version": "2012-10-17", "Statement": [statement]});
    Policy::parse(kind, &document.to_string())
}

/// The valid statement of `kind` with one element replaced, or removed when it becomes null.
fn with(kind: PolicyKind, element: &str, value: Value) -> Result<Policy, policies::Malformed> {
    let mut changed = statement(kind);
    if value.is_null() {
        changed.as_object_mut().unwrap().remove(element);
    } else {
        changed[element] = value;
    }
    parse(kind, changed)
}

fn reason(outcome: Result<Policy, policies::Malformed>) -> Reason {
    outcome.map(|_| ()).unwrap_err().reason
}

#[test]
fn each_kind_takes_its_own_minimal_statement() {
    for kind in [Identity, Resource, Trust, Session, Boundary] {
        assert!(parse(kind, statement(kind)).is_ok(), "{kind}");
    }
}

#[test]
fn each_kind_refuses_what_belongs_to_another() {
    for kind in [Identity, Session, Boundary] {
        let outcome = with(kind, "Principal", json!("*"));
        assert_eq!(reason(outcome), Reason::Forbidden("Principal", kind));
        let outcome = with(kind, "NotPrincipal", json!("*"));
        assert_eq!(reason(outcome), Reason::Forbidden("NotPrincipal", kind));
    }
    for kind in [Identity, Resource, Session, Boundary] {
        assert_eq!(
            reason(with(kind, "Resource", Value::Null)),
            Reason::Missing("Resource")
        );
    }
    for kind in [Resource, Trust] {
        assert_eq!(
            reason(with(kind, "Principal", Value::Null)),
            Reason::Missing("Principal")
        );
    }
    let outcome = with(Trust, "Resource", json!("*"));
    assert_eq!(reason(outcome), Reason::Forbidden("Resource", Trust));
    let outcome = with(Trust, "Action", json!("s3:GetObject"));
    assert_eq!(reason(outcome), Reason::TrustAction("s3:GetObject".into()));
}

#[test]
fn the_error_names_the_place() {
    let outcome = with(Identity, "Action", json!(["s3:GetObject", "GetObject"]));
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "the policy is malformed at Statement[0].Action: action \"GetObject\" must be \"*\" or look like service:Name"
    );
}

#[test]
fn a_document_must_be_a_document() {
    for (text, expected) in [
        ("[]", Reason::NotAnObject),
        ("{}", Reason::Missing("Statement")),
        (r#"{"Statement": []}"#, Reason::EmptyList),
        (r#"{"Statement": ["x"]}"#, Reason::NotAnObject),
        (
            r#"{"Version": "2012-10-18", "Statement": []}"#,
            Reason::Version,
        ),
        (r#"{"Version": 2012, "Statement": []}"#, Reason::NotText),
        (
            r#"{"version": "2012-10-17"}"#,
            Reason::UnknownElement("version".into()),
        ),
        (
            r#"{"Id": "x", "Statement": []}"#,
            Reason::Forbidden("Id", Identity),
        ),
    ] {
        assert_eq!(reason(Policy::parse(Identity, text)), expected, "{text}");
    }
    assert!(matches!(
        reason(Policy::parse(Identity, "{")),
        Reason::NotJson(_)
    ));
    let long = format!("{{{}}}", " ".repeat(200_000));
    assert_eq!(reason(Policy::parse(Identity, &long)), Reason::TooLong);
}

#[test]
fn a_key_that_stands_twice_is_refused_at_any_depth() {
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}, "Bool": {"aws:ViaAWSService": "true"}}}}"#;
    let Reason::NotJson(note) = reason(Policy::parse(Identity, text)) else {
        panic!("it must not be JSON");
    };
    assert!(note.contains("\"Bool\" stands twice"), "{note}");
}

#[test]
fn characters_that_iam_does_not_take_are_refused() {
    let text = json!({"Statement": statement(Identity)}).to_string();
    for (bad, refused) in [
        ('日', true),
        ('\u{0}', true),
        ('\u{7f}', false),
        ('ÿ', false),
    ] {
        let outcome = Policy::parse(Identity, &text.replace("b/*", &format!("b/{bad}*")));
        match outcome {
            Err(error) => assert!(refused, "{error}"),
            Ok(_) => assert!(!refused, "{bad:?}"),
        }
    }
}

#[test]
fn effects_versions_and_names_are_checked() {
    assert_eq!(
        reason(with(Identity, "Effect", Value::Null)),
        Reason::Missing("Effect")
    );
    assert_eq!(
        reason(with(Identity, "Effect", json!("allow"))),
        Reason::Effect
    );
    assert_eq!(
        reason(with(Identity, "Sid", json!("with blank"))),
        Reason::Sid
    );
    assert!(with(Resource, "Sid", json!("with blank")).is_ok());
    assert_eq!(
        reason(with(Identity, "NotAction", json!("s3:*"))),
        Reason::Both("Action", "NotAction")
    );
    assert_eq!(
        reason(with(Identity, "Comment", json!("x"))),
        Reason::UnknownElement("Comment".into())
    );
    let twice = json!({"Statement": [statement(Identity), statement(Identity)]});
    assert_eq!(
        reason(Policy::parse(Identity, &twice.to_string())),
        Reason::DuplicateSid("A".into())
    );
}

#[test]
fn actions_are_checked() {
    for good in [
        "*",
        "s3:*",
        "s3:Get*",
        "S3:getobject",
        "execute-api:Invoke",
        "s3:?etObject",
    ] {
        assert!(with(Identity, "Action", json!(good)).is_ok(), "{good}");
    }
    for bad in [
        "",
        "s3",
        "s3:",
        ":GetObject",
        "s*:GetObject",
        "s3:Get Object",
        "**",
        "s3:a:b",
    ] {
        assert_eq!(
            reason(with(Identity, "Action", json!(bad))),
            Reason::Action(bad.into())
        );
    }
    assert_eq!(
        reason(with(Identity, "Action", json!([]))),
        Reason::EmptyList
    );
    assert_eq!(
        reason(with(Identity, "Action", json!([1]))),
        Reason::NotText
    );
}

#[test]
fn resources_are_arns_or_a_star() {
    for good in [
        "*",
        "arn:aws:s3:::b",
        "arn:*:s3:::b/*",
        "arn:aws-us-gov:s3:::b",
        "arn:aws:s3:::b/${aws:username}/*",
        "arn:aws:dynamodb:eu-central-1:222222222222:table/x",
    ] {
        assert!(with(Identity, "Resource", json!(good)).is_ok(), "{good}");
    }
    for bad in [
        "",
        "b/*",
        "s3:::b",
        "arn:aws:s3",
        "arn:gcp:s3:::b",
        "arn:aws:s?:::b",
        "arn:aws:s3:::",
        "arn:aws:s3:::b/${aws:username",
    ] {
        let outcome = with(Identity, "Resource", json!(bad));
        assert!(
            matches!(reason(outcome), Reason::Resource(text, _) if text == bad),
            "{bad}"
        );
    }
}

#[test]
fn principals_are_checked() {
    for good in [
        json!("*"),
        json!({"AWS": "*"}),
        json!({"AWS": ["222222222222", "arn:aws:iam::222222222222:role/a/b"]}),
        json!({"AWS": "arn:aws:sts::222222222222:assumed-role/r/s"}),
        json!({"AWS": "AROAIIIIIIIIIIIIIIIII"}),
        json!({"Service": "ec2.amazonaws.com"}),
        json!({"Federated": "arn:aws:iam::222222222222:saml-provider/x"}),
    ] {
        assert!(with(Trust, "Principal", good.clone()).is_ok(), "{good}");
    }
    for bad in [
        json!({"AWS": "222"}),
        json!({"AWS": "arn:aws:iam::222222222222:role/*"}),
        json!({"AWS": "arn:aws:iam::222222222222:group/g"}),
        json!({"AWS": "arn:aws:s3:::b"}),
        json!({"AWS": "arn:aws:iam::222222222222:user/${aws:username}"}),
        json!({"Service": "ec2"}),
        json!("222222222222"),
    ] {
        let outcome = with(Trust, "Principal", bad.clone());
        assert!(matches!(reason(outcome), Reason::Principal(_)), "{bad}");
    }
    assert_eq!(
        reason(with(Trust, "Principal", json!({}))),
        Reason::EmptyList
    );
    assert_eq!(
        reason(with(Trust, "Principal", json!({"Google": "x"}))),
        Reason::UnknownElement("Google".into())
    );
}

#[test]
fn conditions_are_checked() {
    for good in [
        json!({}),
        json!({"Bool": {"aws:SecureTransport": false}}),
        json!({"NumericLessThan": {"s3:TlsVersion": 1.2}}),
        json!({"ForAnyValue:StringLike": {"aws:TagKeys": ["a*"]}}),
        json!({"StringEqualsIfExists": {"aws:ResourceTag/a b": "x"}}),
        json!({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}),
    ] {
        assert!(with(Identity, "Condition", good.clone()).is_ok(), "{good}");
    }
    for bad in [
        "StringMatches",
        "stringEquals",
        "NullIfExists",
        "ForAll:Bool",
        "ForAnyValue:Null",
    ] {
        let outcome = with(Identity, "Condition", json!({bad: {"s3:prefix": "x"}}));
        assert_eq!(reason(outcome), Reason::Operator(bad.into()));
    }
    for (operator, bad) in [
        ("NumericEquals", "ten"),
        ("DateEquals", "tomorrow"),
        ("Bool", "yes"),
        ("IpAddress", "example.org"),
        ("StringLike", "${aws:username"),
    ] {
        let outcome = with(Identity, "Condition", json!({operator: {"aws:x": bad}}));
        assert!(
            matches!(reason(outcome), Reason::ConditionValue(text, _) if text == bad),
            "{bad}"
        );
    }
    let keyless = with(
        Identity,
        "Condition",
        json!({"Bool": {"SecureTransport": "true"}}),
    );
    assert_eq!(
        reason(keyless),
        Reason::ConditionKey("SecureTransport".into())
    );
    let empty = with(
        Identity,
        "Condition",
        json!({"StringLike": {"s3:prefix": []}}),
    );
    assert_eq!(reason(empty), Reason::EmptyList);
}

#[test]
fn a_bucket_policy_is_about_its_own_bucket() {
    let policy = |resources: Value| with(Resource, "Resource", resources).unwrap();
    let bucket = BucketName::parse("acme").unwrap();
    let own = policy(json!(["arn:aws:s3:::acme", "arn:aws:s3:::acme/*"]));
    assert!(own.is_about_bucket(&bucket));
    for foreign in [
        "arn:aws:s3:::acme2/*",
        "arn:aws:s3:::acme*",
        "*",
        "arn:aws:sqs:::acme",
    ] {
        assert!(
            !policy(json!(foreign)).is_about_bucket(&bucket),
            "{foreign}"
        );
    }
}

#[test]
fn a_policy_is_public_when_it_grants_to_people_whom_nothing_ties_down() {
    let public = |principal: Value, condition: Value| {
        let mut changed = statement(Resource);
        changed["Principal"] = principal;
        changed["Condition"] = condition;
        parse(Resource, changed).unwrap().is_public()
    };
    let ip = |net: &str| json!({"IpAddress": {"aws:SourceIp": net}});
    assert!(public(json!("*"), json!({})));
    assert!(public(
        json!({"AWS": "*"}),
        json!({"Bool": {"aws:SecureTransport": "true"}})
    ));
    assert!(public(json!("*"), ip("0.0.0.0/0")));
    assert!(public(
        json!("*"),
        json!({"StringLike": {"aws:PrincipalAccount": "2*"}})
    ));
    assert!(public(
        json!("*"),
        json!({"StringNotEquals": {"aws:PrincipalAccount": "222222222222"}})
    ));
    assert!(!public(json!("*"), ip("203.0.113.0/24")));
    assert!(!public(
        json!("*"),
        json!({"StringEquals": {"aws:PrincipalAccount": "222222222222"}})
    ));
    let any_role = json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/*"}});
    assert!(!public(json!("*"), any_role));
    assert!(!public(json!({"AWS": "222222222222"}), json!({})));
}

#[test]
fn named_principals_are_those_that_must_exist() {
    let policy = with(
        Trust,
        "Principal",
        json!({
            "AWS": ["222222222222", "arn:aws:iam::222222222222:role/a", "AROAIIIIIIIIIIIIIIIII", "*"]
        }),
    );
    let policy = policy.unwrap();
    let named: Vec<&str> = policy.named_principals().collect();
    assert_eq!(
        named,
        ["arn:aws:iam::222222222222:role/a", "AROAIIIIIIIIIIIIIIIII"]
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "(Version|Statement|Sid|Effect|Allow|Deny|Action|Principal|NotPrincipal|Resource|Condition|AWS|StringLike|Null|s3:\\*|arn:aws:s3:::b/\\$\\{\\*|\\*|)";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        words.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(words, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_makes_the_parser_or_its_neighbours_panic(value in any_json()) {
        for kind in [Identity, Resource, Trust] {
            let _ = Policy::parse(kind, &value.to_string());
            let _ = Policy::from_value(kind, &value);
            let _ = policies::lint(kind, &value, None);
        }
        if let Ok(normal) = policies::normalize(&value) {
            prop_assert_eq!(policies::diff(&normal, &normal), vec![]);
        }
    }

    #[test]
    fn nothing_but_json_makes_the_parser_panic_either(text in ".{0,60}") {
        let _ = Policy::parse(Identity, &text);
    }
}
