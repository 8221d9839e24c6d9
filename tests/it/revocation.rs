//! A key that is taken away stops working at once, also on a connection that is open.

use std::time::Duration;
use tests::ceph::Ceph;
use tests::client::succeed;
use tests::gateway::{Access, Bucket, Gateway, Key, Settings, Tenant};
use tests::request::{Connection, Request};
use tests::signer::Signer;
use tests::wait;
use tests::world::RESULTS;

fn key(id: &str) -> Key {
    Key {
        id: id.into(),
        secret: format!("secret-of-{id}-00000000000000000001"),
        read_only: false,
    }
}

#[test]
fn a_key_that_leaves_the_file_is_refused_after_sighup_also_on_an_open_connection() {
    let ceph = Ceph::shared();
    let bucket = "revocation";
    succeed(
        &mut ceph
            .http()
            .aws(&["s3api", "create-bucket", "--bucket", bucket]),
    );
    let settings = |keys: &[Key]| Settings {
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
            keys: keys.to_vec(),
        }],
        ..Settings::default()
    };
    let (stays, leaves) = (key("BYOSSTAYS00000000001"), key("BYOSLEAVES0000000001"));
    let gateway = Gateway::serve(&settings(&[stays.clone(), leaves.clone()]));
    let host = format!("127.0.0.1:{}", gateway.port());
    let ask = |connection: &mut Connection, key: &Key| {
        let path = format!("/{RESULTS}");
        let mut list = Request::new("GET", &host, &path).query("list-type=2");
        Signer::now(&gateway.login(key)).sign_with_hash(&mut list);
        connection.send(&list).unwrap().verdict()
    };
    let mut open = Connection::open(&host).unwrap();
    assert_eq!(ask(&mut open, &leaves), "200");

    gateway.reconfigure(&settings(std::slice::from_ref(&stays)));
    let refused = wait::until(Duration::from_secs(10), || {
        ask(&mut open, &leaves) == "403 InvalidAccessKeyId"
    });
    assert!(refused, "the key still works");
    let mut fresh = Connection::open(&host).unwrap();
    assert_eq!(ask(&mut fresh, &stays), "200");
}
