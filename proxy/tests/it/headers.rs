//! What of a client's head reaches the storage, and what of the storage's the client.

use crate::support::documents::{OBJECT, response};
use crate::support::operations;
use crate::support::request::{HOST, Request};
use crate::support::stub::Step;
use crate::support::world::{ACME_KEY, World};

const KEY: &str = "/results/canary";

/// What a client may send and nobody else shall see.
const CLIENTS_OWN: &[(&str, &str)] = &[
    ("user-agent", "canary-agent"),
    ("cookie", "canary-cookie"),
    ("referer", "http://canary-referer/"),
    ("origin", "http://canary-origin"),
    ("x-forwarded-for", "canary-forwarded"),
    ("x-forwarded-host", "canary-forwarded"),
    ("x-forwarded-proto", "canary-forwarded"),
    ("forwarded", "for=canary"),
    ("x-real-ip", "canary-ip"),
    ("via", "1.1 canary"),
    ("from", "canary@example.com"),
    ("accept", "canary/accept"),
    ("accept-encoding", "gzip;canary"),
    ("accept-language", "canary"),
    ("te", "trailers"),
    ("keep-alive", "timeout=5"),
    ("proxy-authorization", "Basic canary"),
    ("proxy-connection", "keep-alive"),
    ("x-request-id", "canary-request"),
    ("traceparent", "00-canary"),
    ("x-amzn-trace-id", "Root=canary"),
    ("amz-sdk-invocation-id", "canary-invocation"),
    ("amz-sdk-request", "attempt=1; canary"),
    ("x-canary", "canary"),
    ("authorization-x", "canary"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_header_of_a_client_travels_that_is_not_on_the_list() {
    let world = World::start().await;
    for (name, mut request) in operations::all() {
        if operations::is_answered_here(name) {
            continue;
        }
        // The object's own name would be found, too.
        request.path = request.path.replace("canary", "object");
        request.query = request.query.replace("canary", "object");
        for (header, value) in CLIENTS_OWN {
            request = request.header(header, value);
        }
        if name == "DeleteObjects" {
            request = request.body("<Delete><Object><Key>object</Key></Object></Delete>");
        }
        if request.get("x-amz-copy-source").is_some() {
            request.set("x-amz-copy-source", "/data/object");
        }
        let by_header = request.clone().header("x-amz-user-agent", "canary-sdk");
        for signed in [
            world.signer(ACME_KEY).sign(by_header),
            world.signer(ACME_KEY).presign(request.clone()),
        ] {
            world.stub.forget();
            world.ask(&signed).await;
            let received = world.stub.only();
            let session = "canary-session-token-1";
            let text = received.text().to_lowercase().replace(session, "");
            for word in [
                "canary",
                HOST,
                &ACME_KEY.to_lowercase(),
                "x-amz-signature",
                "x-amz-credential=",
                "x-amz-expires",
                "x-forwarded",
                "proxy-",
                "keep-alive",
                "trailers",
                "x-id",
            ] {
                assert!(!text.contains(word), "{name}: {word} in {text}");
            }
            assert_eq!(
                received.header("host"),
                Some(world.stub.address.to_string().as_str())
            );
            let owner = received.header("x-amz-expected-bucket-owner");
            let own_client = name == "DeleteObjects" || owner == Some("123456789012");
            assert!(own_client, "{name}: owner {owner:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_object_is_stored_with_travels_as_it_is() {
    let world = World::start().await;
    let sent = [
        ("content-type", "text/plain; charset=\"utf-8\""),
        ("content-disposition", "attachment; filename=\"a b.txt\""),
        ("content-language", "de, en"),
        ("cache-control", "max-age=60"),
        ("expires", "Tue, 01 Jun 2027 00:00:00 GMT"),
        ("x-amz-meta-plain", "value"),
        ("x-amz-meta-encoded", "=?UTF-8?Q?=C3=BC?="),
        ("x-amz-meta-spaces", "a  b"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-server-side-encryption", "AES256"),
    ];
    let mut put = Request::new("PUT", KEY).body("hello");
    for (name, value) in sent {
        put = put.header(name, value);
    }
    assert_eq!(world.acme(put).await.status, 200);
    let received = world.stub.only();
    for (name, value) in sent {
        assert_eq!(received.header(name), Some(value));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_and_ranges_travel_as_they_are() {
    let world = World::start().await;
    let sent = [
        ("range", "bytes=1-2"),
        ("if-match", "\"a\", W/\"b\""),
        ("if-none-match", "*"),
        ("if-modified-since", "Tue, 01 Jun 2027 00:00:00 GMT"),
        ("if-unmodified-since", "Tue, 01 Jun 2027 00:00:00 GMT"),
        ("if-range", "\"a\""),
        ("x-amz-checksum-mode", "ENABLED"),
    ];
    for method in ["GET", "HEAD"] {
        let mut read = Request::new(method, KEY);
        for (name, value) in sent {
            read = read.header(name, value);
        }
        world.stub.forget();
        assert_eq!(world.acme(read).await.status, 200);
        let received = world.stub.only();
        for (name, value) in sent {
            assert_eq!(received.header(name), Some(value), "{method}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_arrives_under_the_prefix_whatever_is_in_it() {
    let world = World::start().await;
    for (sent, arrives) in [
        ("a%20b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a%2Bb", "a%2Bb"),
        ("a%2fb", "a/b"),
        ("%C3%BC", "%C3%BC"),
        ("//a", "//a"),
        ("a//b", "a//b"),
        ("a/", "a/"),
        ("a%25b", "a%25b"),
        ("a%252Fb", "a%252Fb"),
        ("~*'()!", "~%2A%27%28%29%21"),
        ("a%3Fb", "a%3Fb"),
        ("a%23b", "a%23b"),
        ("a&b=c", "a%26b%3Dc"),
        ("...", "..."),
        ("%F0%9F%98%80", "%F0%9F%98%80"),
        ("a\\b", "a%5Cb"),
    ] {
        world.stub.forget();
        let get = Request::new("GET", &format!("/results/canary-{sent}"));
        let answer = world.acme(get).await;
        assert_eq!(answer.status, 200, "{sent}: {answer:?}");
        let expected = format!("/hidden-acme-results/hidden-prefix/acme/canary-{arrives}");
        assert_eq!(world.stub.only().target(), expected, "{sent}");
    }
    world.stub.forget();
    for refused in [
        "..", ".", "../x", "a/../b", "%2e%2e/x", "a/%2E", "%00", "a%0ab", "%7f",
    ] {
        let get = Request::new("GET", &format!("/results/{refused}"));
        let answer = world.acme(get).await;
        assert_eq!(answer.status, 400, "{refused}: {answer:?}");
    }
    assert_eq!(world.stub.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_of_naming_a_bucket_lead_to_the_same_place() {
    let world = World::start().await;
    let virtual_hosted = |target: &str| {
        let mut request = Request::new("GET", target);
        request.set("host", "results.s3.gateway.test");
        request
    };
    for request in [
        Request::new("GET", "/results/canary"),
        virtual_hosted("/canary"),
    ] {
        world.stub.forget();
        assert_eq!(world.acme(request).await.status, 200);
        let target = world.stub.only().target().to_string();
        assert_eq!(target, "/hidden-acme-results/hidden-prefix/acme/canary");
    }
    let mut foreign = Request::new("GET", "/canary");
    foreign.set("host", "other.s3.gateway.test");
    assert_eq!(world.acme(foreign).await.verdict(), "404 NoSuchBucket");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_shows_what_is_on_the_list_and_nothing_else() {
    let world = World::start().await;
    let passed = [
        ("ETag", "\"5d41402a-2\""),
        ("Content-Type", "text/x; charset=utf-8"),
        ("Content-Encoding", "gzip"),
        ("Content-Range", "bytes 0-28/29"),
        ("Last-Modified", "Tue, 01 Jun 2027 00:00:00 GMT"),
        ("x-amz-meta-Mixed", "Value"),
        ("x-amz-meta-utf8", "=?UTF-8?B?w7w=?="),
        ("x-amz-version-id", "v1"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("Cache-Control", "no-cache"),
    ];
    let withheld = [
        "Set-Cookie: hidden=1",
        "Server: hidden",
        "x-amz-id-2: hidden",
        "x-amz-request-id: hidden",
        "x-amz-bucket-region: hidden",
        "x-amz-server-side-encryption-aws-kms-key-id: arn:hidden",
        "x-amz-expiration: rule-id=\"hidden\"",
        "x-amz-replication-status: hidden",
        "Location: http://hidden/",
        "Via: hidden",
        "Alt-Svc: hidden",
        "Strict-Transport-Security: hidden",
        "Access-Control-Allow-Origin: hidden",
        "X-Powered-By: hidden",
        "Keep-Alive: hidden",
        "Proxy-Authenticate: hidden",
        "Trailer: hidden",
        "Connection: keep-alive, x-hidden",
        "X-Hidden: hidden",
    ];
    let mut headers = withheld.join("\r\n") + "\r\n";
    for (name, value) in passed {
        headers.push_str(&format!("{name}: {value}\r\n"));
    }
    let whole = response("200 OK", &headers, OBJECT);
    world.stub.script(move |request| {
        let body = if request.method() == "HEAD" {
            OBJECT.len()
        } else {
            0
        };
        vec![
            Step::ReadBody,
            Step::Send(whole[..whole.len() - body].to_vec()),
        ]
    });
    for method in ["GET", "HEAD"] {
        let answer = world.acme(Request::new(method, KEY)).await;
        for (name, value) in passed {
            let shown = answer.header(&name.to_lowercase());
            assert_eq!(shown, Some(value), "{method} {name}");
        }
        assert_eq!(answer.header("content-length"), Some("29"), "{method}");
        let allowed = ["content-length", "x-amz-request-id", "date", "connection"];
        for (name, value) in &answer.headers {
            let listed = passed
                .iter()
                .any(|(known, _)| known.to_lowercase() == *name);
            assert!(
                listed || allowed.contains(&name.as_str()),
                "{method} {name}: {value}"
            );
        }
        let keep = answer.header("connection");
        assert_eq!(keep, Some("keep-alive"), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_a_body_have_none() {
    let world = World::start().await;
    for (method, status, head) in [
        (
            "GET",
            304,
            "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n",
        ),
        (
            "GET",
            304,
            "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nContent-Length: 29\r\n\r\n",
        ),
        (
            "HEAD",
            304,
            "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n",
        ),
        (
            "DELETE",
            204,
            "HTTP/1.1 204 No Content\r\nx-amz-version-id: v\r\n\r\n",
        ),
        ("HEAD", 200, "HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n"),
        (
            "HEAD",
            404,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\n\r\n",
        ),
        ("HEAD", 412, "HTTP/1.1 412 Precondition Failed\r\n\r\n"),
        (
            "HEAD",
            502,
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            "HEAD",
            503,
            "HTTP/1.1 503 Slow Down\r\nContent-Length: 100\r\n\r\n",
        ),
    ] {
        world
            .stub
            .script(move |_| vec![Step::ReadBody, Step::Send(head.into())]);
        let mut client = world.connect().await;
        let request = world.signer(ACME_KEY).sign(Request::new(method, KEY));
        let answer = client.ask(&request).await;
        assert_eq!(answer.status, status, "{method} {head}: {answer:?}");
        if answer.header("connection") == Some("keep-alive") {
            // A byte too many would be taken for the next answer.
            world.stub.behave();
            let next = client.ask(&request).await;
            assert!(
                (200..300).contains(&next.status),
                "{method} {head}: {next:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_to_a_head_has_no_body_whoever_refuses() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    for (request, status) in [
        (Request::new("HEAD", KEY), 403),
        (signer.sign(Request::new("HEAD", "/other/canary")), 404),
        (
            signer.sign(Request::new("HEAD", "/results/canary?acl")),
            501,
        ),
        (signer.sign(Request::new("HEAD", "/results/..")), 400),
    ] {
        let mut client = world.connect().await;
        let answer = client.ask(&request).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("content-length"), Some("0"));
        let next = client.ask(&signer.sign(Request::new("GET", KEY))).await;
        assert_eq!(next.status, 200, "a byte too many after {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_of_a_request_do_not_become_markup_or_headers_of_an_answer() {
    let world = World::start().await;
    for key in [
        "%3C%2FKey%3E%3Cscript%3E",
        "%22%27%26%3C%3E",
        "a%0d%0aSet-Cookie:%20b",
        "%EF%BF%BE",
    ] {
        let target = format!("/results/{key}?acl");
        let answer = world.acme(Request::new("GET", &target)).await;
        assert!(answer.status >= 400);
        assert_eq!(answer.header("set-cookie"), None);
        assert!(!answer.text().contains("<script>"), "{answer:?}");
    }
    let overrides = "/results/canary?response-content-type=a%0d%0aSet-Cookie:%20b";
    let answer = world.acme(Request::new("GET", overrides)).await;
    assert_eq!(answer.verdict(), "400 InvalidArgument");
    world.stub.assert_untouched("after all keys");
}
