//! Report: one structure, printed as JSON for machines and as a table for people.

use crate::{
    cut::Cuts,
    error::LoadError,
    latency::Summary,
    proc::Usage,
    stage::{Latencies, Stage},
    verdict::Verdict,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// All results of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Prefix of the run's users and messages.
    pub run: String,
    /// Description of the run, in words.
    pub what: String,
    /// Length of the measured window, in seconds.
    pub window_s: f64,
    /// Messages that were due.
    pub offered: u64,
    /// Message frames written, repetitions included.
    pub sent: u64,
    /// Messages known to be stored, by their answer or because the client saw them.
    pub acked: u64,
    /// Messages in history.
    pub stored: u64,
    /// Pairs of message and member that the member knows at the end.
    pub delivered: u64,
    /// Answers "stored" per second of the window.
    pub messages_per_s: f64,
    /// Live deliveries per second of the window.
    pub deliveries_per_s: f64,
    /// Latencies of messages that were due inside the window.
    pub latency: Latencies,
    /// Fan-out rounds, in mode `fanout`.
    pub fanout: Vec<FanoutLine>,
    /// Idle connections, in mode `idle`.
    pub idle: Option<IdleLine>,
    /// Slow sockets, in mode `slow`.
    pub slow: Option<SlowLine>,
    /// Lost messages and deliveries in total.
    pub lost: u64,
    /// Doubled messages and deliveries in total.
    pub doubled: u64,
    /// Reordered messages and deliveries in total.
    pub reordered: u64,
    /// Foreign messages and deliveries in total.
    pub foreign: u64,
    /// The counts behind these four totals, and the others that must be zero.
    pub ledger: Verdict,
    /// Drops, reconnects and catch-ups.
    pub faults: FaultLine,
    /// Errors by code.
    pub errors: BTreeMap<String, u64>,
    /// CPU and memory of the watched processes during the window.
    pub processes: Vec<Usage>,
    /// CPU seconds of the generator itself during the window.
    pub generator_cpu_s: f64,
    /// Whether every open message was finished before the drain time ran out.
    pub drained: bool,
    /// Whether the ledger has no findings.
    pub clean: bool,
}

/// Rounds of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct FanoutLine {
    /// Messages sent back to back.
    pub burst: u32,
    /// Members of the thread.
    pub members: u32,
    /// Rounds that reached every member.
    pub rounds: u32,
    /// Rounds that did not reach every member in time.
    pub incomplete: u32,
    /// Deliveries per second, from the send to the last member.
    pub deliveries_per_s: f64,
    /// Time from the send to the first delivery.
    pub first: Summary,
    /// Time from the send to the last delivery.
    pub last: Summary,
}

/// Idle connections.
#[derive(Debug, Clone, Serialize)]
pub struct IdleLine {
    /// Number of connections.
    pub connections: u32,
    /// Connects per second.
    pub connects_per_s: f64,
    /// Costs by watched process.
    pub processes: Vec<IdleProcess>,
}

/// Cost of idle connections for one process.
#[derive(Debug, Clone, Serialize)]
pub struct IdleProcess {
    /// Name in the report.
    pub name: String,
    /// Resident bytes before.
    pub rss_before: u64,
    /// Resident bytes after.
    pub rss_after: u64,
    /// Resident bytes per connection.
    pub bytes_per_connection: f64,
    /// CPU microseconds per connect.
    pub connect_us: Option<f64>,
}

/// Sockets that never read, and the healthy ones beside them.
#[derive(Debug, Clone, Serialize)]
pub struct SlowLine {
    /// Number of sockets that never read.
    pub slow: u32,
    /// Number of healthy sockets.
    pub healthy: u32,
    /// Messages per second to each slow socket.
    pub flood_rate: f64,
    /// Bytes of content of each message of the flood.
    pub flood_bytes: usize,
    /// When slow sockets were cut, from the first message to them; the worst of the rounds.
    pub cuts: Cuts,
    /// Delivery latency of the healthy sockets without any flood.
    pub alone: Summary,
    /// Their delivery latency beside the same flood to sockets that read, by round.
    pub beside_readers: Vec<Summary>,
    /// Their delivery latency beside the flood to sockets that never read, by round.
    pub beside_slow: Vec<Summary>,
    /// Ratio of the median 99th percentiles: beside slow sockets over beside sockets that read.
    pub noticed: f64,
    /// Messages of the flood that its sender lost or got twice.
    pub flood_faults: u64,
    /// Bytes that a gateway may grow by.
    pub allowed_growth: u64,
    /// Memory of the watched processes.
    pub processes: Vec<SlowProcess>,
    /// Limits that were broken, in words.
    pub broken: Vec<String>,
}

/// Cost of slow sockets for one process.
#[derive(Debug, Clone, Serialize)]
pub struct SlowProcess {
    /// Name in the report.
    pub name: String,
    /// Resident bytes before the first message to a slow socket.
    pub rss_before: u64,
    /// Largest number of resident bytes until the end of the window.
    pub rss_peak: u64,
    /// Difference of the two.
    pub growth: u64,
}

/// Drops, reconnects and catch-ups.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct FaultLine {
    /// Connections that dropped.
    pub drops: u64,
    /// Connections made again.
    pub reconnects: u64,
    /// Reconnects after which the server resumed the session.
    pub recovered: u64,
    /// Messages that only a catch-up brought.
    pub refetched: u64,
    /// Messages sent again with the same id.
    pub resends: u64,
    /// How often a live `seq` jumped ahead.
    pub gaps: u64,
    /// Longest time from a drop to the next connection, in seconds.
    pub longest_outage_s: f64,
}

impl Report {
    /// Builds the common part of a report from the stage and the verdict. Each mode fills in the rest.
    pub fn of(stage: &Stage, what: String, window_s: f64, verdict: Verdict) -> Self {
        let load = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let faults = FaultLine {
            drops: load(&stage.faults.drops),
            reconnects: load(&stage.faults.reconnects),
            recovered: load(&stage.faults.recovered),
            refetched: verdict.seen.refetched,
            resends: load(&stage.faults.resends),
            gaps: verdict.seen.gaps,
            longest_outage_s: load(&stage.faults.longest_outage_us) as f64 / 1_000_000.0,
        };
        Self {
            run: stage.run.clone(),
            what,
            window_s,
            offered: load(&stage.offered),
            sent: load(&stage.sent),
            acked: load(&stage.stored),
            stored: verdict.stored,
            delivered: load(&stage.received),
            messages_per_s: load(&stage.acked_in_window) as f64 / window_s,
            deliveries_per_s: load(&stage.delivered_in_window) as f64 / window_s,
            latency: stage.latencies(),
            lost: verdict.lost(),
            doubled: verdict.doubled(),
            reordered: verdict.reordered(),
            foreign: verdict.foreign(),
            faults,
            errors: stage.errors(),
            clean: verdict.is_clean(),
            ledger: verdict,
            ..Self::default()
        }
    }

    /// Writes the report as JSON.
    pub fn write_json(&self, path: &Path) -> Result<(), LoadError> {
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::from);
        text.and_then(|text| std::fs::write(path, text))
            .map_err(|error| LoadError::Setting(format!("writing {}: {error}", path.display())))
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} (run {})", self.what, self.run)?;
        self.fmt_traffic(out)?;
        self.fmt_rounds(out)?;
        self.slow.as_ref().map_or(Ok(()), |slow| slow.fmt(out))?;
        self.fmt_ledger(out)?;
        self.fmt_processes(out)?;
        let verdict = if self.clean { "CLEAN" } else { "NOT CLEAN" };
        writeln!(
            out,
            "ledger: {verdict}: lost {} doubled {} reordered {} foreign {}",
            self.lost, self.doubled, self.reordered, self.foreign
        )
    }
}

impl Display for SlowLine {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { slow, healthy, flood_rate, flood_bytes, noticed, .. } = self;
        let Cuts { uncut, first_s, median_s, last_s } = self.cuts;
        writeln!(
            out,
            "{slow} sockets never read {flood_rate:.0} msg/s of {flood_bytes} B, {healthy} healthy ones beside them"
        )?;
        writeln!(
            out,
            "cut after {first_s:.1} s (first), {median_s:.1} s (median), {last_s:.1} s (last); not cut: {uncut}"
        )?;
        fmt_latency(out, "  alone", &self.alone)?;
        self.beside_readers.iter().try_for_each(|window| fmt_latency(out, "  beside readers", window))?;
        self.beside_slow.iter().try_for_each(|window| fmt_latency(out, "  beside slow", window))?;
        writeln!(out, "p99 beside slow ones: {noticed:.2} times p99 beside readers")?;
        writeln!(out, "lost or doubled of the flood, at its sender: {}", self.flood_faults)?;
        for SlowProcess { name, rss_before, rss_peak, growth } in &self.processes {
            let [before, peak, growth] =
                [rss_before, rss_peak, growth].map(|bytes| *bytes as f64 / (1024.0 * 1024.0));
            writeln!(
                out,
                "  {name:<18} RSS {before:.1} MiB before, {peak:.1} MiB at its peak: {growth:.1} MiB more"
            )?;
        }
        writeln!(out, "allowed for the sockets' process: {} MiB", self.allowed_growth / (1024 * 1024))?;
        self.broken.iter().try_for_each(|broken| writeln!(out, "BROKEN: {broken}"))
    }
}

impl Report {
    fn fmt_traffic(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { offered, sent, acked, stored, delivered, .. } = self;
        writeln!(
            out,
            "offered {offered}  sent {sent}  acked {acked}  stored {stored}  delivered {delivered}"
        )?;
        writeln!(
            out,
            "{:.0} msg/s  {:.0} deliveries/s  over {:.1} s",
            self.messages_per_s, self.deliveries_per_s, self.window_s
        )?;
        writeln!(out, "latency ms          p50       p90       p99     p99.9       max     count")?;
        fmt_latency(out, "ack", &self.latency.ack)?;
        fmt_latency(out, "delivery", &self.latency.delivery)?;
        fmt_latency(out, "generator lag", &self.latency.lag)
    }

    fn fmt_rounds(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for line in &self.fanout {
            let FanoutLine { burst, members, rounds, incomplete, deliveries_per_s, .. } = line;
            writeln!(
                out,
                "bursts of {burst} to {members}: {deliveries_per_s:.0} deliveries/s, {rounds} rounds, {incomplete} incomplete"
            )?;
            fmt_latency(out, "  first member", &line.first)?;
            fmt_latency(out, "  last member", &line.last)?;
        }
        let Some(idle) = &self.idle else { return Ok(()) };
        writeln!(out, "{} connections, {:.0} connects/s", idle.connections, idle.connects_per_s)?;
        for process in &idle.processes {
            let IdleProcess { name, bytes_per_connection, connect_us, .. } = process;
            let connect_us = connect_us.map_or("gone".to_owned(), |us| format!("{us:.0}"));
            writeln!(
                out,
                "  {name:<16} {bytes_per_connection:.0} B/connection, {connect_us} us CPU/connect"
            )?;
        }
        Ok(())
    }

    fn fmt_ledger(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let outcomes = &self.ledger.outcomes;
        writeln!(
            out,
            "intents: ok {}  queued {}  failed {}  unknown {}  drained {}",
            outcomes.ok, outcomes.queued, outcomes.failed, outcomes.unknown, self.drained
        )?;
        let faults = &self.faults;
        writeln!(
            out,
            "faults: drops {}  reconnects {}  recovered {}  refetched {}  resends {}  gaps {}  longest outage {:.2} s",
            faults.drops,
            faults.reconnects,
            faults.recovered,
            faults.refetched,
            faults.resends,
            faults.gaps,
            faults.longest_outage_s
        )?;
        for (code, count) in &self.errors {
            writeln!(out, "  {code:<24} {count}")?;
        }
        let ledger = &self.ledger;
        writeln!(
            out,
            "lost: stored {} delivery {}  doubled: history {} session {} later {}  reordered: history {} live {}",
            ledger.lost_stored,
            ledger.lost_deliveries,
            ledger.doubled_history,
            ledger.seen.doubled_session,
            ledger.seen.doubled_later,
            ledger.reordered_history,
            ledger.seen.reordered
        )?;
        writeln!(
            out,
            "history gaps {}  refused but stored {}  phantoms {}  mismatched {}  allowed overlap {}",
            ledger.history_gaps,
            ledger.failed_but_stored,
            ledger.phantoms,
            ledger.mismatched,
            ledger.seen.overlap
        )?;
        for finding in &ledger.findings {
            writeln!(out, "  - {finding}")?;
        }
        Ok(())
    }

    fn fmt_processes(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "CPU                 s    s/1,000 msg   RSS MiB")?;
        for process in &self.processes {
            let cell = |value: Option<f64>| value.map_or("gone".to_owned(), |value| format!("{value:.3}"));
            let rss = process.rss.map_or("gone".to_owned(), |rss| (rss / (1024 * 1024)).to_string());
            let (cpu, each) = (cell(process.cpu_s), cell(process.cpu_s_per_1000));
            writeln!(out, "  {:<14} {cpu:>8} {each:>12} {rss:>9}", process.name)?;
        }
        writeln!(out, "  {:<14} {:>8.3}", "generator", self.generator_cpu_s)
    }
}

fn fmt_latency(out: &mut Formatter<'_>, name: &str, latency: &Summary) -> fmt::Result {
    let Summary { count, p50_ms, p90_ms, p99_ms, p999_ms, max_ms } = latency;
    writeln!(
        out,
        "{name:<14} {p50_ms:>9.2} {p90_ms:>9.2} {p99_ms:>9.2} {p999_ms:>9.2} {max_ms:>9.2} {count:>9}"
    )
}
