//! `RedisPresence` against the server that `REDIS_URL` names: the port's contract, clocks that are wrong, a
//! server that lost everything.
//!
//! Each test has its own key prefix, so tests run at once on one server and leave other keys alone.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use deadpool_redis::redis::{self, Client};
use eventflow_ports::devices::KEPT;
use eventflow_ports::presence::{DEVICE_LEASE, GatewayStats};
use eventflow_ports::{Clock, PresenceStore, SystemClock, presence_contract};
use eventflow_protocol::presence::{DeviceSignal, DeviceState, Presence, Status};
use eventflow_protocol::{CommandId, Timestamp, UserId};
use eventflow_redis::{PresenceSettings, RedisPresence};
use std::sync::Arc;
use std::time::Duration;

const MARGIN_MS: i64 = 10_000;

#[allow(clippy::disallowed_methods, reason = "a test is told by the environment which server to use")]
fn url() -> String {
    std::env::var("REDIS_URL").expect("REDIS_URL names the Redis to test with")
}

fn settings() -> PresenceSettings {
    PresenceSettings { key_prefix: format!("ef-test:{}:", CommandId::new()), ..PresenceSettings::default() }
}

fn store(settings: &PresenceSettings) -> RedisPresence {
    store_by(Skewed(0), settings)
}

fn store_by(clock: Skewed, settings: &PresenceSettings) -> RedisPresence {
    RedisPresence::new(&url(), settings.clone(), Arc::new(clock)).unwrap()
}

/// The clock of a machine that is wrong by so many milliseconds.
#[derive(Clone, Copy)]
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.0)
    }
}

fn ann() -> Vec<UserId> {
    vec!["ann".parse().unwrap()]
}

fn signal(state: DeviceState, at: Timestamp) -> DeviceSignal {
    DeviceSignal { user_id: ann()[0].clone(), device: "phone".to_owned(), state, at }
}

fn here(at: Timestamp) -> DeviceSignal {
    signal(DeviceState::Here { active_at: at, wants_away: false, parked: false }, at)
}

fn later(moment: Timestamp, ms: i64) -> Timestamp {
    Timestamp(moment.0 + ms)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}

fn statuses(changes: &[Presence]) -> Vec<Status> {
    changes.iter().map(|change| change.status).collect()
}

async fn connection() -> redis::aio::MultiplexedConnection {
    Client::open(url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn keys(settings: &PresenceSettings) -> Vec<String> {
    let pattern = format!("{}*", settings.key_prefix);
    redis::cmd("KEYS").arg(pattern).query_async(&mut connection().await).await.unwrap()
}

async fn delete(keys: &[String]) {
    redis::cmd("DEL").arg(keys).query_async::<()>(&mut connection().await).await.unwrap();
}

#[tokio::test]
async fn the_contract_holds() {
    presence_contract::check_all(&store(&settings())).await;
}

#[tokio::test]
async fn gateways_and_sweepers_whose_clocks_are_a_minute_wrong_agree() {
    for (gateway, sweeper) in [(-60_000, 60_000), (60_000, -60_000), (60_000, 60_000)] {
        let settings = settings();
        let (gateway, sweeper) = (Skewed(gateway), Skewed(sweeper));
        let store = store_by(sweeper, &settings);
        store.record(&[here(gateway.now())]).await.unwrap();
        let now = sweeper.now();
        let lease = millis(DEVICE_LEASE);
        assert_eq!(statuses(&store.judge(&ann(), now).await.unwrap()), [Status::Online]);
        assert_eq!(store.judge(&ann(), later(now, lease - MARGIN_MS)).await.unwrap(), []);
        assert_eq!(store.due(later(now, lease - MARGIN_MS), 10).await.unwrap(), []);
        assert_eq!(store.due(later(now, lease + MARGIN_MS), 10).await.unwrap(), ann());
        assert_eq!(
            statuses(&store.judge(&ann(), later(now, lease + MARGIN_MS)).await.unwrap()),
            [Status::Offline]
        );
    }
}

#[tokio::test]
async fn a_redis_that_was_emptied_is_right_again_with_the_next_heartbeat() {
    let settings = settings();
    let store = store(&settings);
    let start = SystemClock.now();
    store.record(&[here(start)]).await.unwrap();
    store.judge(&ann(), start).await.unwrap();
    let known = keys(&settings).await;
    assert_eq!(known.len(), 3, "the person, who is due, who is connected: {known:?}");
    delete(&known).await;

    assert_eq!(store.presence(&ann(), start).await.unwrap()[&ann()[0]].status, Status::Offline);
    assert_eq!(store.judge(&ann(), start).await.unwrap(), [], "nothing is known, so nothing is said");
    store.record(&[here(later(start, 1))]).await.unwrap();
    assert_eq!(statuses(&store.judge(&ann(), later(start, 1)).await.unwrap()), [Status::Online]);
}

#[tokio::test]
async fn a_person_whose_value_is_gone_or_unreadable_is_due_once() {
    let settings = settings();
    let store = store(&settings);
    let start = SystemClock.now();
    let over = later(start, millis(DEVICE_LEASE) + MARGIN_MS);
    let key = format!("{}presence:user:ann", settings.key_prefix);
    for unreadable in [None, Some("of another version")] {
        store.record(&[here(start)]).await.unwrap();
        match unreadable {
            None => delete(std::slice::from_ref(&key)).await,
            Some(value) => {
                redis::cmd("SET")
                    .arg(&key)
                    .arg(value)
                    .query_async::<()>(&mut connection().await)
                    .await
                    .unwrap();
            }
        }
        assert_eq!(store.due(over, 10).await.unwrap(), ann());
        assert_eq!(store.judge(&ann(), over).await.unwrap(), []);
        assert_eq!(store.due(over, 10).await.unwrap(), []);
    }
    store.record(&[here(later(start, 1))]).await.unwrap();
    assert_eq!(statuses(&store.judge(&ann(), later(start, 1)).await.unwrap()), [Status::Online]);
}

#[tokio::test]
async fn old_fault_19_somebody_who_was_not_there_for_long_leaves_nothing() {
    let settings = settings();
    let store = store(&settings);
    let start = SystemClock.now();
    store.record(&[signal(DeviceState::Gone, start)]).await.unwrap();
    assert_eq!(statuses(&store.judge(&ann(), later(start, MARGIN_MS)).await.unwrap()), [Status::Offline]);
    let key = format!("{}presence:user:ann", settings.key_prefix);
    let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection().await).await.unwrap();
    assert!(left > millis(KEPT), "the due set names them before the key is gone: {left}");
    let long_after = later(start, millis(KEPT) + MARGIN_MS);
    assert_eq!(store.due(long_after, 10).await.unwrap(), ann());
    assert_eq!(store.judge(&ann(), long_after).await.unwrap(), []);
    assert_eq!(keys(&settings).await, Vec::<String>::new());
}

#[tokio::test]
async fn writers_and_judges_at_once_lose_nothing() {
    let settings = settings();
    let stores: Vec<RedisPresence> = (0..4).map(|_| store(&settings)).collect();
    let start = SystemClock.now();
    let of_device = |n: usize| DeviceSignal { device: format!("device {n}"), ..here(start) };
    let writing = |n: usize| {
        let store = &stores[n];
        async move {
            for device in 0..10 {
                store.record(&[of_device(10 * n + device)]).await.unwrap();
            }
            store.judge(&ann(), start).await.unwrap()
        }
    };
    let (a, b, c, d) = tokio::join!(writing(0), writing(1), writing(2), writing(3));
    assert_eq!([a, b, c, d].concat().len(), 1, "online, said once");
    let all_but_one: Vec<DeviceSignal> = (0..39)
        .map(|n| DeviceSignal { device: format!("device {n}"), ..signal(DeviceState::Gone, later(start, 1)) })
        .collect();
    stores[0].record(&all_but_one).await.unwrap();
    assert_eq!(stores[0].judge(&ann(), later(start, MARGIN_MS)).await.unwrap(), [], "each device was kept");
}

#[tokio::test]
async fn what_a_gateway_said_of_itself_is_forgotten() {
    let settings = PresenceSettings { report_life: Duration::from_millis(100), ..settings() };
    let store = store(&settings);
    store.report("one", &GatewayStats { rooms: 1, ..GatewayStats::default() }).await.unwrap();
    assert_eq!(store.reports().await.unwrap().len(), 1);
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let forgotten = async {
        while !keys(&settings).await.is_empty() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), forgotten).await.expect("forgotten in time");
    assert_eq!(store.reports().await.unwrap(), []);
}
