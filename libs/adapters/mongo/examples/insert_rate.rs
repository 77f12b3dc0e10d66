//! Ordered against unordered inserts: the numbers behind docs/adr/0002-ordered-inserts.md.
//!
//! `MONGODB_URI=… cargo run --release -p eventflow-mongo --example insert_rate`. Works in a database of its
//! own and drops it. The server's CPU time says more than the rate where other work shares the machine; it
//! needs a server nobody else uses.

#![allow(clippy::print_stdout, reason = "a measurement prints its numbers")]

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::{Acknowledgment, CollectionOptions, IndexOptions, WriteConcern};
use mongodb::{Client, Collection, Database, IndexModel};
use std::time::{Duration, Instant};

/// Messages per run.
const MESSAGES: usize = 40_000;
const RUNS: usize = 3;
const BATCHES: [usize; 2] = [100, 500];
/// Threads the messages are spread over.
const THREADS: usize = 100;

#[tokio::main]
async fn main() -> mongodb::error::Result<()> {
    #[allow(clippy::disallowed_methods, reason = "an example has no configuration")]
    let uri = std::env::var("MONGODB_URI").expect("MONGODB_URI names a MongoDB server");
    let database = Client::with_uri_str(uri).await?.database("eventflow_insert_rate");
    for batch in BATCHES {
        for run in 1..=RUNS {
            // Alternating, so that a machine that is busy for a while hits both.
            for ordered in [false, true] {
                let name = format!("messages_{batch}_{run}_{ordered}");
                let options = CollectionOptions::builder().write_concern(majority()).build();
                let collection = database.collection_with_options::<Document>(&name, options);
                create_indexes(&collection).await?;
                let before = server_cpu_us(&database).await?;
                let latencies = fill(&collection, batch, ordered).await?;
                let cpu_us = server_cpu_us(&database).await? - before;
                report(batch, run, ordered, latencies, cpu_us);
            }
        }
    }
    database.drop().await
}

/// CPU time the server has used since it started, in microseconds.
async fn server_cpu_us(database: &Database) -> mongodb::error::Result<i64> {
    let status = database.run_command(doc! { "serverStatus": 1 }).await?;
    let time =
        |name| status.get_document("extra_info").and_then(|info| info.get_i64(name)).unwrap_or_default();
    Ok(time("user_time_us") + time("system_time_us"))
}

fn majority() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
}

async fn create_indexes(collection: &Collection<Document>) -> mongodb::error::Result<()> {
    let unique = IndexOptions::builder().unique(true).build();
    let with_key = doc! { "clientMessageId": { "$exists": true } };
    let partial = IndexOptions::builder().unique(true).partial_filter_expression(with_key).build();
    collection
        .create_index(IndexModel::builder().keys(doc! { "threadId": 1, "seq": 1 }).options(unique).build())
        .await?;
    collection
        .create_index(
            IndexModel::builder().keys(doc! { "senderId": 1, "clientMessageId": 1 }).options(partial).build(),
        )
        .await?;
    Ok(())
}

async fn fill(
    collection: &Collection<Document>,
    batch: usize,
    ordered: bool,
) -> mongodb::error::Result<Vec<Duration>> {
    let threads: Vec<String> = (0..THREADS).map(|_| ObjectId::new().to_hex()).collect();
    let mut latencies = Vec::new();
    for start in (0..MESSAGES).step_by(batch) {
        let documents: Vec<Document> =
            (start..start + batch).map(|i| message(&threads[i % THREADS], i)).collect();
        let started = Instant::now();
        collection.insert_many(documents).ordered(ordered).await?;
        latencies.push(started.elapsed());
    }
    Ok(latencies)
}

fn message(thread: &str, i: usize) -> Document {
    let seq = i64::try_from(i / THREADS + 1).unwrap_or(i64::MAX);
    doc! {
        "_id": ObjectId::new(), "threadId": thread, "seq": seq, "senderId": "user_0123456789", "recipientIds": ["user_9876543210"],
        "content": "The quick brown fox jumps over the lazy dog. ".repeat(6), "attachments": [], "reactions": [], "status": "sent",
        "readBy": [], "deliveredTo": [], "isDraft": false, "createdAt": DateTime::now(), "updatedAt": DateTime::now(),
    }
}

fn report(batch: usize, run: usize, ordered: bool, mut latencies: Vec<Duration>, cpu_us: i64) {
    let total: Duration = latencies.iter().sum();
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    let form = if ordered { "ordered" } else { "unordered" };
    let rate = MESSAGES as f64 / total.as_secs_f64();
    let cpu = cpu_us as f64 / MESSAGES as f64;
    let (p50, p99) = (at(50), at(99));
    println!(
        "batch {batch:>3} run {run} {form:>9}: {rate:>7.0} messages/s, p50 {p50:>5.1} ms, p99 {p99:>5.1} ms, server {cpu:>5.1} µs each"
    );
}
