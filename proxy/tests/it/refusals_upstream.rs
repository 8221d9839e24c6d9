//! What the tenant's storage has to say against a request: passed on where it is the client's own
//! doing, translated where it is not.

use crate::support::client::End;
use crate::support::documents::{self, response};
use crate::support::message::element;
use crate::support::request::Request;
use crate::support::stub::{Step, Stub};
use crate::support::world::World;

const KEY: &str = "/results/canary";

fn get() -> Request {
    Request::new("GET", KEY)
}

fn put() -> Request {
    Request::new("PUT", KEY).body("hello")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_storage_says_is_said_in_the_gateways_words() {
    let world = World::start().await;
    for (status, code, verdict) in [
        ("404 Not Found", "NoSuchKey", "404 NoSuchKey"),
        ("404 Not Found", "NoSuchVersion", "404 NoSuchVersion"),
        ("404 Not Found", "NoSuchUpload", "404 NoSuchUpload"),
        (
            "412 Precondition Failed",
            "PreconditionFailed",
            "412 PreconditionFailed",
        ),
        (
            "416 Range Not Satisfiable",
            "InvalidRange",
            "416 InvalidRange",
        ),
        (
            "403 Forbidden",
            "InvalidObjectState",
            "403 InvalidObjectState",
        ),
        ("400 Bad Request", "InvalidArgument", "400 InvalidArgument"),
        ("409 Conflict", "OperationAborted", "409 OperationAborted"),
        ("404 Not Found", "NoSuchBucket", "502 TenantStorageRefused"),
        ("403 Forbidden", "AccessDenied", "502 TenantStorageRefused"),
        (
            "403 Forbidden",
            "KMS.DisabledException",
            "502 TenantStorageRefused",
        ),
        ("418 I'm a teapot", "Teapot", "502 TenantStorageRefused"),
        (
            "403 Forbidden",
            "RequestTimeTooSkewed",
            "503 TenantStorageUnavailable",
        ),
        (
            "403 Forbidden",
            "SignatureDoesNotMatch",
            "503 TenantStorageUnavailable",
        ),
        (
            "403 Forbidden",
            "InvalidAccessKeyId",
            "503 TenantStorageUnavailable",
        ),
        (
            "400 Bad Request",
            "ExpiredToken",
            "503 TenantStorageUnavailable",
        ),
        (
            "500 Internal Server Error",
            "InternalError",
            "503 TenantStorageUnavailable",
        ),
        (
            "503 Service Unavailable",
            "ServiceUnavailable",
            "503 TenantStorageUnavailable",
        ),
        ("503 Service Unavailable", "SlowDown", "503 SlowDown"),
        ("429 Too Many Requests", "TooManyRequests", "503 SlowDown"),
        (
            "507 Insufficient Storage",
            "InsufficientStorage",
            "403 QuotaExceeded",
        ),
    ] {
        world
            .stub
            .script(documents::always(documents::error(status, code)));
        for request in [get(), put(), Request::new("GET", "/results?list-type=2")] {
            let why = format!("{code} to {} {}", request.method, request.path);
            let reads = request.method == "GET" && request.query.is_empty();
            let answer = world.acme(request).await;
            if reads && code == "NoSuchBucket" {
                // Of a GET's 404 the status is sent before the document has come.
                assert_eq!(answer.verdict(), "404 TenantStorageRefused", "{why}");
                continue;
            }
            assert_eq!(answer.verdict(), verdict, "{why}");
            assert_eq!(answer.end, End::Complete, "{why}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/xml"),
                "{why}"
            );
            let text = answer.text();
            assert_eq!(
                element(&text, "RequestId"),
                answer.header("x-amz-request-id")
            );
            let waits = answer.header("retry-after").is_some();
            assert_eq!(waits, answer.status == 503, "{why}");
        }
        let head = world.acme(Request::new("HEAD", KEY)).await;
        assert!(
            head.status >= 400 && head.body.is_empty(),
            "{code}: {head:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_s3s_shows_nothing_of_itself() {
    let world = World::start().await;
    let page = "<html><body>hidden <b>proxy</b> at 10.0.0.1</body></html>";
    for (status, verdict) in [
        ("400 Bad Request", "502 TenantStorageRefused"),
        ("401 Unauthorized", "503 TenantStorageUnavailable"),
        ("403 Forbidden", "502 TenantStorageRefused"),
        ("405 Method Not Allowed", "502 TenantStorageRefused"),
        (
            "407 Proxy Authentication Required",
            "502 TenantStorageRefused",
        ),
        ("500 Internal Server Error", "503 TenantStorageUnavailable"),
        ("502 Bad Gateway", "503 TenantStorageUnavailable"),
        ("504 Gateway Timeout", "503 TenantStorageUnavailable"),
    ] {
        for body in [page, "", "{\"hidden\":1}", "<Error><Code>", "\0\0hidden"] {
            let headers = "Content-Type: text/html\r\nX-Hidden: hidden\r\n";
            world
                .stub
                .script(documents::always(response(status, headers, body)));
            let answer = world.acme(get()).await;
            assert_eq!(answer.verdict(), verdict, "{status} {body:?}");
            let answer = world.acme(put()).await;
            assert_eq!(answer.verdict(), verdict, "{status} {body:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_error_document_is_read_so_far_and_no_further() {
    let world = World::start().await;
    let filler = "<Padding>hidden</Padding>".repeat(100_000);
    let document = format!("<Error><Code>AccessDenied</Code>{filler}</Error>");
    world
        .stub
        .script(documents::always(response("403 Forbidden", "", document)));
    let answer = world.acme(get()).await;
    assert_eq!(answer.verdict(), "502 TenantStorageRefused");
    assert!(answer.body.len() < 16 * 1_024);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_document_that_breaks_off_is_an_error_all_the_same() {
    let world = World::start().await;
    for ending in [Step::Close, Step::Reset] {
        for status in [
            "403 Forbidden",
            "404 Not Found",
            "500 Internal Server Error",
        ] {
            let whole = documents::error(status, "AccessDenied");
            let sent = whole[..whole.len() - 100].to_vec();
            let then = ending.clone();
            world
                .stub
                .script(move |_| vec![Step::ReadBody, Step::Send(sent.clone()), then.clone()]);
            for request in [get(), put()] {
                let answer = world.acme(request).await;
                assert!(answer.status >= 400, "{status} {ending:?}: {answer:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_slow_down_is_passed_on_and_not_amplified() {
    let world = World::start().await;
    let slow = documents::error("503 Service Unavailable", "SlowDown");
    world.stub.script(documents::always(slow));
    for round in 0..50 {
        let request = if round % 2 == 0 { get() } else { put() };
        let answer = world.acme(request).await;
        assert_eq!(answer.verdict(), "503 SlowDown");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(world.stub.count(), 50, "one request each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_does_not_work_is_asked_once() {
    let world = World::start().await;
    for status in ["500 Internal Server Error", "503 Service Unavailable"] {
        let error = documents::error(status, "InternalError");
        world.stub.script(documents::always(error));
        for request in [get(), put(), Request::new("DELETE", KEY)] {
            world.stub.forget();
            assert_eq!(world.acme(request).await.status, 503);
            assert_eq!(world.stub.count(), 1, "{status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_never_followed() {
    let world = World::start().await;
    let elsewhere = Stub::start(None).await;
    for status in [301, 302, 303, 307, 308] {
        for code in ["PermanentRedirect", "TemporaryRedirect"] {
            let document = format!(
                "<Error><Code>{code}</Code><Endpoint>hidden.{0}</Endpoint></Error>",
                elsewhere.address
            );
            let headers = format!("Location: http://{}/hidden\r\n", elsewhere.address);
            let redirect = response(&format!("{status} Moved"), &headers, document);
            world.stub.script(documents::always(redirect));
            for request in [
                get(),
                put(),
                Request::new("HEAD", KEY),
                Request::new("DELETE", KEY),
            ] {
                let method = request.method.clone();
                world.stub.forget();
                let answer = world.acme(request).await;
                assert_eq!(answer.status, 503, "{status} {code} {method}: {answer:?}");
                assert_eq!(answer.header("location"), None);
                assert_eq!(world.stub.count(), 1, "{status} {code} {method}");
            }
        }
    }
    elsewhere.assert_untouched("after all redirects");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_key_does_not_cost_the_connection() {
    let world = World::start().await;
    let missing = documents::error("404 Not Found", "NoSuchKey");
    world.stub.script(move |request| {
        let head = request.method() == "HEAD";
        let body = if head {
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\n\r\n".to_vec()
        } else {
            missing.clone()
        };
        vec![Step::ReadBody, Step::Send(body)]
    });
    for round in 0..10 {
        let method = if round % 2 == 0 { "GET" } else { "HEAD" };
        let answer = world.acme(Request::new(method, KEY)).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        world.settled().await;
    }
    assert_eq!(world.stub.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interim_answers_of_the_storage_bring_nothing_with_them() {
    let world = World::start().await;
    world.stub.script(|request| {
        let hints =
            b"HTTP/1.1 103 Early Hints\r\nLink: </hidden>\r\nServer: hidden\r\n\r\n".to_vec();
        let mut steps = vec![Step::Send(hints.clone()), Step::Send(hints)];
        steps.extend(documents::answer(request));
        steps
    });
    for request in [get(), put()] {
        let answer = world.acme(request).await;
        assert!(answer.is_whole_success(), "{answer:?}");
        assert_eq!(answer.interim, [0_u16; 0]);
    }
    world.stub.script(|_| {
        let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: hidden\r\n\r\n";
        vec![Step::ReadBody, Step::Send(switch.into()), Step::Close]
    });
    let answer = world.acme(get()).await;
    assert_eq!(answer.verdict(), "502 TenantStorageRefused");
}
