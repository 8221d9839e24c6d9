//! What is refused, and with which S3 error.

use crate::upstreams::on_each_upstream;
use tests::client::Login;
use tests::request::{Request, element, send};
use tests::signer::Signer;
use tests::world::{DATA, RESULTS, World};
use types::{Clock, SystemClock};

on_each_upstream! {
    a_missing_object_is_a_missing_object,
    a_wrong_secret_is_refused_as_aws_refuses_it,
    an_unknown_key_is_refused_as_aws_refuses_it,
    a_request_without_a_signature_is_refused,
    a_read_only_bucket_can_be_read_and_not_written,
    a_reading_key_cannot_write_anywhere,
    buckets_of_others_do_not_exist,
    a_clock_that_is_wrong_is_told_so,
    a_header_that_was_not_signed_is_refused,
    an_operation_that_the_gateway_does_not_serve_is_refused_by_name,
    every_error_carries_a_request_id,
}

fn verdict(login: &Login, operation: &str, bucket: &str, key: &str) -> String {
    login.python("boto3_client.py", &["verdict", operation, bucket, key])
}

/// A signed request without a body; what became of it. Not through the tap, because an error may
/// repeat what the request names.
fn raw(world: &World, login: &Login, method: &str, path: &str, query: &str) -> String {
    let mut request = Request::new(method, &world.untapped_host(), path).query(query);
    Signer::now(login).sign_with_hash(&mut request);
    send(&request).verdict()
}

fn a_wrong_secret_is_refused_as_aws_refuses_it(world: &World) {
    let client = &world.acme.client;
    let impostor = client.with_keys(
        &client.access_key_id,
        &world.globex.client.secret_access_key,
    );
    assert_eq!(
        verdict(&impostor, "get_object", RESULTS, "any"),
        "403 SignatureDoesNotMatch"
    );
    assert_eq!(
        verdict(&impostor, "list_objects_v2", RESULTS, ""),
        "403 SignatureDoesNotMatch"
    );
}

fn an_unknown_key_is_refused_as_aws_refuses_it(world: &World) {
    let nobody = world
        .acme
        .client
        .with_keys("BYOSNOBODY0000000001", "no-secret");
    assert_eq!(
        verdict(&nobody, "get_object", RESULTS, "any"),
        "403 InvalidAccessKeyId"
    );
}

fn a_request_without_a_signature_is_refused(world: &World) {
    for method in ["GET", "PUT", "DELETE"] {
        let answer = send(&Request::new(
            method,
            &world.host(),
            &format!("/{RESULTS}/any"),
        ));
        assert_eq!(answer.verdict(), "403 AccessDenied", "{method}");
    }
}

fn a_read_only_bucket_can_be_read_and_not_written(world: &World) {
    let acme = &world.acme;
    let body = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(body.path(), "from the owner").unwrap();
    let key = format!("{}refusals/owned", acme.prefix);
    let put = [
        "s3api",
        "put-object",
        "--bucket",
        &acme.real_data,
        "--key",
        &key,
        "--body",
    ];
    let put = [&put[..], &[body.path().to_str().unwrap()]].concat();
    tests::client::succeed(&mut acme.owner.aws(&put));

    assert_eq!(
        verdict(&acme.client, "get_object", DATA, "refusals/owned"),
        "ok"
    );
    assert_eq!(
        verdict(&acme.client, "put_object", DATA, "refusals/new"),
        "403 AccessDenied"
    );
    assert_eq!(
        verdict(&acme.client, "delete_object", DATA, "refusals/owned"),
        "403 AccessDenied"
    );
    let start = raw(
        world,
        &acme.client,
        "POST",
        &format!("/{DATA}/refusals/new"),
        "uploads=",
    );
    assert_eq!(start, "403 AccessDenied");
    assert_eq!(
        verdict(&acme.client, "get_object", DATA, "refusals/owned"),
        "ok"
    );
}

fn a_reading_key_cannot_write_anywhere(world: &World) {
    let reader = &world.acme.reader;
    assert_eq!(verdict(reader, "list_objects_v2", RESULTS, ""), "ok");
    assert_eq!(
        verdict(reader, "put_object", RESULTS, "refusals/new"),
        "403 AccessDenied"
    );
    assert_eq!(
        verdict(reader, "delete_object", RESULTS, "refusals/new"),
        "403 AccessDenied"
    );
}

fn buckets_of_others_do_not_exist(world: &World) {
    let client = &world.acme.client;
    let foreign = [
        &world.globex.real_results,
        &world.acme.real_results,
        "no-such-bucket",
    ];
    for bucket in foreign {
        let list = raw(world, client, "GET", &format!("/{bucket}"), "list-type=2");
        assert_eq!(list, "404 NoSuchBucket", "{bucket}");
        let get = raw(world, client, "GET", &format!("/{bucket}/key"), "");
        assert_eq!(get, "404 NoSuchBucket", "{bucket}");
        let put = raw(world, client, "PUT", &format!("/{bucket}/key"), "");
        assert_eq!(put, "404 NoSuchBucket", "{bucket}");
    }
}

fn a_missing_object_is_a_missing_object(world: &World) {
    let client = &world.acme.client;
    assert_eq!(
        verdict(client, "get_object", RESULTS, "refusals/none"),
        "404 NoSuchKey"
    );
    assert_eq!(
        verdict(client, "head_object", RESULTS, "refusals/none"),
        "404 404"
    );
    assert_eq!(
        verdict(client, "delete_object", RESULTS, "refusals/none"),
        "ok"
    );
}

fn a_clock_that_is_wrong_is_told_so(world: &World) {
    for hours in [-1, 1] {
        let then = SystemClock.now().plus_seconds(hours * 3_600);
        let path = format!("/{RESULTS}/any");
        let mut request = Request::new("GET", &world.host(), &path);
        Signer::at(&world.acme.client, then.unix()).sign_with_hash(&mut request);
        assert_eq!(
            send(&request).verdict(),
            "403 RequestTimeTooSkewed",
            "{hours} hours"
        );
    }
}

fn a_header_that_was_not_signed_is_refused(world: &World) {
    let path = format!("/{RESULTS}/refusals/unsigned-header");
    for name in [
        "x-amz-acl",
        "x-amz-copy-source",
        "x-amz-meta-a",
        "x-amz-tagging",
    ] {
        let mut request = Request::new("PUT", &world.host(), &path);
        Signer::now(&world.acme.client).sign_with_hash(&mut request);
        request.set(name, "results/refusals/source");
        assert_eq!(send(&request).verdict(), "403 AccessDenied", "{name}");
    }
}

fn an_operation_that_the_gateway_does_not_serve_is_refused_by_name(world: &World) {
    let client = &world.acme.client;
    for sub_resource in [
        "policy",
        "acl",
        "versioning",
        "lifecycle",
        "no-such-thing-at-all",
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let found = raw(world, client, method, &format!("/{RESULTS}"), sub_resource);
            let refused = [
                "501 NotImplemented",
                "405 MethodNotAllowed",
                "400 InvalidRequest",
            ];
            assert!(
                refused.contains(&found.as_str()),
                "{method} ?{sub_resource}: {found}"
            );
        }
    }
    let create = raw(world, client, "PUT", "/brand-new-bucket", "");
    assert_ne!(create, "200");
    assert_ne!(
        raw(world, client, "DELETE", &format!("/{RESULTS}"), ""),
        "204"
    );
}

fn every_error_carries_a_request_id(world: &World) {
    let mut request = Request::new("GET", &world.host(), &format!("/{RESULTS}/refusals/none"));
    Signer::now(&world.acme.client).sign_with_hash(&mut request);
    for request in [request, Request::new("GET", &world.host(), "/")] {
        let answer = send(&request);
        assert_eq!(answer.header("content-type"), Some("application/xml"));
        let text = answer.text();
        let told = element(&text, "RequestId").expect("the error names its request");
        assert_eq!(Some(told), answer.header("x-amz-request-id"));
    }
}
