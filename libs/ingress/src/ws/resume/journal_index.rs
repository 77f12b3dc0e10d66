//! What a gateway's journal tells: how far each thread had got at a position.
//!
//! Only the newest run of parts without a hole counts, and only from its beginning on. One reading serves all clients of a gateway that
//! came before it began.

use crate::ws::resume::note::{Left, Note};
use eventflow_ports::Journal;
use eventflow_ports::journal::Part;
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
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a gateway's journal cannot be read yet"
                ),
            }
            sleep(TRY_AGAIN_AFTER).await;
        }
        None
    }
}

/// A message that was on its way: its position and its place in the thread.
type Sent = (u64, u64);

/// Behind what a client has of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It has everything up to this message.
    Seq(u64),
    /// It has, of what its history did not show when its session began, nothing: what is younger than this and behind this message.
    Young { than: Timestamp, behind: u64 },
}

/// A journal, by thread.
pub(crate) struct Past {
    since: Timestamp,
    /// Whether it is there from the gateway's first message on.
    is_whole: bool,
    everybody: HashMap<ThreadId, Vec<Sent>>,
    sessions: HashMap<String, HashMap<ThreadId, Vec<Sent>>>,
    /// The last position before that session heard what everybody hears.
    joined: HashMap<String, u64>,
}

impl Past {
    pub(super) fn of(parts: &[Part]) -> Option<Self> {
        let run = parts
            .windows(2)
            .rposition(|pair| pair[1].number != pair[0].number + 1)
            .map_or(parts, |hole| &parts[hole + 1..]);
        let first = run.first()?;
        let (everybody, sessions, joined) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut past = Self { since: first.at, is_whole: first.number == 0, everybody, sessions, joined };
        let mut last = 0;
        for part in run {
            // Of two, the last: a part whose messages were not emitted is written again with them.
            past.joined.extend(part.joined.iter().map(|session| (session.clone(), last)));
            past.add(part);
            // The positions of what went to single sessions were given earlier or later than the order of parts says.
            let everybody = part.entries.iter().filter(|_| part.session.is_none());
            last = everybody.map(|entry| entry.position).fold(last, u64::max);
        }
        Some(past)
    }

    fn add(&mut self, part: &Part) {
        let threads = match &part.session {
            None => &mut self.everybody,
            Some(session) => self.sessions.entry(session.clone()).or_default(),
        };
        for entry in &part.entries {
            threads.entry(entry.thread).or_default().push((entry.position, entry.seq));
        }
    }

    /// From when on it tells everything.
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    /// From which position on a session that began with a catch-up heard what everybody heard; `None` if it did not come so far. One
    /// that is older than the journal did: a journal tells of minutes, a catch-up takes seconds.
    pub(crate) fn joined(&self, note: &Note) -> Option<u64> {
        let is_older = !self.is_whole && note.since < self.since;
        self.joined.get(&note.tag.to_string()).copied().or(is_older.then(|| note.start.position()))
    }

    /// The place in the thread after which the client of a session has nothing, if it heard what everybody heard from `live_from` on.
    /// `None` if it had not come so far, and was sent nothing of the thread.
    pub(crate) fn place(&self, thread: ThreadId, left: &Left, live_from: Option<u64>) -> Option<After> {
        let own = self
            .sessions
            .get(&left.note.tag.to_string())
            .and_then(|threads| threads.get(&thread))
            .into_iter()
            .flatten();
        let everybody = || self.everybody.get(&thread).into_iter().flatten();
        let live = everybody().filter(|(position, _)| live_from.is_some_and(|from| *position > from));
        let (had, missed): (Vec<Sent>, Vec<Sent>) =
            own.chain(live).partition(|(position, _)| *position <= left.seen);
        let missed = || missed.iter().map(|(_, seq)| seq.saturating_sub(1)).min();
        if let Some(place) = had.iter().map(|(_, seq)| *seq).max().or_else(missed) {
            return Some(After::Seq(place));
        }
        let before = everybody().filter(|(position, _)| live_from.is_some_and(|from| *position <= from));
        live_from.map(|_| self.young(&left.note, before.map(|(_, seq)| *seq).max()))
    }

    /// Nothing of the thread was on its way to the session: what is younger than it and than the journal never got there. What the
    /// gateway had emitted `before` is in the history the session began with, which guards against repeating: then clocks may differ.
    fn young(&self, note: &Note, before: Option<u64>) -> After {
        let began = if before.is_some() { note.since.0 - CLOCKS_DIFFER_MS } else { note.since.0 };
        // A session began after its gateway, whatever its note says.
        let differ = if self.is_whole { -CLOCKS_DIFFER_MS } else { CLOCKS_DIFFER_MS };
        After::Young {
            than: Timestamp(began.max(self.since.0 + differ) - 1),
            behind: before.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::resume::note::Tag;
    use eventflow_ports::journal::Entry;
    use eventflow_ports::{JournalError, MemoryJournal};
    use eventflow_socketio::Offset;

    const ONE: ThreadId = ThreadId::from_bytes([1; 12]);
    const OTHER: ThreadId = ThreadId::from_bytes([2; 12]);

    fn part(number: u64, session: Option<&str>, sent: &[(ThreadId, u64, u64)]) -> Part {
        let entries = sent.iter().map(|&(thread, position, seq)| Entry { position, thread, seq }).collect();
        let at = Timestamp(100_000 + i64::try_from(number).unwrap());
        Part { number, at, session: session.map(str::to_owned), joined: Vec::new(), entries }
    }

    /// A session that began behind the packet at `start`, when the journal did, and its client got that at `seen` last.
    fn left(start: u64, seen: u64) -> Left {
        let start = Offset::parse(&format!("abcd{start}")).unwrap();
        Left {
            note: Note { gateway: "g".into(), start, since: Timestamp(100_000), tag: Tag::default() },
            seen,
        }
    }

    fn place(past: &Past, thread: ThreadId, seen: u64) -> After {
        past.place(thread, &left(0, seen), Some(0)).unwrap()
    }

    #[test]
    fn the_last_message_before_the_last_packet_is_the_place() {
        let past = Past::of(&[
            part(0, None, &[(ONE, 3, 7), (OTHER, 4, 1), (ONE, 6, 8)]),
            part(1, None, &[(ONE, 9, 9)]),
        ])
        .unwrap();
        assert_eq!(place(&past, ONE, 3), After::Seq(7));
        assert_eq!(place(&past, ONE, 8), After::Seq(8), "a packet of something else in between");
        assert_eq!(place(&past, ONE, 2), After::Seq(6), "everything there was missed");
        assert_eq!(place(&past, ONE, 99), After::Seq(9));
    }

    #[test]
    fn a_thread_of_which_nothing_is_known_starts_with_the_session_or_the_journal() {
        let unknown = ThreadId::from_bytes([3; 12]);
        let young = Past::of(&[part(0, None, &[(ONE, 3, 7)])]).unwrap();
        assert_eq!(place(&young, unknown, 3), After::Young { than: Timestamp(99_999), behind: 0 });
        let old = Past::of(&[part(7, None, &[(ONE, 3, 7)])]).unwrap();
        assert_eq!(place(&old, unknown, 3), After::Young { than: Timestamp(105_006), behind: 0 });
    }

    #[test]
    fn what_was_emitted_before_the_session_does_not_tell_how_far_its_history_went() {
        let past = Past::of(&[part(0, None, &[(ONE, 3, 5)]), part(1, None, &[(OTHER, 6, 1)])]).unwrap();
        let of = |seen| past.place(ONE, &left(4, seen), Some(4));
        assert_eq!(of(4), Some(After::Young { than: Timestamp(94_999), behind: 5 }));
        assert_eq!(of(6), of(4));
        let past = Past::of(&[part(0, None, &[(ONE, 3, 5)]), part(1, None, &[(ONE, 6, 11)])]).unwrap();
        assert_eq!(past.place(ONE, &left(4, 5), Some(4)), Some(After::Seq(10)), "what it missed tells more");
    }

    #[test]
    fn what_a_session_was_sent_alone_counts_for_it_only() {
        let past =
            Past::of(&[part(0, Some("0"), &[(ONE, 3, 7)]), part(1, Some("other"), &[(ONE, 4, 9)])]).unwrap();
        assert_eq!(place(&past, ONE, 5), After::Seq(7));
        assert_eq!(place(&past, ONE, 2), After::Seq(6));
    }

    #[test]
    fn until_a_session_is_caught_up_it_did_not_hear_what_everybody_heard() {
        let caught = part(1, Some("0"), &[(ONE, 4, 7)]);
        let parts = [part(0, None, &[(OTHER, 3, 1)]), caught, part(2, None, &[(ONE, 5, 9), (OTHER, 6, 2)])];
        let of = |parts: &[Part], thread, seen| {
            let (past, left) = (Past::of(parts).unwrap(), left(2, seen));
            past.place(thread, &left, past.joined(&left.note))
        };
        assert_eq!((of(&parts, ONE, 6), of(&parts, OTHER, 6)), (Some(After::Seq(7)), None));
        let mut joined = parts.clone();
        joined[2].joined = vec!["0".to_owned()];
        assert_eq!((of(&joined, ONE, 6), of(&joined, OTHER, 6)), (Some(After::Seq(9)), Some(After::Seq(2))));
        assert_eq!(
            (of(&joined, ONE, 4), of(&joined, OTHER, 4)),
            (Some(After::Seq(7)), Some(After::Seq(1))),
            "only the catch-up was heard"
        );
        assert_eq!(
            of(&[part(8, None, &[(OTHER, 6, 2)])], OTHER, 6),
            Some(After::Seq(2)),
            "it began before the journal"
        );
    }

    #[test]
    fn only_what_follows_the_last_hole_counts() {
        let past =
            Past::of(&[part(1, None, &[(ONE, 3, 7)]), part(3, None, &[(OTHER, 5, 2)]), part(4, None, &[])])
                .unwrap();
        assert_eq!(place(&past, OTHER, 9), After::Seq(2));
        assert!(matches!(place(&past, ONE, 9), After::Young { .. }));
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
