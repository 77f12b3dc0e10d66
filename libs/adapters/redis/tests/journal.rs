//! `RedisJournal` against the server that `REDIS_URL` names: the port's contract, how long a journal is kept,
//! what cannot be read.
//!
//! Each test has its own key prefix, so tests run at once on one server and leave other keys alone.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use deadpool_redis::redis::{self, Client};
use eventflow_ports::journal::JOURNAL_LIFE;
use eventflow_ports::journal_contract::{check_all, part};
use eventflow_ports::{Journal, JournalError};
use eventflow_protocol::{CommandId, GatewayId};
use eventflow_redis::{JournalSettings, RedisJournal};
use std::error::Error;
use std::time::Duration;

#[allow(clippy::disallowed_methods, reason = "a test is told by the environment which server to use")]
fn url() -> String {
    std::env::var("REDIS_URL").expect("REDIS_URL names the Redis to test with")
}

fn settings() -> JournalSettings {
    JournalSettings { key_prefix: format!("ef-test:{}:", CommandId::new()), ..JournalSettings::default() }
}

fn journal(settings: &JournalSettings) -> RedisJournal {
    RedisJournal::new(&url(), settings.clone()).unwrap()
}

fn key(settings: &JournalSettings, gateway: &GatewayId) -> String {
    format!("{}journal:{gateway}", settings.key_prefix)
}

async fn connection() -> redis::aio::MultiplexedConnection {
    Client::open(url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

fn told(error: &JournalError) -> String {
    let chain = std::iter::successors(Some(error as &dyn Error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn the_contract_holds() {
    let settings = settings();
    check_all(&journal(&settings), &journal(&settings)).await;
}

#[tokio::test]
async fn a_journal_lives_for_a_while_after_its_last_part_also_if_that_was_there() {
    let (settings, gateway) = (settings(), GatewayId::new());
    let journal = journal(&settings);
    let key = key(&settings, &gateway);
    let life = i64::try_from(JOURNAL_LIFE.as_millis()).unwrap();
    let mut connection = connection().await;
    for number in [1, 2, 2] {
        journal.append(&gateway, &part(number, 1), 0).await.unwrap();
        let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
        assert!(left > life / 2 && left <= life, "{left} ms are left");
        let shortened: bool =
            redis::cmd("PEXPIRE").arg(&key).arg(1_000).query_async(&mut connection).await.unwrap();
        assert!(shortened, "the key is there");
    }
}

#[tokio::test]
async fn a_journal_whose_gateway_is_gone_is_forgotten() {
    let settings = JournalSettings { life: Duration::from_millis(100), ..settings() };
    let (journal, gateway) = (journal(&settings), GatewayId::new());
    journal.append(&gateway, &part(1, 1), 0).await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let forgotten = async {
        while !journal.read(&gateway).await.unwrap().is_empty() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), forgotten).await.expect("forgotten in time");
    let left: bool = redis::cmd("EXISTS")
        .arg(key(&settings, &gateway))
        .query_async(&mut connection().await)
        .await
        .unwrap();
    assert!(!left);
}

#[tokio::test]
async fn forgetting_is_exact_so_that_a_journal_stays_as_small_as_it_was_asked_to() {
    let (settings, gateway) = (settings(), GatewayId::new());
    let journal = journal(&settings);
    for number in 0..500_u64 {
        journal.append(&gateway, &part(number, 1), number.saturating_sub(9)).await.unwrap();
    }
    let length: u64 =
        redis::cmd("XLEN").arg(key(&settings, &gateway)).query_async(&mut connection().await).await.unwrap();
    assert_eq!(length, 10);
}

#[tokio::test]
async fn what_another_version_wrote_is_a_hole() {
    let (settings, gateway) = (settings(), GatewayId::new());
    let journal = journal(&settings);
    journal.append(&gateway, &part(1, 1), 0).await.unwrap();
    let (key, mut connection) = (key(&settings, &gateway), connection().await);
    for (id, field) in [("3-0", "part"), ("4-0", "another")] {
        let add = redis::cmd("XADD").arg(&key).arg(id).arg(field).arg("of another version").to_owned();
        add.query_async::<String>(&mut connection).await.unwrap();
    }
    journal.append(&gateway, &part(4, 1), 0).await.unwrap();
    assert_eq!(journal.read(&gateway).await.unwrap(), [part(1, 1), part(4, 1)]);
}

#[tokio::test]
async fn what_the_server_has_against_it_is_told() {
    let (settings, gateway) = (settings(), GatewayId::new());
    let journal = journal(&settings);
    journal.append(&gateway, &part(2, 1), 0).await.unwrap();
    let passed = journal.append(&gateway, &part(1, 1), 0).await.unwrap_err();
    assert!(told(&passed).contains("equal or smaller"), "{}", told(&passed));

    let taken = GatewayId::new();
    let set = redis::cmd("SET").arg(key(&settings, &taken)).arg("not a stream").to_owned();
    set.query_async::<()>(&mut connection().await).await.unwrap();
    let wrong = journal.append(&taken, &part(1, 1), 0).await.unwrap_err();
    assert!(told(&wrong).contains("wrong kind of value"), "{}", told(&wrong));
    journal.read(&taken).await.unwrap_err();
    journal
        .append(&gateway, &part(3, 1), 0)
        .await
        .expect("an answer is no silence: the breaker stays closed");
}
