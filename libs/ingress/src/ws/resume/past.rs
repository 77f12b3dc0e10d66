//! What a gateway's journal tells: how far each thread had got at a position.
//!
//! Only the newest run of parts without a hole counts, and only from its beginning on. One reading serves all clients of a gateway that
//! came before it began.

use crate::ws::resume::note::Resumable;
use eventflow_ports::journal::Part;
use eventflow_ports::{Journal, Place};
use eventflow_protocol::{GatewayId, ThreadId, Timestamp};
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

/// Gateways whose journals are held at the same time: as many as are replaced together. A journal is at most about 10 MB.
const GATEWAYS_MAX: u64 = 16;
/// How long a reading is held after its last use.
const IDLE: Duration = Duration::from_secs(30);
/// Tries to read a journal, and the pause between two.
const TRIES: u32 = 4;
/// See [`TRIES`]; together longer than an adapter refuses calls after a failure.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Time between two readings of one journal, however many clients come: reading 10 MB costs a tenth of a second.
const READ_EVERY: Duration = Duration::from_secs(1);
/// What was accepted within this time before the journal begins may have been delivered before it, by another clock.
const CLOCKS_DIFFER_MS: i64 = 5_000;

/// Journals of gateways.
pub(crate) struct Pasts {
    journal: Arc<dyn Journal>,
    readings: Cache<GatewayId, Arc<Mutex<Option<Reading>>>>,
}

struct Reading {
    began: Instant,
    past: Option<Arc<Past>>,
}

impl Pasts {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, readings: Cache::builder().max_capacity(GATEWAYS_MAX).time_to_idle(IDLE).build() }
    }

    /// What the gateway's journal told at `came` or later; `None` if it tells nothing.
    pub(crate) async fn of(&self, gateway: &GatewayId, came: Instant) -> Option<Arc<Past>> {
        let slot = self.readings.get_with(gateway.clone(), Arc::default);
        let mut reading = slot.lock().await;
        if let Some(Reading { past, .. }) = reading.as_ref().filter(|reading| reading.began >= came) {
            return past.clone();
        }
        if let Some(Reading { began, .. }) = *reading {
            sleep_until(began + READ_EVERY).await;
        }
        let began = Instant::now();
        let past = self.read(gateway).await.map(Arc::new);
        *reading = Some(Reading { began, past: past.clone() });
        past
    }

    async fn read(&self, gateway: &GatewayId) -> Option<Past> {
        for _ in 0..TRIES {
            match self.journal.read(gateway).await {
                Ok(parts) => return Past::of(&parts),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a gateway's journal cannot be read yet"),
            }
            sleep(TRY_AGAIN_AFTER).await;
        }
        None
    }
}

/// A message that was on its way: its position and its place in the thread.
type Sent = (u64, u64);

/// A journal, by thread.
pub(crate) struct Past {
    since: Timestamp,
    /// Whether it is there from the gateway's first message on.
    is_whole: bool,
    everybody: HashMap<ThreadId, Vec<Sent>>,
    sessions: HashMap<String, HashMap<ThreadId, Vec<Sent>>>,
}

impl Past {
    fn of(parts: &[Part]) -> Option<Self> {
        let run =
            parts.windows(2).rposition(|pair| pair[1].number != pair[0].number + 1).map_or(parts, |hole| &parts[hole + 1..]);
        let first = run.first()?;
        let mut past = Self { since: first.at, is_whole: first.number == 0, everybody: HashMap::new(), sessions: HashMap::new() };
        for part in run {
            let threads = match &part.session {
                None => &mut past.everybody,
                Some(session) => past.sessions.entry(session.clone()).or_default(),
            };
            for entry in &part.entries {
                threads.entry(entry.thread).or_default().push((entry.position, entry.seq));
            }
        }
        Some(past)
    }

    /// From when on it tells everything.
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    /// The place in the thread after which the client of a session has nothing.
    pub(crate) fn place(&self, thread: ThreadId, wanted: &Resumable) -> Place {
        let own = self.sessions.get(&wanted.note.tag.to_string()).and_then(|threads| threads.get(&thread));
        let sent = || self.everybody.get(&thread).into_iter().chain(own).flatten();
        let had = sent().filter(|(position, _)| *position <= wanted.seen).map(|(_, seq)| *seq).max();
        let missed = sent().filter(|(position, _)| *position > wanted.seen).map(|(_, seq)| *seq).min();
        if let Some(place) = had.or(missed.map(|seq| seq.saturating_sub(1))) {
            return Place::Seq(place);
        }
        // Nothing of the thread was on its way there: what is younger than the session and the journal never got there.
        // A session began after its gateway, whatever its note says.
        let differ = if self.is_whole { -CLOCKS_DIFFER_MS } else { CLOCKS_DIFFER_MS };
        let from = wanted.note.since.max(Timestamp(self.since.0 + differ));
        Place::Time(Timestamp(from.0 - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::resume::note::{Note, Tag};
    use eventflow_ports::journal::Entry;
    use eventflow_ports::{JournalError, MemoryJournal};
    use eventflow_socketio::Encoder;

    const ONE: ThreadId = ThreadId::from_bytes([1; 12]);
    const OTHER: ThreadId = ThreadId::from_bytes([2; 12]);

    fn part(number: u64, session: Option<&str>, sent: &[(ThreadId, u64, u64)]) -> Part {
        let entries = sent.iter().map(|&(thread, position, seq)| Entry { position, thread, seq }).collect();
        Part { number, at: Timestamp(100_000 + i64::try_from(number).unwrap()), session: session.map(str::to_owned), entries }
    }

    fn seen(position: u64) -> Resumable {
        let note = Note { gateway: "g".into(), start: Encoder::new().offset(), since: Timestamp(50), tag: Tag::default() };
        Resumable { note, seen: position, tag: Tag::random() }
    }

    #[test]
    fn the_last_message_before_the_last_packet_is_the_place() {
        let past = Past::of(&[part(0, None, &[(ONE, 3, 7), (OTHER, 4, 1), (ONE, 6, 8)]), part(1, None, &[(ONE, 9, 9)])]).unwrap();
        assert_eq!(past.place(ONE, &seen(3)), Place::Seq(7));
        assert_eq!(past.place(ONE, &seen(8)), Place::Seq(8), "a packet of something else in between");
        assert_eq!(past.place(ONE, &seen(2)), Place::Seq(6), "everything there was missed");
        assert_eq!(past.place(ONE, &seen(99)), Place::Seq(9));
    }

    #[test]
    fn a_thread_of_which_nothing_is_known_starts_with_the_session_or_the_journal() {
        let unknown = ThreadId::from_bytes([3; 12]);
        let young = Past::of(&[part(0, None, &[(ONE, 3, 7)])]).unwrap();
        assert_eq!(young.place(unknown, &seen(3)), Place::Time(Timestamp(94_999)));
        let old = Past::of(&[part(7, None, &[(ONE, 3, 7)])]).unwrap();
        assert_eq!(old.place(unknown, &seen(3)), Place::Time(Timestamp(105_006)));
    }

    #[test]
    fn what_a_session_was_sent_alone_counts_for_it_only() {
        let past = Past::of(&[part(0, Some("0"), &[(ONE, 3, 7)]), part(1, Some("other"), &[(ONE, 4, 9)])]).unwrap();
        assert_eq!(past.place(ONE, &seen(5)), Place::Seq(7));
        assert_eq!(past.place(ONE, &seen(2)), Place::Seq(6));
    }

    #[test]
    fn only_what_follows_the_last_hole_counts() {
        let past = Past::of(&[part(1, None, &[(ONE, 3, 7)]), part(3, None, &[(OTHER, 5, 2)]), part(4, None, &[])]).unwrap();
        assert_eq!(past.place(OTHER, &seen(9)), Place::Seq(2));
        assert!(matches!(past.place(ONE, &seen(9)), Place::Time(_)));
        assert!(Past::of(&[]).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_reading_serves_everybody_who_came_before_it() -> Result<(), JournalError> {
        let journal = Arc::new(MemoryJournal::default());
        let (gateway, pasts) = (GatewayId::new(), Pasts::new(journal.clone()));
        let came = Instant::now();
        assert!(pasts.of(&gateway, came).await.is_none());
        journal.append(&gateway, &part(0, None, &[(ONE, 1, 1)]), 0).await?;
        assert!(pasts.of(&gateway, came).await.is_none(), "the reading of before");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(pasts.of(&gateway, Instant::now()).await.is_some());
        Ok(())
    }
}
