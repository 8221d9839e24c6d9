//! SIGTERM: what has begun is finished, and nothing new begins.

use std::time::Duration;
use tests::ceph::Ceph;
use tests::client::succeed;
use tests::gateway::{Access, Bucket, Gateway, Key, Settings, Tenant};
use tests::request::{Connection, Request};
use tests::signer::{Signer, UNSIGNED};
use tests::wait;
use tests::world::RESULTS;

#[test]
fn an_upload_that_has_begun_is_finished_after_sigterm_and_the_process_ends() {
    let ceph = Ceph::shared();
    let bucket = "drained";
    succeed(
        &mut ceph
            .http()
            .aws(&["s3api", "create-bucket", "--bucket", bucket]),
    );
    let key = Key {
        id: "BYOSDRAIN00000000001".into(),
        secret: "secret-of-the-drain-test-000000000000001".into(),
        read_only: false,
    };
    let mut gateway = Gateway::serve(&Settings {
        tenants: vec![Tenant {
            id: "acme".into(),
            access: Access::Keys(ceph.http()),
            buckets: vec![Bucket {
                name: RESULTS.into(),
                bucket: bucket.into(),
                prefix: "orgs/acme/".into(),
                writable: true,
                endpoint: ceph.http().endpoint,
                is_aws: false,
            }],
            keys: vec![key.clone()],
        }],
        ..Settings::default()
    });
    let host = format!("127.0.0.1:{}", gateway.port());
    let mut put = Request::new("PUT", &host, &format!("/{RESULTS}/begun"));
    put.set("content-length", "200000");
    Signer::now(&gateway.login(&key)).sign(&mut put, UNSIGNED);
    let mut connection = Connection::open(&host).unwrap();
    connection.write(&put.head()).unwrap();
    connection.write(&[b'a'; 100_000]).unwrap();
    // In flight for certain: a later request has been answered.
    let mut other = Connection::open(&host).unwrap();
    assert_eq!(
        other.send(&Request::new("GET", &host, "/")).unwrap().status,
        403
    );
    drop(other);

    gateway.server().signal("TERM");
    let closed = wait::until(Duration::from_secs(10), || Connection::open(&host).is_err());
    assert!(closed, "it still accepts connections");
    connection.write(&[b'b'; 100_000]).unwrap();
    assert_eq!(connection.response("PUT").unwrap().status, 200);
    assert!(gateway.server().ends_within(Duration::from_secs(60)));
    let head = [
        "s3api",
        "head-object",
        "--bucket",
        bucket,
        "--key",
        "orgs/acme/begun",
    ];
    let head = succeed(
        &mut ceph
            .http()
            .aws(&[&head[..], &["--output", "json"]].concat()),
    );
    assert!(head.contains("\"ContentLength\": 200000,"), "{head}");
}
