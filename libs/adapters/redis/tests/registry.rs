//! `RedisRegistry` against the server that `REDIS_URL` names: the port's contract, leases, completeness.
//!
//! Each test has its own key prefix, so tests run at once on one server and leave other keys alone.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use deadpool_redis::redis::{self, Client};
use eventflow_ports::{Registry, registry_contract};
use eventflow_protocol::{CommandId, GatewayId, UserId};
use eventflow_redis::{RedisRegistry, RegistrySettings};
use std::time::Duration;

#[allow(clippy::disallowed_methods, reason = "a test is told by the environment which server to use")]
fn url() -> String {
    std::env::var("REDIS_URL").expect("REDIS_URL names the Redis to test with")
}

fn settings() -> RegistrySettings {
    RegistrySettings { key_prefix: format!("ef-test:{}:", CommandId::new()), ..RegistrySettings::default() }
}

fn registry(settings: &RegistrySettings) -> RedisRegistry {
    RedisRegistry::new(&url(), settings.clone()).unwrap()
}

fn users() -> Vec<UserId> {
    vec!["ann".parse().unwrap(), "bob".parse().unwrap()]
}

async fn connection() -> redis::aio::MultiplexedConnection {
    Client::open(url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// Asks until `reached`; the server's clock decides, so the test cannot move it.
async fn locate_until(registry: &RedisRegistry, reached: impl Fn(&eventflow_ports::Located) -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let asking = async {
        while !reached(&registry.locate(&users()).await.unwrap()) {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asking).await.expect("reached in time");
}

#[tokio::test]
async fn the_contract_holds() {
    registry_contract::check_all(&registry(&settings())).await;
}

#[tokio::test]
async fn two_processes_share_what_they_know() {
    let settings = settings();
    let (gateway, worker) = (registry(&settings), registry(&settings));
    let home = GatewayId::new();
    gateway.enter(&home, &users()).await.unwrap();
    assert_eq!(worker.locate(&users()).await.unwrap().gateways[&users()[0]], [home]);
}

#[tokio::test]
async fn a_gateway_that_stops_renewing_is_forgotten_and_its_keys_expire() {
    let settings = RegistrySettings { lease: Duration::from_millis(300), ..settings() };
    let registry = registry(&settings);
    registry.enter(&GatewayId::new(), &users()).await.unwrap();
    assert_eq!(registry.locate(&users()).await.unwrap().gateways.len(), 2);
    locate_until(&registry, |located| located.gateways.is_empty()).await;
    let key = format!("{}user:ann", settings.key_prefix);
    let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection().await).await.unwrap();
    assert!(left <= 1, "{key} lives for another {left} ms");
}

#[tokio::test]
async fn a_dead_gateways_entry_is_ignored_while_another_one_keeps_the_key_alive() {
    let settings = settings();
    let (short, long) = (
        registry(&RegistrySettings { lease: Duration::from_millis(100), ..settings.clone() }),
        registry(&settings),
    );
    let (dead, alive) = (GatewayId::new(), GatewayId::new());
    short.enter(&dead, &users()).await.unwrap();
    long.enter(&alive, &users()).await.unwrap();
    locate_until(&long, |located| located.gateways[&users()[0]] == [alive.clone()]).await;
    long.enter(&alive, &users()).await.unwrap();
    let key = format!("{}user:ann", settings.key_prefix);
    let members: Vec<String> =
        redis::cmd("ZRANGE").arg(key).arg(0).arg(-1).query_async(&mut connection().await).await.unwrap();
    assert_eq!(members, [alive.as_str()], "entering removes what is over");
}

#[tokio::test]
async fn an_emptied_redis_is_incomplete_until_the_settling_time_is_over() {
    let settings = RegistrySettings { settle: Duration::from_millis(200), ..settings() };
    let registry = registry(&settings);
    let gateway = GatewayId::new();
    registry.enter(&gateway, &users()).await.unwrap();
    locate_until(&registry, |located| located.complete).await;

    let mut connection = connection().await;
    let keys = ["user:ann", "user:bob", "gateways", "registry:born"]
        .map(|key| format!("{}{key}", settings.key_prefix));
    let deleted: u32 = redis::cmd("DEL").arg(&keys).query_async(&mut connection).await.unwrap();
    assert_eq!(deleted, 4, "the test knows all keys");

    let located = registry.locate(&users()).await.unwrap();
    assert!(!located.complete && located.gateways.is_empty(), "{located:?}");
    registry.enter(&gateway, &users()).await.unwrap();
    assert!(!registry.locate(&users()).await.unwrap().complete, "other gateways may not have renewed yet");
    locate_until(&registry, |located| located.complete).await;
}

#[tokio::test]
async fn a_redis_that_came_back_with_an_old_snapshot_is_incomplete() {
    let settings = settings();
    let registry = registry(&settings);
    let key = format!("{}registry:born", settings.key_prefix);
    let mut connection = connection().await;
    let before_restart = "0123456789abcdef0123456789abcdef01234567 1000";
    redis::cmd("SET").arg(&key).arg(before_restart).query_async::<()>(&mut connection).await.unwrap();
    assert!(!registry.locate(&users()).await.unwrap().complete);
    let marker: String = redis::cmd("GET").arg(&key).query_async(&mut connection).await.unwrap();
    assert_ne!(marker, before_restart, "the marker of this run is set");
}

#[tokio::test]
async fn who_has_not_asked_for_the_settling_time_cannot_know_that_redis_was_there() {
    let settings = RegistrySettings { settle: Duration::from_millis(300), ..settings() };
    let (busy, quiet) = (registry(&settings), registry(&settings));
    for registry in [&busy, &quiet] {
        locate_until(registry, |located| located.complete).await;
    }
    let asked = std::time::Instant::now();
    // The busy one keeps asking meanwhile, and stays sure.
    locate_until(&busy, |_| asked.elapsed() > settings.settle * 2).await;
    assert!(busy.locate(&users()).await.unwrap().complete);
    assert!(!quiet.locate(&users()).await.unwrap().complete, "entries may have run out unseen");
    locate_until(&quiet, |located| located.complete).await;
}
