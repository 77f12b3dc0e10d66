//! Load shedding: what the gateway does without while it is overloaded, so that messages stay quick.
//!
//! In goes how long every task waits for its turn ([`lag`]); out comes which kinds of events are shed
//! ([`level`]): typing first, then presence, then receipts, never messages. What is shed repairs itself:
//! typing ends by its own deadline, presence is compared with the store every minute, and receipts only wait.
//! What the system knows of a device or a message is never shed, only what others are shown of it. See ADR
//! 15.

mod lag;
mod level;

use eventflow_metrics::{EdgeMetrics, ShedKind};
use level::{Level, LevelControl};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::watch;

/// What the gateway does without now. [`Shedding::run`] keeps it up to date.
pub(crate) struct Shedding {
    level: watch::Sender<Level>,
    /// The same level, for questions of every event: reading it takes no lock.
    kinds: AtomicU8,
    begins_at: Duration,
    metrics: EdgeMetrics,
}

impl Shedding {
    /// Nothing is shed. Typing will be once every task waits for `begins_at`; zero: nothing ever.
    pub(crate) fn new(begins_at: Duration, metrics: EdgeMetrics) -> Self {
        let (level, kinds) = (watch::Sender::new(Level::default()), AtomicU8::default());
        Self { level, kinds, begins_at, metrics }
    }

    /// Whether an event of this kind is shed. Counts it if so: call it once for each event.
    pub(crate) fn sheds(&self, what: ShedKind) -> bool {
        self.sheds_if(what, || true)
    }

    /// As [`Shedding::sheds`], for an event that may be kept for what it says. What it says is asked only
    /// while its kind is shed.
    pub(crate) fn sheds_if(&self, what: ShedKind, may_be_shed: impl FnOnce() -> bool) -> bool {
        let is_shed = Level::of(self.kinds.load(Relaxed)).sheds(what) && may_be_shed();
        if is_shed {
            self.metrics.shed.of(what).inc();
        }
        is_shed
    }

    /// Waits until events of this kind are not shed.
    pub(crate) async fn until_kept(&self, what: ShedKind) {
        // An error would mean that there is no gateway any more.
        let _ = self.level.subscribe().wait_for(|level| !level.sheds(what)).await;
    }

    /// Measures and decides, until it is dropped.
    pub(crate) async fn run(&self) {
        let mut control = LevelControl::new(self.begins_at);
        loop {
            let lag = lag::standing().await;
            self.metrics.lag_seconds.set(lag.as_secs_f64());
            if !self.begins_at.is_zero() {
                self.set(control.observe(lag), lag);
            }
        }
    }

    fn set(&self, level: Level, lag: Duration) {
        self.kinds.store(level.kinds(), Relaxed);
        let before = self.level.send_replace(level);
        if before != level {
            self.metrics.shed_level.set(level.kinds().into());
            tracing::warn!(lag_ms = lag.as_millis(), from = %before, to = %level, "load shedding has changed");
        }
    }

    /// Sheds so many kinds from now on, if the setting is zero.
    #[cfg(test)]
    pub(crate) fn force(&self, kinds: u8) {
        self.set(Level::of(kinds), Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    /// How long one task keeps the only thread of the runtime to itself, again and again: every other task
    /// waits, for two thirds of it at least.
    const HOGGED: Duration = Duration::from_millis(150);

    #[test]
    fn what_an_event_says_is_asked_only_while_its_kind_is_shed() {
        let shedding = Shedding::new(Duration::ZERO, Metrics::default().edge);
        assert!(!shedding.sheds_if(ShedKind::Typing, || panic!("nothing is shed")));
        shedding.force(1);
        assert!(shedding.sheds_if(ShedKind::Typing, || true));
        assert!(!shedding.sheds_if(ShedKind::Typing, || false));
        assert!(!shedding.sheds_if(ShedKind::Presence, || panic!("presence is not shed")));
        assert_eq!(shedding.metrics.shed.of(ShedKind::Typing).get(), 1, "only what was shed is counted");
    }

    #[tokio::test]
    #[allow(clippy::disallowed_methods, reason = "the tasks end with the runtime of the test")]
    async fn a_runtime_that_is_kept_busy_sheds_in_order_and_one_that_is_free_again_stops() {
        // Receipts are shed at ten times that.
        let begins_at = Duration::from_millis(5);
        let shedding = Arc::new(Shedding::new(begins_at, Metrics::default().edge));
        let runs = tokio::spawn({
            let shedding = Arc::clone(&shedding);
            async move { shedding.run().await }
        });
        let is_busy = Arc::new(AtomicBool::new(true));
        let hog = tokio::spawn({
            let is_busy = Arc::clone(&is_busy);
            async move {
                while is_busy.load(SeqCst) {
                    // sleep: it stands for work that does not yield.
                    std::thread::sleep(HOGGED);
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut levels = shedding.level.subscribe();
        let mut order = Vec::new();
        while order.len() < 3 {
            levels.changed().await.unwrap();
            let level = *levels.borrow_and_update();
            order.push(
                [ShedKind::Typing, ShedKind::Presence, ShedKind::Receipts].map(|kind| level.sheds(kind)),
            );
        }
        assert_eq!(order, [[true, false, false], [true, true, false], [true, true, true]]);
        is_busy.store(false, SeqCst);
        hog.await.unwrap();
        shedding.until_kept(ShedKind::Receipts).await;
        assert!(shedding.sheds(ShedKind::Presence), "one kind after the other");
        runs.abort();
    }
}
