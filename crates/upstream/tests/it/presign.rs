//! URLs straight to a tenant's bucket.

use crate::fixtures::aws;
use crate::fixtures::{START, ScriptedSts, by_keys, by_role, clock, mapping, random};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use types::{BucketAccess, ObjectKey, StorageConfig, Timestamp};
use upstream::{
    CacheLimits, CredentialCache, Credentials, DirectUrl, DirectUrlError, PresignMethod,
    PresignedUrl, Route, TenantAccess, presign,
};

const EVERY: [PresignMethod; 4] = [
    PresignMethod::Get,
    PresignMethod::Head,
    PresignMethod::Put,
    PresignMethod::Delete,
];

async fn session(access: &TenantAccess) -> Arc<Credentials> {
    let clock = clock();
    let sts = ScriptedSts::new(&clock);
    let limits = CacheLimits::default();
    let cache = CredentialCache::new(sts, clock, random(1), limits);
    cache.get(access, START).await.unwrap()
}

async fn url(
    config: &StorageConfig,
    method: PresignMethod,
    life: Option<u64>,
    now: Timestamp,
) -> Result<PresignedUrl, DirectUrlError> {
    let access = TenantAccess::of(config).unwrap();
    let route = Route::new(&access, &mapping(aws("eu-central-1"), "customer", "in/"));
    let key = route.join(&ObjectKey::parse("a b").unwrap()).unwrap();
    let wanted = DirectUrl {
        method,
        key: &key,
        life: life.map(Duration::from_secs),
        query: None,
    };
    presign(&route, &*session(&access).await, &wanted, now)
}

fn query(url: &PresignedUrl) -> BTreeMap<String, String> {
    let (_, query) = url.expose().split_once('?').unwrap();
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

#[tokio::test]
async fn a_url_leads_to_the_tenants_own_bucket_with_the_sessions_token_signed() {
    let url = url(&by_role("acme", 1), PresignMethod::Get, None, START)
        .await
        .unwrap();
    assert!(
        url.expose()
            .starts_with("https://customer.s3.eu-central-1.amazonaws.com/in/a%20b?")
    );
    let query = query(&url);
    assert_eq!(query["X-Amz-Algorithm"], "AWS4-HMAC-SHA256");
    assert_eq!(query["X-Amz-Date"], "20270115T080000Z");
    assert_eq!(query["X-Amz-Security-Token"], "canary-token-1");
    assert_eq!(
        query["X-Amz-Credential"],
        "ASIA1%2F20270115%2Feu-central-1%2Fs3%2Faws4_request"
    );
}

#[tokio::test]
async fn urls_live_fifteen_minutes_for_reading_and_sixty_for_writing() {
    for method in EVERY {
        let seconds = if method.is_write() { 3_600 } else { 900 };
        let url = url(&by_keys("acme", 1), method, None, START).await.unwrap();
        assert_eq!(query(&url)["X-Amz-Expires"], seconds.to_string());
        assert_eq!(url.expires(), START.plus_seconds(seconds));
    }
}

#[tokio::test]
async fn a_url_never_outlives_the_session_that_signs_it() {
    let config = by_role("acme", 1);
    let end = START.plus_seconds(3_600);
    for (now, asked, lives) in [
        (START, 3_599, 3_599),
        (START, 604_800, 3_600),
        (START.plus_seconds(3_000), 3_600, 600),
        (START.plus_seconds(3_599), 900, 1),
    ] {
        let url = url(&config, PresignMethod::Get, Some(asked), now)
            .await
            .unwrap();
        assert_eq!(query(&url)["X-Amz-Expires"], lives.to_string());
        assert!(url.expires() <= end);
    }
    assert_eq!(
        url(&config, PresignMethod::Get, Some(900), end)
            .await
            .unwrap_err(),
        DirectUrlError::CredentialsExpired
    );
}

#[tokio::test]
async fn lasting_keys_sign_for_seven_days_and_not_a_second_more() {
    let config = by_keys("acme", 1);
    let week = url(&config, PresignMethod::Get, Some(604_800), START)
        .await
        .unwrap();
    assert_eq!(query(&week)["X-Amz-Expires"], "604800");
    for life in [0, 604_801, u64::MAX] {
        assert_eq!(
            url(&config, PresignMethod::Get, Some(life), START)
                .await
                .unwrap_err(),
            DirectUrlError::Presign(sigv4::PresignError::Expiry)
        );
    }
}

#[tokio::test]
async fn a_read_only_bucket_gets_no_url_for_writing() {
    let access = TenantAccess::of(&by_keys("acme", 1)).unwrap();
    let mut place = mapping(aws("eu-central-1"), "customer", "in/");
    place.access = BucketAccess::ReadOnly;
    let route = Route::new(&access, &place);
    let key = route.join(&ObjectKey::parse("a").unwrap()).unwrap();
    let credentials = session(&access).await;
    for method in EVERY {
        let wanted = DirectUrl {
            method,
            key: &key,
            life: None,
            query: None,
        };
        let refused = presign(&route, &credentials, &wanted, START).err();
        let expected = method.is_write().then_some(DirectUrlError::ReadOnly);
        assert_eq!(refused, expected, "{method:?}");
    }
}

#[tokio::test]
async fn debug_shows_neither_key_nor_query() {
    let url = url(&by_role("acme", 1), PresignMethod::Get, None, START)
        .await
        .unwrap();
    let shown = format!("{url:?}");
    for hidden in ["X-Amz", "canary", "a%20b", "in/"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
