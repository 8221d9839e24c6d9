//! Checksums against published vectors, and what clients declare.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use s3::{Algorithm, Checksum, DeclaredChecksums, Digest, ErrorCode, S3Error, declared_checksums};

const ALL: [Algorithm; 6] = [
    Algorithm::Crc32,
    Algorithm::Crc32c,
    Algorithm::Crc64Nvme,
    Algorithm::Sha1,
    Algorithm::Sha256,
    Algorithm::Md5,
];

fn hex(digest: &Digest) -> String {
    digest
        .bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn the_check_values_of_the_catalogues_come_out() {
    // "123456789": the check value of the CRC catalogue; the hashes by coreutils.
    for (algorithm, wanted) in [
        (Algorithm::Crc32, "cbf43926"),
        (Algorithm::Crc32c, "e3069283"),
        (Algorithm::Crc64Nvme, "ae8b14860a799888"),
        (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        (
            Algorithm::Sha256,
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
        ),
        (Algorithm::Md5, "25f9e794323b453885f5181f1b624d0b"),
    ] {
        assert_eq!(
            hex(&Checksum::of(algorithm, b"123456789")),
            wanted,
            "{algorithm:?}"
        );
    }
}

#[test]
fn nothing_has_the_checksum_of_nothing() {
    for (algorithm, wanted) in [
        (Algorithm::Crc32, "AAAAAA=="),
        (Algorithm::Crc32c, "AAAAAA=="),
        (Algorithm::Crc64Nvme, "AAAAAAAAAAA="),
        (Algorithm::Sha1, "2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
        (
            Algorithm::Sha256,
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ),
        (Algorithm::Md5, "1B2M2Y8AsgTpgAmY7PhCfg=="),
    ] {
        assert_eq!(
            Checksum::of(algorithm, b"").to_base64(),
            wanted,
            "{algorithm:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_checksum(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        piece in 1_usize..100,
    ) {
        for algorithm in ALL {
            let mut checksum = Checksum::new(algorithm);
            bytes.chunks(piece).for_each(|part| checksum.update(part));
            let digest = checksum.finish();
            prop_assert_eq!(&digest, &Checksum::of(algorithm, &bytes));
            prop_assert_eq!(digest.bytes().len(), algorithm.digest_len());
            prop_assert_eq!(Digest::parse_base64(algorithm, &digest.to_base64()).unwrap(), digest);
        }
    }
}

#[test]
fn a_value_of_the_wrong_length_or_alphabet_is_refused() {
    for text in [
        "",
        "AAAA",
        "AAAAAA",
        "AAAAAA=",
        "AAAAAA==\n",
        "AAAAAB==",
        "!!!!!!==",
        "AAAAAAAA",
    ] {
        let error = Digest::parse_base64(Algorithm::Crc32, text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{text:?}");
        assert!(error.message().contains("x-amz-checksum-crc32"));
    }
    for text in ["", "AAAAAA==", "1B2M2Y8AsgTpgAmY7PhCfg"] {
        let error = Digest::parse_base64(Algorithm::Md5, text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidDigest, "{text:?}");
    }
}

fn declare(pairs: &[(&str, &str)]) -> Result<DeclaredChecksums, S3Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::try_from(*name).unwrap();
        headers.append(name, HeaderValue::try_from(*value).unwrap());
    }
    declared_checksums(&headers)
}

#[test]
fn a_declared_checksum_is_read_from_its_header_or_its_trailer() {
    for algorithm in Algorithm::HEADERS {
        let value = Checksum::of(algorithm, b"x").to_base64();
        let declared = declare(&[(algorithm.header_name(), &value)]).unwrap();
        assert_eq!(declared.header.unwrap().algorithm(), algorithm);
        let declared = declare(&[("x-amz-trailer", algorithm.header_name())]).unwrap();
        assert_eq!(declared.trailer, Some(algorithm));
        assert_eq!(
            Algorithm::parse(&algorithm.name().to_lowercase()).unwrap(),
            algorithm
        );
    }
    let declared = declare(&[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")]).unwrap();
    assert!(declared.content_md5.is_some());
    assert_eq!(declare(&[]).unwrap(), DeclaredChecksums::default());
    let modes = [
        ("x-amz-checksum-mode", "ENABLED"),
        ("x-amz-checksum-algorithm", "CRC32"),
        ("x-amz-checksum-type", "COMPOSITE"),
    ];
    assert_eq!(declare(&modes).unwrap(), DeclaredChecksums::default());
}

#[test]
fn contradicting_declarations_are_refused() {
    let crc = ("x-amz-checksum-crc32", "AAAAAA==");
    for pairs in [
        &[crc, ("x-amz-checksum-crc32c", "AAAAAA==")][..],
        &[crc, crc],
        &[crc, ("x-amz-trailer", "x-amz-checksum-crc32")],
        &[crc, ("x-amz-sdk-checksum-algorithm", "SHA1")],
        &[
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("x-amz-sdk-checksum-algorithm", "SHA1"),
        ],
        &[("x-amz-trailer", "x-amz-checksum-crc32,x-amz-checksum-sha1")],
        &[("x-amz-trailer", "x-amz-meta-a")],
        &[("x-amz-trailer", "")],
        &[("x-amz-checksum-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")],
    ] {
        assert_eq!(
            declare(pairs).unwrap_err().code(),
            ErrorCode::InvalidRequest,
            "{pairs:?}"
        );
    }
    assert_eq!(
        declare(&[("content-md5", "")]).unwrap_err().code(),
        ErrorCode::InvalidDigest
    );
}

#[test]
fn an_algorithm_without_a_value_asks_for_nothing() {
    assert_eq!(
        declare(&[("x-amz-sdk-checksum-algorithm", "CRC32")]).unwrap(),
        DeclaredChecksums::default()
    );
}
