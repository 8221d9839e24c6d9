//! One request for each operation that the gateway knows.

use super::request::Request;

/// Name, method, target, extra header, body.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
    &'static str,
);

const ROWS: [Row; 18] = [
    ("ListBuckets", "GET", "/", None, ""),
    ("HeadBucket", "HEAD", "/results", None, ""),
    ("GetBucketLocation", "GET", "/results?location=", None, ""),
    ("ListObjects", "GET", "/results?prefix=canary", None, ""),
    (
        "ListObjectsV2",
        "GET",
        "/results?list-type=2&prefix=canary",
        None,
        "",
    ),
    ("ListMultipartUploads", "GET", "/results?uploads=", None, ""),
    ("DeleteObjects", "POST", "/results?delete=", None, DELETE),
    ("GetObject", "GET", "/results/canary%20%C3%BC%2B", None, ""),
    ("HeadObject", "HEAD", "/results/canary", None, ""),
    ("PutObject", "PUT", "/results/canary", None, "an object"),
    ("CopyObject", "PUT", "/results/canary", COPY, ""),
    ("DeleteObject", "DELETE", "/results/canary", None, ""),
    (
        "CreateMultipartUpload",
        "POST",
        "/results/canary?uploads=",
        None,
        "",
    ),
    (
        "UploadPart",
        "PUT",
        "/results/canary?partNumber=1&uploadId=u1",
        None,
        "a part",
    ),
    (
        "UploadPartCopy",
        "PUT",
        "/results/canary?partNumber=2&uploadId=u1",
        COPY,
        "",
    ),
    (
        "CompleteMultipartUpload",
        "POST",
        "/results/canary?uploadId=u1",
        None,
        COMPLETE,
    ),
    (
        "AbortMultipartUpload",
        "DELETE",
        "/results/canary?uploadId=u1",
        None,
        "",
    ),
    ("ListParts", "GET", "/results/canary?uploadId=u1", None, ""),
];

const COPY: Option<(&str, &str)> = Some(("x-amz-copy-source", "/data/canary-source"));
const DELETE: &str = "<Delete><Object><Key>canary</Key></Object></Delete>";
const COMPLETE: &str = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>\
                        <ETag>\"e\"</ETag></Part></CompleteMultipartUpload>";

/// Every operation with its name, unsigned.
pub(crate) fn all() -> Vec<(&'static str, Request)> {
    let requests = ROWS.iter().map(|(name, method, target, header, body)| {
        let mut request = Request::new(method, target);
        if let Some((header, value)) = header {
            request = request.header(header, value);
        }
        if !body.is_empty() {
            request = request.body(*body);
        }
        (*name, request)
    });
    requests.collect()
}

/// Whether the gateway answers this one without its tenant's storage.
pub(crate) fn is_answered_here(name: &str) -> bool {
    matches!(name, "ListBuckets" | "HeadBucket" | "GetBucketLocation")
}

/// Whether it changes what is stored.
pub(crate) fn is_write(name: &str) -> bool {
    !matches!(
        name,
        "ListBuckets"
            | "HeadBucket"
            | "GetBucketLocation"
            | "ListObjects"
            | "ListObjectsV2"
            | "ListMultipartUploads"
            | "ListParts"
            | "GetObject"
            | "HeadObject"
    )
}
