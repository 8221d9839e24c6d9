//! What the real S3-compatible store does by itself: the reason why the gateway re-frames bodies.

use tests::ceph::Ceph;
use tests::client::succeed;

#[test]
fn default_boto3_over_tls_cannot_put_one_byte_into_ceph_directly() {
    let ceph = Ceph::shared();
    succeed(&mut ceph.http().aws(&["s3", "mb", "s3://direct-over-tls"]));
    let answer = ceph
        .https()
        .python("put_one_byte.py", &["direct-over-tls", "one"]);
    assert_eq!(answer.trim(), "MissingContentLength 411");
}

#[test]
fn default_boto3_over_clear_text_can_put_one_byte_into_ceph_directly() {
    let ceph = Ceph::shared();
    succeed(&mut ceph.http().aws(&["s3", "mb", "s3://direct-over-http"]));
    let answer = ceph
        .http()
        .python("put_one_byte.py", &["direct-over-http", "one"]);
    assert_eq!(answer.trim(), "stored");
}

#[test]
fn a_stranger_cannot_write_to_another_users_bucket_in_ceph() {
    let ceph = Ceph::shared();
    succeed(&mut ceph.http().aws(&["s3", "mb", "s3://not-for-strangers"]));
    let answer = ceph
        .stranger()
        .python("put_one_byte.py", &["not-for-strangers", "one"]);
    assert_eq!(answer.trim(), "AccessDenied 403");
}
