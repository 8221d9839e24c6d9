//! The call log, and trouble on order.

use crate::raw::Request;
use crate::support::{customer, start_with_bucket};
use sandbox::{CallKind, Fault, FaultEffect, FaultOn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

#[tokio::test]
async fn every_call_is_written_down() {
    let (sandbox, keys) = start_with_bucket().await;
    Request::s3("PUT", "/data/k")
        .sign(&sandbox, &keys)
        .send(b"1")
        .await;
    Request::s3("GET", "/data/none")
        .sign(&sandbox, &keys)
        .send(b"")
        .await;
    Request::s3("GET", "/data?policy")
        .sign(&sandbox, &keys)
        .send(b"")
        .await;
    Request::s3("GET", "/data/k")
        .sign(&sandbox, &keys)
        .without("authorization")
        .send(b"")
        .await;
    let calls: Vec<_> = sandbox
        .calls()
        .into_iter()
        .map(|call| (call.number, call.api, call.kind, call.status, call.account))
        .collect();
    let by = Some(customer());
    assert_eq!(
        calls,
        [
            (1, "PutObject".to_string(), CallKind::Write, 200, by.clone()),
            (2, "GetObject".to_string(), CallKind::Read, 404, by.clone()),
            (3, "GetBucketPolicy".to_string(), CallKind::Read, 404, by),
            (4, "GET".to_string(), CallKind::Read, 403, None),
        ]
    );
    sandbox.forget_calls();
    assert!(sandbox.calls().is_empty());
}

#[tokio::test]
async fn an_ordered_error_is_answered_and_nothing_is_done() {
    let (sandbox, keys) = start_with_bucket().await;
    let effect = FaultEffect::Answer {
        status: 503,
        code: "SlowDown",
    };
    sandbox.inject(Fault::once(FaultOn::Api("PutObject".into()), 2, effect));
    let put = async |target: &str| {
        Request::s3("PUT", target)
            .sign(&sandbox, &keys)
            .send(b"1")
            .await
    };
    assert_eq!(put("/data/1").await.status, 200);
    let refused = put("/data/2").await;
    assert_eq!((refused.status, refused.code()), (503, "SlowDown"));
    assert_eq!(put("/data/3").await.status, 200);
    let missing = Request::s3("GET", "/data/2")
        .sign(&sandbox, &keys)
        .send(b"")
        .await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn a_connection_can_be_cut_before_and_after_the_deed() {
    let (sandbox, keys) = start_with_bucket().await;
    sandbox.inject(Fault::once(FaultOn::AnyWrite, 1, FaultEffect::CutBefore));
    sandbox.inject(Fault::once(FaultOn::AnyWrite, 2, FaultEffect::CutAfter));
    for target in ["/data/before", "/data/after"] {
        let answer = Request::s3("PUT", target)
            .sign(&sandbox, &keys)
            .send(b"1")
            .await;
        assert_eq!(answer.status, 0, "there is no answer: {answer:?}");
    }
    let status = async |target: &str| {
        Request::s3("GET", target)
            .sign(&sandbox, &keys)
            .send(b"")
            .await
            .status
    };
    assert_eq!(status("/data/before").await, 404);
    assert_eq!(status("/data/after").await, 200);
}

#[tokio::test]
async fn something_can_happen_between_the_deed_and_the_answer() {
    let (sandbox, keys) = start_with_bucket().await;
    let seen = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&seen);
    sandbox.inject(Fault {
        on: FaultOn::Any,
        skip: 0,
        times: u32::MAX,
        effect: FaultEffect::RunAfter(Arc::new(move |call| {
            assert_eq!(call.api, "PutObject");
            count.fetch_add(1, Ordering::SeqCst);
        })),
    });
    for _ in 0..2 {
        let answer = Request::s3("PUT", "/data/k")
            .sign(&sandbox, &keys)
            .send(b"1")
            .await;
        assert_eq!(answer.status, 200);
    }
    sandbox.clear_faults();
    Request::s3("PUT", "/data/k")
        .sign(&sandbox, &keys)
        .send(b"1")
        .await;
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn something_can_happen_instead_of_the_deed() {
    let (sandbox, keys) = start_with_bucket().await;
    let seen = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&seen);
    let run = Arc::new(move |_: &sandbox::Call| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    sandbox.inject(Fault::once(
        FaultOn::AnyWrite,
        1,
        FaultEffect::RunInstead(run),
    ));
    let put = Request::s3("PUT", "/data/k")
        .sign(&sandbox, &keys)
        .send(b"1")
        .await;
    assert_eq!((put.status, seen.load(Ordering::SeqCst)), (0, 1));
    let get = Request::s3("GET", "/data/k")
        .sign(&sandbox, &keys)
        .send(b"")
        .await;
    assert_eq!(get.status, 404);
}
