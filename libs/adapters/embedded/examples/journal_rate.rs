//! What an append to the embedded journal costs: `cargo run --release -p eventflow-embedded --example
//! journal_rate`.
//!
//! Prints one line per size of part: appended one after the other as fast as they go, and at 300 a second as
//! a busy gateway does, while the last 60,000 parts are kept; then what reading and opening them takes. The
//! file is in the current folder's file system and removed afterwards.

#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use eventflow_embedded::EmbeddedJournal;
use eventflow_ports::Journal;
use eventflow_ports::journal_contract::part;
use eventflow_protocol::GatewayId;
use std::time::{Duration, Instant};

/// Parts of three minutes of a gateway that appends some hundred a second.
const KEPT: u64 = 60_000;
const FAST: u64 = 100_000;
const PACED: u64 = 1_500;
const PACE: Duration = Duration::from_micros(3_333);

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:>8} {:>6} {:>10} {:>8} {:>8} {:>8} {:>9}",
        "entries", "pace", "parts/s", "p50 µs", "p99 µs", "max µs", "file MB"
    );
    for entries in [1, 10, 256] {
        measure(entries).await?;
    }
    Ok(())
}

async fn measure(entries: u64) -> Result<(), Box<dyn std::error::Error>> {
    let (folder, gateway) = (tempfile::tempdir_in(".")?, GatewayId::new());
    let journal = EmbeddedJournal::open_in(folder.path())?;
    let fast = if entries == 256 { FAST / 10 } else { FAST };
    for (pace, numbers) in [(None, 0..fast), (Some(PACE), fast..fast + PACED)] {
        let (started, mut took) = (Instant::now(), Vec::new());
        let mut ticks = pace.map(tokio::time::interval);
        for number in numbers {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            let (part, before) = (part(number, entries), Instant::now());
            journal.append(&gateway, &part, number.saturating_sub(KEPT)).await?;
            took.push(before.elapsed().as_micros());
        }
        let rate = f64::from(u32::try_from(took.len())?) / started.elapsed().as_secs_f64();
        took.sort_unstable();
        let at = |share: usize| took[(took.len() - 1) * share / 100];
        let megabytes = std::fs::metadata(folder.path().join("journal.db"))?.len() / 1_000_000;
        let pace = if pace.is_some() { "300/s" } else { "fast" };
        println!(
            "{entries:>8} {pace:>6} {rate:>10.0} {:>8} {:>8} {:>8} {megabytes:>9}",
            at(50),
            at(99),
            at(100)
        );
    }
    let before = Instant::now();
    let parts = journal.read(&gateway).await?.len();
    let read = before.elapsed();
    journal.close().await;
    let before = Instant::now();
    drop(EmbeddedJournal::open_in(folder.path())?);
    println!("{entries:>8} reading {parts} parts took {read:.1?}, opening {:.1?}", before.elapsed());
    Ok(())
}
