//! How many frames go through one RabbitMQ queue: published with confirms, one in flight, consumed and
//! acknowledged meanwhile.
//!
//! `cargo run --release -p eventflow-amqp --example frame_rate -- amqp://guest:guest@127.0.0.1:5672/%2f`

#![allow(clippy::print_stdout, reason = "an example prints its result")]

use eventflow_amqp::{AmqpBroker, AmqpConfig};
use eventflow_bus::port::{Broker, BrokerError, Health, Outgoing};
use eventflow_bus::topology::{PERSIST, Topology};
use eventflow_protocol::frame::{Envelope, Frame};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Of one envelope, so that 256 of them stay below the 100 KB of a frame.
const BODY_BYTES: usize = 330;
const PREFETCH: u16 = 64;
const RUN: Duration = Duration::from_secs(5);

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: frame_rate URL")?;
    let broker = AmqpBroker::connect(AmqpConfig::new(url, "frame-rate"))?;
    broker.health().wait_for(|health| *health == Health::Up).await?;
    broker.declare(&Topology::new(1)).await?;
    for (items, in_flight) in [(1, 1), (1, 100), (64, 1), (256, 1)] {
        measure(&broker, items, in_flight).await?;
    }
    broker.shutdown().await;
    Ok(())
}

async fn measure(broker: &Arc<AmqpBroker>, items: usize, in_flight: usize) -> Result<(), Box<dyn Error>> {
    let queue = PERSIST.shard(0);
    let envelope =
        || Envelope { id: Uuid::now_v7(), attempt: 0, body: vec![7; BODY_BYTES].into(), trace: None };
    let payload = Frame { items: (0..items).map(|_| envelope()).collect(), generation: None }.encode()?;
    let publishing = async {
        let mut publisher = broker.publisher(None).await?;
        let start = Instant::now();
        let mut frames = 0;
        let mut slowest = Duration::ZERO;
        while start.elapsed() < RUN {
            let sent = Instant::now();
            let batch = (0..in_flight).map(|_| Outgoing::to_queue(queue.name(), payload.clone())).collect();
            publisher.publish(batch).await.into_iter().collect::<Result<Vec<()>, _>>()?;
            slowest = slowest.max(sent.elapsed());
            frames += in_flight;
        }
        Ok::<_, BrokerError>((frames, slowest))
    };
    let consuming = async {
        let mut subscription = broker.subscribe(queue.name(), PREFETCH).await?;
        let mut tags = Vec::new();
        while let Ok(message) = tokio::time::timeout(Duration::from_secs(1), subscription.next()).await {
            tags.push(message?.tag);
            while let Some(message) = subscription.try_next() {
                tags.push(message.tag);
            }
            subscription.ack(&tags).await?;
            tags.clear();
        }
        subscription.cancel().await
    };
    let ((frames, slowest), ()) = tokio::try_join!(publishing, consuming)?;
    let rate = frames as f64 / RUN.as_secs_f64();
    println!(
        "{items:>4} envelopes a frame ({:>6} bytes), {in_flight:>3} in flight: {rate:>7.0} frames/s, {:>8.0} envelopes/s, slowest {slowest:?}",
        payload.len(),
        rate * items as f64
    );
    Ok(())
}
