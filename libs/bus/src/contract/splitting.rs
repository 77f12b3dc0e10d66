//! A frame that may be killing its worker is split, and what comes of it counts as delivered before.

use super::bench::{PATIENCE, next, publish, subscribe};
use super::topology;
use crate::consume::{Consumer, Declares};
use crate::handler::{BatchHandler, Item, Performed, Unavailable};
use crate::port::{Broker, Outgoing};
use crate::settle::Outcome;
use crate::topology::{PERSIST, SUSPECT_DELIVERIES};
use async_trait::async_trait;
use bytes::Bytes;
use eventflow_metrics::Metrics;
use eventflow_protocol::codec;
use eventflow_protocol::frame::{Envelope, Frame};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Runs every check of this group.
pub async fn check_all(broker: Arc<dyn Broker>) {
    what_comes_of_a_split_frame_may_have_been_handled(broker).await;
}

/// A worker may have done the work of a frame and died before it said so. After the split the broker delivers
/// new messages, and the handler still learns that they may have been handled.
pub async fn what_comes_of_a_split_frame_may_have_been_handled(broker: Arc<dyn Broker>) {
    let queue = PERSIST.shard(1);
    publish(&*broker, vec![Outgoing::to_queue(queue.name(), frame_of(0..3))]).await;
    for _ in 0..SUSPECT_DELIVERIES {
        let mut subscription = subscribe(&*broker, queue.name(), 1).await;
        next(&mut subscription).await;
        drop(subscription);
    }
    let seen = watch::Sender::new(Vec::new());
    let mut watching = seen.subscribe();
    let metrics = Metrics::default().bus.queue(queue.name());
    let declares = Declares::Topology(topology());
    let consumer = Consumer::new(broker, queue.name(), declares, Arc::new(Recorder(seen)), metrics);
    let shutdown = CancellationToken::new();
    let handled = async {
        let all = timeout(PATIENCE, watching.wait_for(|seen| seen.len() == 3)).await;
        let all = all.expect("everything is handled in time").expect("the handler lives").clone();
        shutdown.cancel();
        all
    };
    let ((), handled) = tokio::join!(consumer.run(shutdown.clone()), handled);
    assert_eq!(handled, [(0, true), (1, true), (2, true)]);
}

fn frame_of(numbers: std::ops::Range<u32>) -> Bytes {
    let envelope = |number: u32| {
        let body = codec::encode(&number).expect("a number can be encoded");
        Envelope { id: Uuid::now_v7(), attempt: 0, body, trace: None }
    };
    Frame { items: numbers.map(envelope).collect(), generation: None }
        .encode()
        .expect("a frame of numbers can be encoded")
}

/// Notes what it gets, and whether it may have been handled before.
struct Recorder(watch::Sender<Vec<(u32, bool)>>);

#[async_trait]
impl BatchHandler for Recorder {
    type Value = u32;
    type Outbox = ();

    async fn perform(&self, batch: &[Item<u32>]) -> Result<Performed<()>, Unavailable> {
        self.0.send_modify(|seen| seen.extend(batch.iter().map(|item| (item.value, item.redelivered))));
        Ok(Performed { outcomes: vec![Outcome::Done; batch.len()], outbox: () })
    }

    async fn announce(&self, (): &()) -> Result<(), Unavailable> {
        Ok(())
    }
}
