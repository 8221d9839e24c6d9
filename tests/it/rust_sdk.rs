//! The AWS SDK for Rust with its default checksums.

use crate::upstreams::on_each_upstream;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::collections::BTreeSet;
use tests::client::Login;
use tests::files::{ODD_KEYS, ODD_NAMES, SIZES, content};
use tests::listing;
use tests::world::{RESULTS, World};

on_each_upstream! {
    the_rust_sdk_reads_the_errors,
    the_rust_sdk_round_trips_every_size,
    the_rust_sdk_round_trips_keys_that_are_hard_to_carry,
    the_rust_sdk_lists_twelve_hundred_keys_by_folder,
}

const PART: usize = 8 << 20;

fn client(login: &Login) -> Client {
    let keys = Credentials::new(
        &login.access_key_id,
        &login.secret_access_key,
        None,
        None,
        "tests",
    );
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(&login.endpoint)
        .region(Region::new(login.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .force_path_style(true)
        .build();
    Client::from_conf(config)
}

/// Runs a conversation to its end.
fn with_client<F: Future>(world: &World, talk: impl FnOnce(Client) -> F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(talk(client(&world.acme.client)))
}

async fn put(s3: &Client, key: &str, body: Vec<u8>) {
    if body.len() < PART {
        let put = s3.put_object().bucket(RESULTS).key(key).body(body.into());
        put.send().await.unwrap();
        return;
    }
    let begin = s3.create_multipart_upload().bucket(RESULTS).key(key);
    let begun = begin.send().await.unwrap();
    let upload = begun.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, part) in (1..).zip(body.chunks(PART)) {
        let put = s3.upload_part().bucket(RESULTS).key(key).upload_id(upload);
        let put = put.part_number(number).body(part.to_vec().into());
        let tag = put.send().await.unwrap().e_tag.unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(tag)
                .build(),
        );
    }
    let parts = CompletedMultipartUpload::builder()
        .set_parts(Some(parts))
        .build();
    let end = s3
        .complete_multipart_upload()
        .bucket(RESULTS)
        .key(key)
        .upload_id(upload);
    end.multipart_upload(parts).send().await.unwrap();
}

async fn get(s3: &Client, key: &str) -> Vec<u8> {
    let got = s3
        .get_object()
        .bucket(RESULTS)
        .key(key)
        .send()
        .await
        .unwrap();
    got.body.collect().await.unwrap().to_vec()
}

async fn keys_under(s3: &Client, prefix: &str) -> BTreeSet<String> {
    let list = s3.list_objects_v2().bucket(RESULTS).prefix(prefix);
    let mut pages = list.into_paginator().send();
    let mut keys = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        keys.extend(
            page.contents()
                .iter()
                .map(|found| found.key().unwrap().to_owned()),
        );
    }
    keys
}

fn the_rust_sdk_round_trips_every_size(world: &World) {
    with_client(world, async |s3| {
        for size in SIZES {
            let (key, body) = (format!("rust/sizes/{size}"), content(size));
            put(&s3, &key, body.clone()).await;
            assert!(get(&s3, &key).await == body, "{size} bytes changed");
            s3.delete_object()
                .bucket(RESULTS)
                .key(&key)
                .send()
                .await
                .unwrap();
        }
        assert_eq!(keys_under(&s3, "rust/sizes/").await, BTreeSet::new());
    });
}

fn the_rust_sdk_round_trips_keys_that_are_hard_to_carry(world: &World) {
    with_client(world, async |s3| {
        let names = ODD_NAMES.iter().chain(&ODD_KEYS);
        let keys: BTreeSet<_> = names.map(|name| format!("rust/keys/{name}")).collect();
        for key in &keys {
            put(&s3, key, key.clone().into_bytes()).await;
        }
        for key in &keys {
            assert_eq!(get(&s3, key).await, key.as_bytes(), "{key}");
        }
        assert_eq!(keys_under(&s3, "rust/keys/").await, keys);
    });
}

fn the_rust_sdk_lists_twelve_hundred_keys_by_folder(world: &World) {
    with_client(world.with_many_objects(), async |s3| {
        assert_eq!(
            keys_under(&s3, listing::PREFIX).await,
            listing::keys().collect()
        );
        let list = s3.list_objects_v2().bucket(RESULTS).prefix(listing::PREFIX);
        let page = list.delimiter("/").send().await.unwrap();
        let folders = page.common_prefixes().iter();
        let folders: BTreeSet<_> = folders.map(|it| it.prefix().unwrap().to_owned()).collect();
        assert_eq!(folders, listing::folders());
        assert_eq!(page.contents().len(), listing::plain_keys().len());
    });
}

fn the_rust_sdk_reads_the_errors(world: &World) {
    with_client(world, async |s3| {
        let get = |bucket| s3.get_object().bucket(bucket).key("rust/none").send();
        let missing = get(RESULTS).await.unwrap_err();
        assert_eq!(missing.code(), Some("NoSuchKey"));
        let elsewhere = get("another-bucket").await.unwrap_err();
        assert_eq!(elsewhere.code(), Some("NoSuchBucket"));
    });
}
