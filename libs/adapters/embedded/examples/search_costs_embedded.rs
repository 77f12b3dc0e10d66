//! What search costs in the data file: `cargo run --release -p eventflow-embedded --example
//! search_costs_embedded [MESSAGES [PER_THREAD [SEARCHES]]]`.
//!
//! The file is in the current folder's file system and removed afterwards.

#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use eventflow_embedded::{Database, EmbeddedStore};
use eventflow_ports::search_contract::bench::{Sizes, measure};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sizes = Sizes::parse(std::env::args().skip(1))?;
    let folder = tempfile::tempdir_in(".")?;
    let database = Database::open_in(folder.path())?;
    let store = EmbeddedStore::open(database.clone()).await?;
    println!("{}", measure(&store, &store, sizes).await.join("\n"));
    let size = database.read(|connection| {
        connection.query_row("SELECT count(*), sum(length(bits)) FROM search_block", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
    });
    let (blocks, bytes) = size.await?;
    println!("  {blocks} blocks with {:.1} MB of signatures", bytes as f64 / 1e6);
    database.close().await;
    println!("  the file has {:.1} MB", std::fs::metadata(database.path())?.len() as f64 / 1e6);
    Ok(())
}
