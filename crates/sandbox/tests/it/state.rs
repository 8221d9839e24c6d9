//! Two sandboxes that were set up alike hold the same.

use crate::raw::Request;
use crate::support::{customer, start_with_bucket, vendor};
use serde_json::{Value, json};

async fn set_up(lifecycle: &str) -> Value {
    let (sandbox, keys) = start_with_bucket().await;
    let answer = Request::s3("PUT", "/data?lifecycle")
        .sign(&sandbox, &keys)
        .send(lifecycle.as_bytes())
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": vendor().as_str()}, "Action": "sts:AssumeRole",
    }]});
    sandbox
        .create_role(&customer(), "tenant", &trust, &[])
        .unwrap();
    sandbox.state(&customer()).unwrap()
}

#[tokio::test]
async fn the_state_of_equal_accounts_is_equal() {
    let rule = |days: u8| {
        format!(
            "<LifecycleConfiguration><Rule><ID>a</ID><Filter><Prefix/></Filter>\
             <Status>Enabled</Status><Expiration><Days>{days}</Days></Expiration></Rule>\
             </LifecycleConfiguration>"
        )
    };
    let state = set_up(&rule(1)).await;
    assert_eq!(state, set_up(&rule(1)).await);
    assert_ne!(state, set_up(&rule(2)).await);
    assert_eq!(state["roles"]["tenant"]["max_session"], 3600);
    assert_eq!(
        state["buckets"]["data"]["settings"]["publicAccessBlock"]["BlockPublicPolicy"],
        json!(["true"])
    );
}
