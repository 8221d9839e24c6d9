//! rclone, which checks what it copies.

use crate::upstreams::on_each_upstream;
use std::collections::BTreeSet;
use tests::client::{Login, succeed};
use tests::files::{self, ODD_NAMES};
use tests::listing;
use tests::world::{RESULTS, World};

on_each_upstream! {
    rclone_copies_every_size_and_finds_no_difference,
    rclone_copies_names_that_are_hard_to_carry,
    rclone_lists_twelve_hundred_keys_by_folder,
}

fn rclone(client: &Login, arguments: &[&str]) -> String {
    // The tenant's buckets exist; a client of the gateway has no business creating any.
    let always = [
        "--s3-no-check-bucket",
        "--s3-upload-cutoff=16M",
        "--s3-chunk-size=8M",
    ];
    succeed(&mut client.rclone(&[&always, arguments].concat()))
}

fn rclone_copies_every_size_and_finds_no_difference(world: &World) {
    let client = &world.acme.client;
    let there = format!("s3:{RESULTS}/rclone-sizes/all");
    let here = files::folder().to_str().unwrap();
    rclone(client, &["copy", here, &there]);
    rclone(client, &["check", "--download", here, &there]);
    rclone(client, &["delete", &there]);
    assert_eq!(
        rclone(client, &["lsf", &format!("s3:{RESULTS}/rclone-sizes/")]),
        ""
    );
}

fn rclone_copies_names_that_are_hard_to_carry(world: &World) {
    let local = tempfile::tempdir().unwrap();
    for name in ODD_NAMES {
        std::fs::write(local.path().join(name), name).unwrap();
    }
    let client = &world.acme.client;
    let there = format!("s3:{RESULTS}/rclone-names");
    let here = local.path().to_str().unwrap();
    rclone(client, &["copy", here, &there]);
    rclone(client, &["check", "--download", here, &there]);
}

fn rclone_lists_twelve_hundred_keys_by_folder(world: &World) {
    let client = &world.with_many_objects().acme.client;
    let folder = format!("s3:{RESULTS}/{}", listing::PREFIX);
    let lines = |text: String| -> BTreeSet<String> {
        text.lines()
            .map(|line| format!("{}{line}", listing::PREFIX))
            .collect()
    };
    let shallow: BTreeSet<_> = listing::folders()
        .union(&listing::plain_keys())
        .cloned()
        .collect();
    assert_eq!(lines(rclone(client, &["lsf", &folder])), shallow);
    let deep = lines(rclone(
        client,
        &["lsf", "--recursive", "--files-only", &folder],
    ));
    assert_eq!(deep, listing::keys().collect());
}
