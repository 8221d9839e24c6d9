//! The `aws` command line, as a person types it.

use crate::upstreams::on_each_upstream;
use serde_json::Value;
use std::collections::BTreeSet;
use tests::client::succeed;
use tests::files::{self, ODD_NAMES, SIZES};
use tests::listing;
use tests::world::{RESULTS, World};

on_each_upstream! {
    aws_cli_copies_a_folder_of_every_size_there_and_back,
    aws_cli_copies_names_that_are_hard_to_carry,
    aws_cli_lists_twelve_hundred_keys_by_folder,
    aws_cli_moves_and_removes_what_it_put,
}

fn aws_cli_copies_a_folder_of_every_size_there_and_back(world: &World) {
    let back = tempfile::tempdir().unwrap();
    let there = format!("s3://{RESULTS}/aws/sizes/");
    let (from, into) = (
        files::folder().to_str().unwrap(),
        back.path().to_str().unwrap(),
    );
    let copy = |from: &str, to: &str| {
        let quiet = ["s3", "cp", "--recursive", "--no-progress", from, to];
        succeed(&mut world.acme.client.aws(&quiet));
    };
    copy(from, &there);
    copy(&there, into);
    for size in SIZES {
        let name = size.to_string();
        let read = |folder: &std::path::Path| std::fs::read(folder.join(&name)).unwrap();
        assert!(
            read(files::folder()) == read(back.path()),
            "{size} bytes changed"
        );
    }
}

fn aws_cli_copies_names_that_are_hard_to_carry(world: &World) {
    let local = tempfile::tempdir().unwrap();
    for name in ODD_NAMES {
        std::fs::write(local.path().join(name), name).unwrap();
    }
    let there = format!("s3://{RESULTS}/aws/names/");
    let client = &world.acme.client;
    succeed(&mut client.aws(&["s3", "sync", local.path().to_str().unwrap(), &there]));
    let listed = succeed(&mut client.aws(&["s3", "ls", &there]));
    let listed: BTreeSet<_> = listed
        .lines()
        .map(|line| {
            line.split_whitespace()
                .skip(3)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(listed, BTreeSet::from(ODD_NAMES.map(str::to_owned)));
    let back = tempfile::tempdir().unwrap();
    succeed(&mut client.aws(&["s3", "sync", &there, back.path().to_str().unwrap()]));
    for name in ODD_NAMES {
        assert_eq!(
            std::fs::read_to_string(back.path().join(name)).unwrap(),
            name
        );
    }
}

fn aws_cli_lists_twelve_hundred_keys_by_folder(world: &World) {
    let client = &world.with_many_objects().acme.client;
    let list = [
        "s3api",
        "list-objects-v2",
        "--output",
        "json",
        "--delimiter",
        "/",
    ];
    let place = ["--bucket", RESULTS, "--prefix", listing::PREFIX];
    let page = succeed(&mut client.aws(&[&list[..], &place].concat()));
    let page: Value = serde_json::from_str(&page).unwrap();
    let names = |list: &str, name: &str| -> BTreeSet<String> {
        let entries = page[list].as_array().unwrap().iter();
        entries
            .map(|entry| entry[name].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("CommonPrefixes", "Prefix"), listing::folders());
    assert_eq!(names("Contents", "Key"), listing::plain_keys());
}

fn aws_cli_moves_and_removes_what_it_put(world: &World) {
    let client = &world.acme.client;
    let local = files::folder().join("8192");
    let [here, there] = ["here", "there"].map(|name| format!("s3://{RESULTS}/aws/move/{name}"));
    succeed(&mut client.aws(&["s3", "cp", local.to_str().unwrap(), &here]));
    succeed(&mut client.aws(&["s3", "mv", &here, &there]));
    let folder = format!("s3://{RESULTS}/aws/move/");
    let listed = succeed(&mut client.aws(&["s3", "ls", &folder]));
    assert!(listed.trim_end().ends_with(" 8192 there"), "{listed}");
    succeed(&mut client.aws(&["s3", "rm", "--recursive", &folder]));
    let gone = client.aws(&["s3", "ls", &folder]).output().unwrap();
    assert_eq!(
        gone.status.code(),
        Some(1),
        "nothing is listed there any more"
    );
}
