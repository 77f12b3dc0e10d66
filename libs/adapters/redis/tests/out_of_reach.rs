//! Nobody waits for a Redis that does not answer: refused, never answering, and falling silent in the middle.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use eventflow_ports::journal_contract::part;
use eventflow_ports::{Journal, Located, Registry};
use eventflow_protocol::{CommandId, GatewayId, UserId};
use eventflow_redis::{JournalSettings, RedisJournal, RedisRegistry, RegistrySettings};
use std::time::{Duration, Instant};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The promised 250 ms and what scheduling may add.
const PROMISED: Duration = Duration::from_millis(300);
/// What the one call in a second waits that sees whether it is back, and what scheduling may add.
const PROBE: Duration = Duration::from_millis(200);
/// A call that does not touch the network.
const AT_ONCE: Duration = Duration::from_millis(20);

#[allow(clippy::disallowed_methods, reason = "a test is told by the environment which server to use")]
fn url() -> String {
    std::env::var("REDIS_URL").expect("REDIS_URL names the Redis to test with")
}

fn registry_at(port: u16) -> RedisRegistry {
    let settings = RegistrySettings {
        key_prefix: format!("ef-test:{}:", CommandId::new()),
        ..RegistrySettings::default()
    };
    RedisRegistry::new(&format!("redis://127.0.0.1:{port}"), settings).unwrap()
}

fn journal_at(port: u16) -> RedisJournal {
    let settings = JournalSettings {
        key_prefix: format!("ef-test:{}:", CommandId::new()),
        ..JournalSettings::default()
    };
    RedisJournal::new(&format!("redis://127.0.0.1:{port}"), settings).unwrap()
}

fn users() -> Vec<UserId> {
    vec!["ann".parse().unwrap()]
}

async fn assert_fails_within(limit: Duration, registry: &RedisRegistry) {
    let started = Instant::now();
    registry.locate(&users()).await.expect_err("redis does not answer");
    assert!(started.elapsed() < limit, "took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_black_hole_costs_one_timeout_and_then_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registry = registry_at(listener.local_addr().unwrap().port());
    assert_fails_within(PROMISED, &registry).await;
    for _ in 0..20 {
        assert_fails_within(AT_ONCE, &registry).await;
    }
    let started = Instant::now();
    registry.enter(&GatewayId::new(), &users()).await.expect_err("entering is refused too");
    registry.leave(&GatewayId::new(), &users()).await.expect_err("and leaving");
    assert!(started.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn a_journal_in_a_black_hole_costs_one_timeout_and_then_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let written = journal_at(port);
    let read = journal_at(port);
    let gateway = GatewayId::new();
    for limit in [PROMISED, AT_ONCE, AT_ONCE] {
        let started = Instant::now();
        written.append(&gateway, &part(1, 256), 0).await.expect_err("redis does not answer");
        assert!(started.elapsed() < limit, "appending took {:?}", started.elapsed());
        let started = Instant::now();
        read.read(&gateway).await.expect_err("redis does not answer");
        assert!(started.elapsed() < limit, "reading took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_journal_goes_on_when_redis_answers_again_and_what_was_not_written_is_a_hole() {
    let (silent, proxy_silent) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (journal, gateway) = (journal_at(listener.local_addr().unwrap().port()), GatewayId::new());
    let mut proxy = JoinSet::new();
    proxy.spawn(forward(listener, proxy_silent));

    journal.append(&gateway, &part(1, 1), 0).await.unwrap();
    silent.send(true).unwrap();
    for (number, limit) in [(2, PROMISED), (3, AT_ONCE)] {
        let started = Instant::now();
        journal.append(&gateway, &part(number, 1), 0).await.expect_err("redis does not answer");
        assert!(started.elapsed() < limit, "part {number} took {:?}", started.elapsed());
    }

    silent.send(false).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let back = async {
        while journal.append(&gateway, &part(4, 1), 0).await.is_err() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), back).await.expect("used again after the pause");
    let numbers: Vec<u64> = journal.read(&gateway).await.unwrap().iter().map(|part| part.number).collect();
    // Part 2 was sent, and nobody knows whether it arrived.
    assert!(numbers == [1, 4] || numbers == [1, 2, 4], "{numbers:?}");
}

#[tokio::test]
async fn many_callers_of_a_black_hole_wait_at_the_same_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registry = std::sync::Arc::new(registry_at(listener.local_addr().unwrap().port()));
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let registry = registry.clone();
        callers.spawn(async move { assert_fails_within(PROMISED, &registry).await });
    }
    callers.join_all().await;
}

#[tokio::test]
async fn a_refused_connection_fails_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_fails_within(PROMISED, &registry_at(port)).await;
}

#[tokio::test]
async fn a_redis_that_falls_silent_is_given_up_quickly_and_used_again_when_it_answers() {
    let (silent, proxy_silent) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registry = registry_at(listener.local_addr().unwrap().port());
    let mut proxy = JoinSet::new();
    proxy.spawn(forward(listener, proxy_silent));

    let gateway = GatewayId::new();
    registry.enter(&gateway, &users()).await.unwrap();
    silent.send(true).unwrap();
    assert_fails_within(PROMISED, &registry).await;
    assert_fails_within(AT_ONCE, &registry).await;

    silent.send(false).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let back = async {
        loop {
            ticks.tick().await;
            if let Ok(located) = registry.locate(&users()).await {
                break located;
            }
        }
    };
    let located =
        tokio::time::timeout(Duration::from_secs(5), back).await.expect("used again after the pause");
    assert_eq!(located.gateways[&users()[0]], [gateway]);
}

#[tokio::test]
async fn a_registry_that_was_out_of_reach_is_incomplete_until_every_gateway_can_have_renewed() {
    let (silent, proxy_silent) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = RegistrySettings {
        key_prefix: format!("ef-test:{}:", CommandId::new()),
        lease: Duration::from_millis(300),
        settle: Duration::from_secs(2),
    };
    let url = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let registry = RedisRegistry::new(&url, settings).unwrap();
    let mut proxy = JoinSet::new();
    proxy.spawn(forward(listener, proxy_silent));
    registry.enter(&GatewayId::new(), &users()).await.unwrap();
    locate_until(&registry, |located| located.complete).await;

    silent.send(true).unwrap();
    locate_until(&registry, |located| located.gateways.is_empty()).await;
    silent.send(false).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let back = async {
        loop {
            ticks.tick().await;
            if let Ok(located) = registry.locate(&users()).await {
                break located;
            }
        }
    };
    let located =
        tokio::time::timeout(Duration::from_secs(5), back).await.expect("used again after the pause");
    assert!(located.gateways.is_empty() && !located.complete, "the leases ran out meanwhile: {located:?}");
    let since = Instant::now();
    locate_until(&registry, |located| located.complete).await;
    assert!(since.elapsed() > Duration::from_secs(1), "complete again after {:?}", since.elapsed());
}

/// Asks until `reached`; a registry that does not answer knows nobody.
async fn locate_until(registry: &RedisRegistry, reached: impl Fn(&Located) -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let asking = async {
        while !reached(&registry.locate(&users()).await.unwrap_or_default()) {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asking).await.expect("reached in time");
}

#[tokio::test]
async fn while_redis_stays_silent_a_call_waits_shortly_to_see_whether_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let registry = registry_at(listener.local_addr().unwrap().port());
    assert_fails_within(PROMISED, &registry).await;
    let (mut ticks, mut probes) = (tokio::time::interval(Duration::from_millis(20)), 0);
    while probes < 2 {
        ticks.tick().await;
        let started = Instant::now();
        registry.locate(&users()).await.expect_err("redis does not answer");
        assert!(started.elapsed() < PROBE, "took {:?}", started.elapsed());
        probes += u32::from(started.elapsed() >= AT_ONCE);
    }
}

/// Forwards connections to the real server; while silent, connections stay open and nothing moves.
async fn forward(listener: TcpListener, silent: watch::Receiver<bool>) {
    let address = url().split("//").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let (mut silent, address) = (silent.clone(), address.clone());
        connections.spawn(async move {
            let mut server = TcpStream::connect(address).await.unwrap();
            loop {
                silent.wait_for(|silent| !silent).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => return,
                    _ = silent.wait_for(|silent| *silent) => {}
                }
            }
        });
    }
}
