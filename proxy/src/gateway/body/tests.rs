use super::*;
use proptest::prelude::*;

fn plain(length: u64) -> BodyPlan {
    BodyPlan {
        payload: Payload::Unsigned,
        length,
        declared: DeclaredChecksums::default(),
        out: OutFraming::Plain,
    }
}

/// Feeds `wire` in pieces of at most `step` bytes and gathers what travels on.
fn run(plan: &BodyPlan, wire: &[u8], step: usize) -> Result<Vec<u8>, BodyError> {
    let mut pipeline = plan.start();
    let mut out = Vec::new();
    for piece in wire.chunks(step.max(1)) {
        out.extend_from_slice(&pipeline.push(Bytes::copy_from_slice(piece))?);
    }
    out.extend_from_slice(&pipeline.finish()?);
    Ok(out)
}

/// What has travelled on before the end was checked.
fn passed_before_the_end(plan: &BodyPlan, wire: &[u8], step: usize) -> usize {
    let mut pipeline = plan.start();
    let pieces = wire.chunks(step.max(1));
    pieces
        .map(|piece| {
            pipeline
                .push(Bytes::copy_from_slice(piece))
                .map_or(0, |b| b.len())
        })
        .sum()
}

fn unsigned_chunks(body: &[u8], chunk: usize, trailer: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for piece in body.chunks(chunk) {
        wire.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        wire.extend_from_slice(piece);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n");
    wire.extend_from_slice(trailer.as_bytes());
    wire.extend_from_slice(b"\r\n\r\n");
    wire
}

fn with_trailer(body: &[u8], out: OutFraming) -> (BodyPlan, String) {
    let digest = Checksum::of(Algorithm::Crc32, body);
    let plan = BodyPlan {
        payload: Payload::UnsignedChunks,
        length: body.len() as u64,
        declared: DeclaredChecksums {
            trailer: Some(Algorithm::Crc32),
            ..DeclaredChecksums::default()
        },
        out,
    };
    (plan, format!("x-amz-checksum-crc32:{}", digest.to_base64()))
}

#[test]
fn a_body_that_nothing_vouches_for_is_not_held_back() {
    assert_eq!(passed_before_the_end(&plain(10), b"0123456789", 4), 10);
}

#[test]
fn a_vouched_body_is_never_complete_before_its_end_is_checked() {
    let body = vec![7; 100_000];
    let hash: [u8; 32] = Sha256::digest(&body).into();
    let plan = BodyPlan {
        payload: Payload::Sha256(hash),
        ..plain(100_000)
    };
    for step in [1_000, 65_536, 100_000] {
        assert!(
            passed_before_the_end(&plan, &body, step) < body.len(),
            "{step}"
        );
        assert_eq!(run(&plan, &body, step).unwrap(), body);
    }
}

#[test]
fn a_body_with_another_hash_is_refused() {
    let hash: [u8; 32] = Sha256::digest(b"other").into();
    let plan = BodyPlan {
        payload: Payload::Sha256(hash),
        ..plain(4)
    };
    assert!(matches!(run(&plan, b"body", 2), Err(BodyError::Sha256)));
}

#[test]
fn a_short_and_a_long_body_are_refused() {
    assert!(matches!(
        run(&plain(5), b"body", 2),
        Err(BodyError::TooShort)
    ));
    assert!(matches!(
        run(&plain(3), b"body", 2),
        Err(BodyError::TooLong)
    ));
}

#[test]
fn a_wrong_checksum_header_is_refused_and_named() {
    let mut plan = plain(4);
    plan.declared.header = Some(Checksum::of(Algorithm::Crc32c, b"other"));
    let error = run(&plan, b"body", 4).unwrap_err();
    assert!(matches!(error, BodyError::Checksum(Algorithm::Crc32c)));
    assert_eq!(error.to_s3().code(), ErrorCode::BadDigest);
    plan.declared.header = Some(Checksum::of(Algorithm::Crc32c, b"body"));
    assert_eq!(run(&plan, b"body", 4).unwrap(), b"body");
}

#[test]
fn a_missing_or_wrong_trailer_is_refused() {
    let (plan, _) = with_trailer(b"body", OutFraming::Plain);
    let other = Checksum::of(Algorithm::Crc32, b"other").to_base64();
    let wrong = unsigned_chunks(b"body", 4, &format!("x-amz-checksum-crc32:{other}"));
    assert!(matches!(
        run(&plan, &wrong, 7),
        Err(BodyError::Checksum(Algorithm::Crc32))
    ));
    let none = b"4\r\nbody\r\n0\r\n\r\n";
    assert!(run(&plan, none, 7).is_err());
}

#[test]
fn the_framed_length_is_the_length_of_what_is_sent() {
    for size in [1, 63, 65_535, 65_536, 65_537, 200_000] {
        let body = vec![3; size];
        let (plan, trailer) = with_trailer(&body, OutFraming::Trailer(Algorithm::Crc32));
        let sent = run(&plan, &unsigned_chunks(&body, 1_000, &trailer), 8_192).unwrap();
        assert_eq!(sent.len() as u64, plan.upstream_length(), "{size}");
        assert_eq!(sent, unsigned_chunks(&body, 65_536, &trailer), "{size}");
    }
}

proptest! {
    #[test]
    fn any_split_of_the_wire_gives_the_same_object(
        body in proptest::collection::vec(any::<u8>(), 1..5_000),
        chunk in 1_usize..2_000,
        step in 1_usize..3_000,
    ) {
        let (plan, trailer) = with_trailer(&body, OutFraming::Plain);
        let wire = unsigned_chunks(&body, chunk, &trailer);
        prop_assert_eq!(run(&plan, &wire, step).unwrap(), body);
    }

    #[test]
    fn a_truncated_wire_never_completes(
        body in proptest::collection::vec(any::<u8>(), 1..500),
        cut in 1_usize..40,
        step in 1_usize..300,
    ) {
        let (plan, trailer) = with_trailer(&body, OutFraming::Plain);
        let wire = unsigned_chunks(&body, 64, &trailer);
        let cut = wire.len().saturating_sub(cut).max(1);
        prop_assert!(run(&plan, &wire[..cut], step).is_err());
        prop_assert!(passed_before_the_end(&plan, &wire[..cut], step) < body.len());
    }
}
