//! What a well-behaved store answers.

use super::stub::{Received, Step};

/// The body of every object.
pub(crate) const OBJECT: &[u8] = b"what is stored under this key";

/// An answer with a length.
pub(crate) fn response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// An S3 error whose words name what no client may see.
pub(crate) fn error(status: &str, code: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>hidden \
         words about arn:aws:iam::123456789012:role/hidden-role</Message>\
         <BucketName>hidden-acme-results</BucketName><Resource>/hidden-acme-results/hidden-prefix\
         </Resource><RequestId>HIDDENUPSTREAM01</RequestId><HostId>hidden-host-id</HostId></Error>"
    );
    response(
        status,
        "Content-Type: application/xml\r\nx-amz-request-id: hidden-upstream\r\n",
        document,
    )
}

/// An answer that is the same whatever is asked, after the whole request.
pub(crate) fn always(bytes: Vec<u8>) -> impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static {
    move |_| vec![Step::ReadBody, Step::Send(bytes.clone())]
}

/// Reads the whole request, then answers as a store would.
pub(crate) fn answer(request: &Received) -> Vec<Step> {
    vec![Step::ReadBody, Step::Send(good(request))]
}

fn good(request: &Received) -> Vec<u8> {
    let (path, query) = request
        .target()
        .split_once('?')
        .unwrap_or((request.target(), ""));
    let on_bucket = path.trim_matches('/').split('/').count() == 1;
    let copies = request.header("x-amz-copy-source").is_some();
    match request.method() {
        "GET" if query.contains("uploads=") => xml(UPLOADS),
        "GET" if query.contains("uploadId=") => xml(PARTS),
        "GET" if on_bucket => xml(LISTING),
        "GET" => response("200 OK", OBJECT_HEADERS, OBJECT),
        "HEAD" => {
            let whole = response("200 OK", OBJECT_HEADERS, OBJECT);
            whole[..whole.len() - OBJECT.len()].to_vec()
        }
        "PUT" if copies => xml(COPIED),
        "PUT" => response(
            "200 OK",
            "ETag: \"9a0364b9e99bb480dd25e1f0284c8555\"\r\n",
            "",
        ),
        "POST" if query.contains("uploads=") => xml(CREATED),
        "POST" if query.contains("uploadId=") => xml(COMPLETED),
        "POST" => xml(DELETED),
        _ => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
    }
}

pub(crate) fn xml(document: &str) -> Vec<u8> {
    response("200 OK", "Content-Type: application/xml\r\n", document)
}

const OBJECT_HEADERS: &str = "Content-Type: text/plain\r\nETag: \"5d41402abc4b2a76b9719d911017c592\"\
                              \r\nLast-Modified: Tue, 01 Jun 2027 00:00:00 GMT\r\n\
                              Accept-Ranges: bytes\r\nServer: hidden-server\r\n";

/// One object and one folder, as the storage of a tenant with a prefix names them.
pub(crate) const LISTING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult \
     xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>hidden-acme-results</Name>\
     <Prefix>hidden-prefix/acme/</Prefix><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys>\
     <IsTruncated>false</IsTruncated><Contents><Key>hidden-prefix/acme/a.txt</Key>\
     <LastModified>2027-06-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>\
     <Size>1</Size><StorageClass>STANDARD</StorageClass></Contents><CommonPrefixes>\
     <Prefix>hidden-prefix/acme/b/</Prefix></CommonPrefixes></ListBucketResult>";

const UPLOADS: &str = "<ListMultipartUploadsResult><Bucket>hidden-acme-results</Bucket>\
     <KeyMarker></KeyMarker><Prefix>hidden-prefix/acme/</Prefix><MaxUploads>1000</MaxUploads>\
     <IsTruncated>false</IsTruncated><Upload><Key>hidden-prefix/acme/a.txt</Key>\
     <UploadId>u1</UploadId></Upload></ListMultipartUploadsResult>";

const PARTS: &str = "<ListPartsResult><Bucket>hidden-acme-results</Bucket>\
     <Key>hidden-prefix/acme/a.txt</Key><UploadId>u1</UploadId><MaxParts>1000</MaxParts>\
     <IsTruncated>false</IsTruncated></ListPartsResult>";

const CREATED: &str = "<InitiateMultipartUploadResult><Bucket>hidden-acme-results</Bucket>\
     <Key>hidden-prefix/acme/a.txt</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>";

pub(crate) const COMPLETED: &str = "<CompleteMultipartUploadResult>\
     <Location>http://hidden-host/hidden-acme-results/a</Location>\
     <Bucket>hidden-acme-results</Bucket><Key>hidden-prefix/acme/a.txt</Key>\
     <ETag>&quot;e-1&quot;</ETag></CompleteMultipartUploadResult>";

const DELETED: &str =
    "<DeleteResult><Deleted><Key>hidden-prefix/acme/canary</Key></Deleted></DeleteResult>";

pub(crate) const COPIED: &str = "<CopyObjectResult><LastModified>2027-06-01T00:00:00.000Z\
     </LastModified><ETag>&quot;e&quot;</ETag></CopyObjectResult>";
