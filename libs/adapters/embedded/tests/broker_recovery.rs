//! What a broker finds after its process was killed, and that a frame which kills it every time is parked
//! alone.
//!
//! A kill is played by closing the data file without closing the broker: nothing is noted, nothing is given
//! back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use eventflow_bus::port::{Broker, Destination, Headers, Outgoing, Subscription};
use eventflow_bus::topology::{DELIVERY_LIMIT, Delay, EMAIL, PERSIST, SUSPECT_DELIVERIES, dead};
use eventflow_embedded::Database;
use eventflow_ports::FixedClock;
use eventflow_protocol::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use support::{Opened, Site};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
const KILLER: usize = 5;

async fn publish(opened: &Opened, queue: &str, numbers: std::ops::Range<usize>) {
    let messages = numbers.map(|number| Outgoing::to_queue(queue, number.to_string().into())).collect();
    let results = opened.broker.publisher(None).await.unwrap().publish(messages).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

async fn kill(opened: Opened, held: Option<Box<dyn Subscription>>) {
    opened.database.close().await;
    drop((held, opened));
}

fn number(payload: &[u8]) -> usize {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// Works until the killer comes, or for ever if it does not; answers the killer's count when it came.
async fn work(opened: &Opened, queue: &str, width: u16, last: usize) -> (Box<dyn Subscription>, Option<u32>) {
    let mut subscription = opened.broker.subscribe(queue, width).await.unwrap();
    loop {
        let incoming = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
        let number = number(&incoming.payload);
        if number == KILLER {
            return (subscription, Some(incoming.delivery_count));
        }
        subscription.ack(&[incoming.tag]).await.unwrap();
        if number == last {
            return (subscription, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_kills_its_process_is_parked_and_its_neighbours_are_done() {
    let (site, queue) = (Site::new(), PERSIST.shard(0));
    let opened = site.open().await;
    publish(&opened, queue.name(), 0..20).await;
    kill(opened, None).await;
    let mut counts = Vec::new();
    let (opened, held) = loop {
        assert!(counts.len() < 30, "it is never parked: {counts:?}");
        let opened = site.open().await;
        match work(&opened, queue.name(), 64, 19).await {
            (held, Some(count)) => {
                counts.push(count);
                kill(opened, Some(held)).await;
            }
            (held, None) => break (opened, held),
        }
    };
    assert!(
        counts
            .iter()
            .rev()
            .skip_while(|count| **count >= SUSPECT_DELIVERIES)
            .all(|count| *count < SUSPECT_DELIVERIES)
    );
    held.cancel().await.unwrap();
    let depth = |name: String| {
        let broker = &opened.broker;
        async move { broker.depth(&name).await.unwrap().ready }
    };
    assert_eq!((depth(queue.name().to_owned()).await, depth(dead(queue.name())).await), (0, 1));
    let mut operator = opened.broker.subscribe(&dead(queue.name()), 9).await.unwrap();
    let parked = timeout(PATIENCE, operator.next()).await.unwrap().unwrap();
    assert_eq!(number(&parked.payload), KILLER);
    assert_eq!(
        (parked.headers.reason.as_deref(), parked.headers.origin.as_deref()),
        (Some("delivery_limit"), Some(queue.name()))
    );
    drop(operator);
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_count_only_against_queues_that_were_consumed_and_clean_stops_never() {
    let site = Site::new();
    let (quiet, busy) = (EMAIL, PERSIST.shard(1));
    let opened = site.open().await;
    publish(&opened, quiet.name(), 0..3).await;
    publish(&opened, busy.name(), 100..103).await;
    opened.close().await;
    for _ in 0..DELIVERY_LIMIT + 2 {
        kill(site.open().await, None).await;
        let opened = site.open().await;
        drop(opened.broker.subscribe(busy.name(), 64).await.unwrap().cancel().await);
        opened.close().await;
    }
    let opened = site.open().await;
    let mut held = opened.broker.subscribe(busy.name(), 2).await.unwrap();
    for _ in 0..2 {
        assert_eq!(timeout(PATIENCE, held.next()).await.unwrap().unwrap().delivery_count, 0);
    }
    kill(opened, Some(held)).await;
    let opened = site.open().await;
    for (queue, expected) in [(quiet.name(), [0, 0, 0]), (busy.name(), [1, 1, 0])] {
        let mut subscription = opened.broker.subscribe(queue, 64).await.unwrap();
        for count in expected {
            assert_eq!(
                timeout(PATIENCE, subscription.next()).await.unwrap().unwrap().delivery_count,
                count,
                "{queue}"
            );
        }
    }
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_memory_holds_arrives_in_order_while_more_is_published() {
    let (site, queue) = (Site::new(), PERSIST.shard(0));
    let opened = site.open().await;
    publish(&opened, queue.name(), 0..6_000).await;
    let mut subscription = opened.broker.subscribe(queue.name(), 64).await.unwrap();
    let publishing = async {
        for start in (6_000..18_000).step_by(1_000) {
            publish(&opened, queue.name(), start..start + 1_000).await;
        }
    };
    let consuming = async {
        for expected in 0..18_000 {
            let incoming = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
            assert_eq!(number(&incoming.payload), expected);
            subscription.ack(&[incoming.tag]).await.unwrap();
        }
    };
    tokio::join!(publishing, consuming);
    assert!(subscription.try_next().is_none());
    subscription.cancel().await.unwrap();
    opened.close().await;
    let left = Database::open_in(site.folder.path()).unwrap();
    let rows = left
        .read(|table| table.query_row("SELECT count(*) FROM broker_message", [], |row| row.get::<_, i64>(0)))
        .await;
    assert_eq!(rows.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ladder_survives_a_kill_and_keeps_to_the_clock() {
    let (site, queue) = (Site::new(), PERSIST.shard(0));
    let clock = Arc::new(FixedClock::at(Timestamp(1_000_000)));
    let open = async || Site::by_clock(site.folder.path(), clock.clone()).await;
    let opened = open().await;
    let to = Destination::Retry { delay: Delay::OneHour, queue: queue.name().to_owned() };
    let headers = Headers { attempt: 6, reason: Some("later".into()), origin: Some(queue.name().into()) };
    let message = Outgoing { to, headers: headers.clone(), payload: "7".into(), reply_to: None, trace: None };
    let results = opened.broker.publisher(None).await.unwrap().publish(vec![message]).await;
    assert!(results[0].is_ok());
    kill(opened, None).await;
    let opened = open().await;
    assert_eq!(opened.broker.depth(Delay::OneHour.queue()).await.unwrap().ready, 1);
    let mut subscription = opened.broker.subscribe(queue.name(), 1).await.unwrap();
    clock.advance(3_600_000);
    opened.broker.clock_was_set();
    let incoming = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
    assert_eq!((number(&incoming.payload), incoming.headers), (7, headers));
    assert_eq!(opened.broker.depth(Delay::OneHour.queue()).await.unwrap().ready, 0);
    drop(subscription);
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_age_of_the_oldest_message_is_known_also_after_a_kill_and_while_somebody_holds_it() {
    let site = Site::new();
    let clock = Arc::new(FixedClock::at(Timestamp(1_000_000)));
    let open = async || Site::by_clock(site.folder.path(), clock.clone()).await;
    let opened = open().await;
    let oldest = async |opened: &Opened| opened.broker.depth(EMAIL.name()).await.unwrap().oldest;
    assert_eq!(oldest(&opened).await, None);
    publish(&opened, EMAIL.name(), 0..1).await;
    clock.advance(30_000);
    publish(&opened, EMAIL.name(), 1..2).await;
    assert_eq!(oldest(&opened).await, Some(Duration::from_secs(30)));
    kill(opened, None).await;
    let opened = open().await;
    clock.advance(30_000);
    let mut held = opened.broker.subscribe(EMAIL.name(), 1).await.unwrap();
    let first = timeout(PATIENCE, held.next()).await.unwrap().unwrap();
    assert_eq!(oldest(&opened).await, Some(Duration::from_mins(1)), "held, and not done");
    held.ack(&[first.tag]).await.unwrap();
    let gone = async {
        while oldest(&opened).await != Some(Duration::from_secs(30)) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_age_of_a_message_is_that_of_its_stay_in_the_queue_in_which_it_is() {
    let (site, email) = (Site::new(), EMAIL);
    let queue = email.name();
    let clock = Arc::new(FixedClock::at(Timestamp(1_000_000)));
    let open = async || Site::by_clock(site.folder.path(), clock.clone()).await;
    let age = async |opened: &Opened, queue: &str| opened.broker.depth(queue).await.unwrap().oldest;
    let opened = open().await;
    let to = Destination::Retry { delay: Delay::OneHour, queue: queue.to_owned() };
    let headers = Headers { attempt: 6, reason: Some("later".into()), origin: Some(queue.into()) };
    let message = Outgoing { to, headers, payload: "7".into(), reply_to: None, trace: None };
    let results = opened.broker.publisher(None).await.unwrap().publish(vec![message]).await;
    assert!(results[0].is_ok());
    let mut subscription = opened.broker.subscribe(queue, 1).await.unwrap();
    clock.advance(3_600_000);
    opened.broker.clock_was_set();
    let mut incoming = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
    clock.advance(5_000);
    assert_eq!(age(&opened, queue).await, Some(Duration::from_secs(5)), "the hour of waiting is over");
    // Given back again and again, it is parked.
    while incoming.delivery_count + 1 < DELIVERY_LIMIT {
        drop(subscription);
        subscription = opened.broker.subscribe(queue, 1).await.unwrap();
        incoming = timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
    }
    drop(subscription);
    let parked = async {
        while age(&opened, &dead(queue)).await != Some(Duration::ZERO) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, parked).await.unwrap();
    opened.close().await;
}
