//! Progress: a line on standard error every few seconds, so that a person can follow a long run beside kills.

use crate::stage::Stage;
use std::{
    io::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::time::sleep;

/// Reports until dropped.
pub async fn report(stage: &Stage, every: Duration) {
    loop {
        sleep(every).await;
        // A closed standard error is no reason to end the run.
        let _ = writeln!(io::stderr(), "{}", line(stage));
    }
}

fn line(stage: &Stage) -> String {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    format!(
        "{:>6.1} s  offered {}  sent {}  acked {}  received {}  drops {}  recovered {}  resends {}  unsettled clients {}",
        stage.now_us().saturating_sub(stage.start_us()) as f64 / 1_000_000.0,
        load(&stage.offered),
        load(&stage.sent),
        load(&stage.stored),
        load(&stage.received),
        load(&stage.faults.drops),
        load(&stage.faults.recovered),
        load(&stage.faults.resends),
        stage.unsettled_clients.load(Ordering::Relaxed),
    )
}
