//! What a read marker costs in a long thread, and a message in a large one, in the data file: `cargo run
//! --release -p eventflow-embedded --example thread_costs_embedded [MESSAGES] [PEOPLE]`.
//!
//! The file is in the current folder's file system and removed afterwards.

#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_ports::Store;
use eventflow_ports::store_contract::thread_costs::{Sizes, messages_to_many, read_markers};
use std::sync::Arc;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut sizes = std::env::args().skip(1).map(|size| size.parse());
    let messages = sizes.next().transpose()?.unwrap_or(100_000);
    let people = sizes.next().transpose()?.unwrap_or(5_000);
    let sizes = Sizes { messages, people };
    let folder = tempfile::tempdir_in(".")?;
    let database = Database::open_in(folder.path())?;
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(database.clone()).await?);
    let mut lines = read_markers(Arc::clone(&store), sizes).await;
    lines.extend(messages_to_many(store, sizes).await);
    println!("{}", lines.join("\n"));
    database.close().await;
    Ok(())
}
