//! A listing through the gateway is the listing of a bucket that the tenant has to itself.

use crate::dom::{Element, dom};
use crate::model::answer;
use http::{HeaderMap, Method};
use proptest::prelude::*;
use s3::{
    ContinuationTokens, ListError, ListRewriter, OpaqueTokens, Operation, address, classify,
    encode_query_value,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use types::{KeyPrefix, ObjectKey};

fn operation(path: &str, query: &str) -> Operation {
    let address = address("localhost", path, &[]).unwrap();
    classify(&Method::GET, &address, Some(query), &HeaderMap::new()).unwrap()
}

fn base() -> KeyPrefix {
    KeyPrefix::parse("orgs/a&b +%41/").unwrap()
}

/// Pushes `document` in pieces of the given lengths, over and over.
fn rewrite(
    operation: &Operation,
    prefix: &KeyPrefix,
    document: &[u8],
    pieces: &[usize],
) -> Result<Vec<u8>, ListError> {
    let mut rewriter = ListRewriter::new(operation, prefix, Arc::new(OpaqueTokens)).unwrap();
    let (mut out, mut rest) = (Vec::new(), document);
    for length in pieces.iter().cycle() {
        let (now, later) = rest.split_at((*length).min(rest.len()));
        out.extend(rewriter.push(now)?);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    out.extend(rewriter.finish()?);
    Ok(out)
}

/// The tree without what a gateway leaves out on purpose.
fn without_owners(mut element: Element) -> Element {
    element
        .children
        .retain(|child| !matches!(child.name.as_str(), "Owner" | "Internal"));
    element.children = element.children.into_iter().map(without_owners).collect();
    element
}

fn through_the_gateway(shared: &BTreeSet<String>, query: &str, pieces: &[usize]) -> Element {
    let found = operation("/data", query);
    let upstream = found.upstream_query(&base(), &OpaqueTokens).unwrap();
    let document = answer(shared, "real-bucket", &upstream);
    let out = rewrite(&found, &base(), document.as_bytes(), pieces).unwrap();
    assert!(!out.windows(11).any(|part| part == b"real-bucket"));
    dom(&out)
}

fn with_token_of_the_client(mut element: Element) -> Element {
    // The model's tokens hold the name, behind the prefix in one bucket and alone in the other.
    for child in &mut element.children {
        if child.name.ends_with("ContinuationToken") {
            child.text = child.text.replace(base().as_str(), "");
        }
    }
    element
}

/// Where the next page begins, as a client works it out: token, next marker or last key.
fn next_page(page: &Element, url: bool) -> Option<String> {
    if page.text_of("IsTruncated") != Some("true") {
        return None;
    }
    if let Some(token) = page.text_of("NextContinuationToken") {
        return token.strip_prefix("token:").map(str::to_owned);
    }
    let last = page.children.iter().rfind(|child| child.name == "Contents");
    let name = page
        .text_of("NextMarker")
        .or_else(|| last?.text_of("Key"))?;
    if !url {
        return Some(name.to_owned());
    }
    let spaced = name.replace('+', " ");
    Some(
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .unwrap()
            .into_owned(),
    )
}

/// The query for the page after `last`; the model's tokens hold the name behind `prefix`.
fn page_query(query: &str, v2: bool, last: Option<&str>, prefix: &str) -> String {
    let Some(last) = last else {
        return query.to_owned();
    };
    if v2 {
        let token = encode_query_value(&format!("token:{prefix}{last}"));
        return format!("{query}&continuation-token={token}");
    }
    let others: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.starts_with("marker="))
        .collect();
    format!("{}&marker={}", others.join("&"), encode_query_value(last))
}

fn keys() -> impl Strategy<Value = BTreeSet<String>> {
    proptest::collection::btree_set("[ab/&<%+ \u{1}\u{e4}]{1,6}", 0..25)
}

/// Everything of the tenant behind its prefix, the folder object of the prefix itself, and the
/// keys of neighbours whose names are as close as can be.
fn shared_bucket(own: &BTreeSet<String>) -> BTreeSet<String> {
    let prefix = base();
    let mut shared: BTreeSet<String> = own.iter().map(|key| format!("{prefix}{key}")).collect();
    shared.insert(prefix.as_str().to_owned());
    for near in [
        "orgs/a&b +%41",
        "orgs/a&b +%410/x",
        "orgs/a&b +A/x",
        "orgs/",
        "a",
        "zz",
    ] {
        shared.insert(near.to_owned());
    }
    shared
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_page_equals_the_page_of_a_dedicated_bucket(
        own in keys(),
        prefix in proptest::option::of("[ab/&]{0,2}"),
        delimiter in proptest::option::of("[/&a]"),
        marker in proptest::option::of("[ab/]{0,2}"),
        max_keys in 1_usize..6,
        url in any::<bool>(),
        v2 in any::<bool>(),
        pieces in proptest::collection::vec(1_usize..200, 1..5),
    ) {
        let mut query = format!("max-keys={max_keys}");
        let mut add = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", encode_query_value(value)));
            }
        };
        add("prefix", &prefix);
        add("delimiter", &delimiter);
        add(if v2 { "start-after" } else { "marker" }, &marker);
        add("encoding-type", &url.then(|| "url".to_owned()));
        add("list-type", &v2.then(|| "2".to_owned()));
        let shared = shared_bucket(&own);

        let mut token: Option<String> = None;
        for _ in 0..30 {
            let mine = page_query(&query, v2, token.as_deref(), base().as_str());
            let theirs = page_query(&query, v2, token.as_deref(), "");
            let expected = without_owners(dom(answer(&own, "data", &theirs).as_bytes()));
            let found = with_token_of_the_client(through_the_gateway(&shared, &mine, &pieces));
            prop_assert_eq!(&found, &expected, "{}", mine);
            match next_page(&expected, url) {
                None => break,
                next => token = next,
            }
        }
    }

    #[test]
    fn any_split_of_the_answer_gives_the_same_bytes(
        own in keys(),
        pieces in proptest::collection::vec(1_usize..40, 1..6),
        url in any::<bool>(),
    ) {
        let query = if url { "list-type=2&delimiter=/&encoding-type=url" } else { "list-type=2" };
        let found = operation("/data", query);
        let upstream = found.upstream_query(&base(), &OpaqueTokens).unwrap();
        let document = answer(&shared_bucket(&own), "real-bucket", &upstream);
        let whole = rewrite(&found, &base(), document.as_bytes(), &[document.len()]).unwrap();
        prop_assert_eq!(&rewrite(&found, &base(), document.as_bytes(), &pieces).unwrap(), &whole);
        prop_assert_eq!(rewrite(&found, &base(), document.as_bytes(), &[1]).unwrap(), whole);
    }

    #[test]
    fn the_prefix_map_is_a_bijection(
        a in "[a-c/%+& ]{1,10}",
        b in "[a-c/%+& ]{1,10}",
    ) {
        // What is put comes back from the listing under its own name and no other.
        let (Ok(a), Ok(b)) = (ObjectKey::parse(a), ObjectKey::parse(b)) else { return Ok(()) };
        let shared: BTreeSet<String> =
            [&a, &b].iter().map(|key| String::from(base().join(key).unwrap())).collect();
        let page = through_the_gateway(&shared, "list-type=2", &[64]);
        let listed: BTreeSet<&str> =
            page.all("Contents").filter_map(|entry| entry.text_of("Key")).collect();
        prop_assert_eq!(listed, BTreeSet::from([a.as_str(), b.as_str()]));
    }

    #[test]
    fn noise_never_panics_and_never_shows_the_prefix(noise in "[<>/&;#a-e\\PC]{0,200}", split in 1_usize..50) {
        let document = format!("<ListBucketResult><Contents><Key>{noise}");
        if let Ok(out) = rewrite(&operation("/data", ""), &base(), document.as_bytes(), &[split]) {
            prop_assert!(!String::from_utf8(out).unwrap().contains("orgs/"));
        }
    }
}

fn rewrite_text(query: &str, document: &str) -> Result<String, ListError> {
    let prefix = KeyPrefix::parse("orgs/acme/").unwrap();
    let out = rewrite(
        &operation("/data", query),
        &prefix,
        document.as_bytes(),
        &[7],
    )?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_name_outside_the_prefix_cuts_the_answer_before_it_shows() {
    for element in [
        "<Contents><Key>orgs/other/secret</Key></Contents>",
        "<Contents><Key>orgs/acme</Key></Contents>",
        "<Contents><Key></Key></Contents>",
        "<CommonPrefixes><Prefix>orgs/other/</Prefix></CommonPrefixes>",
        "<NextMarker>orgs/other/secret</NextMarker>",
        "<Contents><Key>ORGS/acme/x</Key></Contents>",
        "<Contents><Key>orgs%2Facme%2Fx</Key></Contents>",
    ] {
        let document = format!("<ListBucketResult>{element}</ListBucketResult>");
        assert_eq!(
            rewrite_text("", &document),
            Err(ListError::OutsidePrefix),
            "{element}"
        );
    }
}

#[test]
fn an_entry_without_a_name_is_an_error() {
    let document = "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>";
    assert!(matches!(
        rewrite_text("", document),
        Err(ListError::Document(_))
    ));
}

#[test]
fn the_folder_object_of_the_prefix_is_never_shown() {
    let document = "<ListBucketResult><Contents><Size>0</Size><Key>orgs/acme/</Key></Contents>\
        <Contents><Key>orgs/acme/x</Key></Contents></ListBucketResult>";
    let out = rewrite_text("", document).unwrap();
    assert!(out.contains("<Contents><Key>x</Key></Contents>"), "{out}");
    assert_eq!(out.matches("<Contents>").count(), 1, "{out}");
}

#[test]
fn stores_that_encode_slashes_or_nothing_at_all_are_understood() {
    for key in [
        "orgs%2Facme%2Fa%20b",
        "orgs/acme/a%20b",
        "orgs%2facme/a%20b",
    ] {
        let document =
            format!("<ListBucketResult><Contents><Key>{key}</Key></Contents></ListBucketResult>");
        let out = rewrite_text("encoding-type=url", &document).unwrap();
        assert!(out.contains("<Key>a%20b</Key>"), "{key}: {out}");
    }
}

#[test]
fn an_echo_that_is_not_ours_is_left_out() {
    let document =
        "<ListBucketResult><Prefix>elsewhere</Prefix><Marker>x</Marker></ListBucketResult>";
    let out = rewrite_text("", document).unwrap();
    assert!(
        !out.contains("elsewhere") && !out.contains("Marker"),
        "{out}"
    );
}

#[test]
fn an_upload_listing_speaks_the_clients_names() {
    let document = "<ListMultipartUploadsResult><Bucket>real</Bucket>\
        <KeyMarker>orgs/acme/k</KeyMarker><UploadIdMarker>u0</UploadIdMarker>\
        <NextKeyMarker>orgs/acme/m</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>\
        <MaxUploads>1</MaxUploads><IsTruncated>true</IsTruncated><Prefix>orgs/acme/</Prefix>\
        <Upload><Key>orgs/acme/m</Key><UploadId>u1</UploadId>\
        <Initiator><ID>arn:aws:iam::111122223333:role/r</ID></Initiator>\
        <Owner><ID>cafe</ID></Owner><StorageClass>STANDARD</StorageClass></Upload>\
        <CommonPrefixes><Prefix>orgs/acme/d/</Prefix></CommonPrefixes>\
        </ListMultipartUploadsResult>";
    let out = rewrite_text("uploads&key-marker=k", document).unwrap();
    assert_eq!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListMultipartUploadsResult \
         xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>data</Bucket>\
         <KeyMarker>k</KeyMarker><UploadIdMarker>u0</UploadIdMarker>\
         <NextKeyMarker>m</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>\
         <MaxUploads>1</MaxUploads><IsTruncated>true</IsTruncated><Prefix></Prefix>\
         <Upload><Key>m</Key><UploadId>u1</UploadId><StorageClass>STANDARD</StorageClass></Upload>\
         <CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes></ListMultipartUploadsResult>"
    );
}

#[test]
fn a_parts_listing_speaks_the_clients_names() {
    let document = "<ListPartsResult><Bucket>real</Bucket><Key>orgs/acme/a</Key>\
        <UploadId>u</UploadId><Owner><ID>cafe</ID></Owner><MaxParts>1</MaxParts>\
        <Part><PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag><Size>5</Size>\
        <ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></ListPartsResult>";
    let prefix = KeyPrefix::parse("orgs/acme/").unwrap();
    let found = operation("/data/a", "uploadId=u");
    let out = rewrite(&found, &prefix, document.as_bytes(), &[3]).unwrap();
    let page = dom(&out);
    assert_eq!(page.text_of("Bucket"), Some("data"));
    assert_eq!(page.text_of("Key"), Some("a"));
    assert_eq!(page.all("Owner").count(), 0);
    let part = page.all("Part").next().unwrap();
    assert_eq!(part.text_of("ETag"), Some("\"e\""));
    assert_eq!(part.text_of("ChecksumCRC32"), Some("AAAAAA=="));
}

#[test]
fn continuation_tokens_are_sealed_on_the_way_out_and_opened_on_the_way_in() {
    #[derive(Debug)]
    struct Reversed;
    impl ContinuationTokens for Reversed {
        fn seal(&self, upstream: &str) -> String {
            upstream.chars().rev().collect()
        }
        fn open(&self, client: &str) -> Option<String> {
            (client != "foreign").then(|| client.chars().rev().collect())
        }
    }
    let found = operation("/data", "list-type=2&continuation-token=cba");
    let query = found.upstream_query(&KeyPrefix::root(), &Reversed).unwrap();
    assert_eq!(query, "continuation-token=abc&list-type=2");
    let document = "<ListBucketResult><ContinuationToken>abc</ContinuationToken>\
        <NextContinuationToken>def</NextContinuationToken></ListBucketResult>";
    let mut rewriter = ListRewriter::new(&found, &KeyPrefix::root(), Arc::new(Reversed)).unwrap();
    let page = dom(&rewriter.push(document.as_bytes()).unwrap());
    assert_eq!(page.text_of("ContinuationToken"), Some("cba"));
    assert_eq!(page.text_of("NextContinuationToken"), Some("fed"));

    let foreign = operation("/data", "list-type=2&continuation-token=foreign");
    assert!(
        foreign
            .upstream_query(&KeyPrefix::root(), &Reversed)
            .is_err()
    );
}

#[test]
fn a_hostile_or_broken_listing_is_an_error_and_never_grows_memory() {
    let deep = format!("<ListBucketResult>{}", "<Owner>".repeat(20));
    let long_tag = format!("<ListBucketResult><{}>", "x".repeat(20_000));
    let endless = |element: &str| {
        let many = element.repeat(3_000);
        format!(
            "<ListBucketResult><Contents><Key>orgs/acme/x</Key>{many}</Contents></ListBucketResult>"
        )
    };
    let (fields, groups) = (endless("<Size>1</Size>"), endless("<RestoreStatus/>"));
    let long_text = format!("<ListBucketResult><Prefix>{}", "x".repeat(9_000));
    for document in [
        "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>",
        "<ListBucketResult><Prefix>&a;</Prefix></ListBucketResult>",
        "<ListBucketResult><?php x?></ListBucketResult>",
        "<ListBucketResult><Name>a</Prefix></ListBucketResult>",
        "<ListBucketResult><Name>a",
        "<ListBucketResult></ListBucketResult><x/>",
        "<ListBucketResult></ListBucketResult>tail",
        "<Error><Code>AccessDenied</Code></Error>",
        "<html><body>hello</body></html>",
        "not xml at all",
        "",
        deep.as_str(),
        long_tag.as_str(),
        long_text.as_str(),
        fields.as_str(),
        groups.as_str(),
    ] {
        assert!(
            rewrite_text("", document).is_err(),
            "{}",
            &document[..document.len().min(80)]
        );
    }
    let prefix = KeyPrefix::root();
    let broken = rewrite(
        &operation("/data", ""),
        &prefix,
        b"<ListBucketResult>\xff",
        &[100],
    );
    assert!(broken.is_err());
}

#[test]
fn a_byte_order_mark_inside_a_key_survives_a_split_before_it() {
    let document =
        "<ListBucketResult><Contents><Key>a\u{feff}\u{feff}b</Key></Contents></ListBucketResult>";
    let found = operation("/data", "");
    for at in 1..document.len() {
        let out = rewrite(&found, &KeyPrefix::root(), document.as_bytes(), &[at]).unwrap();
        let page = dom(&out);
        let key = page
            .all("Contents")
            .next()
            .unwrap()
            .text_of("Key")
            .unwrap()
            .to_owned();
        assert_eq!(key, "a\u{feff}\u{feff}b", "split at {at}");
    }
}
