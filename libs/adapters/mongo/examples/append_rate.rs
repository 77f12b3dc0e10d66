//! What the store carries: `append_messages` and `touch_threads` together, as the persistence worker calls
//! them.
//!
//! `MONGODB_URI=… cargo run --release -p eventflow-mongo --example append_rate`. Works in a database of its
//! own and drops it.

#![allow(clippy::print_stdout, reason = "a measurement prints its numbers")]

mod database;

use eventflow_mongo::MongoStore;
use eventflow_ports::store_contract::fixtures::{Scene, fresh_people, present, say};
use eventflow_ports::{NewMessage, Store, StoreError};
use mongodb::Client;
use std::time::{Duration, Instant};

/// Batches of each size, per run.
const BATCHES: usize = 60;
const RUNS: usize = 3;
const SIZES: [usize; 3] = [64, 256, 512];
const THREADS: [usize; 2] = [100, 10_000];
/// Text of a message, in bytes.
const TEXT: usize = 200;

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let uri = database::uri_of("eventflow_append_rate");
    for threads in THREADS {
        let store = MongoStore::connect(&uri).await?;
        store.prepare().await?;
        let scenes = scenes(&store, threads).await;
        for size in SIZES {
            for run in 1..=RUNS {
                measure(&store, &scenes, size, run).await?;
            }
        }
    }
    let client = Client::with_uri_str(&uri).await.expect("the URI was read before");
    client.database("eventflow_append_rate").drop().await.expect("drop the database of this measurement");
    Ok(())
}

async fn scenes(store: &MongoStore, count: usize) -> Vec<Scene> {
    let mut scenes = Vec::with_capacity(count);
    for _ in 0..count {
        scenes.push(Scene::between(store, fresh_people(2)).await);
    }
    scenes
}

async fn measure(store: &MongoStore, scenes: &[Scene], size: usize, run: usize) -> Result<(), StoreError> {
    let mut appending = Duration::ZERO;
    let mut touching = Duration::ZERO;
    let mut latencies = Vec::new();
    for b in 0..BATCHES {
        let batch = batch(scenes, b * size, size);
        let started = Instant::now();
        let messages: Vec<_> = store.append_messages(&batch).await?.into_iter().map(present).collect();
        let appended = started.elapsed();
        store.touch_threads(&messages).await?;
        appending += appended;
        touching += started.elapsed().checked_sub(appended).unwrap_or_default();
        latencies.push(started.elapsed());
    }
    latencies.sort_unstable();
    let per = |time: Duration| time.as_secs_f64() * 1_000.0 / BATCHES as f64;
    let rate = |time: Duration| (BATCHES * size) as f64 / time.as_secs_f64();
    println!(
        "{:>6} threads, batch {size:>3}, run {run}: {:>6.0} messages/s (append alone {:>6.0}), append {:>5.1} ms, touch {:>5.1} ms, p50 {:>5.1} ms, p99 {:>5.1} ms",
        scenes.len(),
        rate(appending + touching),
        rate(appending),
        per(appending),
        per(touching),
        latencies[latencies.len() / 2].as_secs_f64() * 1_000.0,
        latencies[(latencies.len() - 1) * 99 / 100].as_secs_f64() * 1_000.0,
    );
    Ok(())
}

/// The next messages, over the threads in a scattered order.
fn batch(scenes: &[Scene], start: usize, size: usize) -> Vec<NewMessage> {
    let text = "The quick brown fox. ".repeat(TEXT / 21);
    let one = |i: usize| {
        let scene = &scenes[i * 7_919 % scenes.len()];
        say(scene.thread, &scene.people[i % 2], &text)
    };
    (start..start + size).map(one).collect()
}
