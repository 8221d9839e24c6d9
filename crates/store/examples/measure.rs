//! What the store costs: `cargo run --release -p store --example measure -- [folder] [tenants]`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for engineers: it prints figures, and stops when something is wrong"
)]

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use store::{KeyExpectation, KeyRing, SledStore, Store};
use types::{
    AccessKey, AccessKeyId, AccessKeyStatus, ActionSet, Backend, BucketAccess, BucketAlias,
    BucketMapping, BucketName, ConfigStatus, ConfigVersion, ExternalIdPrefix, Grant, KeyPrefix,
    Location, Region, RoleArn, Secret, SecretString, StorageConfig, StorageMode, TenantId,
    UpstreamAccess,
};

const LOOKUPS: usize = 100_000;
const SEQUENTIAL: usize = 200;
const WRITERS: usize = 64;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments
        .next()
        .map_or("measure-store".into(), PathBuf::from);
    let tenants = arguments
        .next()
        .map_or(10_000, |tenants| tenants.to_str().unwrap().parse().unwrap());
    let ring = || KeyRing::from_bytes(Secret::new([7; 32]));

    let start = Instant::now();
    let store = Arc::new(SledStore::open(&folder, ring()).unwrap());
    println!("open an empty store        {:>9.1} ms", ms(start));

    let start = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for number in (writer..tenants).step_by(WRITERS) {
                store
                    .put_storage_config(config(number), None)
                    .await
                    .unwrap();
                let key = access_key(number);
                store
                    .put_access_key(key, KeyExpectation::New)
                    .await
                    .unwrap();
            }
        });
    }
    writers.join_all().await;
    let rate = 2.0 * tenants as f64 / start.elapsed().as_secs_f64();
    println!("durable writes, {WRITERS} writers {rate:>9.0} /s ({tenants} tenants, a key each)");

    let start = Instant::now();
    for number in tenants..tenants + SEQUENTIAL {
        store
            .put_storage_config(config(number), None)
            .await
            .unwrap();
    }
    println!(
        "one durable write at a time{:>9.3} ms",
        ms(start) / SEQUENTIAL as f64
    );

    let ids: Vec<_> = (0..tenants).map(|number| access_key(number).id).collect();
    let names: Vec<_> = (0..tenants).map(|number| config(number).tenant).collect();
    let start = Instant::now();
    for lookup in 0..LOOKUPS {
        let id = &ids[lookup.wrapping_mul(7_919) % tenants];
        black_box(store.access_key(id).await.unwrap().unwrap());
    }
    println!(
        "look an access key up      {:>9.2} us",
        ms(start) * 1e3 / LOOKUPS as f64
    );
    let start = Instant::now();
    for lookup in 0..LOOKUPS {
        let name = &names[lookup.wrapping_mul(7_919) % tenants];
        black_box(store.storage_config(name).await.unwrap().unwrap());
    }
    println!(
        "look a configuration up    {:>9.2} us",
        ms(start) * 1e3 / LOOKUPS as f64
    );

    let start = Instant::now();
    assert!(store.verify().await.unwrap().is_sound());
    println!("verify everything          {:>9.1} ms", ms(start));
    let start = Instant::now();
    store.export(Box::new(std::io::sink())).await.unwrap();
    println!("export                     {:>9.1} ms", ms(start));
    let start = Instant::now();
    store.rotate_kek(ring()).await.unwrap();
    println!("rotate (nothing to do)     {:>9.1} ms", ms(start));
    let other = KeyRing::from_bytes(Secret::new([8; 32]));
    let start = Instant::now();
    let records = store.rotate_kek(other.clone()).await.unwrap();
    println!("rotate {records:>6} records      {:>9.1} ms", ms(start));

    let start = Instant::now();
    drop(store);
    println!("close                      {:>9.1} ms", ms(start));
    let size = std::fs::metadata(folder.join("snapshot")).unwrap().len();
    let start = Instant::now();
    drop(SledStore::open(&folder, other).unwrap());
    println!(
        "open and close again       {:>9.1} ms (snapshot {} KiB)",
        ms(start),
        size / 1024
    );
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn config(number: usize) -> StorageConfig {
    let mapping = |name: &str| {
        let bucket = format!("customer-{number}-{name}");
        let location = Location {
            backend: Backend::AwsS3 {
                region: Region::parse("eu-central-1").unwrap(),
                endpoint: None,
            },
            bucket: BucketName::parse(bucket).unwrap(),
            prefix: KeyPrefix::parse("extractions/").unwrap(),
        };
        let access = BucketAccess::ReadWrite;
        (
            BucketAlias::parse(name).unwrap(),
            BucketMapping { location, access },
        )
    };
    StorageConfig {
        tenant: TenantId::parse(format!("tenant-{number}")).unwrap(),
        version: ConfigVersion::FIRST,
        mode: StorageMode::Customer,
        status: ConfigStatus::Enabled,
        access: UpstreamAccess::AssumeRole {
            role: RoleArn::parse("arn:aws:iam::123456789012:role/byos").unwrap(),
            external_id_prefix: ExternalIdPrefix::default(),
        },
        buckets: [mapping("data"), mapping("results")].into(),
    }
}

fn access_key(number: usize) -> AccessKey {
    AccessKey {
        id: AccessKeyId::parse(format!("BYOS{number:016}")).unwrap(),
        tenant: TenantId::parse(format!("tenant-{number}")).unwrap(),
        secret: SecretString::from("wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYxx"),
        secret_version: 1,
        grants: vec![Grant::on_all_buckets(ActionSet::ReadWrite)],
        not_after: None,
        status: AccessKeyStatus::Active,
    }
}
