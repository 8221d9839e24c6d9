//! Operations that the clients' own batteries do not reach.

use crate::upstreams::on_each_upstream;
use tests::client::Login;
use tests::files::content;
use tests::request::{Request, Response, element, elements, encode_key, send, send_to};
use tests::signer::Signer;
use tests::world::{DATA, DOMAIN, RESULTS, World};

on_each_upstream! {
    the_buckets_of_a_tenant_show_under_its_own_names,
    ranges_and_conditions_are_answered_as_s3_answers_them,
    an_upload_in_parts_can_be_looked_at_and_given_up,
    an_upload_of_one_tenant_is_nothing_to_another,
    a_part_can_be_copied_from_an_object,
    virtual_hosted_addressing_reaches_the_same_object,
    headers_that_belong_to_the_object_come_back,
    five_hundred_keys_are_deleted_in_one_request,
}

/// The least that a part which is not the last may have.
const PART: usize = 5 << 20;

fn signed(login: &Login, mut request: Request) -> Request {
    Signer::now(login).sign_with_hash(&mut request);
    request
}

fn ask(world: &World, method: &str, path: &str, query: &str) -> Response {
    let request = Request::new(method, &world.host(), path).query(query);
    send(&signed(&world.acme.client, request))
}

fn put(world: &World, key: &str, body: Vec<u8>) -> String {
    let path = format!("/{RESULTS}/operations/{}", encode_key(key));
    let request = Request::new("PUT", &world.host(), &path).body(body);
    let answer = send(&signed(&world.acme.client, request));
    assert_eq!(answer.status, 200, "{key}: {}", answer.text());
    answer.header("etag").unwrap().to_owned()
}

fn the_buckets_of_a_tenant_show_under_its_own_names(world: &World) {
    let all = ask(world, "GET", "/", "");
    let mut names = elements(&all.text(), "Name").join(" ");
    assert_eq!(names, format!("{DATA} {RESULTS}"));
    for bucket in [DATA, RESULTS] {
        assert_eq!(
            ask(world, "HEAD", &format!("/{bucket}"), "").status,
            200,
            "{bucket}"
        );
        let place = ask(world, "GET", &format!("/{bucket}"), "location=");
        assert_eq!(place.status, 200, "{}", place.text());
    }
    assert_eq!(ask(world, "HEAD", "/someone-elses", "").status, 404);
    let listed = ask(
        world,
        "GET",
        &format!("/{RESULTS}"),
        "list-type=2&max-keys=1",
    );
    names = element(&listed.text(), "Name").unwrap().to_owned();
    assert_eq!(names, RESULTS);
}

fn ranges_and_conditions_are_answered_as_s3_answers_them(world: &World) {
    let tag = put(world, "range", b"0123456789".to_vec());
    let get = |name: &str, value: &str| {
        let path = format!("/{RESULTS}/operations/range");
        let request = Request::new("GET", &world.host(), &path).header(name, value);
        send(&signed(&world.acme.client, request))
    };
    let some = get("range", "bytes=2-4");
    assert_eq!((some.status, some.text().as_str()), (206, "234"));
    assert_eq!(some.header("content-range"), Some("bytes 2-4/10"));
    let last = get("range", "bytes=-3");
    assert_eq!((last.status, last.text().as_str()), (206, "789"));
    assert_eq!(get("range", "bytes=10-").verdict(), "416 InvalidRange");
    assert_eq!(get("if-none-match", &tag).status, 304);
    assert_eq!(get("if-match", &tag).text(), "0123456789");
    assert_eq!(
        get("if-match", "\"other\"").verdict(),
        "412 PreconditionFailed"
    );
    let past = "Sat, 01 Jan 2022 00:00:00 GMT";
    assert_eq!(
        get("if-unmodified-since", past).verdict(),
        "412 PreconditionFailed"
    );
}

/// Starts an upload and puts one part; the upload's id.
fn begin(world: &World, key: &str) -> String {
    let path = format!("/{RESULTS}/operations/{key}");
    let begun = ask(world, "POST", &path, "uploads=");
    let text = begun.text();
    assert_eq!(element(&text, "Bucket"), Some(RESULTS), "{text}");
    assert_eq!(
        element(&text, "Key"),
        Some(&path[RESULTS.len() + 2..]),
        "{text}"
    );
    let id = element(&text, "UploadId").unwrap().to_owned();
    let part = Request::new("PUT", &world.host(), &path)
        .query(&format!("partNumber=1&uploadId={id}"))
        .body(content(PART));
    assert_eq!(send(&signed(&world.acme.client, part)).status, 200);
    id
}

fn an_upload_in_parts_can_be_looked_at_and_given_up(world: &World) {
    let id = begin(world, "given-up");
    let path = format!("/{RESULTS}/operations/given-up");
    let parts = ask(world, "GET", &path, &format!("uploadId={id}")).text();
    assert_eq!(
        element(&parts, "Size"),
        Some(PART.to_string().as_str()),
        "{parts}"
    );
    assert_eq!(
        element(&parts, "Key"),
        Some("operations/given-up"),
        "{parts}"
    );
    let uploads = "prefix=operations%2Fgiven&uploads=";
    let open = ask(world, "GET", &format!("/{RESULTS}"), uploads).text();
    assert_eq!(elements(&open, "Key"), ["operations/given-up"], "{open}");
    assert_eq!(elements(&open, "UploadId"), [id.as_str()], "{open}");

    assert_eq!(
        ask(world, "DELETE", &path, &format!("uploadId={id}")).status,
        204
    );
    let open = ask(world, "GET", &format!("/{RESULTS}"), uploads).text();
    assert_eq!(elements(&open, "Key"), [""; 0], "{open}");
    assert_eq!(
        ask(world, "GET", &path, &format!("uploadId={id}")).status,
        404
    );
}

fn an_upload_of_one_tenant_is_nothing_to_another(world: &World) {
    let id = begin(world, "mine");
    let path = format!("/{RESULTS}/operations/mine");
    let as_other = |method: &str, query: &str| {
        let request = Request::new(method, &world.host(), &path).query(query);
        send(&signed(&world.globex.client, request)).status
    };
    assert_eq!(as_other("GET", &format!("uploadId={id}")), 404);
    assert_eq!(as_other("PUT", &format!("partNumber=2&uploadId={id}")), 404);
    assert_eq!(as_other("DELETE", &format!("uploadId={id}")), 404);
    let parts = ask(world, "GET", &path, &format!("uploadId={id}"));
    assert_eq!(
        parts.status,
        200,
        "the upload is still there: {}",
        parts.text()
    );
    ask(world, "DELETE", &path, &format!("uploadId={id}"));
}

fn a_part_can_be_copied_from_an_object(world: &World) {
    put(world, "copy source+é", content(PART));
    let path = format!("/{RESULTS}/operations/from-parts");
    let begun = ask(world, "POST", &path, "uploads=").text();
    let id = element(&begun, "UploadId").unwrap();
    let source = format!("/{RESULTS}/operations/copy%20source%2B%C3%A9");
    let copy = Request::new("PUT", &world.host(), &path)
        .query(&format!("partNumber=1&uploadId={id}"))
        .header("x-amz-copy-source", &source);
    let copied = send(&signed(&world.acme.client, copy)).text();
    let tag = element(&copied, "ETag").expect(&copied);
    let complete = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part>\
         </CompleteMultipartUpload>"
    );
    let complete = Request::new("POST", &world.host(), &path)
        .query(&format!("uploadId={id}"))
        .body(complete);
    let done = send(&signed(&world.acme.client, complete));
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(
        element(&done.text(), "Bucket"),
        Some(RESULTS),
        "{}",
        done.text()
    );
    assert!(ask(world, "GET", &path, "").body == content(PART));
}

fn virtual_hosted_addressing_reaches_the_same_object(world: &World) {
    put(world, "by-host", b"by path".to_vec());
    let host = format!("{RESULTS}.{DOMAIN}");
    let get = Request::new("GET", &host, "/operations/by-host");
    let found = send_to(&world.host(), &signed(&world.acme.client, get));
    assert_eq!(found.text(), "by path");
    let foreign = Request::new("GET", &format!("elsewhere.{DOMAIN}"), "/operations/by-host");
    let foreign = send_to(&world.host(), &signed(&world.acme.client, foreign));
    assert_eq!(foreign.verdict(), "404 NoSuchBucket");
}

fn headers_that_belong_to_the_object_come_back(world: &World) {
    let path = format!("/{RESULTS}/operations/headers");
    let kept = [
        ("content-type", "application/x-proof; charset=utf-8"),
        ("content-disposition", "attachment; filename=\"a b.txt\""),
        ("content-language", "de"),
        ("content-encoding", "gzip"),
        ("cache-control", "no-store"),
        ("x-amz-meta-origin", "tests"),
    ];
    let mut request = Request::new("PUT", &world.host(), &path).body("not really gzip");
    for (name, value) in kept {
        request.set(name, value);
    }
    assert_eq!(send(&signed(&world.acme.client, request)).status, 200);
    for method in ["GET", "HEAD"] {
        let back = ask(world, method, &path, "");
        for (name, value) in kept {
            assert_eq!(back.header(name), Some(value), "{method}");
        }
    }
    let renamed = "response-content-disposition=inline&response-content-type=text%2Fplain";
    let back = ask(world, "GET", &path, renamed);
    assert_eq!(back.header("content-type"), Some("text/plain"));
    assert_eq!(back.header("content-disposition"), Some("inline"));
}

fn five_hundred_keys_are_deleted_in_one_request(world: &World) {
    use std::fmt::Write;
    let mut wanted = String::from("<Delete>");
    for number in 0..500 {
        let key = format!("operations/gone/{number:03} &amp; more");
        write!(wanted, "<Object><Key>{key}</Key></Object>").unwrap();
    }
    put(world, "gone/007 & more", b"x".to_vec());
    wanted += "</Delete>";
    let mut request = Request::new("POST", &world.host(), &format!("/{RESULTS}"))
        .query("delete=")
        .body(wanted);
    request.set(
        "x-amz-checksum-sha256",
        &tests::signer::sha256_base64(&request.body),
    );
    let answer = send(&signed(&world.acme.client, request)).text();
    assert_eq!(elements(&answer, "Deleted").len(), 500, "{answer}");
    let left = ask(
        world,
        "GET",
        &format!("/{RESULTS}"),
        "list-type=2&prefix=operations%2Fgone%2F",
    );
    assert_eq!(element(&left.text(), "KeyCount"), Some("0"));
}
