//! The index of a gateway's journal: how far each thread had got at a position.
//!
//! Only the newest run of parts without a hole counts, and only from its beginning on. One reading serves all
//! clients of a gateway that came before it began.

use crate::ws::sockets::resume_token::{LeftSession, ResumeToken};
use eventflow_ports::Journal;
use eventflow_ports::journal::Part;
use eventflow_protocol::{GatewayId, ThreadId, Timestamp};
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

/// Gateways whose journals are held at the same time: as many as are replaced together. A journal has at most
/// about 10 MB.
const GATEWAYS_MAX: u64 = 16;
/// How long an index is held after its last use.
const IDLE: Duration = Duration::from_secs(30);
/// Tries to read a journal, and the pause between two: together 8 s, in which a server that keeps journals is
/// started again. Live messages wait that long for the client; without the journal it would miss some for
/// good.
const TRIES: u32 = 16;
/// See [`TRIES`].
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Time between two readings of one journal, however many clients come: reading 10 MB costs a tenth of a
/// second.
const READ_EVERY: Duration = Duration::from_secs(1);
/// Milliseconds by which clocks may differ: what was accepted this long before the journal begins may have
/// been delivered before it.
const CLOCKS_DIFFER_MS: i64 = 5_000;

/// Reads the journals of gateways, once for all clients that came before the reading.
pub(crate) struct JournalIndexes {
    journal: Arc<dyn Journal>,
    readings: Cache<GatewayId, Arc<Mutex<Option<Reading>>>>,
}

struct Reading {
    began: Instant,
    index: Option<Arc<JournalIndex>>,
}

impl JournalIndexes {
    /// Nothing was read yet.
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, readings: Cache::builder().max_capacity(GATEWAYS_MAX).time_to_idle(IDLE).build() }
    }

    /// The index of the gateway's journal, read at `came` or later; `None` if the journal tells nothing.
    pub(crate) async fn of(&self, gateway: &GatewayId, came: Instant) -> Option<Arc<JournalIndex>> {
        let slot = self.readings.get_with(gateway.clone(), Arc::default);
        let mut reading = slot.lock().await;
        if let Some(Reading { index, .. }) = reading.as_ref().filter(|reading| reading.began >= came) {
            return index.clone();
        }
        if let Some(Reading { began, .. }) = *reading {
            sleep_until(began + READ_EVERY).await;
        }
        let began = Instant::now();
        let index = self.read(gateway).await.map(Arc::new);
        *reading = Some(Reading { began, index: index.clone() });
        index
    }

    async fn read(&self, gateway: &GatewayId) -> Option<JournalIndex> {
        for _ in 0..TRIES {
            match self.journal.read(gateway).await {
                Ok(parts) => return JournalIndex::of(&parts),
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

/// A message that was put on its way: its packet's position and its place in the thread.
#[derive(Clone, Copy)]
struct EmittedMessage {
    position: u64,
    seq: u64,
}

/// The point in a thread behind which a client has nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResumePoint {
    /// The client has everything up to this message.
    Seq(u64),
    /// The client has what its history showed when its session began, and nothing after that. What it misses
    /// is younger than `than` and comes after the message `behind`.
    Young { than: Timestamp, behind: u64 },
}

/// What one gateway's journal tells, by thread.
pub(crate) struct JournalIndex {
    since: Timestamp,
    /// Whether the journal is there from the gateway's first message on.
    is_whole: bool,
    everybody: HashMap<ThreadId, Vec<EmittedMessage>>,
    sessions: HashMap<String, HashMap<ThreadId, Vec<EmittedMessage>>>,
    /// By session: the last position before it heard what everybody hears.
    joined: HashMap<String, u64>,
}

impl JournalIndex {
    /// The index of these parts, which are in order; `None` if there are none.
    pub(crate) fn of(parts: &[Part]) -> Option<Self> {
        // Behind a hole nothing is known to be complete, so only the newest run of parts counts.
        let hole = parts.windows(2).rposition(|pair| pair[1].number != pair[0].number + 1);
        let run = hole.map_or(parts, |hole| &parts[hole + 1..]);
        let first = run.first()?;
        let mut index = Self {
            since: first.at,
            is_whole: first.number == 0,
            everybody: HashMap::new(),
            sessions: HashMap::new(),
            joined: HashMap::new(),
        };
        let mut last = 0;
        for part in run {
            // A part whose messages were not emitted is written again with them: of two parts that name a
            // session the later counts.
            for session in &part.joined {
                index.joined.insert(session.clone(), last);
            }
            index.add(part);
            // The positions of what went to single sessions were given earlier or later than the order of
            // parts says.
            if part.session.is_none() {
                last = part.entries.iter().map(|entry| entry.position).fold(last, u64::max);
            }
        }
        Some(index)
    }

    fn add(&mut self, part: &Part) {
        let threads = match &part.session {
            None => &mut self.everybody,
            Some(session) => self.sessions.entry(session.clone()).or_default(),
        };
        for entry in &part.entries {
            let message = EmittedMessage { position: entry.position, seq: entry.seq };
            threads.entry(entry.thread).or_default().push(message);
        }
    }

    /// From when on it tells everything.
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    /// The position after which a session that began with a catch-up heard what everybody heard; `None` if it
    /// did not come so far. A session that is older than the journal did: a journal tells of minutes, a
    /// catch-up takes seconds.
    pub(crate) fn joined(&self, token: &ResumeToken) -> Option<u64> {
        if let Some(position) = self.joined.get(&token.tag.to_string()) {
            return Some(*position);
        }
        let is_older = !self.is_whole && token.since < self.since;
        is_older.then(|| token.start.position())
    }

    /// The point in the thread behind which the client of a session has nothing, if it heard what everybody
    /// heard from the position `live_from` on. `None` if it had not come so far, and was sent nothing of the
    /// thread.
    pub(crate) fn point(
        &self,
        thread: ThreadId,
        left: &LeftSession,
        live_from: Option<u64>,
    ) -> Option<ResumePoint> {
        let own = self.sessions.get(&left.token.tag.to_string()).and_then(|threads| threads.get(&thread));
        let everybody = self.everybody.get(&thread).map_or(&[][..], Vec::as_slice);
        // What was on its way to this session: what it was sent alone, and what everybody got since it joined
        // them.
        let was_live = |message: &&EmittedMessage| live_from.is_some_and(|from| message.position > from);
        let sent = own.into_iter().flatten().chain(everybody.iter().filter(was_live));
        let (had, missed): (Vec<EmittedMessage>, Vec<EmittedMessage>) =
            sent.partition(|message| message.position <= left.seen);
        // The newest message it got tells the point best; else everything before the first one it missed is
        // there.
        if let Some(seq) = had.iter().map(|message| message.seq).max() {
            return Some(ResumePoint::Seq(seq));
        }
        if let Some(seq) = missed.iter().map(|message| message.seq.saturating_sub(1)).min() {
            return Some(ResumePoint::Seq(seq));
        }
        // Nothing of the thread was on its way to the session: what it has is what its history showed when it
        // began.
        let from = live_from?;
        let before = everybody.iter().filter(|message| message.position <= from);
        Some(self.young(&left.token, before.map(|message| message.seq).max()))
    }

    /// The point in a thread of which nothing was on its way to the session. What is younger than the session
    /// and than the journal never got there. What the gateway had emitted `before` is in the history the
    /// session began with, which guards against repeating: then the clocks' difference can be given to the
    /// other side.
    fn young(&self, token: &ResumeToken, before: Option<u64>) -> ResumePoint {
        let began = if before.is_some() { token.since.0 - CLOCKS_DIFFER_MS } else { token.since.0 };
        // A session began after its gateway, whatever its token says.
        let differ = if self.is_whole { -CLOCKS_DIFFER_MS } else { CLOCKS_DIFFER_MS };
        ResumePoint::Young {
            than: Timestamp(began.max(self.since.0 + differ) - 1),
            behind: before.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::sockets::resume_token::SessionTag;
    use async_trait::async_trait;
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

    /// A session that began behind the packet at `start`, when the journal did, and its client got that at
    /// `seen` last.
    fn left(start: u64, seen: u64) -> LeftSession {
        let start = Offset::parse(&format!("abcd{start}")).unwrap();
        LeftSession {
            token: ResumeToken {
                gateway: "g".into(),
                start,
                since: Timestamp(100_000),
                tag: SessionTag::default(),
            },
            seen,
        }
    }

    fn point(index: &JournalIndex, thread: ThreadId, seen: u64) -> ResumePoint {
        index.point(thread, &left(0, seen), Some(0)).unwrap()
    }

    #[test]
    fn the_last_message_before_the_last_packet_is_the_place() {
        let index = JournalIndex::of(&[
            part(0, None, &[(ONE, 3, 7), (OTHER, 4, 1), (ONE, 6, 8)]),
            part(1, None, &[(ONE, 9, 9)]),
        ])
        .unwrap();
        assert_eq!(point(&index, ONE, 3), ResumePoint::Seq(7));
        assert_eq!(point(&index, ONE, 8), ResumePoint::Seq(8), "a packet of something else in between");
        assert_eq!(point(&index, ONE, 2), ResumePoint::Seq(6), "everything there was missed");
        assert_eq!(point(&index, ONE, 99), ResumePoint::Seq(9));
    }

    #[test]
    fn a_thread_of_which_nothing_is_known_starts_with_the_session_or_the_journal() {
        let unknown = ThreadId::from_bytes([3; 12]);
        let young = JournalIndex::of(&[part(0, None, &[(ONE, 3, 7)])]).unwrap();
        assert_eq!(point(&young, unknown, 3), ResumePoint::Young { than: Timestamp(99_999), behind: 0 });
        let old = JournalIndex::of(&[part(7, None, &[(ONE, 3, 7)])]).unwrap();
        assert_eq!(point(&old, unknown, 3), ResumePoint::Young { than: Timestamp(105_006), behind: 0 });
    }

    #[test]
    fn what_was_emitted_before_the_session_does_not_tell_how_far_its_history_went() {
        let index =
            JournalIndex::of(&[part(0, None, &[(ONE, 3, 5)]), part(1, None, &[(OTHER, 6, 1)])]).unwrap();
        let of = |seen| index.point(ONE, &left(4, seen), Some(4));
        assert_eq!(of(4), Some(ResumePoint::Young { than: Timestamp(94_999), behind: 5 }));
        assert_eq!(of(6), of(4));
        let index =
            JournalIndex::of(&[part(0, None, &[(ONE, 3, 5)]), part(1, None, &[(ONE, 6, 11)])]).unwrap();
        assert_eq!(
            index.point(ONE, &left(4, 5), Some(4)),
            Some(ResumePoint::Seq(10)),
            "what it missed tells more"
        );
    }

    #[test]
    fn what_a_session_was_sent_alone_counts_for_it_only() {
        let index =
            JournalIndex::of(&[part(0, Some("0"), &[(ONE, 3, 7)]), part(1, Some("other"), &[(ONE, 4, 9)])])
                .unwrap();
        assert_eq!(point(&index, ONE, 5), ResumePoint::Seq(7));
        assert_eq!(point(&index, ONE, 2), ResumePoint::Seq(6));
    }

    #[test]
    fn until_a_session_is_caught_up_it_did_not_hear_what_everybody_heard() {
        let caught = part(1, Some("0"), &[(ONE, 4, 7)]);
        let parts = [part(0, None, &[(OTHER, 3, 1)]), caught, part(2, None, &[(ONE, 5, 9), (OTHER, 6, 2)])];
        let of = |parts: &[Part], thread, seen| {
            let (index, left) = (JournalIndex::of(parts).unwrap(), left(2, seen));
            index.point(thread, &left, index.joined(&left.token))
        };
        assert_eq!((of(&parts, ONE, 6), of(&parts, OTHER, 6)), (Some(ResumePoint::Seq(7)), None));
        let mut joined = parts.clone();
        joined[2].joined = vec!["0".to_owned()];
        assert_eq!(
            (of(&joined, ONE, 6), of(&joined, OTHER, 6)),
            (Some(ResumePoint::Seq(9)), Some(ResumePoint::Seq(2)))
        );
        assert_eq!(
            (of(&joined, ONE, 4), of(&joined, OTHER, 4)),
            (Some(ResumePoint::Seq(7)), Some(ResumePoint::Seq(1))),
            "only the catch-up was heard"
        );
        assert_eq!(
            of(&[part(8, None, &[(OTHER, 6, 2)])], OTHER, 6),
            Some(ResumePoint::Seq(2)),
            "it began before the journal"
        );
    }

    #[test]
    fn only_what_follows_the_last_hole_counts() {
        let index = JournalIndex::of(&[
            part(1, None, &[(ONE, 3, 7)]),
            part(3, None, &[(OTHER, 5, 2)]),
            part(4, None, &[]),
        ])
        .unwrap();
        assert_eq!(point(&index, OTHER, 9), ResumePoint::Seq(2));
        assert!(matches!(point(&index, ONE, 9), ResumePoint::Young { .. }));
        assert!(JournalIndex::of(&[]).is_none());
    }

    /// Cannot be read until some moment.
    struct AwayUntil(Instant, MemoryJournal);

    #[async_trait]
    impl Journal for AwayUntil {
        async fn append(&self, gateway: &GatewayId, part: &Part, keep_from: u64) -> Result<(), JournalError> {
            self.1.append(gateway, part, keep_from).await
        }

        async fn read(&self, gateway: &GatewayId) -> Result<Vec<Part>, JournalError> {
            if Instant::now() < self.0 {
                return Err(JournalError { what: "read", source: "it is started again".into() });
            }
            self.1.read(gateway).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_journal_is_read_once_its_server_was_started_again() -> Result<(), JournalError> {
        for (away_s, is_read) in [(0, true), (5, true), (7, true), (60, false)] {
            let journal = AwayUntil(Instant::now() + Duration::from_secs(away_s), MemoryJournal::default());
            let gateway = GatewayId::new();
            journal.append(&gateway, &part(0, None, &[(ONE, 1, 1)]), 0).await?;
            let indexes = JournalIndexes::new(Arc::new(journal));
            assert_eq!(indexes.of(&gateway, Instant::now()).await.is_some(), is_read, "{away_s} s");
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn one_reading_serves_everybody_who_came_before_it() -> Result<(), JournalError> {
        let journal = Arc::new(MemoryJournal::default());
        let (gateway, indexes) = (GatewayId::new(), JournalIndexes::new(journal.clone()));
        let came = Instant::now();
        assert!(indexes.of(&gateway, came).await.is_none());
        journal.append(&gateway, &part(0, None, &[(ONE, 1, 1)]), 0).await?;
        assert!(indexes.of(&gateway, came).await.is_none(), "the reading of before");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(indexes.of(&gateway, Instant::now()).await.is_some());
        Ok(())
    }
}
