//! URLs that work for whoever holds them, for as long as they say.

use crate::upstreams::on_each_upstream;
use tests::client::{Login, curl, plain, succeed};
use tests::files;
use tests::place;
use tests::request::{Request, send};
use tests::signer::Signer;
use tests::world::{DATA, RESULTS, World};
use types::{Clock, SystemClock};

on_each_upstream! {
    curl_puts_and_gets_with_presigned_urls,
    a_presigned_url_works_for_its_whole_life_and_not_after,
    a_presigned_url_allows_nothing_else,
    a_presigned_put_takes_no_header_that_was_not_signed,
    a_url_signed_the_old_way_is_refused_by_name,
    the_gateways_own_command_presigns_what_curl_can_use,
    a_presigned_url_shows_in_no_log_line,
}

fn url(login: &Login, method: &str, bucket: &str, key: &str) -> String {
    login.python("boto3_client.py", &["presign", method, bucket, key, "300"])
}

/// A URL from the tests' own signer, as if it had been made `age` seconds ago.
fn aged(world: &World, method: &str, key: &str, age: i64, lifetime: u64) -> Request {
    let path = format!("/{RESULTS}/{key}");
    let mut request = Request::new(method, &world.host(), &path);
    let made = SystemClock.now().plus_seconds(-age).unix();
    Signer::at(&world.acme.client, made).presign(&mut request, lifetime);
    request
}

fn curl_puts_and_gets_with_presigned_urls(world: &World) {
    let client = &world.acme.client;
    let file = files::folder().join("8193");
    let key = "presigned/with space+plus é.bin";
    let put = url(client, "put_object", RESULTS, key);
    let file = file.to_str().unwrap();
    succeed(&mut curl(&[
        "--fail-with-body",
        "--upload-file",
        file,
        &put,
    ]));
    let back = tempfile::NamedTempFile::new().unwrap();
    let get = url(client, "get_object", RESULTS, key);
    let output = [
        "--fail-with-body",
        "--output",
        back.path().to_str().unwrap(),
        &get,
    ];
    succeed(&mut curl(&output));
    assert!(std::fs::read(file).unwrap() == std::fs::read(back.path()).unwrap());
    let head = url(client, "head_object", RESULTS, key);
    let head = succeed(&mut curl(&["--fail-with-body", "--head", &head]));
    assert!(
        head.to_ascii_lowercase().contains("content-length: 8193"),
        "{head}"
    );
    let delete = url(client, "delete_object", RESULTS, key);
    succeed(&mut curl(&[
        "--fail-with-body",
        "--request",
        "DELETE",
        &delete,
    ]));
    let gone = succeed(&mut curl(&[&get]));
    assert!(gone.contains("<Code>NoSuchKey</Code>"), "{gone}");
}

fn a_presigned_url_works_for_its_whole_life_and_not_after(world: &World) {
    let put = send(&aged(world, "PUT", "presigned/life", 0, 60).body("still here"));
    assert_eq!(put.status, 200, "{}", put.text());
    let week = 7 * 24 * 3_600;
    // Older than the quarter of an hour that a signature in a header would be good for.
    for (age, lifetime) in [(16 * 60, 3_600), (week - 60, week as u64)] {
        let found = send(&aged(world, "GET", "presigned/life", age, lifetime));
        assert_eq!(found.text(), "still here", "{age} s of {lifetime} s");
    }
    for (age, lifetime) in [(61, 60), (3_700, 3_600), (week + 1, week as u64)] {
        let late = send(&aged(world, "GET", "presigned/life", age, lifetime));
        assert_eq!(
            late.verdict(),
            "403 AccessDenied",
            "{age} s of {lifetime} s"
        );
    }
    for lifetime in [0, week as u64 + 1] {
        let absurd = send(&aged(world, "GET", "presigned/life", 0, lifetime));
        assert_eq!(
            absurd.verdict(),
            "400 AuthorizationQueryParametersError",
            "{lifetime}"
        );
    }
}

fn a_presigned_url_allows_nothing_else(world: &World) {
    let get = url(&world.acme.client, "get_object", RESULTS, "presigned/only");
    let (path, query) = get.split_once('?').unwrap();
    let mismatch = |arguments: &[&str]| {
        let answer = succeed(&mut curl(arguments));
        assert!(
            answer.contains("<Code>SignatureDoesNotMatch</Code>"),
            "{answer}"
        );
    };
    mismatch(&["--request", "DELETE", &get]);
    mismatch(&["--request", "PUT", "--data", "x", &get]);
    mismatch(&[&format!("{path}x?{query}")]);
    mismatch(&[&format!("{}?{query}", path.replace(RESULTS, DATA))]);
    mismatch(&[&get.replace("X-Amz-Expires=300", "X-Amz-Expires=301")]);
    mismatch(&[&format!("{get}&response-content-type=text%2Fhtml")]);
}

fn a_presigned_put_takes_no_header_that_was_not_signed(world: &World) {
    let put = aged(world, "PUT", "presigned/plain", 0, 60).body("x");
    for name in [
        "x-amz-copy-source",
        "x-amz-acl",
        "x-amz-meta-a",
        "x-amz-storage-class",
    ] {
        let answer = send(&put.clone().header(name, "results/other"));
        assert_eq!(answer.verdict(), "403 AccessDenied", "{name}");
    }
    assert_eq!(send(&put).status, 200);
}

fn a_url_signed_the_old_way_is_refused_by_name(world: &World) {
    let client = &world.acme.client;
    let arguments = [
        "presign",
        "get_object",
        RESULTS,
        "presigned/old",
        "300",
        "sigv2",
    ];
    let old = client.python("boto3_client.py", &arguments);
    assert!(
        old.contains("AWSAccessKeyId="),
        "boto3 signs differently by now: {old}"
    );
    let answer = succeed(&mut curl(&[&old]));
    assert!(
        answer.contains("<Code>") && answer.contains("AWS4-HMAC-SHA256"),
        "{answer}"
    );
}

fn the_gateways_own_command_presigns_what_curl_can_use(world: &World) {
    let client = &world.acme.client;
    let url = |method: &str| {
        let mut command = plain(place::proxy());
        command
            .env("AWS_ACCESS_KEY_ID", &client.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &client.secret_access_key)
            .args([
                "presign",
                "--endpoint",
                &client.endpoint,
                "--method",
                method,
            ])
            .arg(format!("s3://{RESULTS}/presigned/own command é.txt"));
        succeed(&mut command).trim().to_owned()
    };
    let upload = [
        "--fail-with-body",
        "--request",
        "PUT",
        "--data-binary",
        "made by us",
    ];
    succeed(&mut curl(&[&upload[..], &[&url("put")]].concat()));
    assert_eq!(
        succeed(&mut curl(&["--fail-with-body", &url("get")])),
        "made by us"
    );
}

fn a_presigned_url_shows_in_no_log_line(world: &World) {
    let request = aged(world, "GET", "presigned/quiet-key-91b2", 0, 60);
    let signature = request.query.split("X-Amz-Signature=").nth(1).unwrap();
    send(&request);
    let log = world.gateway.log();
    assert!(!log.contains(signature), "the signature is logged");
    assert!(!log.contains("quiet-key-91b2"), "the key is logged");
    assert!(
        !log.contains(&world.acme.client.secret_access_key),
        "the secret is logged"
    );
}
