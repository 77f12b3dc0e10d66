//! A measurement that every store can run: what search costs when messages are stored and when they are
//! looked for, and whether it finds what reading everything finds.
//!
//! It fills threads with messages of twenty made-up languages, indexes them, searches as ordinary people and as
//! one who is in a third of all threads, and stores more messages, alone and while they are indexed. The
//! adapters' examples `search_costs_embedded` and `search_costs_mongo` print the result; `bench/search` runs
//! them. Nothing here judges it.

mod fill;
mod languages;
mod searches;

use self::fill::Filled;
use crate::search::SearchIndex;
use crate::store::Store;
use crate::store_contract::random::Random;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Messages of all threads.
    pub messages: usize,
    /// Messages of a thread on average.
    pub per_thread: usize,
    /// Searches of each kind, by ordinary people and by the busy one each.
    pub searches: usize,
}

impl Sizes {
    /// The sizes that a command line names: messages, messages of a thread, searches of each kind.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, std::num::ParseIntError> {
        let given = arguments.map(|size| size.parse()).collect::<Result<Vec<usize>, _>>()?;
        let size = |at: usize, usual: usize| given.get(at).copied().unwrap_or(usual).max(1);
        Ok(Self { messages: size(0, 100_000), per_thread: size(1, 100), searches: size(2, 200) })
    }
}

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
