//! `100 Continue` is said to those only whose body is wanted.

use crate::support::request::Request;
use crate::support::world::{ACME_KEY, READER_KEY, World};
use types::RoleArn;
use upstream::CredentialError;

fn put(target: &str) -> Request {
    let put = Request::new("PUT", target).body(vec![b'x'; 200_000]);
    put.header("expect", "100-continue")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_may_write_is_told_to_go_on() {
    let world = World::start().await;
    let request = world.signer(ACME_KEY).sign(put("/results/canary"));
    let mut client = world.connect().await;
    client.send(&request.head()).await;
    assert_eq!(client.interim().await, 100);
    client.send(&request.body).await;
    let answer = client.answer("PUT").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.interim, [0_u16; 0], "told twice");
    let received = world.stub.only();
    assert_eq!(received.header("expect"), None);
    assert_eq!(received.body.len(), 200_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_is_refused_is_told_to_go_on() {
    let world = World::start().await;
    let signer = world.signer(ACME_KEY);
    let mut forged = signer.sign(put("/results/canary"));
    forged.set("x-amz-date", "20270601T100001Z");
    let mut unknown = signer.clone();
    unknown.id = "BYOSNOBODY0000000001".to_string();
    for (why, request) in [
        ("anonymous", put("/results/canary")),
        ("forged", forged),
        ("unknown key", unknown.sign(put("/results/canary"))),
        ("read-only bucket", signer.sign(put("/data/canary"))),
        ("foreign bucket", signer.sign(put("/other/canary"))),
        (
            "reading key",
            world.signer(READER_KEY).sign(put("/results/canary")),
        ),
        (
            "unknown sub-resource",
            signer.sign(put("/results/canary?acl")),
        ),
        (
            "operation without a body",
            signer.sign(put("/results?policy")),
        ),
    ] {
        let mut client = world.connect().await;
        client.send(&request.head()).await;
        let answer = client.answer("PUT").await;
        assert_eq!(answer.interim, [0_u16; 0], "{why}");
        assert!(answer.status >= 400, "{why}: {answer:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{why}");
        assert!(client.is_closed().await, "{why}");
    }
    world.stub.assert_untouched("after all refusals");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_whose_role_refuses_is_not_told_to_go_on() {
    let world = World::start().await;
    let role = RoleArn::parse("arn:aws:iam::123456789012:role/hidden-role").unwrap();
    world
        .sts
        .refuse(move |_| Some(CredentialError::RoleNotAssumable { role: role.clone() }));
    let request = world.signer(ACME_KEY).sign(put("/results/canary"));
    let mut client = world.connect().await;
    client.send(&request.head()).await;
    let answer = client.answer("PUT").await;
    assert_eq!(
        (answer.interim.as_slice(), answer.verdict()),
        (&[][..], "502 TenantStorageRefused".into())
    );
    world.stub.assert_untouched("no credentials");
}
