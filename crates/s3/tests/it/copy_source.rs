//! No spelling of a copy source reaches another object than the one that is authorised.

use proptest::prelude::*;
use s3::{CopySource, ErrorCode, encode_path};
use types::{BucketName, KeyPrefix};

fn upstream(source: &CopySource) -> String {
    let bucket = BucketName::parse("real-bucket").unwrap();
    let prefix = KeyPrefix::parse("orgs/acme/").unwrap();
    let header = source.upstream_header(&bucket, &prefix).unwrap();
    header.to_str().unwrap().to_owned()
}

#[test]
fn the_usual_spellings_are_understood() {
    for (value, bucket, key, version) in [
        ("data/key", "data", "key", None),
        ("/data/key", "data", "key", None),
        ("data/a/b/", "data", "a/b/", None),
        ("data%2Fkey", "data", "key", None),
        ("%2Fdata%2Fa%20b", "data", "a b", None),
        ("data/a+b", "data", "a+b", None),
        ("data/a%2Bb", "data", "a+b", None),
        ("data//key", "data", "/key", None),
        ("data/%E2%82%AC", "data", "€", None),
        ("data/key?versionId=v1", "data", "key", Some("v1")),
        ("data/key?versionId=a%2Bb", "data", "key", Some("a+b")),
        (
            "data/k%3FversionId%3Dx?versionId=v1",
            "data",
            "k?versionId=x",
            Some("v1"),
        ),
        (
            "data/k?versionId=x?versionId=v1",
            "data",
            "k?versionId=x",
            Some("v1"),
        ),
        ("data/key?versionid=v1", "data", "key?versionid=v1", None),
        ("data/key?x=y", "data", "key?x=y", None),
    ] {
        let source = CopySource::parse(value).unwrap_or_else(|error| panic!("{value}: {error}"));
        assert_eq!(source.object.bucket.as_str(), bucket, "{value}");
        assert_eq!(source.object.key.as_str(), key, "{value}");
        assert_eq!(
            source.version.as_ref().map(|id| id.as_str()),
            version,
            "{value}"
        );
    }
}

/// Each must be refused, or stay an object of bucket `data`, literally as decoded once.
const HOSTILE: &[&str] = &[
    "",
    "/",
    "//",
    "data",
    "/data",
    "data/",
    "/data/",
    "//data/key",
    "///data/key",
    "%2F%2Fdata/key",
    ".",
    "..",
    "./data/key",
    "../data/key",
    "data/..",
    "data/../other/key",
    "data/./key",
    "data/%2e%2e/other/key",
    "data/%2E%2E%2Fother%2Fkey",
    "data%2f..%2fother%2fkey",
    "data/%252e%252e/other/key",
    "data%252Fkey",
    "%2564ata/key",
    "data%00/key",
    "data/key%00",
    "data/key%0d%0ax-amz-acl:public-read",
    "data/key\r\n",
    "data%0a/key",
    "data/key%7f",
    "data/%c0%ae%c0%ae/other",
    "data/%ff",
    "data/%",
    "data/%4",
    "data/%zz",
    "%/key",
    "arn:aws:s3:::data/key",
    "/arn:aws:s3:::data/key",
    "arn%3Aaws%3As3%3A%3A%3Adata/key",
    "arn:aws:s3:eu-central-1:123456789012:accesspoint/ap/object/key",
    "arn:aws:s3-outposts:eu-central-1:123456789012:outpost/op/accesspoint/ap/object/key",
    "arn:aws:s3-object-lambda:eu-central-1:123456789012:accesspoint/ap/object/key",
    "ap-123456789012-s3alias/key",
    "data--x-s3/key",
    "mrap.mrap/key",
    "xn--data/key",
    "https://s3.amazonaws.com/data/key",
    "http://data.s3.amazonaws.com/key",
    "s3://data/key",
    "data.s3.amazonaws.com",
    "user@data/key",
    "data:443/key",
    "DATA/key",
    "Data/key",
    "da ta/key",
    "data\\key",
    "data%5Ckey",
    "\\data\\key",
    "data\u{ff0f}key",
    "d\u{0430}ta/key",
    "data/key?versionId=",
    "data/key?versionId=a b",
    "data/key?versionId=a%00",
    "data/key?versionId=%zz",
    "data?versionId=v/key",
    "?versionId=v",
    "/?versionId=v",
    "data/?versionId=v",
    "data/key?versionId=v?versionId=",
    "data;other/key",
    "data,other/key",
    "192.168.0.1/key",
    "a/key",
    "da..ta/key",
    "-data/key",
    "data-/key",
    "data?/key",
    "data#/key",
    "*/key",
    "{data}/key",
    "$(data)/key",
    "data /key",
    " data/key",
    "\tdata/key",
    "+data/key",
];

#[test]
fn no_hostile_spelling_yields_a_foreign_bucket() {
    assert!(HOSTILE.len() >= 60, "{}", HOSTILE.len());
    for value in HOSTILE {
        match CopySource::parse(value) {
            Err(error) => assert!(error.status().is_client_error(), "{value:?}: {error}"),
            Ok(source) => {
                assert_eq!(source.object.bucket.as_str(), "data", "{value:?}");
                let written = upstream(&source);
                assert!(
                    written.starts_with("/real-bucket/orgs/acme/"),
                    "{value:?}: {written}"
                );
                assert!(
                    !written.contains("/../") && !written.ends_with("/.."),
                    "{value:?}"
                );
            }
        }
    }
}

#[test]
fn arns_and_access_points_are_refused_by_name() {
    for value in [
        "arn:aws:s3:::data/key",
        "arn%3Aaws%3As3%3A%3A%3Adata/key",
        "ap-1-s3alias/key",
    ] {
        let error = CopySource::parse(value).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{value}");
        assert!(error.message().contains("ARN"), "{value}");
    }
}

#[test]
fn the_upstream_header_holds_the_joined_key_and_the_version() {
    let source = CopySource::parse("data/a b+c%252F/€?versionId=v+/=").unwrap();
    assert_eq!(
        upstream(&source),
        "/real-bucket/orgs/acme/a%20b%2Bc%252F/%E2%82%AC?versionId=v%2B%2F%3D"
    );
}

#[test]
fn a_source_key_counts_the_tenants_prefix() {
    let source = CopySource::parse(&format!("data/{}", "k".repeat(1_015))).unwrap();
    let bucket = BucketName::parse("real-bucket").unwrap();
    let prefix = KeyPrefix::parse("orgs/acme/").unwrap();
    let error = source.upstream_header(&bucket, &prefix).unwrap_err();
    assert_eq!(error.code(), ErrorCode::KeyTooLongError);
}

proptest! {
    #[test]
    fn what_is_written_upstream_reads_back_as_the_same_object(
        key in "[ -~\u{e4}\u{20ac}]{1,30}",
        version in proptest::option::of("[a-zA-Z0-9._~+/=-]{1,20}"),
    ) {
        let value = match &version {
            None => format!("data/{}", encode_path(&key)),
            Some(id) => format!("data/{}?versionId={id}", encode_path(&key)),
        };
        if let Ok(source) = CopySource::parse(&value) {
            prop_assert_eq!(source.object.key.as_str(), key.as_str());
            let again = CopySource::parse(&upstream(&source)).unwrap();
            prop_assert_eq!(again.object.key.as_str(), format!("orgs/acme/{key}"));
            prop_assert_eq!(again.version, source.version);
        }
    }

    #[test]
    fn any_text_is_refused_or_stays_behind_the_prefix(value in "\\PC{0,60}") {
        if let Ok(source) = CopySource::parse(&value) {
            prop_assert!(upstream(&source).starts_with("/real-bucket/orgs/acme/"));
        }
    }
}
