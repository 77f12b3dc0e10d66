//! What this gateway has put on its way to sockets, written down before it leaves, for whoever its clients come to next.
//!
//! Parts are written one after the other, since their numbers have to come in order; a part that could not be written leaves a hole,
//! which shows. The journal is never waited for longer than its adapter takes to give up: delivering goes on without it, and clients
//! that lose this gateway then start afresh. When something that was addressed to this gateway is lost, its journal ends and another begins:
//! nothing that is emitted later tells how far sessions of before have come.

use crate::ws::resume::Tag;
use eventflow_ports::journal::{Entry, Part};
use eventflow_ports::{Clock, Journal};
use eventflow_protocol::{GatewayId, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// How long a part is kept: twice the time in which a session may be continued, with time to come back in.
pub(crate) const KEPT_FOR: Duration = Duration::from_mins(5);
/// Messages kept at most: 200 s of 1,000 a second, 6 MB.
const ENTRIES_MAX: usize = 200_000;
/// How often the gateway writes that it is still there if it has nothing else to write.
pub(crate) const SIGN_EVERY: Duration = Duration::from_secs(10);

/// Writes this gateway's journal.
pub(crate) struct Writing {
    journal: Arc<dyn Journal>,
    gateway: GatewayId,
    clock: Arc<dyn Clock>,
    /// Counts the journals of this gateway; changed by whoever starts a generation of sessions.
    generation: Arc<AtomicU64>,
    written: Mutex<Written>,
}

/// What is there.
#[derive(Default)]
struct Written {
    generation: u64,
    /// The number of the next part.
    next: u64,
    parts: VecDeque<(u64, Timestamp, usize)>,
    entries: usize,
    is_failing: bool,
}

impl Written {
    /// Takes in a part and gives the number of the oldest that is to be kept.
    fn add(&mut self, at: Timestamp, entries: usize) -> u64 {
        self.parts.push_back((self.next, at, entries));
        self.entries += entries;
        self.next += 1;
        while self.parts.len() > 1
            && self.parts.front().is_some_and(|(_, from, _)| self.entries > ENTRIES_MAX || is_old(*from, at))
        {
            let (_, _, entries) = self.parts.pop_front().unwrap_or_default();
            self.entries -= entries;
        }
        self.parts.front().map_or(0, |(number, ..)| *number)
    }
}

fn is_old(from: Timestamp, now: Timestamp) -> bool {
    u128::try_from(now.0.saturating_sub(from.0)).is_ok_and(|age| age > KEPT_FOR.as_millis())
}

impl Writing {
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        gateway: GatewayId,
        clock: Arc<dyn Clock>,
        generation: Arc<AtomicU64>,
    ) -> Self {
        Self { journal, gateway, clock, generation, written: Mutex::default() }
    }

    /// Under which name the journal of this generation of sessions is kept.
    pub(crate) fn name(&self, generation: u64) -> GatewayId {
        if generation == 0 {
            return self.gateway.clone();
        }
        format!("{}x{generation}", self.gateway).as_str().into()
    }

    /// Writes what is about to be emitted to everybody in the threads, and which sessions hear it for the first time, by name.
    pub(crate) async fn write(&self, joined: Vec<String>, entries: Vec<Entry>) {
        let mut written = self.written().await;
        self.append(&mut written, Content { session: None, joined, entries }).await;
    }

    /// Writes what is about to be emitted to one session.
    pub(crate) async fn write_alone(&self, session: Tag, entries: Vec<Entry>) {
        if !entries.is_empty() {
            let mut written = self.written().await;
            let session = Some(session.to_string());
            self.append(&mut written, Content { session, joined: Vec::new(), entries }).await;
        }
    }

    /// Writes that the gateway is there, if nothing else was written for a while.
    pub(crate) async fn sign(&self) {
        let mut written = self.written().await;
        let (now, last) = (self.clock.now(), written.parts.back().map(|(_, at, _)| *at));
        if last
            .is_none_or(|last| u128::try_from(now.0 - last.0).is_ok_and(|age| age >= SIGN_EVERY.as_millis()))
        {
            self.append(&mut written, Content::default()).await;
        }
    }

    /// What is there of the current journal.
    async fn written(&self) -> MutexGuard<'_, Written> {
        let mut written = self.written.lock().await;
        let generation = self.generation.load(Relaxed);
        if written.generation != generation {
            *written = Written { generation, ..Written::default() };
        }
        written
    }

    async fn append(&self, written: &mut Written, content: Content) {
        let Content { session, joined, entries } = content;
        let part = Part { number: written.next, at: self.clock.now(), session, joined, entries };
        let keep_from = written.add(part.at, part.entries.len());
        let result = self.journal.append(&self.name(written.generation), &part, keep_from).await;
        if let Err(error) = &result
            && !written.is_failing
        {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "sessions cannot be continued at other gateways for now"
            );
        }
        written.is_failing = result.is_err();
    }
}

/// What a part says.
#[derive(Default)]
struct Content {
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
