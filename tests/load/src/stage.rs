//! Stage: what all clients of a run share, that is, the clock, the phase, the counters and the latency
//! distributions.
//!
//! Phases: sending → draining (nothing new is sent, everything open is finished) → closed. Rates and
//! latencies count only inside the measured window; the ledger counts everything.

use crate::latency::Latency;
use parking_lot::Mutex;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Shared state and all counters of a run.
pub struct Stage {
    /// Prefix of everything that this run creates.
    pub run: String,
    /// Cancelled when clients must disconnect.
    pub close: CancellationToken,
    /// Messages that were due.
    pub offered: AtomicU64,
    /// Messages that got a final answer.
    pub settled: AtomicU64,
    /// Messages known to be stored.
    pub stored: AtomicU64,
    /// Message frames written, repetitions included.
    pub sent: AtomicU64,
    /// Pairs of message and client that the client knows, live or fetched.
    pub received: AtomicU64,
    /// Answers "stored" inside the window.
    pub acked_in_window: AtomicU64,
    /// Live deliveries inside the window.
    pub delivered_in_window: AtomicU64,
    /// Clients that are not connected or not caught up.
    pub unsettled_clients: AtomicI64,
    /// Counters of drops, reconnects and repetitions.
    pub faults: Faults,
    /// The current fan-out round.
    pub round: Round,
    origin: Instant,
    start_us: AtomicU64,
    window: (AtomicU64, AtomicU64),
    last_arrival_us: AtomicU64,
    sending: AtomicBool,
    ack: Mutex<Latency>,
    delivery: Mutex<Latency>,
    lag: Mutex<Latency>,
    errors: Mutex<BTreeMap<String, u64>>,
}

/// Counters of drops, reconnects and repetitions.
#[derive(Default)]
pub struct Faults {
    /// Connections that dropped.
    pub drops: AtomicU64,
    /// Connections made again.
    pub reconnects: AtomicU64,
    /// Reconnects after which the server resumed the session.
    pub recovered: AtomicU64,
    /// Messages sent again with the same id.
    pub resends: AtomicU64,
    /// Longest time from a drop to the next connection, in microseconds.
    pub longest_outage_us: AtomicU64,
}

/// One fan-out round: when the first and the last expected delivery came.
#[derive(Default)]
pub struct Round {
    target: AtomicU64,
    count: AtomicU64,
    first_us: AtomicU64,
    last_us: AtomicU64,
    done: Notify,
}

/// Latency summaries of the three parts of a message's way.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latencies {
    /// Time from the intended send to the answer "stored".
    pub ack: crate::latency::Summary,
    /// Time from the intended send to the read by a recipient.
    pub delivery: crate::latency::Summary,
    /// Generator lag: time from the intended send to the actual write.
    pub lag: crate::latency::Summary,
}

impl Stage {
    /// Creates a stage whose clock starts now.
    pub fn new(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            close: CancellationToken::new(),
            offered: AtomicU64::default(),
            settled: AtomicU64::default(),
            stored: AtomicU64::default(),
            sent: AtomicU64::default(),
            received: AtomicU64::default(),
            acked_in_window: AtomicU64::default(),
            delivered_in_window: AtomicU64::default(),
            unsettled_clients: AtomicI64::default(),
            faults: Faults::default(),
            round: Round::default(),
            origin: Instant::now(),
            start_us: AtomicU64::default(),
            window: (AtomicU64::new(u64::MAX), AtomicU64::new(u64::MAX)),
            last_arrival_us: AtomicU64::default(),
            sending: AtomicBool::new(false),
            ack: Mutex::default(),
            delivery: Mutex::default(),
            lag: Mutex::default(),
            errors: Mutex::default(),
        }
    }

    /// Microseconds since the generator started.
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The instant at `us` microseconds on the generator's clock.
    pub fn instant(&self, us: u64) -> Instant {
        self.origin + Duration::from_micros(us)
    }

    /// Begins to send now. After `warmup` the measured window opens for `duration`.
    pub fn begin(&self, warmup: Duration, duration: Duration) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let start = self.now_us();
        self.start_us.store(start, Ordering::Release);
        self.window.0.store(start.saturating_add(micros(warmup)), Ordering::Release);
        self.window
            .1
            .store(start.saturating_add(micros(warmup)).saturating_add(micros(duration)), Ordering::Release);
        self.sending.store(true, Ordering::Release);
    }

    /// Ends sending: clients send nothing new from now on.
    pub fn end_sending(&self) {
        self.sending.store(false, Ordering::Release);
    }

    /// Whether clients may send new messages.
    pub fn may_send(&self) -> bool {
        self.sending.load(Ordering::Acquire)
    }

    /// Time at which sending began, in microseconds.
    pub fn start_us(&self) -> u64 {
        self.start_us.load(Ordering::Acquire)
    }

    /// Whether this time is inside the measured window.
    pub fn in_window(&self, us: u64) -> bool {
        self.window.0.load(Ordering::Relaxed) <= us && us < self.window.1.load(Ordering::Relaxed)
    }

    /// Counts a written message.
    pub fn on_sent(&self, intended_us: u64, now_us: u64, again: bool) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if again {
            self.faults.resends.fetch_add(1, Ordering::Relaxed);
        } else if self.in_window(intended_us) {
            self.lag.lock().record(now_us.saturating_sub(intended_us));
        }
    }

    /// Counts a message that is now known to be stored.
    pub fn on_stored(&self, intended_us: u64, now_us: u64) {
        self.stored.fetch_add(1, Ordering::Relaxed);
        self.settled.fetch_add(1, Ordering::AcqRel);
        if self.in_window(now_us) {
            self.acked_in_window.fetch_add(1, Ordering::Relaxed);
        }
        if self.in_window(intended_us) {
            self.ack.lock().record(now_us.saturating_sub(intended_us));
        }
    }

    /// Counts a message that was refused for good.
    pub fn on_failed(&self) {
        self.settled.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts a live message that its client did not know.
    pub fn on_delivered(&self, intended_us: u64, now_us: u64) {
        self.on_known(now_us);
        if self.in_window(now_us) {
            self.delivered_in_window.fetch_add(1, Ordering::Relaxed);
        }
        if self.in_window(intended_us) {
            self.delivery.lock().record(now_us.saturating_sub(intended_us));
        }
        self.round.on_delivered(now_us);
    }

    /// Counts a message that a client learned, live or from history.
    pub fn on_known(&self, now_us: u64) {
        self.received.fetch_add(1, Ordering::AcqRel);
        self.on_arrival(now_us);
    }

    /// Notes the arrival of a frame that matters to the ledger.
    pub fn on_arrival(&self, now_us: u64) {
        self.last_arrival_us.fetch_max(now_us, Ordering::Relaxed);
    }

    /// Time since the last arrival, in microseconds.
    pub fn quiet_us(&self) -> u64 {
        self.now_us().saturating_sub(self.last_arrival_us.load(Ordering::Relaxed))
    }

    /// Counts an error by its code.
    pub fn on_error(&self, code: &str) {
        let mut errors = self.errors.lock();
        if let Some(count) = errors.get_mut(code) {
            *count += 1;
        } else {
            errors.insert(code.to_owned(), 1);
        }
    }

    /// Errors by code.
    pub fn errors(&self) -> BTreeMap<String, u64> {
        self.errors.lock().clone()
    }

    /// The latency summaries.
    pub fn latencies(&self) -> Latencies {
        Latencies {
            ack: self.ack.lock().summary(),
            delivery: self.delivery.lock().summary(),
            lag: self.lag.lock().summary(),
        }
    }
}

impl Stage {
    /// The latency summaries so far. Counting starts again afterwards.
    pub fn restart_latencies(&self) -> Latencies {
        let restart = |latency: &Mutex<Latency>| std::mem::take(&mut *latency.lock()).summary();
        Latencies { ack: restart(&self.ack), delivery: restart(&self.delivery), lag: restart(&self.lag) }
    }
}

impl Round {
    /// Starts a round that expects `target` deliveries.
    pub fn expect(&self, target: u64) {
        self.count.store(0, Ordering::Release);
        self.target.store(target, Ordering::Release);
    }

    /// Waits for the last expected delivery. Returns the times of the first and the last.
    pub async fn done(&self) -> (u64, u64) {
        self.done.notified().await;
        (self.first_us.load(Ordering::Acquire), self.last_us.load(Ordering::Acquire))
    }

    /// Number of deliveries in this round so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    fn on_delivered(&self, now_us: u64) {
        let target = self.target.load(Ordering::Acquire);
        if target == 0 {
            return;
        }
        let count = self.count.fetch_add(1, Ordering::AcqRel) + 1;
        if count == 1 {
            self.first_us.store(now_us, Ordering::Release);
        }
        if count == target {
            self.last_us.store(now_us, Ordering::Release);
            self.done.notify_one();
        }
    }
}
