//! How fast the durable queue is: publish, consume and acknowledge over one and two hops.
//!
//! `cargo run --release -p eventflow-embedded --example queue_rate [seconds]`. Frames of 256 envelopes of 300
//! bytes show the saturated rate, frames of one the rate of a quiet system's worst case; each shard has one
//! publisher and one consumer.

use anyhow::Result;
use bytes::Bytes;
use eventflow_bus::port::{Broker, Outgoing, Publish};
use eventflow_bus::topology::{FANOUT, PERSIST, Topology};
use eventflow_embedded::{Database, EmbeddedBroker};
use eventflow_ports::SystemClock;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const SHARDS: u16 = 4;
const ENVELOPE_BYTES: usize = 300;
const PREFETCH: u16 = 64;

/// What one run does.
#[derive(Clone, Copy)]
struct Load {
    envelopes: usize,
    publishers: usize,
    hops: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    let database = Database::open_in(folder.path())?;
    let broker = Arc::new(EmbeddedBroker::open(database.clone(), Arc::new(SystemClock)).await?);
    broker.declare(&Topology::new(SHARDS)).await?;
    for (envelopes, publishers, hops) in
        [(1, 1, 1), (1, 4, 1), (1, 4, 2), (1, 64, 2), (32, 4, 2), (256, 4, 1), (256, 4, 2)]
    {
        measure(&database, &broker, Load { envelopes, publishers, hops }, Duration::from_secs(seconds))
            .await?;
    }
    broker.close().await?;
    database.close().await;
    Ok(())
}

async fn measure(
    database: &Database,
    broker: &Arc<EmbeddedBroker>,
    load: Load,
    time: Duration,
) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let arrived = Arc::new(AtomicU64::new(0));
    let sent = Arc::new(AtomicU64::new(0));
    let (commits, start) = (database.commits(), Instant::now());
    let mut workers = JoinSet::new();
    for shard in 0..SHARDS {
        let broker: Arc<dyn Broker> = broker.clone();
        let relay = if load.hops == 2 { Some(broker.publisher(None).await?) } else { None };
        workers.spawn(consume(
            Arc::clone(&broker),
            PERSIST.shard(shard).name().to_owned(),
            shard,
            relay,
            Arc::clone(&arrived),
        ));
        if load.hops == 2 {
            workers.spawn(consume(
                broker,
                FANOUT.shard(shard).name().to_owned(),
                shard,
                None,
                Arc::clone(&arrived),
            ));
        }
    }
    let mut publishers = JoinSet::new();
    for index in 0..load.publishers {
        let shard = u16::try_from(index % usize::from(SHARDS))?;
        let publisher = broker.publisher(None).await?;
        publishers.spawn(publish(publisher, shard, load, Arc::clone(&stop), Arc::clone(&sent)));
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    while let Some(published) = publishers.join_next().await {
        waits.extend(published??);
    }
    waits.sort_unstable();
    while arrived.load(Ordering::Relaxed) < sent.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let frames = arrived.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    workers.shutdown().await;
    let Load { envelopes, publishers, hops } = load;
    writeln!(
        std::io::stdout(),
        "{hops} hop(s), {publishers:2} publishers, {envelopes:3} a frame: {frames:8.0} frames/s {:9.0} envelopes/s {:6.0} commits/s, confirm p50 {:.2?} p99 {:.2?}",
        frames * envelopes as f64,
        (database.commits() - commits) as f64 / start.elapsed().as_secs_f64(),
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100],
    )?;
    Ok(())
}

/// Publishes one frame after the other; answers how long each confirm took.
async fn publish(
    mut publisher: Box<dyn Publish>,
    shard: u16,
    load: Load,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
) -> Result<Vec<Duration>> {
    let mut waits = Vec::new();
    let (queue, payload) = (PERSIST.shard(shard), Bytes::from(vec![b'x'; load.envelopes * ENVELOPE_BYTES]));
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        publisher.publish(vec![Outgoing::to_queue(queue.name(), payload.clone())]).await.remove(0)?;
        waits.push(start.elapsed());
        sent.fetch_add(1, Ordering::Relaxed);
    }
    Ok(waits)
}

/// Takes batches as a worker does; the last hop counts.
async fn consume(
    broker: Arc<dyn Broker>,
    queue: String,
    shard: u16,
    mut relay: Option<Box<dyn Publish>>,
    arrived: Arc<AtomicU64>,
) -> Result<()> {
    let mut subscription = broker.subscribe(&queue, PREFETCH).await?;
    let last = relay.is_none();
    loop {
        let mut batch = vec![subscription.next().await?];
        while let Some(incoming) = subscription.try_next() {
            batch.push(incoming);
        }
        if let Some(relay) = &mut relay {
            let onward = batch
                .iter()
                .map(|incoming| Outgoing::to_queue(FANOUT.shard(shard).name(), incoming.payload.clone()));
            for confirmed in relay.publish(onward.collect()).await {
                confirmed?;
            }
        }
        let tags: Vec<_> = batch.iter().map(|incoming| incoming.tag).collect();
        subscription.ack(&tags).await?;
        if last {
            arrived.fetch_add(tags.len() as u64, Ordering::Relaxed);
        }
    }
}
