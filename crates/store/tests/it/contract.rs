//! What every store promises, run against every engine.

use crate::support::*;
use std::collections::HashSet;
use std::sync::Arc;
use store::{Change, KeyExpectation, Store, StoreError, target_id};
use types::{AccessKeyStatus, ConfigVersion, SecretString};

/// One module of tests per engine.
macro_rules! contract {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test::<super::InMemory>().await;
            })*
        }
        mod sled {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test::<super::OnDisk>().await;
            })*
        }
    };
}

contract!(
    a_configuration_reads_back_as_written,
    a_configuration_survives_closing_and_opening,
    only_the_next_revision_can_be_written,
    of_a_hundred_concurrent_edits_exactly_one_wins,
    every_revision_stays_readable,
    tenants_are_listed_in_order_and_in_pages,
    an_access_key_reads_back_as_written,
    an_access_key_is_replaced_only_by_who_has_seen_it,
    a_revoked_key_stays_revoked,
    a_key_never_moves_to_another_tenant,
    a_new_secret_needs_a_greater_version,
    keys_are_listed_by_tenant,
    a_target_has_the_same_id_everywhere,
    the_first_pin_of_a_job_wins,
    a_pin_needs_a_stored_target,
    a_change_is_announced_before_the_call_returns,
    a_refused_write_is_not_announced,
    a_record_that_is_too_large_is_refused_and_nothing_is_written,
    concurrent_writes_are_all_there,
    a_sound_store_verifies,
);

async fn a_configuration_reads_back_as_written<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    assert!(
        store
            .storage_config(&tenant("acme"))
            .await
            .unwrap()
            .is_none()
    );
    for config in [
        config("acme", 1, "bucket-a"),
        static_config("beta", "canary \" \\ \u{7f}ü"),
    ] {
        store
            .put_storage_config(config.clone(), None)
            .await
            .unwrap();
        let read = store.storage_config(&config.tenant).await.unwrap().unwrap();
        assert_eq!(told(&read), told(&config));
    }
}

async fn a_configuration_survives_closing_and_opening<P: Place>() {
    let place = P::new();
    let written = static_config("acme", "secret");
    let store = place.open(ring(1)).unwrap();
    store
        .put_storage_config(written.clone(), None)
        .await
        .unwrap();
    drop(store);
    let store = place.open(ring(1)).unwrap();
    let read = store
        .storage_config(&tenant("acme"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told(&read), told(&written));
}

async fn only_the_next_revision_can_be_written<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let put = |version, expected: Option<u64>| {
        store.put_storage_config(
            config("acme", version, "bucket-a"),
            expected.map(ConfigVersion),
        )
    };
    assert!(matches!(
        put(2, None).await,
        Err(StoreError::Revision { .. })
    ));
    assert!(matches!(
        put(2, Some(1)).await,
        Err(StoreError::Conflict { current: None })
    ));
    put(1, None).await.unwrap();
    assert!(matches!(
        put(1, None).await,
        Err(StoreError::Conflict {
            current: Some(ConfigVersion(1))
        })
    ));
    assert!(matches!(
        put(3, Some(1)).await,
        Err(StoreError::Revision { .. })
    ));
    put(2, Some(1)).await.unwrap();
    assert!(matches!(
        put(2, Some(1)).await,
        Err(StoreError::Conflict {
            current: Some(ConfigVersion(2))
        })
    ));
}

async fn of_a_hundred_concurrent_edits_exactly_one_wins<P: Place>() {
    let place = P::new();
    let store = Arc::new(place.open(ring(1)).unwrap());
    store
        .put_storage_config(config("acme", 1, "first"), None)
        .await
        .unwrap();
    let mut edits = tokio::task::JoinSet::new();
    for editor in 0..100 {
        let store = store.clone();
        edits.spawn(async move {
            let name = format!("editor-{editor}");
            let edit = config("acme", 2, &name);
            store
                .put_storage_config(edit, Some(ConfigVersion(1)))
                .await
                .map(|()| name)
        });
    }
    let mut winners = Vec::new();
    while let Some(edit) = edits.join_next().await {
        match edit.unwrap() {
            Ok(name) => winners.push(name),
            Err(StoreError::Conflict { current }) => assert_eq!(current, Some(ConfigVersion(2))),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let read = store
        .storage_config(&tenant("acme"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(told(&read), told(&config("acme", 2, &winners[0])));
}

async fn every_revision_stays_readable<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let mut expected = None;
    for version in 1..=20 {
        let edit = config("acme", version, &format!("bucket-{version}"));
        store.put_storage_config(edit, expected).await.unwrap();
        expected = Some(ConfigVersion(version));
    }
    for version in 1..=20 {
        let found = store
            .storage_config_at(&tenant("acme"), ConfigVersion(version))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            told(&found),
            told(&config("acme", version, &format!("bucket-{version}")))
        );
    }
    let beyond = store
        .storage_config_at(&tenant("acme"), ConfigVersion(21))
        .await
        .unwrap();
    assert!(beyond.is_none());
}

async fn tenants_are_listed_in_order_and_in_pages<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    assert!(store.tenants(None, 10).await.unwrap().is_empty());
    for name in ["beta", "Acme", "acme", "acme-2", "a"] {
        store
            .put_storage_config(config(name, 1, "bucket-a"), None)
            .await
            .unwrap();
    }
    let all = store.tenants(None, 10).await.unwrap();
    assert_eq!(all, ["Acme", "a", "acme", "acme-2", "beta"].map(tenant));
    let mut paged = Vec::new();
    loop {
        let page = store.tenants(paged.last(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

async fn an_access_key_reads_back_as_written<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let key = access_key("A", "acme");
    assert!(store.access_key(&key.id).await.unwrap().is_none());
    store
        .put_access_key(key.clone(), KeyExpectation::New)
        .await
        .unwrap();
    let read = store.access_key(&key.id).await.unwrap().unwrap();
    assert_eq!(told_key(&read), told_key(&key));
}

async fn an_access_key_is_replaced_only_by_who_has_seen_it<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let key = access_key("A", "acme");
    let mut disabled = key.clone();
    disabled.status = AccessKeyStatus::Disabled;
    let replace = |expected: &types::AccessKey| KeyExpectation::Replace(Box::new(expected.clone()));

    let early = store.put_access_key(disabled.clone(), replace(&key)).await;
    assert!(matches!(early, Err(StoreError::KeyConflict)));
    store
        .put_access_key(key.clone(), KeyExpectation::New)
        .await
        .unwrap();
    let again = store.put_access_key(key.clone(), KeyExpectation::New).await;
    assert!(matches!(again, Err(StoreError::KeyConflict)));
    store
        .put_access_key(disabled.clone(), replace(&key))
        .await
        .unwrap();

    let mut late = key.clone();
    late.grants.clear();
    let late = store.put_access_key(late, replace(&key)).await;
    assert!(matches!(late, Err(StoreError::KeyConflict)));
    let read = store.access_key(&key.id).await.unwrap().unwrap();
    assert_eq!(told_key(&read), told_key(&disabled));
}

async fn a_revoked_key_stays_revoked<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let mut revoked = access_key("A", "acme");
    revoked.status = AccessKeyStatus::Revoked;
    store
        .put_access_key(revoked.clone(), KeyExpectation::New)
        .await
        .unwrap();
    let expected = KeyExpectation::Replace(Box::new(revoked.clone()));
    let mut active = revoked;
    active.status = AccessKeyStatus::Active;
    let revived = store.put_access_key(active, expected).await;
    assert!(matches!(revived, Err(StoreError::KeyRule(_))));
}

async fn a_key_never_moves_to_another_tenant<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let key = access_key("A", "acme");
    store
        .put_access_key(key.clone(), KeyExpectation::New)
        .await
        .unwrap();
    let expected = KeyExpectation::Replace(Box::new(key));
    let moved = store
        .put_access_key(access_key("A", "beta"), expected)
        .await;
    assert!(matches!(moved, Err(StoreError::KeyRule(_))));
}

async fn a_new_secret_needs_a_greater_version<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let key = access_key("A", "acme");
    store
        .put_access_key(key.clone(), KeyExpectation::New)
        .await
        .unwrap();
    let mut changed = key.clone();
    changed.secret = SecretString::from("another");
    let expected = KeyExpectation::Replace(Box::new(key));
    let refused = store
        .put_access_key(changed.clone(), expected.clone())
        .await;
    assert!(matches!(refused, Err(StoreError::KeyRule(_))));
    changed.secret_version = 2;
    store.put_access_key(changed, expected).await.unwrap();
}

async fn keys_are_listed_by_tenant<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    for (id, owner) in [("B", "acme"), ("A", "acme"), ("C", "acm"), ("D", "acme-2")] {
        store
            .put_access_key(access_key(id, owner), KeyExpectation::New)
            .await
            .unwrap();
    }
    let listed = store.access_keys(&tenant("acme"), None, 10).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|key| key.id.clone()).collect();
    assert_eq!(ids, [key_id("A"), key_id("B")]);
    let rest = store
        .access_keys(&tenant("acme"), Some(&ids[0]), 10)
        .await
        .unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(
        store
            .access_keys(&tenant("acme"), None, 1)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        store
            .access_keys(&tenant("nobody"), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_target_has_the_same_id_everywhere<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let id = store.put_target(target("bucket-a")).await.unwrap();
    assert_eq!(id, target_id(&target("bucket-a")));
    assert_eq!(store.put_target(target("bucket-a")).await.unwrap(), id);
    assert_ne!(store.put_target(target("bucket-b")).await.unwrap(), id);
    assert_eq!(store.target(&id).await.unwrap(), Some(target("bucket-a")));
    // Written down once: the id is stored in jobs and must never change.
    assert_eq!(id.as_str(), GOLDEN_TARGET);
}

const GOLDEN_TARGET: &str = "6edd94446d9a941ccac8b45162d7a87641de78e2c3dc7547d1955b95ea143a5c";

async fn the_first_pin_of_a_job_wins<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let (acme, beta) = (tenant("acme"), tenant("beta"));
    let (job, data, results) = (job("job-1"), alias("data"), alias("results"));
    let first = store.put_target(target("bucket-a")).await.unwrap();
    let second = store.put_target(target("bucket-b")).await.unwrap();
    assert_eq!(store.job_target(&acme, &job, &data).await.unwrap(), None);
    store.pin_job(&acme, &job, &data, &first).await.unwrap();
    store.pin_job(&acme, &job, &data, &first).await.unwrap();
    match store.pin_job(&acme, &job, &data, &second).await {
        Err(StoreError::PinConflict { pinned }) => assert_eq!(pinned, first),
        result => panic!("{result:?}"),
    }
    store.pin_job(&acme, &job, &results, &second).await.unwrap();
    store.pin_job(&beta, &job, &data, &second).await.unwrap();
    assert_eq!(
        store.job_target(&acme, &job, &data).await.unwrap(),
        Some(first)
    );
    assert_eq!(
        store.job_target(&beta, &job, &data).await.unwrap(),
        Some(second)
    );
}

async fn a_pin_needs_a_stored_target<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let unknown = target_id(&target("bucket-a"));
    let pinned = store
        .pin_job(&tenant("acme"), &job("j"), &alias("data"), &unknown)
        .await;
    assert!(matches!(pinned, Err(StoreError::UnknownTarget(id)) if id == unknown));
}

async fn a_change_is_announced_before_the_call_returns<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let mut changes = store.changes();
    store
        .put_storage_config(config("acme", 1, "bucket-a"), None)
        .await
        .unwrap();
    assert_eq!(
        changes.try_next(),
        Some(Change::StorageConfig(tenant("acme")))
    );
    store
        .put_access_key(access_key("A", "acme"), KeyExpectation::New)
        .await
        .unwrap();
    assert_eq!(changes.try_next(), Some(Change::AccessKey(key_id("A"))));
    let id = store.put_target(target("bucket-a")).await.unwrap();
    store
        .pin_job(&tenant("acme"), &job("j"), &alias("data"), &id)
        .await
        .unwrap();
    assert_eq!(
        changes.try_next(),
        Some(Change::Job(tenant("acme"), job("j")))
    );
    assert_eq!(changes.try_next(), None);
}

async fn a_refused_write_is_not_announced<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    store
        .put_storage_config(config("acme", 1, "bucket-a"), None)
        .await
        .unwrap();
    let mut changes = store.changes();
    let refused = store
        .put_storage_config(config("acme", 1, "bucket-b"), None)
        .await;
    assert!(refused.is_err());
    assert_eq!(changes.try_next(), None);
}

async fn a_record_that_is_too_large_is_refused_and_nothing_is_written<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    let mut large = config("acme", 1, "bucket-a");
    for bucket in 0..200 {
        let name = format!("bucket-{bucket}");
        large.buckets.insert(alias(&name), mapping(&name));
    }
    let before = store.verify().await.unwrap();
    let refused = store.put_storage_config(large, None).await;
    assert!(matches!(
        refused,
        Err(StoreError::TooLarge { limit: 8_192 })
    ));
    assert_eq!(store.verify().await.unwrap(), before);
}

async fn concurrent_writes_are_all_there<P: Place>() {
    let place = P::new();
    let store = Arc::new(place.open(ring(1)).unwrap());
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..300 {
        let store = store.clone();
        writes.spawn(async move {
            let name = format!("tenant-{number}");
            store
                .put_storage_config(config(&name, 1, "bucket-a"), None)
                .await
                .unwrap();
            let key = access_key(&number.to_string(), &name);
            store
                .put_access_key(key, KeyExpectation::New)
                .await
                .unwrap();
        });
    }
    writes.join_all().await;
    drop(store);
    let store = place.open(ring(1)).unwrap();
    let found: HashSet<_> = store
        .tenants(None, 1_000)
        .await
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(
        found,
        (0..300).map(|n| tenant(&format!("tenant-{n}"))).collect()
    );
    for number in 0..300 {
        let keys = store
            .access_keys(&tenant(&format!("tenant-{number}")), None, 9)
            .await
            .unwrap();
        assert_eq!(keys.len(), 1);
    }
    assert!(store.verify().await.unwrap().is_sound());
}

async fn a_sound_store_verifies<P: Place>() {
    let place = P::new();
    let store = place.open(ring(1)).unwrap();
    store
        .put_storage_config(config("acme", 1, "bucket-a"), None)
        .await
        .unwrap();
    store
        .put_access_key(access_key("A", "acme"), KeyExpectation::New)
        .await
        .unwrap();
    let id = store.put_target(target("bucket-a")).await.unwrap();
    store
        .pin_job(&tenant("acme"), &job("j"), &alias("data"), &id)
        .await
        .unwrap();
    let report = store.verify().await.unwrap();
    // Format, check, configuration and revision, key and its listing, target, pin.
    assert_eq!((report.rows, report.problems), (8, vec![]));
}
