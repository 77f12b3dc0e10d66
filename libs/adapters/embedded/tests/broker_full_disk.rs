//! A full disk holds publishers back, says so, and heals; nothing that was confirmed is lost meanwhile.

mod support;

use eventflow_bus::port::{Broker, BrokerError, Health, Outgoing};
use eventflow_bus::topology::PERSIST;
use eventflow_embedded::Database;
use std::time::Duration;
use support::Site;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

async fn limit_pages(database: &Database, pages: u32) {
    let set = move |tx: &rusqlite::Transaction<'_>| tx.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
    database.write(set).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_blocks_publishers_and_room_heals_it() {
    let (site, queue) = (Site::new(), PERSIST.shard(0));
    let opened = site.open().await;
    let mut health = opened.broker.health();
    let mut publisher = opened.broker.publisher(None).await.unwrap();
    let mut large = async || publisher.publish(vec![Outgoing::to_queue(queue.name(), vec![7; 90_000].into())]).await.remove(0);
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
