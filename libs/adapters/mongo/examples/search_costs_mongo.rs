//! What search costs on MongoDB: `MONGODB_URI=… cargo run --release -p eventflow-mongo --example
//! search_costs_mongo [MESSAGES [PER_THREAD [SEARCHES]]]`.
//!
//! Works in a database of its own and drops it.

#![allow(clippy::print_stdout, reason = "a measurement prints its numbers")]

mod database;

use eventflow_mongo::MongoStore;
use eventflow_ports::search_contract::bench::{Sizes, measure};
use mongodb::Client;
use mongodb::bson::doc;

const DATABASE: &str = "eventflow_search_costs";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = database::uri_of(DATABASE);
    let sizes = Sizes::parse(std::env::args().skip(1))?;
    let store = MongoStore::connect(&uri).await?;
    store.prepare().await?;
    println!("{}", measure(&store, &store, sizes).await.join("\n"));
    let database = Client::with_uri_str(&uri).await?.database(DATABASE);
    for collection in ["searchBlocks", "messages"] {
        let sizes = database.run_command(doc! { "collStats": collection, "scale": 1024 }).await?;
        println!(
            "  {collection}, in KB: {} documents, {} stored, {} of indexes",
            sizes.get("count").cloned().unwrap_or_default(),
            sizes.get("storageSize").cloned().unwrap_or_default(),
            sizes.get("totalIndexSize").cloned().unwrap_or_default()
        );
    }
    database.drop().await?;
    Ok(())
}
