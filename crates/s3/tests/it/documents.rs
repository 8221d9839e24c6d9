//! The small documents: what clients send, what the upstream answers, what the gateway writes.

use crate::dom::dom;
use http::{HeaderMap, HeaderValue, Method};
use s3::{
    BucketEntry, ChecksumPolicy, CompleteMultipartUpload, DocumentOutcome, DocumentRewriter,
    ErrorCode, ErrorContext, FailureKind, ListBuckets, Operation, address, classify,
    list_buckets_document, location_document,
};
use types::{BucketAlias, Region, RequestId, Timestamp};

fn operation(method: &str, query: &str, copy_source: Option<&'static str>) -> Operation {
    let address = address("localhost", "/data/a&b", &[]).unwrap();
    let mut headers = HeaderMap::new();
    if let Some(source) = copy_source {
        headers.insert("x-amz-copy-source", HeaderValue::from_static(source));
    }
    let method = Method::try_from(method).unwrap();
    classify(&method, &address, Some(query), &headers).unwrap()
}

fn complete() -> Operation {
    operation("POST", "uploadId=u", None)
}

/// The client's whole answer, its pieces, and how it went.
fn rewrite(operation: &Operation, pieces: &[&[u8]]) -> (Vec<String>, String, DocumentOutcome) {
    let mut rewriter = DocumentRewriter::new(operation, "https://gw/data/a%26b").unwrap();
    let mut shown: Vec<String> = Vec::new();
    for piece in pieces {
        shown.push(String::from_utf8(rewriter.push(piece).to_vec()).unwrap());
    }
    let context = ErrorContext {
        operation,
        resource: "/data/a&b",
        hidden: &["real", "orgs/acme/"],
    };
    let (rest, outcome) = rewriter.finish(&context, RequestId::from_bits(1), "gw");
    let whole = shown.concat() + std::str::from_utf8(&rest).unwrap();
    (shown, whole, outcome)
}

const COMPLETED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <CompleteMultipartUploadResult><Location>https://real.s3.amazonaws.com/orgs/acme/a</Location>\
    <Bucket>real</Bucket><Key>orgs/acme/a&amp;b</Key><ETag>&quot;e-2&quot;</ETag>\
    <ChecksumCRC32>AAAAAA==-2</ChecksumCRC32><Extra>real</Extra></CompleteMultipartUploadResult>";

#[test]
fn a_result_speaks_the_clients_names() {
    let (_, whole, outcome) = rewrite(&complete(), &[COMPLETED.as_bytes()]);
    assert_eq!(outcome, DocumentOutcome::Success);
    assert_eq!(
        whole,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CompleteMultipartUploadResult \
         xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Location>https://gw/data/a%26b</Location>\
         <Bucket>data</Bucket><Key>a&amp;b</Key><ETag>&quot;e-2&quot;</ETag>\
         <ChecksumCRC32>AAAAAA==-2</ChecksumCRC32></CompleteMultipartUploadResult>"
    );
}

#[test]
fn each_operation_expects_its_own_result() {
    for (found, root, child) in [
        (
            operation("POST", "uploads", None),
            "InitiateMultipartUploadResult",
            "<UploadId>u</UploadId>",
        ),
        (
            operation("PUT", "", Some("data/o")),
            "CopyObjectResult",
            "<ETag>e</ETag>",
        ),
        (
            operation("PUT", "partNumber=1&uploadId=u", Some("data/o")),
            "CopyPartResult",
            "<ETag>e</ETag>",
        ),
    ] {
        let document = format!("<{root}>{child}</{root}>");
        let (_, whole, outcome) = rewrite(&found, &[document.as_bytes()]);
        assert_eq!(outcome, DocumentOutcome::Success, "{root}");
        assert!(whole.contains(child), "{whole}");
        let (_, _, outcome) = rewrite(&found, &[COMPLETED.as_bytes()]);
        assert!(matches!(outcome, DocumentOutcome::Failed(_)), "{root}");
    }
    assert!(DocumentRewriter::new(&operation("GET", "", None), "").is_none());
}

#[test]
fn white_space_passes_at_once_while_the_upstream_works() {
    let pieces: [&[u8]; 5] = [
        b"<?xml version=\"1.0\"",
        b" encoding=\"UTF-8\"?>\n",
        b" ",
        b"  ",
        &COMPLETED.as_bytes()[39..],
    ];
    let (shown, whole, outcome) = rewrite(&complete(), &pieces);
    assert_eq!(shown[0], "");
    assert_eq!(shown[1], "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    assert_eq!(
        (shown[2].as_str(), shown[3].as_str(), shown[4].as_str()),
        (" ", "  ", "")
    );
    assert_eq!(outcome, DocumentOutcome::Success);
    assert_eq!(dom(whole.as_bytes()).text_of("Key"), Some("a&b"));
}

#[test]
fn any_split_of_a_result_gives_the_same_bytes() {
    let spaced = COMPLETED.replace("?>\n", "?>\n   \r\n ");
    let (_, whole, _) = rewrite(&complete(), &[spaced.as_bytes()]);
    for length in 1..spaced.len() {
        let pieces: Vec<&[u8]> = spaced.as_bytes().chunks(length).collect();
        assert_eq!(rewrite(&complete(), &pieces).1, whole, "pieces of {length}");
    }
}

#[test]
fn an_error_inside_a_200_is_found_and_translated() {
    for (code, kind, shown) in [
        (
            "InternalError",
            FailureKind::Unavailable,
            "TenantStorageUnavailable",
        ),
        (
            "AccessDenied",
            FailureKind::AccessDenied,
            "TenantStorageRefused",
        ),
        ("InvalidPart", FailureKind::Client, "InvalidPart"),
        ("SlowDown", FailureKind::Throttled, "SlowDown"),
    ] {
        let document = format!(
            "<?xml version=\"1.0\"?>\n   <Error><Code>{code}</Code><Message>real bucket</Message>\
             <BucketName>real</BucketName></Error>"
        );
        let (_, whole, outcome) = rewrite(&complete(), &[document.as_bytes()]);
        let DocumentOutcome::Failed(failure) = outcome else {
            panic!("{code}")
        };
        assert_eq!(failure.kind, kind, "{code}");
        assert!(!whole.contains("real"), "{whole}");
        let error = dom(whole.as_bytes());
        assert_eq!(error.name, "Error");
        assert_eq!(error.text_of("Code"), Some(shown));
        assert_eq!(error.text_of("Resource"), Some("/data/a&b"));
    }
}

#[test]
fn a_result_that_cannot_be_read_counts_as_failed() {
    let huge = format!(
        "<CompleteMultipartUploadResult>{}",
        "<x>y</x>".repeat(10_000)
    );
    for document in [
        "",
        "   ",
        "<Complete",
        "<html/>",
        "<CompleteMultipartUploadResult>",
        huge.as_str(),
    ] {
        let (_, whole, outcome) = rewrite(&complete(), &[document.as_bytes()]);
        let DocumentOutcome::Failed(failure) = outcome else {
            panic!("{document:.40}")
        };
        assert_eq!(failure.client.code(), ErrorCode::TenantStorageUnavailable);
        assert_eq!(dom(whole.trim_start().as_bytes()).name, "Error");
    }
}

fn parts(list: &str) -> String {
    format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>")
}

fn part(number: &str) -> String {
    format!("<Part><ETag>\"e\"</ETag><PartNumber>{number}</PartNumber></Part>")
}

#[test]
fn a_list_of_parts_is_written_anew_with_or_without_checksums() {
    let document = parts(
        "\n <Part>\n <ChecksumCRC32>AAAAAA==</ChecksumCRC32><ETag>\"e\"</ETag>\
         <PartNumber>1</PartNumber></Part><Part><PartNumber> 3 </PartNumber><ETag>f</ETag></Part>",
    );
    let parsed = CompleteMultipartUpload::parse(document.as_bytes()).unwrap();
    assert_eq!(
        parsed
            .parts
            .iter()
            .map(|part| part.number)
            .collect::<Vec<_>>(),
        [1, 3]
    );
    let forwarded = parsed.upstream_body(ChecksumPolicy::Forward);
    let forwarded = std::str::from_utf8(&forwarded).unwrap();
    assert!(
        forwarded.contains("<ChecksumCRC32>AAAAAA==</ChecksumCRC32><ETag>&quot;e&quot;</ETag>")
    );
    let withheld = parsed.upstream_body(ChecksumPolicy::Withhold);
    assert!(!std::str::from_utf8(&withheld).unwrap().contains("Checksum"));
    assert_eq!(
        CompleteMultipartUpload::parse(forwarded.as_bytes()).unwrap(),
        parsed
    );
}

#[test]
fn parts_must_rise_and_be_neither_none_nor_too_many() {
    let list = |count: usize| {
        (1..=count)
            .map(|n| part(&n.to_string()))
            .collect::<String>()
    };
    assert!(CompleteMultipartUpload::parse(parts(&list(10_000)).as_bytes()).is_ok());
    for (document, code) in [
        (parts(""), ErrorCode::MalformedXML),
        (
            parts(&(list(10_000) + &part("10001"))),
            ErrorCode::MalformedXML,
        ),
        (
            parts(&(part("2") + &part("1"))),
            ErrorCode::InvalidPartOrder,
        ),
        (
            parts(&(part("1") + &part("1"))),
            ErrorCode::InvalidPartOrder,
        ),
        (parts(&part("0")), ErrorCode::MalformedXML),
        (parts(&part("10001")), ErrorCode::MalformedXML),
        (parts(&part("+1")), ErrorCode::MalformedXML),
        (parts(&part("")), ErrorCode::MalformedXML),
        (
            parts("<Part><PartNumber>1</PartNumber></Part>"),
            ErrorCode::MalformedXML,
        ),
        (
            parts("<Part><ETag></ETag><PartNumber>1</PartNumber></Part>"),
            ErrorCode::MalformedXML,
        ),
        (
            parts("<Part><ETag>a</ETag><ETag>b</ETag><PartNumber>1</PartNumber></Part>"),
            ErrorCode::MalformedXML,
        ),
        (
            parts("<Part><ETag>a</ETag><PartNumber>1</PartNumber><Foo/></Part>"),
            ErrorCode::MalformedXML,
        ),
        (
            parts(
                "<Part><ETag>a</ETag><PartNumber>1</PartNumber><ChecksumSHA1>x</ChecksumSHA1></Part>",
            ),
            ErrorCode::InvalidRequest,
        ),
        (parts("<Key>a</Key>"), ErrorCode::MalformedXML),
        ("<Delete/>".to_owned(), ErrorCode::MalformedXML),
        (String::new(), ErrorCode::MalformedXML),
        (
            parts(&format!("<!--{}-->{}", "x".repeat(4 << 20), part("1"))),
            ErrorCode::MalformedXML,
        ),
    ] {
        let error = CompleteMultipartUpload::parse(document.as_bytes()).unwrap_err();
        assert_eq!(error.code(), code, "{document:.120}");
    }
}

#[test]
fn the_list_of_buckets_is_sorted_filtered_and_paged() {
    let region = Region::parse("eu-central-1").unwrap();
    let bucket = |name: &str, seconds| BucketEntry {
        name: BucketAlias::parse(name).unwrap(),
        created: Timestamp::from_unix(seconds),
    };
    let all = vec![
        bucket("results", 951_782_400),
        bucket("data", 0),
        bucket("raw", 1_767_225_599),
    ];
    let list = |request: &ListBuckets| {
        let page = dom(&list_buckets_document(
            request,
            "acme",
            &region,
            all.clone(),
        ));
        let names = page.all("Buckets").next().unwrap().all("Bucket");
        let names: Vec<String> = names
            .map(|one| one.text_of("Name").unwrap().to_owned())
            .collect();
        (names, page)
    };
    let (names, page) = list(&ListBuckets::default());
    assert_eq!(names, ["data", "raw", "results"]);
    assert_eq!(
        page.all("Owner").next().unwrap().text_of("ID"),
        Some("acme")
    );
    let dates: Vec<_> = page
        .all("Buckets")
        .next()
        .unwrap()
        .children
        .iter()
        .map(|one| one.text_of("CreationDate").unwrap().to_owned())
        .collect();
    assert_eq!(
        dates,
        [
            "1970-01-01T00:00:00.000Z",
            "2025-12-31T23:59:59.000Z",
            "2000-02-29T00:00:00.000Z"
        ]
    );

    let (names, page) = list(&ListBuckets {
        max_buckets: Some(2),
        ..ListBuckets::default()
    });
    assert_eq!(names, ["data", "raw"]);
    let after = page.text_of("ContinuationToken").map(str::to_owned);
    let (names, page) = list(&ListBuckets {
        after,
        ..ListBuckets::default()
    });
    assert_eq!(names, ["results"]);
    assert_eq!(page.text_of("ContinuationToken"), None);
    assert_eq!(
        list(&ListBuckets {
            prefix: "r".into(),
            ..ListBuckets::default()
        })
        .0,
        ["raw", "results"]
    );
    assert!(
        list(&ListBuckets {
            region: Some("us-east-1".into()),
            ..ListBuckets::default()
        })
        .0
        .is_empty()
    );
}

#[test]
fn the_location_is_the_gateways_region_and_empty_for_the_first_one() {
    let shown = |name: &str| dom(&location_document(&Region::parse(name).unwrap())).text;
    assert_eq!(shown("eu-central-1"), "eu-central-1");
    assert_eq!(shown("us-east-1"), "");
}
