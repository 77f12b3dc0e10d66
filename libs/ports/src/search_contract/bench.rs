//! A measurement that every store can run: what search costs when messages are stored and when they are
//! looked for, and whether it finds what reading everything finds.
//!
//! It fills threads with messages of twenty made-up languages, indexes them, searches as ordinary people and
//! as one who is in a third of all threads, and stores more messages, alone and while they are indexed. The
//! adapters' examples `search_costs_embedded` and `search_costs_mongo` print the result; `bench/search` runs
//! them. Nothing here judges it.

mod fill;
mod languages;
mod searches;
mod sizes;

use self::fill::Filled;
pub use self::sizes::Sizes;
use crate::search::SearchIndex;
use crate::store::Store;
use crate::store_contract::random::Random;
use std::time::{Duration, Instant};

/// Fills a store, indexes it, searches, and stores more. Gives lines to print.
pub async fn measure(store: &dyn Store, index: &dyn SearchIndex, sizes: Sizes) -> Vec<String> {
    let mut random = Random::seeded(7);
    let began = Instant::now();
    let (filled, took) = Filled::fill(store, sizes, &mut random).await;
    let mut lines = vec![
        format!("{} messages in {} threads, 20 languages", sizes.messages, filled.threads()),
        format!(
            "  filled in {:.0} s; stored without an index {}",
            began.elapsed().as_secs_f64(),
            each(took, sizes.messages)
        ),
    ];
    let began = Instant::now();
    filled.index(index).await;
    lines.push(format!("  indexed behind it                {}", each(began.elapsed(), sizes.messages)));
    for who in filled.people() {
        lines.extend(searches::of(index, &filled, who, sizes.searches, &mut random).await);
    }
    let more = (sizes.messages / 20).clamp(1, 50_000);
    let alone = filled.store_more(store, more, &mut random).await;
    filled.index(index).await;
    let beside = filled.store_while_indexing(store, index, more, &mut random).await;
    lines.push(format!("  {more} more, nothing else running  {}", each(alone, more)));
    lines.push(format!("  {more} more, while they are indexed {}", each(beside, more)));
    lines
}

fn each(took: Duration, messages: usize) -> String {
    format!("{:.1} µs a message", took.as_secs_f64() * 1e6 / messages as f64)
}
