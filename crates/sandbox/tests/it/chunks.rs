//! Bodies in chunks: taken when everything holds, else nothing stays.

use crate::object::{assert_both_refused, assert_untouched, get, put};
use crate::raw::{Request, Signed};
use crate::support::start_with_bucket;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::sign::v4::{self, SigningParams};
use sandbox::{KeyPair, Sandbox};

/// A body in signed chunks, and the head that announces it.
struct Chunked {
    signed: Signed,
    body: Vec<u8>,
}

const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const STREAMING_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

fn chunked(sandbox: &Sandbox, keys: &KeyPair, key: &str, trailer: Option<&str>) -> Chunked {
    let target = format!("/data/{key}");
    let chunks: [&[u8]; 3] = [b"first chunk ", b"second chunk", b""];
    let length: usize = chunks.iter().map(|chunk| chunk.len()).sum();
    let mut request = Request::s3("PUT", &target)
        .payload(if trailer.is_some() {
            STREAMING_TRAILER
        } else {
            STREAMING
        })
        .with("x-amz-decoded-content-length", length.to_string())
        .with("content-encoding", "aws-chunked");
    if trailer.is_some() {
        request = request.with("x-amz-trailer", "x-amz-checksum-crc32");
    }
    let time = request.time;
    let signed = request.sign(sandbox, keys);
    let identity = Credentials::new(
        &keys.access_key_id,
        keys.secret_access_key.expose(),
        None,
        None,
        "test",
    )
    .into();
    let parameters: SigningParams<'_, SigningSettings> = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let mut before = signed.signature.clone();
    let mut body = Vec::new();
    for chunk in chunks {
        let bytes = bytes::Bytes::copy_from_slice(chunk);
        let (_, signature) = v4::sign_chunk(&bytes, &before, &parameters)
            .unwrap()
            .into_parts();
        body.extend(format!("{:x};chunk-signature={signature}\r\n", chunk.len()).bytes());
        body.extend(chunk);
        if !chunk.is_empty() {
            body.extend(b"\r\n");
        }
        before = signature;
    }
    match trailer {
        None => body.extend(b"\r\n"),
        Some(value) => {
            let mut headers = aws_smithy_runtime_api::http::Headers::new();
            headers.insert("x-amz-checksum-crc32", value.to_string());
            let (_, signature) = v4::sign_trailer(&headers, &before, &parameters)
                .unwrap()
                .into_parts();
            body.extend(
                format!(
                    "x-amz-checksum-crc32:{value}\r\nx-amz-trailer-signature:{signature}\r\n\r\n"
                )
                .bytes(),
            );
        }
    }
    Chunked { signed, body }
}

/// CRC-32 of "first chunk second chunk", by Python's zlib.
const CRC32: &str = "oQEsew==";

#[tokio::test]
async fn chunks_are_taken_when_every_signature_holds() {
    let (sandbox, keys) = start_with_bucket().await;
    for (key, trailer) in [("plain", None), ("trailer", Some(CRC32))] {
        let Chunked { signed, body } = chunked(&sandbox, &keys, key, trailer);
        let answer = signed.send(&body).await;
        assert_eq!(answer.status, 200, "{key}: {answer:?}");
        let answer = get(&sandbox, &keys, key).await;
        assert_eq!(answer.body, "first chunk second chunk");
        assert!(!answer.head.contains("content-encoding"), "{answer:?}");
    }
}

#[tokio::test]
async fn no_byte_of_a_signed_chunk_can_be_changed() {
    let (sandbox, keys) = start_with_bucket().await;
    put(&sandbox, &keys, "old", b"old").await;
    for trailer in [None, Some(CRC32)] {
        let Chunked { signed, body } = chunked(&sandbox, &keys, "old", trailer);
        for at in (0..body.len()).step_by(3) {
            let mut tampered = body.clone();
            tampered[at] ^= 1;
            let answer = signed.send(&tampered).await;
            let harmless = answer.status == 200
                && get(&sandbox, &keys, "old").await.body == "first chunk second chunk";
            assert!(answer.status != 200 || harmless, "byte {at}: {answer:?}");
            if harmless {
                // Line ends and the case of names carry no meaning.
                put(&sandbox, &keys, "old", b"old").await;
            }
        }
    }
    assert_untouched(&sandbox, &keys).await;
}

#[tokio::test]
async fn chunks_that_end_early_leave_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    put(&sandbox, &keys, "old", b"old").await;
    for trailer in [None, Some(CRC32)] {
        let Chunked { signed, body } = chunked(&sandbox, &keys, "old", trailer);
        for length in (0..body.len() - 4).step_by(5) {
            let answer = signed.send(&body[..length]).await;
            assert_ne!(
                answer.status, 200,
                "{trailer:?} cut at {length}: {answer:?}"
            );
        }
    }
    assert_untouched(&sandbox, &keys).await;
}

#[tokio::test]
async fn a_trailer_with_the_wrong_checksum_leaves_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    assert_both_refused(&sandbox, &keys, "BadDigest", async |key| {
        let Chunked { signed, body } = chunked(&sandbox, &keys, key, Some("AAAAAA=="));
        signed.send(&body).await
    })
    .await;
}

#[tokio::test]
async fn an_unsigned_trailer_with_the_wrong_checksum_leaves_nothing() {
    let (sandbox, keys) = start_with_bucket().await;
    let unsigned = async |key: &str, checksum: &str| {
        let target = format!("/data/{key}");
        let body = format!("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n");
        Request::s3("PUT", &target)
            .payload("STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .with("x-amz-decoded-content-length", "3")
            .with("x-amz-trailer", "x-amz-checksum-crc32")
            .sign(&sandbox, &keys)
            .send(body.as_bytes())
            .await
    };
    assert_eq!(unsigned("good", "NSRBwg==").await.status, 200);
    assert_both_refused(&sandbox, &keys, "BadDigest", async |key| {
        unsigned(key, "NSRBwQ==").await
    })
    .await;
}
