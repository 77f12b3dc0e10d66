//! Faults of the data file: publishers are held back or told, health says so, and what could not be written
//! is written later.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use eventflow_bus::port::{Broker, BrokerError, Health, Outgoing};
use eventflow_bus::topology::PERSIST;
use eventflow_embedded::Database;
use std::time::Duration;
use support::Site;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(5);

async fn limit_pages(database: &Database, pages: u32) {
    let set = move |tx: &rusqlite::Transaction<'_>| {
        tx.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
    };
    database.write(set).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_blocks_publishers_and_room_heals_it() {
    let (site, queue) = (Site::new(), PERSIST.shard(0));
    let opened = site.open().await;
    let mut health = opened.broker.health();
    let mut publisher = opened.broker.publisher(None).await.unwrap();
    let mut large = async || {
        publisher.publish(vec![Outgoing::to_queue(queue.name(), vec![7; 90_000].into())]).await.remove(0)
    };
    large().await.unwrap();
    limit_pages(&opened.database, 1).await;
    assert!(matches!(large().await, Err(BrokerError::Blocked)));
    assert!(matches!(*health.borrow_and_update(), Health::Blocked(_)));
    limit_pages(&opened.database, 1_000_000).await;
    timeout(PATIENCE, health.wait_for(|health| *health == Health::Up)).await.unwrap().unwrap();
    large().await.unwrap();
    assert_eq!(opened.broker.depth(queue.name()).await.unwrap().ready, 2);
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_whose_transaction_fails_is_written_later() {
    let (site, queue) = (Site::new(), PERSIST.shard(0));
    let opened = site.open().await;
    let mut publisher = opened.broker.publisher(None).await.unwrap();
    publisher.publish(vec![Outgoing::to_queue(queue.name(), "1".into())]).await.remove(0).unwrap();
    let mut subscription = opened.broker.subscribe(queue.name(), 1).await.unwrap();
    let incoming = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
    let mut health = opened.broker.health();
    // The writer is held up, so that the acknowledgement gets into the transaction that is thrown away.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (began, begins) = tokio::sync::oneshot::channel();
    let database = opened.database.clone();
    let hold_up = tokio::task::JoinSet::from_iter([async move {
        let hold = move |_: &rusqlite::Transaction<'_>| {
            began.send(()).unwrap();
            wait.recv().unwrap();
            Ok(())
        };
        database.write(hold).await.unwrap();
    }]);
    begins.await.unwrap();
    let thrown_away = opened.database.write(|tx| tx.execute_batch("ROLLBACK"));
    let acknowledged = async {
        subscription.ack(&[incoming.tag]).await.unwrap();
        go.send(()).unwrap();
    };
    let (failed, ()) = tokio::join!(thrown_away, acknowledged);
    assert!(failed.is_err());
    hold_up.join_all().await;
    // Health may not have gone down yet, so what counts is asked for: the message is gone.
    let count = |table: &rusqlite::Connection| {
        table.query_row("SELECT count(*) FROM broker_message", [], |row| row.get::<_, i64>(0))
    };
    let written = async {
        while opened.database.read(count).await.unwrap() != 0 {
            // sleep: between two looks
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(PATIENCE, written).await.expect("the acknowledgement is written later");
    timeout(PATIENCE, health.wait_for(|health| *health == Health::Up)).await.unwrap().unwrap();
    opened.broker.close().await.unwrap();
    drop(subscription);
    opened.database.close().await;
}
