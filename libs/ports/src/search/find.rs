//! Finding messages: which runs may have hits, then their messages, the newest runs first.
//!
//! In comes a query of one person; out comes a page of hits, newest first, and the place where the next page
//! begins. Only threads that the person is in now are looked at, and of each only what they may see. The work
//! is bounded: a page ends when enough is found, or when enough was looked at; then it may have fewer hits,
//! and the next page goes on from there. Safe to repeat because nothing is written.

use super::turns::Turns;
use super::{BlockFilter, Reach, Run, SearchIndex};
use crate::store::StoreError;
use eventflow_protocol::document::Message;
use eventflow_protocol::search::{Highlight, Mark, Terms, Wanted};
use eventflow_protocol::{MessageId, ThreadId, Timestamp, UserId};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Most threads that are searched, the most recently active ones: those of the busiest people, whose blocks
/// take tens of milliseconds to pass over.
pub const THREADS_MAX: u32 = 10_000;
/// Most messages without a block that are read for one page: what a busy system stores in the seconds that
/// blocks are behind. Reading them takes some 10 ms.
pub const TAIL_MAX: u64 = 4_000;
/// Messages that are read for one page before it ends with what it has: some 50 ms of work.
const EXAMINED_MAX: usize = 8_192;
/// Time after which a page ends with what it has, however few messages were read: long ones take longer.
const PAGE_TIME: Duration = Duration::from_millis(400);
/// Timeout: a search that takes longer has failed, because somebody at a screen is waiting for it.
const SEARCH_LIMIT: Duration = Duration::from_secs(5);
/// Messages of the first read. Each further read is twice as large, up to [`READ_MAX`]: a search for a common
/// word ends with the first, one for a rare word needs few.
const FIRST_READ: u64 = 128;
/// Messages of the largest read.
const READ_MAX: u64 = 1_024;
/// Bytes of text of one read behind which the next read is a first one again: a thread full of the longest
/// messages must not fill the memory.
const READ_BYTES: usize = 2 * 1024 * 1024;

/// What one person looks for.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// Who asks.
    pub user: UserId,
    /// The words.
    pub terms: Terms,
    /// Only this thread.
    pub thread: Option<ThreadId>,
    /// Only messages of this person.
    pub sender: Option<UserId>,
    /// Only messages that were accepted at this time or later.
    pub from: Option<Timestamp>,
    /// Only messages that were accepted before this time.
    pub to: Option<Timestamp>,
    /// Only messages with attachments.
    pub has_attachment: bool,
    /// Only messages behind this place in the order of hits.
    pub after: Option<(Timestamp, MessageId)>,
    /// Page size, at least 1.
    pub limit: usize,
}

impl SearchQuery {
    /// A query of these words in all threads of a person, without filters, from the newest hit on.
    #[must_use]
    pub fn new(user: UserId, terms: Terms, limit: usize) -> Self {
        Self {
            user,
            terms,
            thread: None,
            sender: None,
            from: None,
            to: None,
            has_attachment: false,
            after: None,
            limit,
        }
    }
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The message as it is now.
    pub message: Message,
    /// Where its text has the terms.
    pub highlights: Vec<Highlight>,
}

/// A page of hits.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The hits by time and id, newest first.
    pub hits: Vec<Hit>,
    /// Where the next page begins; `None` if nothing follows.
    pub next: Option<(Timestamp, MessageId)>,
    /// Whether every message that the person may see was searched. Not so while many messages wait for their
    /// block, as after an upgrade, and for a person in more than [`THREADS_MAX`] threads.
    pub is_complete: bool,
}

/// Finds a page of messages.
pub async fn find(index: &dyn SearchIndex, query: &SearchQuery) -> Result<Found, StoreError> {
    let search = search(index, query);
    timeout(SEARCH_LIMIT, search)
        .await
        .map_err(|late| StoreError::Failed { what: "search messages", source: Box::new(late) })?
}

async fn search(index: &dyn SearchIndex, query: &SearchQuery) -> Result<Found, StoreError> {
    let end = Instant::now() + PAGE_TIME;
    let mut reaches = index.reaches_of(&query.user, query.thread, THREADS_MAX + 1).await?;
    let is_cut = reaches.len() > THREADS_MAX as usize;
    reaches.truncate(THREADS_MAX as usize);
    let mut page = Page::new(query);
    let (mut runs, has_all) = tails(&reaches, page.to);
    let threads: Vec<ThreadId> = reaches.iter().map(|reach| reach.thread).collect();
    if page.from <= page.to && !threads.is_empty() {
        runs.extend(index.blocks(&threads, &page.filter()).await?);
    } else {
        runs.clear();
    }
    let runs = seen(runs, &reaches);
    let mut runs: Vec<Run> =
        runs.into_iter().map(|run| Run { newest: run.newest.min(page.to), ..run }).collect();
    // A message that was edited often has many blocks of one and the same run.
    runs.sort_unstable_by_key(|run| (Reverse(run.newest), run.thread, run.first, run.last));
    runs.dedup();
    let next = page.read(index, runs, end).await?;
    page.highlight().await;
    Ok(Found { next, is_complete: has_all && !is_cut, hits: page.hits })
}

/// What threads have beyond their blocks, in runs of one read each, and whether that is all of it.
fn tails(reaches: &[Reach], newest: Timestamp) -> (Vec<Run>, bool) {
    let (mut room, mut has_all) = (TAIL_MAX, true);
    let mut runs = Vec::new();
    for Reach { thread, stored, indexed, .. } in reaches.iter().filter(|reach| reach.is_behind()).copied() {
        let length = room.min(stored - indexed);
        has_all &= length == stored - indexed;
        room -= length;
        let mut last = stored;
        while last > stored - length {
            let first = (stored - length + 1).max((last + 1).saturating_sub(FIRST_READ));
            runs.push(Run { thread, first, last, newest });
            last = first - 1;
        }
    }
    (runs, has_all)
}

/// The parts of runs that the person may see.
fn seen(mut runs: Vec<Run>, reaches: &[Reach]) -> Vec<Run> {
    let since: HashMap<ThreadId, u64> = reaches.iter().map(|reach| (reach.thread, reach.since)).collect();
    runs.retain_mut(|run| {
        let since = since.get(&run.thread).copied().unwrap_or(0);
        run.first = run.first.max(since + 1);
        run.first <= run.last
    });
    runs
}

/// The order of hits: by time, then by id.
type Place = (Timestamp, MessageId);

/// A page that is being filled.
struct Page<'a> {
    query: &'a SearchQuery,
    from: Timestamp,
    /// Inclusive.
    to: Timestamp,
    hits: Vec<Hit>,
    seen: HashSet<MessageId>,
    examined: usize,
    turns: Turns,
}

impl<'a> Page<'a> {
    fn new(query: &'a SearchQuery) -> Self {
        let before = query.to.map_or(Timestamp(i64::MAX), |to| Timestamp(to.0.saturating_sub(1)));
        let to = query.after.map_or(before, |(at, _)| before.min(at));
        let from = query.from.unwrap_or(Timestamp(i64::MIN));
        Self { query, from, to, hits: Vec::new(), seen: HashSet::new(), examined: 0, turns: Turns::default() }
    }

    fn filter(&self) -> BlockFilter {
        let sender = self.query.sender.as_ref().map(Mark::Sender);
        let attachment = self.query.has_attachment.then_some(Mark::Attachment);
        let marks: Vec<Mark<'_>> = sender.into_iter().chain(attachment).collect();
        BlockFilter { wanted: Wanted::new(&self.query.terms, &marks), from: self.from, to: self.to }
    }

    /// Reads runs, which come newest first, until the page is full. Gives where the next one begins.
    async fn read(
        &mut self,
        index: &dyn SearchIndex,
        runs: Vec<Run>,
        end: Instant,
    ) -> Result<Option<Place>, StoreError> {
        let mut runs = runs.as_slice();
        let mut size = FIRST_READ;
        while let Some(next) = runs.first() {
            if self.is_full_before(next.newest) {
                break;
            }
            // A page that ends early must have come further than the one before it, or nobody ever would.
            let is_long = self.examined >= EXAMINED_MAX || Instant::now() >= end;
            if is_long && next.newest < self.to {
                return Ok(Some(self.end_at(next.newest)));
            }
            let (read, rest) = runs.split_at(count_within(runs, size));
            let bytes = self.take(index.messages_of(read, self.from, self.to).await?).await;
            runs = rest;
            size = if bytes > READ_BYTES { FIRST_READ } else { (size * 2).min(READ_MAX) };
        }
        let has_more = self.hits.len() > self.query.limit;
        self.hits.truncate(self.query.limit);
        Ok(self.hits.last().filter(|_| has_more).map(|last| place(&last.message)))
    }

    /// Whether no message up to this time can still be on the page.
    fn is_full_before(&self, newest: Timestamp) -> bool {
        self.hits.get(self.query.limit).is_some_and(|beyond| beyond.message.created_at > newest)
    }

    /// Ends the page before the messages of this time, which the next one begins with.
    fn end_at(&mut self, at: Timestamp) -> Place {
        self.hits.retain(|hit| hit.message.created_at > at);
        if self.hits.len() > self.query.limit {
            self.hits.truncate(self.query.limit);
            return place(&self.hits[self.query.limit - 1].message);
        }
        (at, MessageId::from_bytes([u8::MAX; 12]))
    }

    /// Takes the hits among these messages. Gives how many bytes of text they have.
    async fn take(&mut self, messages: Vec<Message>) -> usize {
        self.examined += messages.len();
        let mut bytes = 0;
        for message in messages {
            bytes += message.content.len();
            self.turns.worked_on(&message.content).await;
            if self.wants(&message)
                && self.query.terms.is_in(&message.content)
                && self.seen.insert(message.id)
            {
                self.hits.push(Hit { message, highlights: Vec::new() });
            }
        }
        self.hits.sort_unstable_by_key(|hit| Reverse(place(&hit.message)));
        self.hits.truncate(self.query.limit + 1);
        bytes
    }

    /// Looks for the places in the hits, which are the right ones now.
    async fn highlight(&mut self) {
        for hit in &mut self.hits {
            self.turns.worked_on(&hit.message.content).await;
            hit.highlights = self.query.terms.places_in(&hit.message.content);
        }
    }

    /// Whether everything but the text is as the query wants it.
    fn wants(&self, message: &Message) -> bool {
        let query = self.query;
        message.deleted_at.is_none()
            && (self.from..=self.to).contains(&message.created_at)
            && query.after.is_none_or(|after| place(message) < after)
            && query.sender.as_ref().is_none_or(|sender| message.sender_id == *sender)
            && !(query.has_attachment && message.attachments.is_empty())
    }
}

fn place(message: &Message) -> Place {
    (message.created_at, message.id)
}

/// How many runs, at least one, have together so many messages.
fn count_within(runs: &[Run], most: u64) -> usize {
    let mut sum = 0;
    let fit = runs.iter().take_while(|run| {
        sum += run.last - run.first + 1;
        sum <= most
    });
    fit.count().max(1)
}
