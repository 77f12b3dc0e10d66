//! Searching the filled store: how long each kind takes, and how many answers were wrong.
//!
//! An answer is wrong if it is not the beginning of what reading all messages of the person's threads finds.

use super::fill::{Filled, Searcher};
use super::languages::{Language, WORDS};
use crate::search::{Found, Run, SearchIndex, SearchQuery, THREADS_MAX, find};
use crate::store_contract::random::Random;
use eventflow_protocol::{MessageId, Timestamp};
use std::cmp::Reverse;
use std::time::{Duration, Instant};

/// Messages that checks of one kind read at most before the other answers are taken as they are: some ten
/// seconds. Answers of ordinary people are all checked, those of the busy one some.
const CHECKED_MESSAGES: u64 = 1_000_000;
/// Hits of a page, as clients get them unless they ask for more.
const HITS: usize = 50;
/// Pages that are turned of a frequent word.
const PAGES: usize = 5;
/// Messages of one read of a check.
const READ: u64 = 2_000;

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    TwoWords,
    PartOfWord,
    TwoLetters,
    RareWord,
    Nothing,
    /// The most frequent word of a language, and the pages behind the first one.
    LaterPages,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Word, "a word"),
    (Kind::TwoWords, "two words"),
    (Kind::PartOfWord, "a part of a word"),
    (Kind::TwoLetters, "two letters"),
    (Kind::RareWord, "a rare word"),
    (Kind::Nothing, "nothing"),
    (Kind::LaterPages, "pages 2 to 5"),
];

/// What searches of a kind came to.
#[derive(Default)]
struct Outcome {
    took: Vec<Duration>,
    hits: usize,
    checked: usize,
    wrong: usize,
    read: u64,
}

/// Searches of every kind by these people. Gives lines to print.
pub(super) async fn of(
    index: &dyn SearchIndex,
    filled: &Filled,
    who: Searcher<'_>,
    count: usize,
    random: &mut Random,
) -> Vec<String> {
    let (mut lines, mut all) = (Vec::new(), Outcome::default());
    for (kind, name) in KINDS {
        let mut outcome = Outcome::default();
        for n in 0..count {
            let words = words(kind, &filled.languages[random.below(filled.languages.len())], n, random);
            let Ok(terms) = words.parse() else { continue };
            let user = who.people[random.below(who.people.len())].clone();
            outcome.search(index, kind, SearchQuery::new(user, terms, HITS)).await;
        }
        lines.push(outcome.line(who.name, name));
        all.add(outcome);
    }
    lines.push(all.line(who.name, "all"));
    lines
}

fn words(kind: Kind, language: &Language, n: usize, random: &mut Random) -> String {
    let rare = &language.words[WORDS / 2 + random.below(WORDS / 2)];
    match kind {
        Kind::Word => language.word(random).to_owned(),
        Kind::TwoWords => format!("{} {}", language.word(random), language.word(random)),
        Kind::PartOfWord => rare.chars().skip(1).take(4).collect(),
        Kind::TwoLetters => rare.chars().take(2).collect(),
        Kind::RareWord => rare.clone(),
        Kind::Nothing => format!("{rare}xqz{n}"),
        Kind::LaterPages => language.words[0].clone(),
    }
}

impl Outcome {
    async fn search(&mut self, index: &dyn SearchIndex, kind: Kind, mut query: SearchQuery) {
        let pages = if kind == Kind::LaterPages { PAGES } else { 1 };
        for page in 1..=pages {
            let began = Instant::now();
            let found = find(index, &query).await.expect("search");
            let took = began.elapsed();
            if page > 1 || pages == 1 {
                self.took.push(took);
                self.hits += found.hits.len();
                if self.read < CHECKED_MESSAGES {
                    self.check(index, &query, &found).await;
                }
            }
            let Some(next) = found.next else { return };
            query.after = Some(next);
        }
    }

    async fn check(&mut self, index: &dyn SearchIndex, query: &SearchQuery, found: &Found) {
        let expected = self.everything(index, query).await;
        let hits: Vec<MessageId> = found.hits.iter().map(|hit| hit.message.id).collect();
        // A page may end early, but what is behind it must be said to be there.
        let is_right = expected.starts_with(&hits) && (found.next.is_some() || hits.len() == expected.len());
        self.checked += 1;
        self.wrong += usize::from(!is_right);
    }

    /// What reading all messages finds, the newest first.
    async fn everything(&mut self, index: &dyn SearchIndex, query: &SearchQuery) -> Vec<MessageId> {
        let mut found = Vec::new();
        for reach in index.reaches_of(&query.user, None, THREADS_MAX).await.expect("read threads") {
            for first in (1..=reach.stored).step_by(usize::try_from(READ).unwrap_or(usize::MAX)) {
                let last = reach.stored.min(first + READ - 1);
                let run = Run { thread: reach.thread, first, last, newest: Timestamp(i64::MAX) };
                let read = index.messages_of(&[run], Timestamp(i64::MIN), Timestamp(i64::MAX)).await;
                let read = read.expect("read messages");
                self.read += read.len() as u64;
                let hits = read.into_iter().filter(|message| query.terms.is_in(&message.content));
                found.extend(hits.map(|message| (message.created_at, message.id)));
            }
        }
        found.retain(|place| query.after.is_none_or(|after| *place < after));
        found.sort_unstable_by_key(|place| Reverse(*place));
        found.into_iter().map(|(_, id)| id).collect()
    }

    fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        self.hits += other.hits;
        self.checked += other.checked;
        self.wrong += other.wrong;
    }

    fn line(&mut self, who: &str, name: &str) -> String {
        let hits = self.hits as f64 / self.took.len().max(1) as f64;
        let times = percentiles(&mut self.took);
        let Self { checked, wrong, .. } = self;
        format!("  {who:<8} {name:<17} {times}, {hits:.1} hits, {wrong} of {checked} checked are wrong")
    }
}

fn percentiles(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
    let ms = |took: Option<&Duration>| took.map_or(0.0, |took| took.as_secs_f64() * 1e3);
    format!("p50 {:6.1} ms  p99 {:6.1} ms  max {:6.1} ms", ms(at(50)), ms(at(99)), ms(took.last()))
}
