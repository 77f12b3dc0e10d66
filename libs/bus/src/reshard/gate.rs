//! The gate of a gateway to the shards: every command that has to keep its order passes it, and learns by
//! which number its shard is to be chosen.
//!
//! Open: a passage costs two atomic counts. Closed: who comes waits a moment. A [`Permit`] lives until the
//! fate of its command is known, so a closed gate without permits says that nothing is on its way any more.
//! An open gate closes by itself when nobody renews it: a gateway that others do not hear must not go on by a
//! number that they may have changed.

use crate::port::Health;
use crate::publish_error::PublishError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How long a command waits before a closed gate: longer than a hold lasts, and so much shorter than a client
/// waits for its answer that the command can still be confirmed.
pub const GATE_PATIENCE: Duration = Duration::from_millis(2_500);
/// A lease that never ends.
const FOR_EVER: u64 = u64::MAX;

/// The gate of one process. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct ShardGate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    /// The number that the settings name.
    setting: u16,
    /// The number while the gate is open, 0 while it is closed.
    open: AtomicU16,
    /// The last number that was in force here.
    last: AtomicU16,
    generation: AtomicU64,
    /// Until when the gate may be passed, in milliseconds since `began`.
    lease_ms: AtomicU64,
    permits: AtomicUsize,
    opened: watch::Sender<()>,
}

/// The right to send one command by the number of its time.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Inner>,
    shards: u16,
    generation: u64,
}

impl ShardGate {
    /// A gate that is always open, for a process that is alone with its queues.
    pub fn fixed(shards: u16) -> Self {
        Self::new(shards, shards, FOR_EVER)
    }

    /// A closed gate. `setting` is a first guess at the number, for what need not keep its order.
    pub fn closed(setting: u16) -> Self {
        Self::new(0, setting, 0)
    }

    fn new(open: u16, last: u16, lease_ms: u64) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            setting: last,
            open: AtomicU16::new(open),
            last: AtomicU16::new(last),
            generation: AtomicU64::new(0),
            lease_ms: AtomicU64::new(lease_ms),
            permits: AtomicUsize::new(0),
            opened: watch::Sender::new(()),
        }))
    }

    /// Passes the gate. Waits while it is closed, at most [`GATE_PATIENCE`] and only while there is a broker.
    pub async fn enter(&self, health: &watch::Receiver<Health>) -> Result<Permit, PublishError> {
        match self.try_enter() {
            Some(permit) => Ok(permit),
            None => self.wait(health.clone()).await,
        }
    }

    async fn wait(&self, mut health: watch::Receiver<Health>) -> Result<Permit, PublishError> {
        let mut opened = self.0.opened.subscribe();
        let patience = sleep(GATE_PATIENCE);
        tokio::pin!(patience);
        loop {
            // Looked at after the subscription, so that no opening is missed.
            if let Some(permit) = self.try_enter() {
                return Ok(permit);
            }
            if matches!(*health.borrow_and_update(), Health::Down(_)) {
                return Err(PublishError::Unavailable);
            }
            tokio::select! {
                _ = opened.changed() => {}
                Ok(()) = health.changed() => {}
                () = &mut patience => return Err(PublishError::Unavailable),
            }
        }
    }

    fn try_enter(&self) -> Option<Permit> {
        // Counted before the look, so that whoever closes the gate and then finds no permit knows that
        // nobody is between the two.
        self.0.permits.fetch_add(1, SeqCst);
        let mut permit = Permit { gate: Arc::clone(&self.0), shards: 0, generation: 0 };
        permit.shards = self.0.open.load(SeqCst);
        permit.generation = self.0.generation.load(SeqCst);
        (permit.shards > 0 && !permit.is_lapsed()).then_some(permit)
    }

    /// The number by which to send what need not keep its order.
    pub fn last(&self) -> u16 {
        self.0.last.load(SeqCst)
    }

    /// The larger of that number and the one of the settings, for what every shard has to be told.
    pub fn widest(&self) -> u16 {
        self.last().max(self.0.setting)
    }

    /// The number while the gate is open; 0 while it is closed.
    pub fn shards(&self) -> u16 {
        self.0.open.load(SeqCst)
    }

    /// The generation of the number that was last in force here; 0 before the first.
    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(SeqCst)
    }

    /// Closes the gate. What has passed it goes on.
    pub(super) fn close(&self) {
        self.0.open.store(0, SeqCst);
    }

    /// Opens the gate for `shards` shards. There must be no permit of another number.
    pub(super) fn open(&self, generation: u64, shards: u16) {
        self.0.generation.store(generation, SeqCst);
        self.0.last.store(shards, SeqCst);
        self.0.open.store(shards, SeqCst);
        self.0.opened.send_replace(());
    }

    /// Lets the gate be passed until `until`.
    pub(super) fn renew(&self, until: Instant) {
        let until = until.saturating_duration_since(self.0.began).as_millis();
        self.0.lease_ms.fetch_max(u64::try_from(until).unwrap_or(FOR_EVER), SeqCst);
        self.0.opened.send_replace(());
    }

    /// Whether nobody has renewed it.
    pub(super) fn is_lapsed(&self) -> bool {
        self.0.is_lapsed()
    }

    /// Whether the fate of everything that has passed is known.
    pub(super) fn is_quiet(&self) -> bool {
        self.0.permits.load(SeqCst) == 0
    }
}

impl Inner {
    fn is_lapsed(&self) -> bool {
        let until = self.lease_ms.load(SeqCst);
        until != FOR_EVER && self.began.elapsed().as_millis() > u128::from(until)
    }
}

impl Permit {
    /// The number of shards to choose from.
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// The generation of the number.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the gate's lease has ended meanwhile: what is not sent yet must not be sent by this number.
    pub fn is_lapsed(&self) -> bool {
        self.gate.is_lapsed()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.permits.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up() -> watch::Receiver<Health> {
        watch::Sender::new(Health::Up).subscribe()
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_is_quiet_once_everything_that_passed_is_settled() {
        let gate = ShardGate::fixed(4);
        let permit = gate.enter(&up()).await.unwrap();
        gate.close();
        assert!(!gate.is_quiet());
        drop(permit);
        assert!(gate.is_quiet());
        assert_eq!(gate.enter(&up()).await.unwrap_err(), PublishError::Unavailable, "in the end");
        assert!(gate.is_quiet(), "who waited in vain leaves nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_on_with_the_new_number() {
        let gate = ShardGate::fixed(4);
        gate.close();
        let opener = async {
            tokio::task::yield_now().await;
            gate.open(2, 8);
        };
        let health = up();
        let (permit, ()) = tokio::join!(gate.enter(&health), opener);
        assert_eq!((permit.as_ref().unwrap().shards(), permit.unwrap().generation()), (8, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_broker_that_is_away() {
        let gate = ShardGate::closed(4);
        let health = watch::Sender::new(Health::Down("away".into()));
        let began = Instant::now();
        assert_eq!(gate.enter(&health.subscribe()).await.unwrap_err(), PublishError::Unavailable);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_nobody_renews_closes_and_what_passed_before_knows() {
        let gate = ShardGate::closed(4);
        gate.open(1, 4);
        gate.renew(Instant::now() + Duration::from_secs(1));
        let permit = gate.enter(&up()).await.unwrap();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(permit.is_lapsed());
        assert!(gate.try_enter().is_none());
        gate.renew(Instant::now() + Duration::from_secs(1));
        assert!(gate.try_enter().is_some());
    }
}
