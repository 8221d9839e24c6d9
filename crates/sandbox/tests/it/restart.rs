//! A restart keeps everything.

use crate::raw::Request;
use crate::support::{customer, make_bucket, start_in, vendor};
use serde_json::json;

#[tokio::test]
async fn a_restart_keeps_objects_uploads_keys_and_roles() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = start_in(directory.path()).await;
    make_bucket(&sandbox, "data");
    let keys = sandbox.root_keys(&customer()).unwrap();
    for (target, body) in [
        ("/data/a//", "one"),
        ("/data/b", "first"),
        ("/data/b", "second"),
    ] {
        let answer = Request::s3("PUT", target)
            .sign(&sandbox, &keys)
            .send(body.as_bytes())
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let begun = Request::s3("POST", "/data/c?uploads=")
        .sign(&sandbox, &keys)
        .send(b"")
        .await;
    let upload = begun
        .body
        .split_once("<UploadId>")
        .unwrap()
        .1
        .split_once('<')
        .unwrap()
        .0
        .to_string();
    let part = format!("/data/c?partNumber=1&uploadId={upload}");
    let answer = Request::s3("PUT", &part)
        .sign(&sandbox, &keys)
        .send(b"part")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let policy = json!({"Version": "2012-10-17", "Statement": []});
    let user = sandbox.create_user(&vendor(), "gateway", &[]).unwrap();
    assert!(
        sandbox
            .create_user(&vendor(), "other", &[("p", &policy)])
            .is_err()
    );
    sandbox.shutdown().await;

    let sandbox = start_in(directory.path()).await;
    let again = sandbox.root_keys(&customer()).unwrap();
    assert_eq!(again.access_key_id, keys.access_key_id);
    assert_eq!(
        sandbox
            .create_user(&vendor(), "gateway", &[])
            .unwrap()
            .access_key_id,
        user.access_key_id
    );
    for (target, body) in [("/data/a//", "one"), ("/data/b", "second")] {
        let answer = Request::s3("GET", target)
            .sign(&sandbox, &keys)
            .send(b"")
            .await;
        assert_eq!(answer.body, body);
    }
    let done = format!("/data/c?uploadId={upload}");
    let parts = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>\
                 <ETag>e2bd7c64b9b9a6ed4d5e0c4b8bd7a7b8</ETag></Part></CompleteMultipartUpload>";
    let answer = Request::s3("POST", &done)
        .sign(&sandbox, &keys)
        .send(parts.as_bytes())
        .await;
    assert_eq!(
        answer.code(),
        "InvalidPart",
        "the upload is known, the tag is not: {answer:?}"
    );
}

#[tokio::test]
async fn leftovers_of_a_crash_are_swept() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = start_in(directory.path()).await;
    make_bucket(&sandbox, "data");
    let keys = sandbox.root_keys(&customer()).unwrap();
    let answer = Request::s3("PUT", "/data/k")
        .sign(&sandbox, &keys)
        .send(b"body")
        .await;
    assert_eq!(answer.status, 200);
    sandbox.shutdown().await;
    let store = directory.path().join("s3");
    let objects = store.join("buckets/data/objects");
    let object = std::fs::read_dir(&objects)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = std::fs::read(&object).unwrap();
    std::fs::write(
        objects.join("7f-000000000000007f"),
        &whole[..whole.len() - 1],
    )
    .unwrap();
    std::fs::write(store.join("drafts/0000000000000000"), b"half a body").unwrap();
    std::fs::create_dir_all(store.join("buckets/half-made/objects")).unwrap();

    let sandbox = start_in(directory.path()).await;
    let answer = Request::s3("GET", "/data/k")
        .sign(&sandbox, &keys)
        .send(b"")
        .await;
    assert_eq!(answer.body, "body");
    assert_eq!(std::fs::read_dir(&objects).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(store.join("drafts")).unwrap().count(), 0);
    assert!(!store.join("buckets/half-made").exists());
}

#[tokio::test]
async fn two_sandboxes_do_not_share_their_files() {
    let directory = tempfile::tempdir().unwrap();
    let first = start_in(directory.path()).await;
    let options = || sandbox::SandboxOptions {
        data_dir: Some(directory.path().to_path_buf()),
        ..sandbox::SandboxOptions::default()
    };
    let refused = sandbox::Sandbox::start(options()).await.unwrap_err();
    assert!(
        matches!(refused, sandbox::SandboxError::Data { .. }),
        "{refused}"
    );
    first.shutdown().await;
    sandbox::Sandbox::start(options()).await.unwrap();
}

#[tokio::test]
async fn a_sandbox_is_not_reachable_from_elsewhere() {
    let options = sandbox::SandboxOptions {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..sandbox::SandboxOptions::default()
    };
    let refused = sandbox::Sandbox::start(options).await.unwrap_err();
    assert!(matches!(refused, sandbox::SandboxError::NotLoopback(_)));
}
