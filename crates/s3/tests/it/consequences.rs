//! What follows from an operation: permissions, bodies, the query towards the storage.

use crate::operations::{BUCKET, OBJECT, ask, operation, with_headers};
use s3::{BodyKind, ErrorCode, OpaqueTokens, Operation, Subject};
use types::{Action, KeyPrefix};

#[test]
fn each_operation_asks_for_the_actions_that_iam_asks_for() {
    for (name, wanted) in [
        ("ListBuckets", vec![Action::ListAllMyBuckets]),
        ("HeadBucket", vec![Action::ListBucket]),
        ("GetBucketLocation", vec![Action::GetBucketLocation]),
        ("ListObjects", vec![Action::ListBucket]),
        ("ListObjectsV2", vec![Action::ListBucket]),
        (
            "ListMultipartUploads",
            vec![Action::ListBucketMultipartUploads],
        ),
        ("DeleteObjects", vec![Action::DeleteObject]),
        ("GetObject", vec![Action::GetObject]),
        ("HeadObject", vec![Action::GetObject]),
        ("PutObject", vec![Action::PutObject]),
        ("CopyObject", vec![Action::GetObject, Action::PutObject]),
        ("DeleteObject", vec![Action::DeleteObject]),
        ("CreateMultipartUpload", vec![Action::PutObject]),
        ("UploadPart", vec![Action::PutObject]),
        ("UploadPartCopy", vec![Action::GetObject, Action::PutObject]),
        ("CompleteMultipartUpload", vec![Action::PutObject]),
        ("AbortMultipartUpload", vec![Action::AbortMultipartUpload]),
        ("ListParts", vec![Action::ListMultipartUploadParts]),
    ] {
        let found = operation(name);
        let actions: Vec<Action> = found
            .required_actions()
            .iter()
            .map(|one| one.action)
            .collect();
        assert_eq!(actions, wanted, "{name}");
        let writes = actions.iter().any(|action| action.is_write());
        assert_eq!(found.is_write(), writes, "{name}");
    }
}

#[test]
fn a_version_needs_the_permission_for_versions() {
    let read = ask("GET", OBJECT, "versionId=v").unwrap();
    assert_eq!(read.required_actions()[0].action, Action::GetObjectVersion);
    let delete = ask("DELETE", OBJECT, "versionId=v").unwrap();
    assert_eq!(
        delete.required_actions()[0].action,
        Action::DeleteObjectVersion
    );
    let versioned = [("x-amz-copy-source", "/results/other?versionId=v")];
    let copy = with_headers("PUT", OBJECT, None, &versioned).unwrap();
    assert_eq!(copy.required_actions()[0].action, Action::GetObjectVersion);
}

#[test]
fn requirements_name_the_key_the_prefix_or_the_source() {
    let list = ask("GET", BUCKET, "list-type=2&prefix=in%2F").unwrap();
    assert_eq!(list.required_actions()[0].subject.name(), Some("in/"));
    let copy = operation("CopyObject");
    let wanted = copy.required_actions();
    assert!(matches!(wanted[0].subject, Subject::CopySource(source)
        if source.bucket.as_str() == "results" && source.key.as_str() == "other"));
    assert_eq!(wanted[1].subject.bucket().unwrap().as_str(), "data");
    assert_eq!(wanted[1].subject.name(), Some("a/key"));
    assert_eq!(
        operation("HeadBucket").required_actions()[0].subject.name(),
        None
    );
}

#[test]
fn only_these_operations_may_not_be_repeated_blindly() {
    let unsafe_ones: Vec<&str> = Operation::NAMES
        .into_iter()
        .filter(|name| !operation(name).is_idempotent())
        .collect();
    assert_eq!(
        unsafe_ones,
        ["CreateMultipartUpload", "CompleteMultipartUpload"]
    );
    let conditional = with_headers("PUT", OBJECT, None, &[("if-none-match", "*")]).unwrap();
    assert!(!conditional.is_idempotent());
}

#[test]
fn only_uploads_carry_data_and_only_two_operations_a_document() {
    for name in Operation::NAMES {
        let wanted = match name {
            "PutObject" | "UploadPart" => BodyKind::ObjectData { max: 5 << 30 },
            "DeleteObjects" => BodyKind::Document { max: 2 << 20 },
            "CompleteMultipartUpload" => BodyKind::Document { max: 4 << 20 },
            _ => BodyKind::None,
        };
        assert_eq!(operation(name).request_body(), wanted, "{name}");
    }
}

#[test]
fn the_upstream_query_is_ordered_joined_and_encoded_by_us() {
    let prefix = KeyPrefix::parse("orgs/acme+1/").unwrap();
    for (method, path, query, wanted) in [
        (
            "GET",
            BUCKET,
            "max-keys=5000&marker=b%20c&prefix=a%2B&delimiter=%2F&encoding-type=url",
            "delimiter=%2F&encoding-type=url&marker=orgs%2Facme%2B1%2Fb%20c&max-keys=1000&prefix=orgs%2Facme%2B1%2Fa%2B",
        ),
        (
            "GET",
            BUCKET,
            "",
            "marker=orgs%2Facme%2B1%2F&prefix=orgs%2Facme%2B1%2F",
        ),
        (
            "GET",
            BUCKET,
            "list-type=2&fetch-owner=true",
            "list-type=2&prefix=orgs%2Facme%2B1%2F&start-after=orgs%2Facme%2B1%2F",
        ),
        (
            "GET",
            BUCKET,
            "list-type=2&start-after=x",
            "list-type=2&prefix=orgs%2Facme%2B1%2F&start-after=orgs%2Facme%2B1%2Fx",
        ),
        (
            "GET",
            BUCKET,
            "list-type=2&continuation-token=t%2B",
            "continuation-token=t%2B&list-type=2&prefix=orgs%2Facme%2B1%2F",
        ),
        (
            "GET",
            BUCKET,
            "uploads&key-marker=k&upload-id-marker=u&max-uploads=0",
            "key-marker=orgs%2Facme%2B1%2Fk&max-uploads=0&prefix=orgs%2Facme%2B1%2F&upload-id-marker=u&uploads=",
        ),
        (
            "GET",
            OBJECT,
            "response-expires=now&partNumber=7&response-cache-control=a%20b",
            "partNumber=7&response-cache-control=a%20b&response-expires=now",
        ),
        (
            "PUT",
            OBJECT,
            "uploadId=a%2Fb&partNumber=10000",
            "partNumber=10000&uploadId=a%2Fb",
        ),
        (
            "GET",
            OBJECT,
            "uploadId=u&max-parts=2000&part-number-marker=3",
            "max-parts=1000&part-number-marker=3&uploadId=u",
        ),
        ("POST", BUCKET, "delete", "delete="),
        ("PUT", OBJECT, "x-id=PutObject", ""),
    ] {
        let found = ask(method, path, query).unwrap();
        assert_eq!(
            found.upstream_query(&prefix, &OpaqueTokens).unwrap(),
            wanted,
            "{query}"
        );
    }
}

#[test]
fn without_a_tenant_prefix_nothing_is_added_to_a_listing() {
    let list = ask("GET", BUCKET, "list-type=2").unwrap();
    assert_eq!(
        list.upstream_query(&KeyPrefix::root(), &OpaqueTokens)
            .unwrap(),
        "list-type=2"
    );
}

#[test]
fn a_listing_prefix_counts_the_tenants_prefix() {
    let prefix = KeyPrefix::parse("orgs/acme/").unwrap();
    let fits = ask("GET", BUCKET, &format!("prefix={}", "a".repeat(1_014))).unwrap();
    assert!(fits.upstream_query(&prefix, &OpaqueTokens).is_ok());
    let over = ask("GET", BUCKET, &format!("prefix={}", "a".repeat(1_015))).unwrap();
    let error = over.upstream_query(&prefix, &OpaqueTokens).unwrap_err();
    assert_eq!(error.code(), ErrorCode::KeyTooLongError);
}
