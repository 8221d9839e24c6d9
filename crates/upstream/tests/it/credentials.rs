//! Whose session is whose, how long it serves, and how few calls that takes.

use crate::fixtures::{
    ScriptedSts, access, aws, by_keys, by_role, clock, denied, mapping, random, settle,
};
use std::sync::Arc;
use std::time::Duration;
use types::{BucketAccess, Clock, ConfigVersion, ManualClock, Target, TenantId};
use upstream::{
    AssumeRole, AssumeRoleRequest, CacheLimits, CredentialCache, CredentialError, IssuedSession,
    TenantAccess,
};

struct Bench {
    clock: Arc<ManualClock>,
    sts: Arc<ScriptedSts>,
    cache: CredentialCache,
}

fn bench_with(limits: CacheLimits) -> Bench {
    let clock = clock();
    let sts = ScriptedSts::new(&clock);
    let cache = CredentialCache::new(sts.clone(), clock.clone(), random(1), limits);
    Bench { clock, sts, cache }
}

fn bench() -> Bench {
    bench_with(CacheLimits::default())
}

impl Bench {
    async fn key_for(&self, access: &TenantAccess) -> Result<String, CredentialError> {
        let deadline = self.clock.now().plus_seconds(60);
        let credentials = self.cache.get(access, deadline).await?;
        assert!(credentials.valid_at(self.clock.now()));
        Ok(credentials.access_key_id().to_string())
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_cold_requests_of_one_tenant_make_one_call() {
    let bench = bench();
    bench.sts.take(Duration::from_secs(1));
    let access = access("acme");
    let deadline = bench.clock.now().plus_seconds(60);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let (cache, access) = (bench.cache.clone(), Arc::clone(&access));
        waiting.spawn(async move { cache.get(&access, deadline).await.unwrap().version() });
    }
    let versions = waiting.join_all().await;
    assert_eq!(versions.len(), 1_000);
    assert!(versions.iter().all(|it| *it == versions[0]));
    assert_eq!(bench.sts.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_cold_requests_on_many_threads_make_one_call_per_tenant() {
    let bench = bench();
    for round in 0..20 {
        let access = access(&format!("tenant-{round}"));
        let deadline = bench.clock.now().plus_seconds(60);
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..1_000 {
            let (cache, access) = (bench.cache.clone(), Arc::clone(&access));
            waiting.spawn(async move { cache.get(&access, deadline).await.unwrap() });
        }
        waiting.join_all().await;
        assert_eq!(bench.sts.count(), round + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_end_the_call_for_the_others() {
    let bench = bench();
    bench.sts.take(Duration::from_secs(1));
    let access = access("acme");
    let deadline = bench.clock.now().plus_seconds(60);
    let call = || {
        let (cache, access) = (bench.cache.clone(), Arc::clone(&access));
        tokio::spawn(async move { cache.get(&access, deadline).await })
    };
    let first = call();
    settle().await;
    let second = call();
    settle().await;
    first.abort();
    assert!(second.await.unwrap().is_ok());
    assert_eq!(bench.sts.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_tenant_waits_for_the_call_of_another() {
    let bench = bench();
    bench.sts.take(Duration::from_secs(9));
    let (slow, quick) = (access("slow"), access("quick"));
    let deadline = bench.clock.now().plus_seconds(60);
    let cache = bench.cache.clone();
    let stuck = tokio::spawn(async move { cache.get(&slow, deadline).await });
    settle().await;
    bench.sts.take(Duration::ZERO);
    let before = tokio::time::Instant::now();
    bench.key_for(&quick).await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(!stuck.is_finished());
    stuck.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_same_role_with_two_external_ids_is_two_sessions() {
    let bench = bench();
    let one = bench.key_for(&access("acme")).await.unwrap();
    let two = bench.key_for(&access("umbrella")).await.unwrap();
    assert_ne!(one, two);
    let ids: Vec<_> = bench
        .sts
        .calls()
        .iter()
        .map(|it| it.external_id().to_string())
        .collect();
    assert_eq!(ids, ["pulse-org-acme", "pulse-org-umbrella"]);
}

#[tokio::test]
async fn a_session_is_shared_by_equal_configurations_and_by_nothing_less() {
    let bench = bench();
    let config = by_role("acme", 7);
    let same = || TenantAccess::of(&config).unwrap();
    bench.key_for(&same()).await.unwrap();
    bench.key_for(&same()).await.unwrap();
    assert_eq!(bench.sts.count(), 1);

    let mut other_prefix = config.clone();
    for mapping in other_prefix.buckets.values_mut() {
        *mapping = self::mapping(aws("eu-central-1"), "customer-results", "other/");
    }
    let mut other_access = config.clone();
    for mapping in other_access.buckets.values_mut() {
        mapping.access = BucketAccess::ReadOnly;
    }
    let next_revision = by_role("acme", 8);
    for (expected, changed) in [(2, other_prefix), (3, other_access), (4, next_revision)] {
        let access = TenantAccess::of(&changed).unwrap();
        bench.key_for(&access).await.unwrap();
        assert_eq!(bench.sts.count(), expected);
    }
}

#[tokio::test]
async fn a_pinned_target_has_a_session_that_reaches_only_it() {
    let bench = bench();
    let config = by_role("acme", 1);
    let target = Target {
        mode: config.mode,
        mapping: mapping(aws("eu-central-1"), "earlier-bucket", "jobs/"),
    };
    let pinned = TenantAccess::of_target(&config, &target).unwrap();
    bench.key_for(&pinned).await.unwrap();
    let calls = bench.sts.calls();
    let policy = calls[0].session_policy();
    assert!(policy.contains("earlier-bucket") && policy.contains("jobs/"));
    assert!(!policy.contains("customer-results"), "{policy}");
}

#[tokio::test]
async fn every_call_names_external_id_session_duration_and_limits() {
    let bench = bench();
    for tenant in ["acme", "umbrella", "x"] {
        bench.key_for(&access(tenant)).await.unwrap();
    }
    for (call, tenant) in bench.sts.calls().iter().zip(["acme", "umbrella", "x"]) {
        assert_eq!(call.external_id().as_str(), format!("pulse-org-{tenant}"));
        assert_eq!(call.session_name().as_str(), format!("byos-{tenant}"));
        assert!(call.duration() <= Duration::from_secs(3_600));
        let policy: serde_json::Value = serde_json::from_str(call.session_policy()).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        assert!(!statements.is_empty());
        for statement in statements {
            let list = |name: &str| match &statement[name] {
                serde_json::Value::Array(many) => many.clone(),
                one => vec![one.clone()],
            };
            let actions = list("Action");
            if actions
                .iter()
                .all(|it| it.as_str().unwrap().starts_with("kms:"))
            {
                // Which keys is the role's business; that S3 uses them, the session's.
                assert_eq!(
                    statement["Condition"]["StringLike"]["kms:ViaService"],
                    "s3.*"
                );
                continue;
            }
            for resource in list("Resource") {
                let resource = resource.as_str().unwrap();
                assert!(
                    resource == "arn:aws:s3:::customer-results"
                        || resource.starts_with("arn:aws:s3:::customer-results/in/"),
                    "{resource}"
                );
            }
        }
    }
}

#[tokio::test]
async fn lasting_keys_need_no_call_and_keep_their_version() {
    let bench = bench();
    let access = TenantAccess::of(&by_keys("acme", 1)).unwrap();
    let deadline = bench.clock.now().plus_seconds(86_400 * 365);
    let one = bench.cache.get(&access, deadline).await.unwrap();
    let two = bench.cache.get(&access, deadline).await.unwrap();
    assert_eq!(one.access_key_id(), "AKIDSTATIC");
    assert_eq!(one.version(), two.version());
    assert_eq!(bench.sts.count(), 0);
    assert!(!bench.cache.invalidate(&access, &one));
}

#[tokio::test]
async fn a_session_that_ends_before_the_deadline_is_renewed_first() {
    let bench = bench();
    let access = access("acme");
    bench.key_for(&access).await.unwrap();
    bench.clock.advance(3_540);
    let deadline = bench.clock.now().plus_seconds(120);
    let credentials = bench.cache.get(&access, deadline).await.unwrap();
    assert_eq!(bench.sts.count(), 2);
    assert!(credentials.valid_at(deadline));
}

#[tokio::test]
async fn a_far_deadline_does_not_cost_a_call_per_request() {
    let bench = bench();
    let access = access("acme");
    let in_a_week = bench.clock.now().plus_seconds(604_800);
    for _ in 0..100 {
        bench.cache.get(&access, in_a_week).await.unwrap();
    }
    assert_eq!(bench.sts.count(), 1);
}

#[tokio::test]
async fn a_session_that_ends_as_it_begins_is_an_error_and_not_a_loop() {
    let bench = bench();
    bench.sts.answer(|_| Ok(1));
    let access = access("acme");
    for _ in 0..10 {
        let refused = bench.key_for(&access).await;
        assert!(matches!(
            refused,
            Err(CredentialError::SessionTooShort { .. })
        ));
    }
    assert_eq!(bench.sts.count(), 1);
}

#[tokio::test]
async fn credentials_that_the_upstream_refuses_are_replaced_once() {
    let bench = bench();
    let access = access("acme");
    let deadline = bench.clock.now().plus_seconds(60);
    let old = bench.cache.get(&access, deadline).await.unwrap();
    bench.clock.advance(60);
    // A thousand requests hear the same refusal about the same credentials.
    for _ in 0..1_000 {
        assert!(bench.cache.invalidate(&access, &old));
        let new = bench
            .cache
            .get(&access, bench.clock.now().plus_seconds(60))
            .await
            .unwrap();
        assert_ne!(new.version(), old.version());
    }
    assert_eq!(bench.sts.count(), 2);
}

#[tokio::test]
async fn brand_new_credentials_are_not_replaced_again() {
    let bench = bench();
    let access = access("acme");
    let deadline = bench.clock.now().plus_seconds(60);
    let credentials = bench.cache.get(&access, deadline).await.unwrap();
    assert!(!bench.cache.invalidate(&access, &credentials));
    bench.clock.advance(9);
    assert!(!bench.cache.invalidate(&access, &credentials));
    bench.clock.advance(1);
    assert!(bench.cache.invalidate(&access, &credentials));
}

#[tokio::test]
async fn a_clock_set_back_does_not_protect_refused_credentials() {
    let bench = bench();
    let access = access("acme");
    let deadline = bench.clock.now().plus_seconds(60);
    let credentials = bench.cache.get(&access, deadline).await.unwrap();
    bench.clock.advance(-86_400);
    assert!(bench.cache.invalidate(&access, &credentials));
}

#[tokio::test]
async fn the_cache_stays_within_its_bounds_and_keeps_what_is_used() {
    let bench = bench_with(CacheLimits {
        sessions: 32,
        ..CacheLimits::default()
    });
    let favourite = access("favourite");
    for number in 0..200 {
        bench.clock.advance(1);
        bench.key_for(&favourite).await.unwrap();
        bench
            .key_for(&access(&format!("tenant-{number}")))
            .await
            .unwrap();
        assert!(bench.cache.len() <= 32);
    }
    assert_eq!(bench.sts.count(), 201);
}

#[tokio::test]
async fn one_tenants_targets_do_not_fill_the_cache() {
    let bench = bench_with(CacheLimits {
        sessions_per_tenant: 4,
        ..CacheLimits::default()
    });
    let config = by_role("acme", 1);
    for number in 0..50 {
        let target = Target {
            mode: config.mode,
            mapping: mapping(aws("eu-central-1"), &format!("bucket-{number}"), ""),
        };
        let pinned = TenantAccess::of_target(&config, &target).unwrap();
        bench.key_for(&pinned).await.unwrap();
        assert!(bench.cache.len() <= 4);
    }
}

#[tokio::test]
async fn a_newer_revision_ends_the_sessions_of_the_older_ones() {
    let bench = bench();
    for version in 1..=5 {
        let access = TenantAccess::of(&by_role("acme", version)).unwrap();
        bench.key_for(&access).await.unwrap();
    }
    bench.key_for(&access("umbrella")).await.unwrap();
    let versions: Vec<_> = bench
        .cache
        .health()
        .into_iter()
        .filter(|it| it.tenant.as_str() == "acme")
        .map(|it| it.version)
        .collect();
    assert_eq!(versions, [ConfigVersion(5)]);
    bench
        .cache
        .forget_before(&TenantId::parse("acme").unwrap(), ConfigVersion(6));
    assert_eq!(bench.cache.len(), 1);
    bench.cache.forget(&TenantId::parse("umbrella").unwrap());
    assert!(bench.cache.is_empty());
}

#[tokio::test]
async fn health_says_since_when_and_why_a_tenant_fails() {
    let bench = bench();
    let access = access("acme");
    bench.sts.fail_with(denied());
    let began = bench.clock.now();
    bench.key_for(&access).await.unwrap_err();
    bench.clock.advance(40);
    bench.key_for(&access).await.unwrap_err();
    let health = bench.cache.health();
    assert_eq!(health[0].failing, Some((denied(), began)));
    assert_eq!(health[0].expires, None);
    bench.sts.recover();
    bench.clock.advance(40);
    bench.key_for(&access).await.unwrap();
    assert_eq!(bench.cache.health()[0].failing, None);
}

#[tokio::test]
async fn nothing_secret_shows_in_debug() {
    let bench = bench();
    let access = access("acme");
    let deadline = bench.clock.now().plus_seconds(60);
    let credentials = bench.cache.get(&access, deadline).await.unwrap();
    let keys = TenantAccess::of(&by_keys("acme", 1)).unwrap();
    let shown = format!("{credentials:?} {keys:?} {:?}", bench.cache.health());
    assert!(!shown.contains("canary"), "{shown}");
}

/// An STS whose client panics.
struct Broken;

#[async_trait::async_trait]
impl AssumeRole for Broken {
    async fn assume_role(&self, _: &AssumeRoleRequest) -> Result<IssuedSession, CredentialError> {
        panic!("a bug in the STS client")
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_sts_client_is_an_error_for_that_request() {
    let clock = clock();
    let limits = CacheLimits::default();
    let cache = CredentialCache::new(Arc::new(Broken), clock.clone(), random(1), limits);
    let refused = cache.get(&access("acme"), clock.now()).await;
    assert!(matches!(
        refused,
        Err(CredentialError::StsUnavailable { .. })
    ));
}
