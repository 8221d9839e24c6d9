//! TLS on both sides: the combination in which boto3's defaults fail against an older store.

use tests::ceph::Ceph;
use tests::client::{Login, succeed};
use tests::gateway::{Access, Bucket, Gateway, Key, Settings, Tenant};
use tests::world::RESULTS;

fn gateway_before(store: &Login, bucket: &str) -> (Gateway, Login) {
    let key = Key {
        id: "BYOSTLSCLIENT0000001".into(),
        secret: "secret-of-the-tls-client-000000000000001".into(),
        read_only: false,
    };
    let gateway = Gateway::serve(&Settings {
        tenants: vec![Tenant {
            id: "acme".into(),
            access: Access::Keys(store.clone()),
            buckets: vec![Bucket {
                name: RESULTS.into(),
                bucket: bucket.into(),
                prefix: "orgs/acme/".into(),
                writable: true,
                endpoint: store.endpoint.clone(),
                is_aws: false,
            }],
            keys: vec![key.clone()],
        }],
        upstream_authority: store.authority.clone(),
        tls: true,
        ..Settings::default()
    });
    let login = gateway.login(&key);
    (gateway, login)
}

#[test]
fn default_boto3_over_tls_puts_one_byte_into_ceph_through_the_gateway() {
    let ceph = Ceph::shared();
    let bucket = "through-over-tls";
    succeed(
        &mut ceph
            .http()
            .aws(&["s3api", "create-bucket", "--bucket", bucket]),
    );
    let direct = ceph.https().python("put_one_byte.py", &[bucket, "direct"]);
    assert_eq!(direct.trim(), "MissingContentLength 411");

    let (_gateway, client) = gateway_before(&ceph.https(), bucket);
    let through = client.python("put_one_byte.py", &[RESULTS, "one"]);
    assert_eq!(through.trim(), "stored");
    let head = [
        "s3api",
        "head-object",
        "--bucket",
        bucket,
        "--key",
        "orgs/acme/one",
    ];
    let head = succeed(
        &mut ceph
            .http()
            .aws(&[&head[..], &["--output", "json"]].concat()),
    );
    assert!(head.contains("\"ContentLength\": 1,"), "{head}");
    assert!(!head.contains("aws-chunked"), "{head}");
}

#[test]
fn boto3_round_trips_every_size_over_tls_on_both_sides() {
    let ceph = Ceph::shared();
    let bucket = "sizes-over-tls";
    succeed(
        &mut ceph
            .http()
            .aws(&["s3api", "create-bucket", "--bucket", bucket]),
    );
    let (_gateway, client) = gateway_before(&ceph.https(), bucket);
    let sizes = tests::files::SIZES.map(|size| size.to_string());
    let mut arguments = vec!["sizes", RESULTS, "tls/"];
    arguments.extend(sizes.iter().map(String::as_str));
    client.python("boto3_client.py", &arguments);
}

#[test]
fn a_store_whose_certificate_nobody_vouches_for_is_not_used() {
    let ceph = Ceph::shared();
    let bucket = "untrusted-over-tls";
    succeed(
        &mut ceph
            .http()
            .aws(&["s3api", "create-bucket", "--bucket", bucket]),
    );
    let mut store = ceph.https();
    store.authority = None;
    let (_gateway, client) = gateway_before(&store, bucket);
    let answer = client.python("put_one_byte.py", &[RESULTS, "one"]);
    assert!(
        answer.trim().ends_with(" 503") || answer.trim().ends_with(" 502"),
        "{answer}"
    );
}
