//! The worked examples of the S3 documentation: "Signature Calculations for the Authorization
//! Header", "Using Query Parameters" and "Transferring Payload in Multiple Chunks".

use crate::request::{NOW, Request};
use bytes::Bytes;
use sigv4::{ChunkDecoder, EMPTY_SHA256, Payload};

const HOST: (&str, &str) = ("host", "examplebucket.s3.amazonaws.com");
const DATE: (&str, &str) = ("x-amz-date", "20130524T000000Z");
const EMPTY: (&str, &str) = ("x-amz-content-sha256", EMPTY_SHA256);

fn authorization(signed_headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={signed_headers},Signature={signature}"
    )
}

#[test]
fn get_object_with_a_range_verifies() {
    let mut request = Request::new(
        "GET",
        "/test.txt",
        &[HOST, DATE, EMPTY, ("range", "bytes=0-9")],
    );
    request.append(
        "authorization",
        &authorization(
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
    );
    let verified = request.verify().unwrap();
    assert_eq!(verified.tenant().as_str(), "acme");
    assert!(!verified.is_presigned());
    assert_eq!(verified.signed_at(), NOW);
    request.set("range", "bytes=0-8");
    assert_eq!(
        request.verify().unwrap_err().code(),
        "SignatureDoesNotMatch"
    );
}

#[test]
fn put_object_with_an_escaped_key_and_a_date_header_verifies() {
    let hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    let mut request = Request::new(
        "PUT",
        "/test%24file.text",
        &[
            HOST,
            DATE,
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", hash),
        ],
    );
    request.append(
        "authorization",
        &authorization(
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
    );
    match request.verify().unwrap().payload() {
        Payload::Sha256(bytes) => assert_eq!(hex::encode(bytes), hash),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sub_resource_and_a_listing_verify() {
    for (target, signature) in [
        (
            "/?lifecycle",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "/?max-keys=2&prefix=J",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let mut request = Request::new("GET", target, &[HOST, DATE, EMPTY]);
        let names = "host;x-amz-content-sha256;x-amz-date";
        request.append("authorization", &authorization(names, signature));
        assert!(request.verify().is_ok(), "{target}");
    }
}

#[test]
fn a_presigned_url_verifies() {
    let request = Request::new(
        "GET",
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        &[HOST],
    );
    let verified = request.verify().unwrap();
    assert_eq!(verified.expires_at(), Some(NOW.plus_seconds(86_400)));
    assert!(matches!(verified.payload(), Payload::Unsigned));
}

#[test]
fn a_body_in_signed_chunks_verifies() {
    let mut request = Request::new(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("host", "s3.amazonaws.com"),
            DATE,
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("content-length", "66824"),
        ],
    );
    request.append(
        "authorization",
        &authorization(
            "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
             x-amz-decoded-content-length;x-amz-storage-class",
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        ),
    );
    let body = [
        chunk(
            65_536,
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        ),
        chunk(
            1_024,
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        ),
        chunk(
            0,
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ),
    ]
    .concat();
    assert_eq!(body.len(), 66_824);
    let (length, trailers) = decode(&request, body);
    assert_eq!(length, 66_560);
    assert!(trailers.is_empty());
}

#[test]
fn a_body_in_signed_chunks_with_a_signed_trailer_verifies() {
    let mut request = Request::new(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("host", "s3.amazonaws.com"),
            DATE,
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            (
                "x-amz-content-sha256",
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            ),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ],
    );
    request.append(
        "authorization",
        &authorization(
            "content-encoding;host;x-amz-content-sha256;x-amz-date;\
             x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
            "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        ),
    );
    let mut body = [
        chunk(
            65_536,
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        ),
        chunk(
            1_024,
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        ),
        chunk(
            0,
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ),
    ]
    .concat();
    body.truncate(body.len() - 2);
    body.extend_from_slice(
        b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:\
          d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
    );
    let (length, trailers) = decode(&request, body);
    assert_eq!(length, 66_560);
    assert_eq!(trailers.get("x-amz-checksum-crc32c"), Some("sOO8/Q=="));
}

fn chunk(length: usize, signature: &str) -> Vec<u8> {
    let mut chunk = format!("{length:x};chunk-signature={signature}\r\n").into_bytes();
    chunk.extend(std::iter::repeat_n(b'a', length));
    chunk.extend_from_slice(b"\r\n");
    chunk
}

fn decode(request: &Request, body: Vec<u8>) -> (usize, sigv4::Trailers) {
    let verified = request.verify().unwrap();
    let mut decoder = ChunkDecoder::for_request(verified.payload(), &request.headers).unwrap();
    let mut slices = Vec::new();
    decoder.push(Bytes::from(body), &mut slices).unwrap();
    assert!(
        slices
            .iter()
            .all(|slice| slice.iter().all(|byte| *byte == b'a'))
    );
    (
        slices.iter().map(Bytes::len).sum(),
        decoder.finish().unwrap(),
    )
}
