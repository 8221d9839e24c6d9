//! The sandbox's own clock: sessions end, changes propagate.

use crate::raw::{Answer, Request, now};
use crate::support::{customer, make_bucket, start, vendor};
use sandbox::{KeyPair, Propagation, Sandbox, SandboxOptions};
use serde_json::json;
use std::sync::Arc;
use types::{Clock, ManualClock, SystemClock};

/// A form to STS or IAM.
async fn ask(
    sandbox: &Sandbox,
    keys: &KeyPair,
    clock: &dyn Clock,
    service: &str,
    form: &str,
) -> Answer {
    let request = Request {
        service,
        time: clock.now().system_time(),
        ..Request::s3("POST", "/")
    }
    .payload(&sha256(form))
    .with("content-type", "application/x-www-form-urlencoded");
    request.sign(sandbox, keys).send(form.as_bytes()).await
}

fn sha256(text: &str) -> String {
    use s3s::crypto::{Checksum, Sha256};
    hex::encode(Sha256::checksum(text.as_bytes()))
}

fn field(answer: &Answer, name: &str) -> String {
    let after = answer.body.split_once(&format!("<{name}>")).unwrap().1;
    after.split_once('<').unwrap().0.to_string()
}

fn seed(sandbox: &Sandbox) -> KeyPair {
    make_bucket(sandbox, "data");
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "pulse-org-acme"}},
    }]});
    let read = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data"},
    ]});
    let assume = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
    ]});
    sandbox
        .create_role(&customer(), "tenant", &trust, &[("read", &read)])
        .unwrap();
    sandbox
        .create_user(&vendor(), "gateway", &[("assume", &assume)])
        .unwrap()
}

const ASSUME: &str = "Action=AssumeRole&Version=2011-06-15&ExternalId=pulse-org-acme\
    &RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Ftenant&RoleSessionName=test";

async fn list(sandbox: &Sandbox, clock: &dyn Clock, session: &Answer) -> Answer {
    let keys = KeyPair {
        access_key_id: field(session, "AccessKeyId"),
        secret_access_key: field(session, "SecretAccessKey").into(),
    };
    let request = Request {
        token: Some(field(session, "SessionToken")),
        time: clock.now().system_time(),
        ..Request::s3("GET", "/data?list-type=2")
    };
    request.sign(sandbox, &keys).send(b"").await
}

#[tokio::test]
async fn a_session_ends_with_its_last_second() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let sandbox = start(SandboxOptions {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..SandboxOptions::default()
    })
    .await;
    let gateway = seed(&sandbox);
    let form = format!("{ASSUME}&DurationSeconds=900");
    let session = ask(&sandbox, &gateway, &*clock, "sts", &form).await;
    assert_eq!(session.status, 200, "{session:?}");
    clock.advance(899);
    assert_eq!(list(&sandbox, &*clock, &session).await.status, 200);
    clock.advance(1);
    let answer = list(&sandbox, &*clock, &session).await;
    assert_eq!((answer.status, answer.code()), (400, "ExpiredToken"));
}

#[tokio::test]
async fn a_session_outlives_a_restart_of_the_sandbox() {
    let directory = tempfile::tempdir().unwrap();
    let options = || SandboxOptions {
        data_dir: Some(directory.path().to_path_buf()),
        ..SandboxOptions::default()
    };
    let sandbox = start(options()).await;
    let gateway = seed(&sandbox);
    let session = ask(&sandbox, &gateway, &SystemClock, "sts", ASSUME).await;
    sandbox.shutdown().await;
    let sandbox = start(options()).await;
    assert_eq!(list(&sandbox, &SystemClock, &session).await.status, 200);
}

#[tokio::test]
async fn a_presigned_url_lives_as_long_as_it_says() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let sandbox = start(SandboxOptions {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..SandboxOptions::default()
    })
    .await;
    make_bucket(&sandbox, "data");
    let keys = sandbox.root_keys(&customer()).unwrap();
    let url = crate::raw::presign(&sandbox, &keys, "/data?list-type=2", 3_600, now());
    let open = async || crate::raw::send_plain(&sandbox, "GET", &url).await;
    assert_eq!(open().await.status, 200);
    clock.advance(3_600);
    assert_eq!(
        open().await.status,
        200,
        "past 15 minutes of skew, inside its own hour"
    );
    clock.advance(1);
    let answer = open().await;
    assert_eq!((answer.status, answer.code()), (403, "AccessDenied"));
    assert!(answer.body.contains("expired"), "{answer:?}");
}

#[tokio::test]
async fn a_change_is_seen_only_after_it_has_propagated() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let sandbox = start(SandboxOptions {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..SandboxOptions::default()
    })
    .await;
    let gateway = seed(&sandbox);
    let admin = sandbox.root_keys(&customer()).unwrap();
    let session = ask(&sandbox, &gateway, &*clock, "sts", ASSUME).await;
    let forget = "Action=DeleteRolePolicy&Version=2010-05-08&RoleName=tenant&PolicyName=read";
    let read = "Action=ListRolePolicies&Version=2010-05-08&RoleName=tenant";

    sandbox.set_propagation(Propagation::Seconds(10));
    let answer = ask(&sandbox, &admin, &*clock, "iam", forget).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = ask(&sandbox, &admin, &*clock, "iam", read).await;
    assert!(
        !answer.body.contains("read</member>"),
        "IAM itself knows at once: {answer:?}"
    );
    clock.advance(9);
    assert_eq!(list(&sandbox, &*clock, &session).await.status, 200);
    clock.advance(1);
    assert_eq!(list(&sandbox, &*clock, &session).await.status, 403);

    sandbox.set_propagation(Propagation::Calls(2));
    let put = "Action=PutRolePolicy&Version=2010-05-08&RoleName=tenant&PolicyName=read&PolicyDocument=\
        %7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
        %22Action%22%3A%22s3%3AListBucket%22%2C%22Resource%22%3A%22arn%3Aaws%3As3%3A%3A%3Adata%22%7D%5D%7D";
    let answer = ask(&sandbox, &admin, &*clock, "iam", put).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for status in [403, 403, 200] {
        assert_eq!(list(&sandbox, &*clock, &session).await.status, status);
    }
}

#[tokio::test]
async fn a_form_must_carry_its_own_signature() {
    let sandbox = start(SandboxOptions::default()).await;
    let keys = sandbox.root_keys(&customer()).unwrap();
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let sign = || {
        let request = Request {
            service: "sts",
            ..Request::s3("POST", "/")
        };
        request
            .payload(&sha256(form))
            .with("content-type", "application/x-www-form-urlencoded")
            .sign(&sandbox, &keys)
    };
    assert_eq!(sign().send(form.as_bytes()).await.status, 200);
    let answer = sign().send(b"Action=AssumeRole&Version=2011-06-15").await;
    assert_eq!(
        (answer.status, answer.code()),
        (403, "SignatureDoesNotMatch")
    );
    let answer = sign().without("authorization").send(form.as_bytes()).await;
    assert_eq!(answer.code(), "MissingAuthenticationToken");
    let answer = ask(&sandbox, &keys, &SystemClock, "iam", form).await;
    assert_eq!(
        answer.code(),
        "SignatureDoesNotMatch",
        "the scope names another service"
    );
    let stranger = KeyPair {
        access_key_id: "AKIAAAAAAAAAAAAAAAAA".into(),
        secret_access_key: "x".into(),
    };
    let answer = ask(&sandbox, &stranger, &SystemClock, "sts", form).await;
    assert_eq!(answer.code(), "InvalidClientTokenId");
    let old = ManualClock::at(SystemClock.now().plus_seconds(-901));
    let answer = ask(&sandbox, &keys, &old, "sts", form).await;
    assert_eq!(answer.code(), "SignatureDoesNotMatch");
}
