//! Listings stream into the client's names, and what does not fit is visibly not the whole.

use crate::support::client::{Answer, End};
use crate::support::documents::{LISTING, always, response, xml};
use crate::support::request::Request;
use crate::support::signer::encoded;
use crate::support::stub::Step;
use crate::support::world::World;

async fn list(world: &World) -> Option<Answer> {
    let signer = world.signer(crate::support::world::ACME_KEY);
    let request = signer.sign(Request::new("GET", "/results?list-type=2"));
    let mut client = world.connect().await;
    client.send(&request.bytes()).await;
    client.any_answer("GET").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_shows_the_clients_names() {
    let world = World::start().await;
    let answer = list(&world).await.unwrap();
    let text = answer.text();
    assert!(answer.is_whole_success(), "{text}");
    assert!(text.contains("<Name>results</Name>"), "{text}");
    assert!(text.contains("<Key>a.txt</Key>"), "{text}");
    assert!(
        text.contains("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_breaks_off_is_never_a_whole_one() {
    let world = World::start().await;
    let whole = xml(LISTING);
    let head = whole.len() - LISTING.len();
    for sixteenth in 0..16 {
        for ending in [Step::Close, Step::Reset] {
            let sent = whole[..head + sixteenth * LISTING.len() / 16].to_vec();
            let then = ending.clone();
            world
                .stub
                .script(move |_| vec![Step::Send(sent.clone()), then.clone()]);
            if let Some(answer) = list(&world).await {
                assert!(
                    !answer.is_whole_success(),
                    "{sixteenth}/16 {ending:?}: {answer:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_whose_document_is_not_whole_is_cut() {
    let world = World::start().await;
    for keep in [0, 1, 38, 200, LISTING.len() - 1] {
        world.stub.script(always(xml(&LISTING[..keep])));
        if let Some(answer) = list(&world).await {
            assert!(!answer.is_whole_success(), "{keep} bytes: {answer:?}");
        }
    }
    for status in ["204 No Content", "200 OK", "304 Not Modified"] {
        world.stub.script(always(response(status, "", "")));
        let answer = list(&world).await.unwrap();
        assert_eq!(answer.verdict(), "502 TenantStorageRefused", "{status}");
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    world.stub.script(always(chunked.into()));
    if let Some(answer) = list(&world).await {
        assert!(!answer.is_whole_success(), "no chunk: {answer:?}");
    }
    for document in [
        "not xml",
        "<Other></Other>",
        "<ListBucketResult><a></ListBucketResult>",
    ] {
        world.stub.script(always(xml(document)));
        if let Some(answer) = list(&world).await {
            assert!(!answer.is_whole_success(), "{document}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_outside_the_tenants_prefix_cuts_the_listing() {
    let world = World::start().await;
    for (own, foreign) in [
        ("hidden-prefix/acme/a.txt", "hidden-prefix/globex/a.txt"),
        ("hidden-prefix/acme/a.txt", "a.txt"),
        ("hidden-prefix/acme/a.txt", "hidden-prefix/acme"),
        ("hidden-prefix/acme/a.txt", "Hidden-prefix/acme/a.txt"),
        ("<Prefix>hidden-prefix/acme/b/", "<Prefix>hidden-prefix/"),
        (
            "<Prefix>hidden-prefix/acme/b/",
            "<Prefix>hidden-prefix/globex/",
        ),
    ] {
        world
            .stub
            .script(always(xml(&LISTING.replace(own, foreign))));
        if let Some(answer) = list(&world).await {
            assert!(!answer.is_whole_success(), "{foreign}: {answer:?}");
            let told = answer.end == End::Cut || answer.verdict() == "502 TenantStorageRefused";
            assert!(
                told && !answer.text().contains("globex"),
                "{foreign}: {answer:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_thousand_names_streams_in_any_piece() {
    let world = World::start().await;
    let entries: String = (0..1_000)
        .map(|number| {
            format!(
                "<Contents><Key>hidden-prefix/acme/canary-{number:04}&amp;ü</Key><Size>1</Size>\
                 </Contents>"
            )
        })
        .collect();
    let document = format!(
        "<ListBucketResult><Name>hidden-acme-results</Name><Prefix>hidden-prefix/acme/</Prefix>\
         <IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    );
    for piece in [977, 20_000, 1_000_000] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            document.len()
        );
        let pieces: Vec<Step> = [head.into_bytes()]
            .into_iter()
            .chain(document.as_bytes().chunks(piece).map(<[u8]>::to_vec))
            .map(Step::Send)
            .collect();
        world.stub.script(move |_| pieces.clone());
        let answer = list(&world).await.unwrap();
        let text = answer.text();
        assert!(answer.is_whole_success(), "in pieces of {piece}");
        assert_eq!(
            text.matches("<Key>canary-").count(),
            1_000,
            "in pieces of {piece}"
        );
        assert!(
            text.contains("<Key>canary-0999&amp;ü</Key>"),
            "in pieces of {piece}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_is_asked_for_below_the_tenants_prefix_alone() {
    let world = World::start().await;
    for (query, asked) in [
        ("list-type=2", "prefix=hidden-prefix%2Facme%2F"),
        ("list-type=2&prefix=a", "prefix=hidden-prefix%2Facme%2Fa"),
        (
            "list-type=2&prefix=..%2F..%2Fglobex",
            "prefix=hidden-prefix%2Facme%2F..%2F..%2Fglobex",
        ),
        ("prefix=&marker=a", "marker=hidden-prefix%2Facme%2Fa"),
        (
            "list-type=2&start-after=zzz",
            "start-after=hidden-prefix%2Facme%2Fzzz",
        ),
        (
            "uploads&key-marker=a",
            "key-marker=hidden-prefix%2Facme%2Fa",
        ),
    ] {
        world.stub.forget();
        let _ = world
            .acme(Request::new("GET", &format!("/results?{query}")))
            .await;
        let target = world.stub.only().target().to_string();
        assert!(target.contains(asked), "{query}: {target}");
        let prefixes = target
            .split(['?', '&'])
            .filter_map(|it| it.strip_prefix("prefix="));
        for prefix in prefixes {
            assert!(
                prefix.starts_with("hidden-prefix%2Facme%2F"),
                "{query}: {target}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_continuation_token_is_sealed_for_its_tenant() {
    let world = World::start().await;
    let truncated = LISTING.replace(
        "<IsTruncated>false</IsTruncated>",
        "<IsTruncated>true</IsTruncated><NextContinuationToken>hidden-prefix/acme/a.txt\
         </NextContinuationToken>",
    );
    world.stub.script(always(xml(&truncated)));
    let first = list(&world).await.unwrap().text();
    let token = crate::support::message::element(&first, "NextContinuationToken").unwrap();
    world.stub.forget();
    let next = format!("/results?list-type=2&continuation-token={}", encoded(token));
    let answer = world.acme(Request::new("GET", &next)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let target = world.stub.only().target().to_string();
    let opened = "continuation-token=hidden-prefix%2Facme%2Fa.txt";
    assert!(target.contains(opened), "{target}");
    world.stub.forget();
    let foreign = world.globex(Request::new("GET", &next)).await;
    assert_eq!(foreign.verdict(), "400 InvalidArgument");
    for made_up in ["a", "hidden-prefix%2Fglobex%2F", &encoded(&token[1..])] {
        let target = format!("/results?list-type=2&continuation-token={made_up}");
        let answer = world.acme(Request::new("GET", &target)).await;
        assert_eq!(answer.verdict(), "400 InvalidArgument", "{made_up}");
    }
    assert_eq!(world.stub.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_listing_is_not_taken_for_one() {
    let world = World::start().await;
    let gzip = response(
        "200 OK",
        "Content-Encoding: gzip\r\n",
        b"\x1f\x8b\x08\x00hidden",
    );
    world.stub.script(always(gzip));
    if let Some(answer) = list(&world).await {
        assert!(!answer.is_whole_success(), "{answer:?}");
    }
    assert_eq!(world.stub.only().header("accept-encoding"), None);
}
