//! The replayer: carries out replays step by step, as [`crate::sends`] does sends.
//!
//! A step takes some letters in hand, sends them and confirms them ([`super::sending`]); then the cursor
//! moves. After a crash the letters that a replay still has in hand are sent again, under the same envelope
//! ids, and no others.

use super::parts::DeadLetterParts;
use eventflow_bus::port::{BrokerError, Publish};
use eventflow_metrics::{DeadLetterMetrics, Metrics};
use eventflow_ports::{Failing, LetterOrder, LetterPage, StoreError, ticks};
use eventflow_protocol::Timestamp;
use eventflow_protocol::dead_letters::{
    DeadLetter, DeadLetterId, LetterChange, LetterFilter, LetterPlace, LetterState, Replay, WhichLetters,
};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often the worker looks for a replay that is due. A look costs one question to an index.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often waiting letters are counted for the metrics: as often as they are scraped.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// How often old letters are deleted.
const FORGET_EVERY: Duration = Duration::from_mins(10);
/// Letters of a step at most: their bodies are in memory together.
const STEP_LETTERS: u32 = 50;
/// Time of a round at most, but for its last step. Then another replay has its turn, and the worker counts
/// and deletes if it is time to: a replay may take hours.
const ROUND_TIME: Duration = Duration::from_secs(2);
/// How long a worker has a replay without a step: as long as a replay stands still after its worker died.
const CLAIM_LEASE: Duration = Duration::from_secs(30);
/// How long a replay waits after a step that failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Why a step was not made.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The store did not do its part.
    #[error("read or write the letters of a replay")]
    Store(#[from] StoreError),
    /// The broker did not take the letters.
    #[error("publish the letters of a replay")]
    Broker(#[from] BrokerError),
}

/// The worker of replays. Any number may run.
pub struct Replayer {
    pub(super) parts: DeadLetterParts,
    pub(super) publisher: Box<dyn Publish>,
    pub(super) metrics: DeadLetterMetrics,
}

impl Replayer {
    /// Opens the worker.
    pub async fn open(parts: DeadLetterParts, metrics: &Metrics) -> Result<Self, BrokerError> {
        let publisher = parts.broker.publisher(None).await?;
        Ok(Self { parts, publisher, metrics: metrics.dead_letters.clone() })
    }

    /// Carries out replays until `shutdown`, counts what waits, and deletes what ended long ago.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let (mut looks, mut cleanings) = (ticks(LOOK_EVERY), ticks(FORGET_EVERY));
        let mut counts = ticks(COUNT_EVERY);
        let mut failing = Failing::default();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = cleanings.tick() => self.parts.forget().await,
                _ = counts.tick() => self.parts.count(&self.metrics).await,
                _ = looks.tick() => {
                    let result = self.take_turn(&shutdown).await;
                    failing.note(&result, |error| tracing::warn!(error, "replays wait: the last step is made again"));
                    if matches!(result, Ok(true)) {
                        looks.reset_immediately();
                    }
                }
            }
        }
    }

    /// Carries out whatever is due now. Between two steps it can be stopped.
    pub async fn work(&mut self, shutdown: &CancellationToken) -> Result<(), ReplayError> {
        while !shutdown.is_cancelled() && self.take_turn(shutdown).await? {}
        Ok(())
    }

    /// Carries out one round of a replay that is due. Returns whether there was one.
    pub async fn take_turn(&mut self, shutdown: &CancellationToken) -> Result<bool, ReplayError> {
        let now = self.parts.clock.now();
        let Some(replay) = self.parts.letters.claim_replay(now, now.plus(CLAIM_LEASE)).await? else {
            return Ok(false);
        };
        let id = replay.id;
        let outcome = self.round(replay, shutdown).await;
        let pause = if outcome.is_err() { PAUSE } else { Duration::ZERO };
        self.parts.letters.release_replay(id, self.parts.clock.now().plus(pause)).await?;
        outcome.map(|()| true)
    }

    /// Makes some steps of a replay.
    async fn round(&mut self, mut replay: Replay, shutdown: &CancellationToken) -> Result<(), ReplayError> {
        let per_second = replay.per_second.max(1);
        let size = per_second.min(STEP_LETTERS);
        let step_time = Duration::from_secs(1) * size / per_second;
        let ends_at = Instant::now() + ROUND_TIME;
        while Instant::now() < ends_at {
            let next_at = Instant::now() + step_time;
            match self.step(&replay, size).await? {
                Some(advanced) => replay = advanced,
                None => break,
            }
            tokio::select! {
                () = sleep_until(next_at) => {}
                () = shutdown.cancelled() => break,
            }
        }
        Ok(())
    }

    /// Sends the next letters of a replay. Returns the replay as it is then; `None` if it has ended, or
    /// another worker was faster.
    async fn step(&mut self, replay: &Replay, size: u32) -> Result<Option<Replay>, ReplayError> {
        let in_hand = self.parts.in_hand(replay, size).await?;
        if !in_hand.is_empty() {
            self.send(replay, in_hand).await?;
            return Ok(Some(replay.clone()));
        }
        let (next, last) = self.parts.next(replay, size).await?;
        let now = self.parts.clock.now();
        let Some(last) = last else {
            self.parts.letters.end_replay(replay.id, now).await?;
            tracing::info!(replay = %replay.id, "a replay is done");
            return Ok(None);
        };
        let take = LetterChange::Take(replay.id);
        let taken = self.parts.letters.change_letters(&next, &take, now).await?;
        self.send(replay, taken).await?;
        let until = self.parts.clock.now().plus(CLAIM_LEASE);
        Ok(self.parts.letters.advance_replay(replay.id, replay.cursor, last, until).await?)
    }
}

impl DeadLetterParts {
    /// Letters that a step has taken and not brought to an end.
    async fn in_hand(&mut self, replay: &Replay, size: u32) -> Result<Vec<DeadLetter>, StoreError> {
        let state = Some(LetterState::Replaying);
        let which = LetterFilter { replay: Some(replay.id), state, ..LetterFilter::default() };
        let page = LetterPage { after: None, limit: size, order: LetterOrder::OldestFirst };
        self.letters.dead_letters(&which, page).await
    }

    /// The letters behind the cursor, and the place of the last one; none, if there are no more.
    async fn next(
        &mut self,
        replay: &Replay,
        size: u32,
    ) -> Result<(Vec<DeadLetterId>, Option<LetterPlace>), StoreError> {
        let after = replay.cursor;
        match &replay.which {
            WhichLetters::Ids(ids) => {
                let from = after.map_or(0, |after| ids.partition_point(|id| *id <= after.id));
                let next: Vec<DeadLetterId> = ids[from..].iter().take(size as usize).copied().collect();
                let last = next.last().map(|id| LetterPlace { at: Timestamp(0), id: *id });
                Ok((next, last))
            }
            WhichLetters::Matching(which) => {
                let page = LetterPage { after, limit: size, order: LetterOrder::OldestFirst };
                let letters = self.letters.dead_letters(which, page).await?;
                let last = letters.last().map(|letter| LetterPlace { at: letter.last_at, id: letter.id });
                Ok((letters.into_iter().map(|letter| letter.id).collect(), last))
            }
        }
    }
}
