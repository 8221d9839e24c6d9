//! DNS that fails, stalls, moves, and is asked no more than needed.

use crate::fixtures::{ScriptedDns, clock, settle};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use types::{Endpoint, ManualClock};
use upstream::{AddressPolicy, Lookup, ResolveError, Resolver, ResolverLimits, SystemLookup};

const LIMITS: ResolverLimits = ResolverLimits {
    fresh_seconds: 30,
    stale_seconds: 600,
    failure_seconds: 3,
    lookup: Duration::from_secs(5),
    names: 64,
};

fn bench(dns: &Arc<ScriptedDns>) -> (Resolver, Arc<ManualClock>) {
    let clock = clock();
    let policy = AddressPolicy::default();
    (
        Resolver::new(dns.clone(), clock.clone(), policy, LIMITS),
        clock,
    )
}

fn store() -> Endpoint {
    Endpoint::parse("https://store.example.com").unwrap()
}

async fn address(resolver: &Resolver) -> Result<String, ResolveError> {
    let vetted = resolver.resolve(&store()).await?;
    Ok(vetted.get().to_string())
}

fn fails() -> std::io::Error {
    std::io::Error::other("SERVFAIL")
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_for_a_new_name_are_one_lookup() {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    dns.take(Duration::from_secs(1));
    let (resolver, _) = bench(&dns);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let resolver = resolver.clone();
        waiting.spawn(async move { address(&resolver).await.unwrap() });
    }
    assert!(
        waiting
            .join_all()
            .await
            .iter()
            .all(|it| it == "8.8.8.8:443")
    );
    assert_eq!(dns.count(), 1);
}

#[tokio::test]
async fn addresses_take_turns() {
    let (resolver, _) = bench(&ScriptedDns::of(&["8.8.8.8", "8.8.4.4", "1.1.1.1"]));
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(address(&resolver).await.unwrap());
    }
    let round = ["8.8.8.8:443", "8.8.4.4:443", "1.1.1.1:443"];
    assert_eq!(seen, [round, round].concat());
}

#[tokio::test(start_paused = true)]
async fn a_new_address_is_in_use_after_at_most_the_fresh_time() {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    let (resolver, clock) = bench(&dns);
    assert_eq!(address(&resolver).await.unwrap(), "8.8.8.8:443");
    dns.answer(|_, _| Ok(vec!["1.1.1.1".parse().unwrap()]));
    clock.advance(LIMITS.fresh_seconds);
    assert_eq!(address(&resolver).await.unwrap(), "1.1.1.1:443");
}

#[tokio::test(start_paused = true)]
async fn a_name_in_use_is_looked_up_in_the_background() {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    let (resolver, clock) = bench(&dns);
    address(&resolver).await.unwrap();
    dns.take(Duration::from_secs(2));
    for _ in 0..600 {
        let before = Instant::now();
        address(&resolver).await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
        clock.advance(1);
        tokio::time::advance(Duration::from_secs(1)).await;
        settle().await;
    }
    assert!((20..=42).contains(&dns.count()), "{}", dns.count());
}

#[tokio::test(start_paused = true)]
async fn a_failing_dns_leaves_the_last_answer_for_the_stale_time_and_no_longer() {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    let (resolver, clock) = bench(&dns);
    address(&resolver).await.unwrap();
    dns.answer(|_, _| Err(fails()));
    let mut served = 0;
    for _ in 0..1_200 {
        served += i64::from(address(&resolver).await.is_ok());
        clock.advance(1);
        settle().await;
    }
    assert_eq!(served, LIMITS.stale_seconds);
    assert!(dns.count() <= 1_200 / 3 + 2, "{}", dns.count());
    dns.answer(|_, _| Ok(vec!["1.1.1.1".parse().unwrap()]));
    clock.advance(LIMITS.failure_seconds);
    assert_eq!(address(&resolver).await.unwrap(), "1.1.1.1:443");
}

#[tokio::test(start_paused = true)]
async fn a_dns_that_stalls_costs_at_most_the_lookup_time() {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    dns.take(Duration::from_secs(3_600));
    let (resolver, _) = bench(&dns);
    let before = Instant::now();
    let refused = address(&resolver).await.unwrap_err();
    assert!(refused.retryable());
    assert!(before.elapsed() <= LIMITS.lookup + Duration::from_millis(10));
}

#[tokio::test]
async fn a_name_without_addresses_is_not_asked_for_again_at_once() {
    let dns = ScriptedDns::of(&[]);
    let (resolver, _) = bench(&dns);
    for _ in 0..100 {
        let refused = address(&resolver).await.unwrap_err();
        assert!(matches!(refused, ResolveError::NoAddress { .. }));
    }
    assert_eq!(dns.count(), 1);
}

#[tokio::test]
async fn a_clock_set_back_does_not_freeze_an_answer() {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    let (resolver, clock) = bench(&dns);
    address(&resolver).await.unwrap();
    clock.advance(-86_400);
    dns.answer(|_, _| Ok(vec!["1.1.1.1".parse().unwrap()]));
    assert_eq!(address(&resolver).await.unwrap(), "1.1.1.1:443");
}

#[tokio::test]
async fn names_beyond_the_bound_push_out_the_longest_unused() {
    let dns = ScriptedDns::of(&["8.8.8.8"]);
    let (resolver, clock) = bench(&dns);
    for number in 0..500 {
        clock.advance(1);
        address(&resolver).await.unwrap();
        let other = Endpoint::parse(&format!("https://n{number}.example.com")).unwrap();
        resolver.resolve(&other).await.unwrap();
    }
    // The name in use is asked for again as it ages, and never because it was pushed out.
    assert!(dns.count() <= 500 + 1 + 500 / 15, "{}", dns.count());
}

#[tokio::test]
async fn an_answer_of_a_thousand_addresses_is_cut() {
    let many: Vec<IpAddr> = (0..1_000_u32)
        .map(|n| IpAddr::from((0x0808_0000 + n).to_be_bytes()))
        .collect();
    let dns = ScriptedDns::new(move |_, _| Ok(many.clone()));
    let (resolver, _) = bench(&dns);
    let mut seen = Vec::new();
    for _ in 0..1_000 {
        seen.push(address(&resolver).await.unwrap());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 16);
}

#[tokio::test]
async fn the_system_knows_localhost() {
    let found = SystemLookup::default().lookup("localhost").await.unwrap();
    assert!(found.iter().any(IpAddr::is_loopback));
}
