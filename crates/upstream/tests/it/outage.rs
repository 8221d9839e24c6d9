//! STS slow, throttling, denying, down, and everybody at once.

use crate::fixtures::{ScriptedSts, access, clock, denied, down, random, settle, throttled};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use types::{Clock, ManualClock};
use upstream::{CacheLimits, CredentialCache, CredentialError, TenantAccess};

const LIFE: i64 = 3_600;

struct Bench {
    clock: Arc<ManualClock>,
    sts: Arc<ScriptedSts>,
    cache: CredentialCache,
}

fn bench(seed: u64) -> Bench {
    let clock = clock();
    let sts = ScriptedSts::new(&clock);
    let limits = CacheLimits::default();
    let cache = CredentialCache::new(sts.clone(), clock.clone(), random(seed), limits);
    Bench { clock, sts, cache }
}

impl Bench {
    async fn request(&self, access: &TenantAccess) -> Result<(), CredentialError> {
        let deadline = self.clock.now().plus_seconds(60);
        let got = self.cache.get(access, deadline).await?;
        assert!(got.valid_at(self.clock.now()), "expired credentials served");
        Ok(())
    }

    /// Moves both clocks.
    async fn pass(&self, seconds: u64) {
        self.clock.advance(i64::try_from(seconds).unwrap());
        tokio::time::advance(Duration::from_secs(seconds)).await;
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_tenants_with_a_session_nothing_until_it_ends() {
    let bench = bench(2);
    let warm = access("warm");
    bench.request(&warm).await.unwrap();
    bench.pass(2_400).await;
    bench.sts.fail_with(down());
    let (before, mut failed) = (bench.sts.count(), 0);
    // Ten minutes at 100 requests per second, all within the session's life.
    for _ in 0..600 {
        for _ in 0..100 {
            failed += usize::from(bench.request(&warm).await.is_err());
        }
        bench.pass(1).await;
    }
    assert_eq!(failed, 0);
    let calls = bench.sts.count() - before;
    assert!((60..=1_800).contains(&calls), "{calls} calls in 600 s");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_a_clear_error_for_others_and_over_five_seconds_after_it_ends() {
    for seed in 0..20 {
        let bench = bench(seed);
        let cold = access("cold");
        bench.sts.fail_with(down());
        for _ in 0..60 {
            assert!(matches!(
                bench.request(&cold).await,
                Err(CredentialError::StsUnavailable { .. })
            ));
            bench.pass(1).await;
        }
        bench.sts.recover();
        let mut seconds = 0;
        while bench.request(&cold).await.is_err() {
            bench.pass(1).await;
            seconds += 1;
        }
        assert!(seconds <= 5, "{seconds} s with seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_renewal_adds_nothing_to_any_request() {
    let bench = bench(3);
    let access = access("acme");
    bench.request(&access).await.unwrap();
    bench.sts.take(Duration::from_secs(5));
    for _ in 0..LIFE {
        let before = Instant::now();
        bench.request(&access).await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
        bench.pass(1).await;
    }
    assert_eq!(bench.sts.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_begins_between_half_and_seven_tenths_of_the_life() {
    let mut ages = Vec::new();
    for seed in 0..50 {
        let bench = bench(seed);
        let access = access("acme");
        bench.request(&access).await.unwrap();
        let mut age = 0;
        while bench.sts.count() == 1 {
            bench.pass(10).await;
            age += 10;
            bench.request(&access).await.unwrap();
            settle().await;
        }
        ages.push(age);
    }
    let (least, most) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
    assert!(
        *least >= LIFE / 2 && *most <= LIFE * 7 / 10 + 10,
        "{ages:?}"
    );
    assert!(most - least >= LIFE / 10, "no spread: {ages:?}");
}

#[tokio::test(start_paused = true)]
async fn throttling_every_second_call_fails_no_request_and_adds_no_storm() {
    let bench = bench(4);
    bench.sts.answer(|number| match number % 2 {
        0 => Err(throttled()),
        _ => Ok(LIFE),
    });
    let tenants: Vec<_> = (0..50).map(|it| access(&format!("tenant-{it}"))).collect();
    for tenant in &tenants {
        bench.request(tenant).await.unwrap();
    }
    for _ in 0..LIFE / 10 {
        for tenant in &tenants {
            bench.request(tenant).await.unwrap();
        }
        bench.pass(10).await;
    }
    // Fifty first sessions and fifty renewals, each throttled at most once: at best 100 calls,
    // where every second one is refused 200.
    assert!(bench.sts.count() <= 300, "{} calls", bench.sts.count());
    assert_eq!(bench.sts.most_running(), 1);
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_is_met_with_longer_and_longer_pauses() {
    let bench = bench(5);
    bench.sts.fail_with(throttled());
    let access = access("acme");
    for _ in 0..600 {
        assert_eq!(bench.request(&access).await, Err(throttled()));
        bench.pass(1).await;
    }
    // Three calls per flight, and on average ten seconds between flights.
    assert!(bench.sts.count() <= 3 * 100, "{} calls", bench.sts.count());
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tenants_who_came_together_do_not_come_back_together() {
    let bench = bench(6);
    let tenants: Vec<_> = (0..10_000).map(|it| access(&format!("t{it}"))).collect();
    for tenant in &tenants {
        bench.request(tenant).await.unwrap();
    }
    let mut per_second = BTreeMap::new();
    bench.pass(1_795).await;
    // A request per tenant every ten seconds, until all renewals are due and ten seconds beyond.
    for second in 1_795..LIFE * 7 / 10 + 10 {
        let before = bench.sts.count();
        let turn = usize::try_from(second % 10).unwrap();
        for tenant in tenants.iter().skip(turn).step_by(10) {
            bench.request(tenant).await.unwrap();
        }
        bench.pass(1).await;
        per_second.insert(second, bench.sts.count() - before);
    }
    assert_eq!(per_second.values().sum::<usize>(), 10_000, "all renewed");
    let most = per_second.values().max().unwrap();
    assert!(*most <= 100, "{most} calls in one second");
}

#[tokio::test(start_paused = true)]
async fn a_denial_leaves_the_session_to_its_end_and_then_fails_closed() {
    let bench = bench(7);
    let access = access("acme");
    bench.request(&access).await.unwrap();
    bench.pass(60).await;
    bench.sts.fail_with(denied());
    let mut served_until = 0;
    for second in 60..LIFE + 600 {
        match bench.request(&access).await {
            Ok(()) => served_until = second,
            Err(error) => assert_eq!(error, denied()),
        }
        bench.pass(1).await;
    }
    assert!((LIFE - 10..LIFE).contains(&served_until), "{served_until}");
    // One call per half minute at most, from the renewal on.
    assert!(bench.sts.count() <= 2 + 2_400 / 24, "{}", bench.sts.count());
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_remembered_for_at_most_half_a_minute() {
    for seed in 0..20 {
        let bench = bench(seed);
        let access = access("acme");
        bench.sts.fail_with(denied());
        for _ in 0..1_000 {
            assert_eq!(bench.request(&access).await, Err(denied()));
        }
        assert_eq!(bench.sts.count(), 1);
        bench.sts.recover();
        bench.pass(30).await;
        bench.request(&access).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_never_answers_does_not_hold_a_request_for_ever() {
    let bench = bench(8);
    bench.sts.take(Duration::from_secs(86_400));
    let before = Instant::now();
    let refused = bench.request(&access("acme")).await;
    assert!(matches!(
        refused,
        Err(CredentialError::StsUnavailable { .. })
    ));
    assert!(before.elapsed() <= CacheLimits::default().wait);
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_by_a_day_neither_refuses_nor_storms() {
    let bench = bench(9);
    let (warm, cold) = (access("warm"), access("cold"));
    bench.request(&warm).await.unwrap();
    bench.sts.fail_with(down());
    bench.request(&cold).await.unwrap_err();
    bench.sts.recover();
    bench.clock.advance(-86_400);
    bench.request(&cold).await.unwrap();
    let before = bench.sts.count();
    for _ in 0..100 {
        bench.request(&warm).await.unwrap();
    }
    assert_eq!(bench.sts.count(), before);
}
