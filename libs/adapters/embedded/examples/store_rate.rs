//! How many messages a second the store in the data file takes: `cargo run --release -p eventflow-embedded
//! --example store_rate`.
//!
//! Prints one line per batch size, number of batches in flight and number of threads. Each message has 60
//! characters, each thread two people. The file is in the current folder's file system and removed
//! afterwards.

#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_ports::store_contract::fixtures::{Scene, append};
use eventflow_ports::{NewMessage, Store};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const MEASURED: Duration = Duration::from_secs(4);
const TEXT: &str = "Sixty characters of ordinary text, as people write in a chat.";

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:>7} {:>6} {:>9} {:>11} {:>10} {:>11} {:>9}",
        "threads", "batch", "in flight", "messages/s", "batches/s", "ms/batch", "commits/s"
    );
    for (threads, batch, in_flight) in [
        (100, 1, 1),
        (100, 1, 64),
        (100, 64, 1),
        (100, 64, 4),
        (100, 256, 1),
        (100, 256, 4),
        (10_000, 256, 1),
        (10_000, 256, 4),
    ] {
        measure(threads, batch, in_flight).await?;
    }
    Ok(())
}

async fn measure(threads: usize, batch: usize, in_flight: usize) -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir_in(".")?;
    let database = Database::open_in(folder.path())?;
    let store = EmbeddedStore::open(database.clone()).await?;
    let mut scenes = JoinSet::new();
    for _ in 0..threads {
        let store = store.clone();
        scenes.spawn(async move { Scene::with_people(&store, 2).await });
    }
    let scenes = scenes.join_all().await;
    let (commits, started) = (database.commits(), Instant::now());
    let mut writers = JoinSet::new();
    for writer in 0..in_flight {
        // Each writer has its own threads, as each shard does.
        let scenes: Vec<Scene> = scenes.iter().skip(writer).step_by(in_flight).cloned().collect();
        let store = store.clone();
        writers.spawn(async move { write(&store, &scenes, batch, started).await });
    }
    let batches: usize = writers.join_all().await.iter().sum();
    let seconds = started.elapsed().as_secs_f64();
    let rate = batches as f64 / seconds;
    let latency_ms = in_flight as f64 * 1_000.0 / rate;
    let messages = rate * batch as f64;
    let commits = (database.commits() - commits) as f64 / seconds;
    println!(
        "{threads:>7} {batch:>6} {in_flight:>9} {messages:>11.0} {rate:>10.0} {latency_ms:>11.2} {commits:>9.0}"
    );
    database.close().await;
    Ok(())
}

/// Appends until the time is over; answers how many batches.
async fn write(store: &EmbeddedStore, scenes: &[Scene], batch: usize, started: Instant) -> usize {
    let mut turn = 0;
    let mut done = 0;
    while started.elapsed() < MEASURED {
        let messages: Vec<NewMessage> =
            (turn..turn + batch).map(|i| scenes[i * 7 % scenes.len()].say(i % 2, TEXT)).collect();
        turn += batch;
        let stored = append(store, &messages).await;
        store.touch_threads(&stored).await.expect("touch");
        done += 1;
    }
    done
}
