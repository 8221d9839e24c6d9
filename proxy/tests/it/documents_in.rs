//! Documents that clients send: read whole, checked, and written anew for the storage.

use crate::support::checksum::crc32;
use crate::support::documents::{self, COMPLETED, xml};
use crate::support::message::element;
use crate::support::request::Request;
use crate::support::signer::sha256_hex;
use crate::support::stub::{Gate, Step};
use crate::support::upload::{Mode, chunked_head, unsigned_chunks};
use crate::support::world::{ACME_KEY, GLOBEX_KEY, World};

const COMPLETE: &str = "/results/canary?uploadId=u1";

fn parts(count: usize) -> String {
    let parts: String = (1..=count)
        .map(|number| {
            format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>\"9a0364b9e99bb480dd25e1f0284c8555\"\
                 </ETag><ChecksumCRC32>{}</ChecksumCRC32></Part>",
                crc32(&number.to_be_bytes())
            )
        })
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_of_an_upload_arrive_whatever_their_number() {
    let world = World::start().await;
    for count in [1, 2, 300, 500, 1_000, 10_000] {
        for (id, checksums) in [(ACME_KEY, count), (GLOBEX_KEY, 0)] {
            world.stub.forget();
            let request = Request::new("POST", COMPLETE).body(parts(count));
            let answer = world.ask(&world.signer(id).sign(request)).await;
            assert_eq!(answer.status, 200, "{count} parts: {answer:?}");
            let received = world.stub.only();
            let body = String::from_utf8(received.body.clone()).unwrap();
            assert_eq!(received.length(), body.len(), "{count} parts");
            assert_eq!(body.matches("<PartNumber>").count(), count);
            assert_eq!(
                body.matches("9a0364b9e99bb480dd25e1f0284c8555").count(),
                count
            );
            // A store that was sent no checksums with the parts must not be sent them now.
            assert_eq!(body.matches("<ChecksumCRC32>").count(), checksums, "{id}");
            let hash = sha256_hex(&received.body);
            assert_eq!(received.header("x-amz-content-sha256"), Some(hash.as_str()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_of_an_upload_may_come_in_chunks() {
    let world = World::start().await;
    for count in [1, 2_000] {
        world.stub.forget();
        let document = parts(count);
        let mode = Mode::UnsignedChunksTrailer;
        let mut request = chunked_head(&world.signer(ACME_KEY), "/x", mode, document.len());
        (request.method, request.path) = ("POST".into(), "/results/canary".into());
        request.query = "uploadId=u1".to_string();
        let payload = request.get("x-amz-content-sha256").unwrap().to_string();
        for name in ["authorization", "x-amz-date"] {
            request.remove(name);
        }
        let request = world.signer(ACME_KEY).sign_payload(request, &payload);
        let pieces: Vec<&[u8]> = document.as_bytes().chunks(8_192).collect();
        let crc = crc32(document.as_bytes());
        let wire = unsigned_chunks(&pieces, &[("x-amz-checksum-crc32", &crc)]);
        let answer = world.ask(&request.body(wire)).await;
        assert_eq!(answer.status, 200, "{count} parts: {answer:?}");
        let received = world.stub.only();
        assert_eq!(received.header("content-encoding"), None);
        assert_eq!(received.header("x-amz-trailer"), None);
        let body = String::from_utf8(received.body.clone()).unwrap();
        assert_eq!(body.matches("<PartNumber>").count(), count);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_of_an_upload_are_sent_again_with_fresh_credentials() {
    let world = World::start().await;
    assert_eq!(
        world
            .acme(Request::new("GET", "/results/canary"))
            .await
            .status,
        200
    );
    world.clock.advance(600);
    world.stub.forget();
    world
        .stub
        .script(|request| match request.text().contains("token-1") {
            true => documents::always(documents::error("400 Bad Request", "ExpiredToken"))(request),
            false => documents::answer(request),
        });
    for count in [1, 2_000] {
        world.stub.forget();
        let answer = world
            .acme(Request::new("POST", COMPLETE).body(parts(count)))
            .await;
        assert_eq!(answer.status, 200, "{count} parts: {answer:?}");
        let last = world.stub.received().pop().unwrap();
        assert_eq!(last.text().matches("<PartNumber>").count(), count);
    }
    assert_eq!(world.sts.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_does_not_hold_reaches_no_storage() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let entity = "<!DOCTYPE a [<!ENTITY b \"c\">]>";
    for (target, name, good) in [
        (
            "/results?delete",
            "Delete",
            "<Object><Key>canary</Key></Object>",
        ),
        (
            COMPLETE,
            "CompleteMultipartUpload",
            "<Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>",
        ),
    ] {
        let document = |inner: &str| format!("<{name}>{inner}</{name}>");
        let mut request = signer.sign(Request::new("POST", target).body(document(good)));
        let last = request.body.len() - 1;
        request.body[last] = b' ';
        let answer = world.ask(&request).await;
        assert_eq!(
            answer.verdict(),
            "400 XAmzContentSHA256Mismatch",
            "{target}"
        );
        for bad in [
            String::new(),
            document(""),
            format!("<{name}>"),
            format!("{entity}{}", document(good)),
            format!("<?pi?>{}", document(good)),
            document(&good.repeat(10_001)),
            document(&format!("{good}<Other/>")),
            format!("{}{}", document(good), document(good)),
            "<Other/>".to_string(),
            "not xml".to_string(),
            document(&"<a>".repeat(10_000)),
        ] {
            let start: String = bad.chars().take(60).collect();
            let answer = world
                .ask(&signer.sign(Request::new("POST", target).body(bad)))
                .await;
            assert_eq!(answer.verdict(), "400 MalformedXML", "{target} {start:?}");
        }
    }
    let falling = "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>e</ETag></Part>\
                   <Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>";
    let answer = world
        .acme(Request::new("POST", COMPLETE).body(falling))
        .await;
    assert_eq!(answer.verdict(), "400 InvalidPartOrder");
    world.stub.assert_untouched("after all documents");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_too_large_is_refused_before_it_is_read() {
    let world = World::start().await;
    for (target, length) in [("/results?delete", 2_097_153), (COMPLETE, 4_194_305)] {
        let request = Request::new("POST", target).header("content-length", &length.to_string());
        let request = world
            .signer(ACME_KEY)
            .sign_payload(request, "UNSIGNED-PAYLOAD");
        let mut client = world.connect().await;
        client.send(&request.head()).await;
        let answer = client.answer("POST").await;
        assert_eq!(answer.verdict(), "400 MaxMessageLengthExceeded", "{target}");
        let mut endless = request.clone();
        endless.remove("content-length");
        endless.set("transfer-encoding", "chunked");
        let mut client = world.connect().await;
        client.send(&endless.head()).await;
        let answer = client.answer("POST").await;
        assert_eq!(answer.verdict(), "411 MissingContentLength", "{target}");
    }
    world.stub.assert_untouched("after all documents");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_of_a_batch_delete_is_decided_by_itself() {
    use types::{AccessKey, AccessKeyId, AccessKeyStatus, Action, ActionSet, BucketScope, Grant};
    use types::{SecretString, TenantId};
    let world = World::start().await;
    let limited = AccessKey {
        id: AccessKeyId::parse("BYOSACMELIMITED00001").unwrap(),
        tenant: TenantId::parse("acme").unwrap(),
        secret: SecretString::new("canary-secret-of-BYOSACMELIMITED00001".into()),
        secret_version: 1,
        grants: vec![Grant {
            buckets: BucketScope::All,
            prefix: "canary".to_string(),
            actions: ActionSet::Only([Action::DeleteObject].into()),
        }],
        not_after: None,
        status: AccessKeyStatus::Active,
    };
    world.tenants.put_key(limited).await.unwrap();
    let document = "<Delete><Object><Key>canary</Key></Object><Object><Key>other</Key></Object>\
                    </Delete>";
    let request = Request::new("POST", "/results?delete").body(document);
    let answer = world
        .ask(&world.signer("BYOSACMELIMITED00001").sign(request))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = answer.text();
    assert_eq!(
        element(&text, "Deleted").map(str::to_string),
        Some("<Key>canary</Key>".into())
    );
    assert!(
        element(&text, "Error")
            .unwrap()
            .contains("<Key>other</Key>"),
        "{text}"
    );
    let sent = world.stub.only().text();
    assert!(
        sent.contains("hidden-prefix/acme/canary") && !sent.contains("other"),
        "{sent}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn white_space_comes_while_the_storage_still_works() {
    let world = World::start().await;
    for outcome in [
        COMPLETED,
        "<Error><Code>InternalError</Code><Message>hidden</Message></Error>",
    ] {
        let gate = Gate::closed();
        let waiting = gate.clone();
        world.stub.script(move |_| {
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            let space = b"1\r\n \r\n".to_vec();
            let rest = format!("{:x}\r\n{outcome}\r\n0\r\n\r\n", outcome.len());
            vec![
                Step::ReadBody,
                Step::Send(head),
                Step::Send(space.repeat(3)),
                Step::Wait(waiting.clone()),
                Step::Send(rest.into_bytes()),
            ]
        });
        let request = world
            .signer(ACME_KEY)
            .sign(Request::new("POST", COMPLETE).body(parts(1)));
        let mut client = world.connect().await;
        client.send(&request.bytes()).await;
        client.wait_for(b"\r\n\r\n").await;
        client.wait_for(b" ").await;
        gate.open();
        let answer = client.answer("POST").await;
        assert_eq!(
            (answer.status, answer.end),
            (200, crate::support::client::End::Complete)
        );
        let failed = outcome != COMPLETED;
        assert_eq!(
            answer.code() == "TenantStorageUnavailable",
            failed,
            "{answer:?}"
        );
        assert_eq!(answer.text().contains("<ETag>"), !failed, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_inside_a_200_is_an_error_in_the_clients_words() {
    let world = World::start().await;
    for (code, shown) in [
        ("InternalError", "TenantStorageUnavailable"),
        ("SlowDown", "SlowDown"),
        ("AccessDenied", "TenantStorageRefused"),
        ("NoSuchKey", "NoSuchKey"),
        ("EntityTooSmall", "EntityTooSmall"),
    ] {
        let document = format!("<Error><Code>{code}</Code><Message>hidden</Message></Error>");
        world.stub.script(documents::always(xml(&document)));
        let copy = Request::new("PUT", "/results/canary").header("x-amz-copy-source", "/data/a");
        let part = Request::new("PUT", "/results/canary?partNumber=1&uploadId=u1");
        let part = part.header("x-amz-copy-source", "/data/a");
        for request in [copy, part, Request::new("POST", COMPLETE).body(parts(1))] {
            let answer = world.acme(request).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.code(), shown, "{answer:?}");
            let text = answer.text();
            assert_eq!(
                element(&text, "RequestId"),
                answer.header("x-amz-request-id")
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_breaks_off_is_not_a_success() {
    let world = World::start().await;
    for cut in [0, 10, COMPLETED.len() - 1] {
        let whole = xml(COMPLETED);
        let sent = whole[..whole.len() - COMPLETED.len() + cut].to_vec();
        world
            .stub
            .script(move |_| vec![Step::ReadBody, Step::Send(sent.clone()), Step::Close]);
        let request = world
            .signer(ACME_KEY)
            .sign(Request::new("POST", COMPLETE).body(parts(1)));
        let mut client = world.connect().await;
        client.send(&request.bytes()).await;
        if let Some(answer) = client.any_answer("POST").await {
            let reported = answer.text().contains("<Error>");
            assert!(!answer.is_whole_success() || reported, "{cut}: {answer:?}");
        }
    }
}
