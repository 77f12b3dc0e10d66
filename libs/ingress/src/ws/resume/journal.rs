//! The journal: what this gateway has put on its way to sockets, written down before it leaves, for the
//! gateway its clients come to next.
//!
//! Parts are written one after the other, since their numbers have to come in order. A part that could not be
//! written is tried again for [`PATIENCE`]; then delivering goes on without it, and the part is written
//! before the next ones. A hole shows only once a later part is there: if the gateway dies before, its
//! journal ends too early, and clients are sent again what they have. That takes two faults at once. When
//! something that was addressed to this gateway is lost, its journal ends and another one begins: what is
//! emitted later must not claim how far earlier sessions have come.

use crate::ws::sockets::generation::Generation;
use crate::ws::sockets::resume_token::SessionTag;
use eventflow_ports::journal::{Entry, Part};
use eventflow_ports::{Clock, Journal, JournalError};
use eventflow_protocol::{GatewayId, Timestamp};
use std::collections::VecDeque;
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};

/// How long a part is kept: twice the time in which a session may be continued, with time to come back in.
pub(crate) const KEPT_FOR: Duration = Duration::from_mins(5);
/// Messages kept at most: 200 s of 1,000 a second, 6 MB.
const ENTRIES_MAX: usize = 200_000;
/// How long delivering waits for a journal that has just begun to fail: the pause of Redis' breaker (1 s),
/// and time for a call before and after it.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Pause between two tries within [`PATIENCE`].
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Parts that are written at once when the journal works again: a few milliseconds, for which a delivery
/// waits. The others follow with the next deliveries.
const REWRITTEN_AT_ONCE_MAX: usize = 64;
/// How often the gateway writes that it is alive if it has nothing else to write.
pub(crate) const ALIVE_EVERY: Duration = Duration::from_secs(10);

/// Writes this gateway's journal.
pub(crate) struct JournalWriter {
    journal: Arc<dyn Journal>,
    gateway: GatewayId,
    clock: Arc<dyn Clock>,
    /// Each generation of sessions has a journal of its own.
    generation: Generation,
    written: Mutex<Written>,
}

/// What was written to the current journal.
#[derive(Default)]
struct Written {
    generation: u64,
    /// The number of the next part.
    next: u64,
    parts: VecDeque<WrittenPart>,
    entries: usize,
    is_failing: bool,
    /// Parts that could not be written yet, oldest first, each with the generation of its journal.
    unwritten: VecDeque<(u64, Part)>,
}

/// A part that is kept.
#[derive(Clone, Copy)]
struct WrittenPart {
    number: u64,
    at: Timestamp,
    entries: usize,
}

impl Written {
    /// Adds a part, and gives the number of the oldest part that is to be kept.
    fn add(&mut self, at: Timestamp, entries: usize) -> u64 {
        let newest = WrittenPart { number: self.next, at, entries };
        self.parts.push_back(newest);
        self.entries += entries;
        self.next += 1;
        // The newest part always stays, whatever its size.
        while self.parts.len() > 1
            && let Some(oldest) = self.parts.front().copied()
            && (self.entries > ENTRIES_MAX || oldest.at.age_at(at) > KEPT_FOR)
        {
            self.parts.pop_front();
            self.entries -= oldest.entries;
        }
        while self.unwritten.len() > self.parts.len() {
            self.unwritten.pop_front();
        }
        self.parts.front().map_or(0, |oldest| oldest.number)
    }
}

impl JournalWriter {
    /// Nothing was written yet.
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        gateway: GatewayId,
        clock: Arc<dyn Clock>,
        generation: Generation,
    ) -> Self {
        Self { journal, gateway, clock, generation, written: Mutex::default() }
    }

    /// The name under which the journal of this generation of sessions is kept.
    pub(crate) fn name(&self, generation: u64) -> GatewayId {
        if generation == 0 {
            return self.gateway.clone();
        }
        format!("{}x{generation}", self.gateway).as_str().into()
    }

    /// Writes what is about to be emitted to everybody in the threads, and the names of sessions that hear it
    /// for the first time.
    pub(crate) async fn write(&self, joined: Vec<String>, entries: Vec<Entry>) {
        let mut written = self.written().await;
        self.append(&mut written, PartContent { session: None, joined, entries }).await;
    }

    /// Writes what is about to be emitted to one session.
    pub(crate) async fn write_alone(&self, session: SessionTag, entries: Vec<Entry>) {
        if !entries.is_empty() {
            let mut written = self.written().await;
            let session = Some(session.to_string());
            self.append(&mut written, PartContent { session, joined: Vec::new(), entries }).await;
        }
    }

    /// Writes that the gateway is alive, if nothing else was written for a while.
    pub(crate) async fn write_alive(&self) {
        let mut written = self.written().await;
        let now = self.clock.now();
        let last = written.parts.back().map(|part| part.at);
        if last.is_none_or(|last| last.age_at(now) >= ALIVE_EVERY) {
            self.append(&mut written, PartContent::default()).await;
        }
    }

    /// What was written to the current journal; empty if a new generation has begun.
    async fn written(&self) -> MutexGuard<'_, Written> {
        let mut written = self.written.lock().await;
        let generation = self.generation.current();
        if written.generation != generation {
            let unwritten = take(&mut written.unwritten);
            *written =
                Written { generation, is_failing: written.is_failing, unwritten, ..Written::default() };
        }
        written
    }

    async fn append(&self, written: &mut Written, content: PartContent) {
        let PartContent { session, joined, entries } = content;
        let part = Part { number: written.next, at: self.clock.now(), session, joined, entries };
        let keep_from = written.add(part.at, part.entries.len());
        written.unwritten.push_back((written.generation, part));
        let give_up_at = Instant::now() + if written.is_failing { Duration::ZERO } else { PATIENCE };
        let mut result = self.write_waiting(written, keep_from).await;
        while result.is_err() && Instant::now() + TRY_AGAIN_AFTER < give_up_at {
            sleep(TRY_AGAIN_AFTER).await;
            result = self.write_waiting(written, keep_from).await;
        }
        if let Err(error) = &result
            && !written.is_failing
        {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "sessions cannot be resumed at other gateways for now"
            );
        }
        written.is_failing = result.is_err();
    }

    /// Writes the oldest parts that wait.
    async fn write_waiting(&self, written: &mut Written, keep_from: u64) -> Result<(), JournalError> {
        for _ in 0..REWRITTEN_AT_ONCE_MAX {
            let Some((generation, part)) = written.unwritten.front() else { break };
            // Parts of this journal are forgotten from its oldest on; a journal of before keeps all it has.
            let keep_from = if *generation == written.generation { keep_from.min(part.number) } else { 0 };
            self.journal.append(&self.name(*generation), part, keep_from).await?;
            written.unwritten.pop_front();
        }
        Ok(())
    }
}

/// The content of a part.
#[derive(Default)]
struct PartContent {
    session: Option<String>,
    joined: Vec<String>,
    entries: Vec<Entry>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_parts_are_let_go_and_so_are_too_many_messages() {
        let mut written = Written::default();
        assert_eq!(written.add(Timestamp(0), 3), 0);
        assert_eq!(written.add(Timestamp(300_000), 1), 0);
        assert_eq!(written.add(Timestamp(300_001), 0), 1, "the first is older than five minutes");
        assert_eq!(written.entries, 1);
        assert_eq!(written.add(Timestamp(300_002), ENTRIES_MAX), 2, "one message too many");
        assert_eq!(written.entries, ENTRIES_MAX);
    }
}
