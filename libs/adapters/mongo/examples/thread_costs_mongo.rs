//! What a read marker costs in a long thread, and a message in a large one, on MongoDB: `MONGODB_URI=… cargo
//! run --release -p eventflow-mongo --example thread_costs_mongo [MESSAGES] [PEOPLE]`.
//!
//! Works in a database of its own and drops it.

#![allow(clippy::print_stdout, reason = "a measurement prints its numbers")]

mod database;

use eventflow_mongo::MongoStore;
use eventflow_ports::Store;
use eventflow_ports::store_contract::thread_costs::{Sizes, messages_to_many, read_markers};
use mongodb::Client;
use std::sync::Arc;

const DATABASE: &str = "eventflow_thread_costs";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = database::uri_of(DATABASE);
    let mut sizes = std::env::args().skip(1).map(|size| size.parse());
    let messages = sizes.next().transpose()?.unwrap_or(100_000);
    let people = sizes.next().transpose()?.unwrap_or(5_000);
    let sizes = Sizes { messages, people };
    let store = Arc::new(MongoStore::connect(&uri).await?);
    store.prepare().await?;
    let mut lines = read_markers(Arc::clone(&store) as Arc<dyn Store>, sizes).await;
    lines.extend(messages_to_many(store, sizes).await);
    println!("{}", lines.join("\n"));
    Client::with_uri_str(&uri).await?.database(DATABASE).drop().await?;
    Ok(())
}
