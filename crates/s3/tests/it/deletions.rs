//! DeleteObjects: each key by itself, and XML from strangers.

use crate::dom::dom;
use proptest::prelude::*;
use s3::{Algorithm, Checksum, DeleteObjectsRequest, DeletePlan, ErrorCode, ObjectName, S3Error};
use types::{Action, BucketAlias, KeyPrefix};

fn prefix() -> KeyPrefix {
    KeyPrefix::parse("orgs/acme/").unwrap()
}

fn parse(document: &str) -> Result<DeleteObjectsRequest, S3Error> {
    DeleteObjectsRequest::parse(document.as_bytes())
}

fn object(key: &str) -> String {
    format!("<Object><Key>{key}</Key></Object>")
}

fn delete(objects: &str) -> String {
    format!("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{objects}</Delete>")
}

fn allow_all(document: &str) -> DeletePlan {
    parse(document).unwrap().plan(&prefix(), |_, _| Ok(()))
}

fn sent(plan: &DeletePlan) -> Vec<(String, Option<String>)> {
    let Some(body) = plan.body() else {
        return Vec::new();
    };
    let tree = dom(body);
    tree.all("Object")
        .map(|one| {
            (
                one.text_of("Key").unwrap().into(),
                one.text_of("VersionId").map(str::to_owned),
            )
        })
        .collect()
}

#[test]
fn keys_go_upstream_behind_the_prefix_with_a_digest_of_the_new_body() {
    let document = delete(
        "<Quiet>true</Quiet><Object><Key>a&amp;b/&#x20AC;</Key><VersionId>v1</VersionId></Object>\
         <Object><Key> spaced </Key></Object>",
    );
    let plan = allow_all(&document);
    assert_eq!(
        sent(&plan),
        [
            ("orgs/acme/a&b/€".to_owned(), Some("v1".to_owned())),
            ("orgs/acme/ spaced ".to_owned(), None)
        ]
    );
    let body = plan.body().unwrap();
    assert!(
        std::str::from_utf8(body)
            .unwrap()
            .contains("<Quiet>true</Quiet>")
    );
    assert_eq!(
        plan.content_md5().unwrap(),
        Checksum::of(Algorithm::Md5, body).to_base64()
    );
}

#[test]
fn refused_keys_are_answered_by_their_errors_and_the_others_proceed() {
    let request = parse(&delete(
        &["in/a", "out/b", "../c", &"k".repeat(1_020)]
            .map(object)
            .concat(),
    ));
    let plan = request
        .unwrap()
        .plan(&prefix(), |_, key| match key.as_str().starts_with("out/") {
            true => Err(ErrorCode::AccessDenied.into()),
            false => Ok(()),
        });
    assert_eq!(sent(&plan), [("orgs/acme/in/a".to_owned(), None)]);
    let upstream = "<DeleteResult><Deleted><Key>orgs/acme/in/a</Key>\
        <DeleteMarker>true</DeleteMarker></Deleted></DeleteResult>";
    let result = dom(&plan.result(upstream.as_bytes()).unwrap());
    let deleted: Vec<_> = result
        .all("Deleted")
        .map(|one| one.text_of("Key").unwrap())
        .collect();
    assert_eq!(deleted, ["in/a"]);
    let errors: Vec<_> = result
        .all("Error")
        .map(|one| (one.text_of("Key").unwrap(), one.text_of("Code").unwrap()))
        .collect();
    let long = "k".repeat(1_020);
    assert_eq!(
        errors,
        [
            ("out/b", "AccessDenied"),
            ("../c", "InvalidArgument"),
            (&long, "KeyTooLongError")
        ]
    );
}

#[test]
fn when_every_key_is_refused_nothing_is_sent() {
    let request = parse(&delete(&object("a"))).unwrap();
    let plan = request.plan(&prefix(), |_, _| Err(ErrorCode::AccessDenied.into()));
    assert!(plan.body().is_none() && plan.content_md5().is_none());
    let result = dom(&plan.result(b"").unwrap());
    assert_eq!(result.all("Error").count(), 1);
}

#[test]
fn a_versioned_entry_needs_the_permission_for_versions() {
    let request = parse(&delete(
        "<Object><Key>a</Key><VersionId>v</VersionId></Object>",
    ))
    .unwrap();
    let entry = &request.entries[0];
    let object = ObjectName {
        bucket: BucketAlias::parse("data").unwrap(),
        key: entry.checked.clone().unwrap(),
    };
    assert_eq!(
        entry.requirement(&object).action,
        Action::DeleteObjectVersion
    );
}

#[test]
fn the_upstreams_refusals_are_not_the_clients() {
    let plan = allow_all(&delete(&["a", "b", "c"].map(object).concat()));
    let error = |key: &str, code: &str| {
        format!(
            "<Error><Key>orgs/acme/{key}</Key><Code>{code}</Code><Message>arn:aws:iam::1</Message></Error>"
        )
    };
    let upstream = format!(
        "<DeleteResult>{}{}{}</DeleteResult>",
        error("a", "AccessDenied"),
        error("b", "InternalError"),
        error("c", "NoSuchVersion")
    );
    let bytes = plan.result(upstream.as_bytes()).unwrap();
    assert!(!std::str::from_utf8(&bytes).unwrap().contains("arn:"));
    let result = dom(&bytes);
    let codes: Vec<_> = result
        .all("Error")
        .map(|one| one.text_of("Code").unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "TenantStorageRefused",
            "TenantStorageUnavailable",
            "NoSuchVersion"
        ]
    );
}

#[test]
fn an_answer_about_other_keys_or_about_too_few_is_not_believed() {
    for upstream in [
        "<DeleteResult><Deleted><Key>orgs/other/a</Key></Deleted></DeleteResult>",
        "<DeleteResult><Deleted><Key>orgs/acme/b</Key></Deleted></DeleteResult>",
        "<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>",
        "<DeleteResult><Deleted><VersionId>v</VersionId></Deleted></DeleteResult>",
        "<DeleteResult></DeleteResult>",
        "<Error><Code>AccessDenied</Code></Error>",
        "",
    ] {
        let error = allow_all(&delete(&object("a")))
            .result(upstream.as_bytes())
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::TenantStorageRefused, "{upstream}");
    }
    let quiet = allow_all(&delete(&format!("{}<Quiet>true</Quiet>", object("a"))));
    assert!(quiet.result(b"<DeleteResult/>").is_ok());
}

#[test]
fn a_key_that_is_named_twice_may_be_answered_once() {
    let plan = allow_all(&delete(&["a", "a"].map(object).concat()));
    let upstream = "<DeleteResult><Deleted><Key>orgs/acme/a</Key></Deleted></DeleteResult>";
    assert!(plan.result(upstream.as_bytes()).is_ok());
}

#[test]
fn a_thousand_keys_are_accepted_and_not_one_more() {
    let list = |count: usize| {
        delete(
            &(0..count)
                .map(|n| object(&n.to_string()))
                .collect::<String>(),
        )
    };
    assert_eq!(parse(&list(1_000)).unwrap().entries.len(), 1_000);
    assert_eq!(
        parse(&list(1_001)).unwrap_err().code(),
        ErrorCode::MalformedXML
    );
}

#[test]
fn two_mebibytes_are_accepted_and_not_one_byte_more() {
    let padded = |size: usize| {
        let document = delete(&object("a"));
        document.clone() + &" ".repeat(size - document.len())
    };
    assert!(parse(&padded(2 << 20)).is_ok());
    assert_eq!(
        parse(&padded((2 << 20) + 1)).unwrap_err().code(),
        ErrorCode::MalformedXML
    );
}

/// XML that is meant to hurt, or is none.
fn hostile() -> Vec<String> {
    let entity = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;\">]>";
    vec![
        format!("{entity}{}", delete(&object("&b;"))),
        format!(
            "<!DOCTYPE d SYSTEM \"file:///etc/passwd\">{}",
            delete(&object("a"))
        ),
        delete(&object("&xxe;")),
        delete(&object("&#0;")),
        delete(&object("&#xD800;")),
        delete(&object("&#+65;")),
        delete(&object("&#x110000;")),
        delete(&object("&amp")),
        delete("<?php evil?>"),
        format!(
            "<?xml version=\"1.0\"?><?xml version=\"1.0\"?>{}",
            delete(&object("a"))
        ),
        delete(&"<Object>".repeat(10)),
        "<a>".repeat(1_000_000 / 3),
        "<a ".to_owned() + &"x=\"1\" ".repeat(1_000),
        format!("<Delete {}>{}</Delete>", "a=\"b\" ".repeat(65), object("a")),
        format!("<Delete a=\"{}\">", "b".repeat(20_000)),
        format!("<{}>", "d".repeat(100_000)),
        delete(&object(&"k".repeat(10_000))),
        delete("<Object><Key>a</Key><Key>b</Key></Object>"),
        delete("<Object><Key><Key>a</Key></Key></Object>"),
        delete("<Object>a<Key>b</Key></Object>"),
        delete("<Object></Object>"),
        delete("<Object/>"),
        delete("<Object><VersionId>v</VersionId></Object>"),
        delete("<Thing><Key>a</Key></Thing>"),
        delete(&format!("{}<Bypass>true</Bypass>", object("a"))),
        delete(&format!("{}<Quiet>maybe</Quiet>", object("a"))),
        delete(&format!(
            "{}<Quiet>true</Quiet><Quiet>false</Quiet>",
            object("a")
        )),
        delete(""),
        "<Delete>".to_owned() + &object("a"),
        delete(&object("a")) + "<x/>",
        delete(&object("a")) + "tail",
        "<Delete><Object><Key>a</Object></Key></Delete>".to_owned(),
        "<Remove></Remove>".to_owned(),
        "{}".to_owned(),
        String::new(),
        "\u{0}".to_owned(),
        delete(&"<Object a='".repeat(20_000)),
        delete(&"<!--".repeat(100_000)),
        delete(&"<![CDATA[".repeat(100_000)),
        delete(&"&".repeat(100_000)),
    ]
}

#[test]
fn hostile_xml_is_refused() {
    for document in hostile() {
        let error = parse(&document).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MalformedXML, "{document:.100}");
        assert!(error.message().len() < 300);
    }
    assert!(DeleteObjectsRequest::parse(b"<Delete>\xff\xfe</Delete>").is_err());
}

#[test]
fn harmless_variations_of_the_same_document_are_read_alike() {
    let plain = parse(&delete(&object("a&amp;b"))).unwrap();
    for document in [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete>\n  <Object>\n    <Key>a&amp;b</Key>\n  </Object>\n</Delete>\n",
        "<Delete><!-- why not --><Object><Key><![CDATA[a&b]]></Key></Object></Delete>",
        "<Delete><Object><Key>a&#38;b</Key><VersionId></VersionId></Object><Quiet>false</Quiet></Delete>",
        "\u{feff}<Delete><Object><Key>a<!-- x -->&#x26;b</Key></Object></Delete>",
    ] {
        assert_eq!(parse(document).unwrap(), plain, "{document}");
    }
}

#[test]
fn a_condition_on_a_key_is_refused_and_not_overlooked() {
    for condition in [
        "<ETag>e</ETag>",
        "<Size>1</Size>",
        "<LastModifiedTime>t</LastModifiedTime>",
    ] {
        let document = delete(&format!("<Object><Key>a</Key>{condition}</Object>"));
        assert_eq!(
            parse(&document).unwrap_err().code(),
            ErrorCode::NotImplemented,
            "{condition}"
        );
    }
}

proptest! {
    #[test]
    fn every_key_arrives_upstream_as_itself(keys in proptest::collection::vec("[\\PC]{1,20}", 1..8)) {
        let escaped: String = keys
            .iter()
            .map(|key| object(&key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")))
            .collect();
        let plan = allow_all(&delete(&escaped));
        let sent: Vec<String> = sent(&plan).into_iter().map(|(key, _)| key).collect();
        let legal = |key: &&String| !key.split('/').any(|part| part == "." || part == "..");
        let wanted: Vec<String> = keys.iter().filter(legal).map(|key| format!("orgs/acme/{key}")).collect();
        prop_assert_eq!(sent, wanted);
    }

    #[test]
    fn noise_never_panics(noise in "[<>/&;#!\\[\\]A-Za-z\"= ]{0,200}") {
        let _ = parse(&noise);
        let _ = parse(&delete(&noise));
    }
}
