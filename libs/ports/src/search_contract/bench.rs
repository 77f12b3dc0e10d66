//! A measurement that every store can run: what search costs when messages are stored and when they are
//! looked for.
//!
//! It fills threads with messages of twenty made-up languages, ten with letters and spaces, ten of other
//! scripts, some of them without spaces. Words are made of syllables and are as frequent as in a language
//! (Zipf). Then it indexes them, and searches as ordinary people and as one who is in a third of all threads.
//! The adapters' examples `search_costs_embedded` and `search_costs_mongo` print the result; `bench/search`
//! runs them. Nothing here judges it.

use crate::search::block::catch_up;
use crate::search::{SearchIndex, SearchQuery, find};
use crate::store::{NewMessage, Store};
use crate::store_contract::fixtures::{Scene, append, at, fresh_people, say};
use crate::store_contract::random::Random;
use eventflow_protocol::{ThreadId, UserId};
use std::time::{Duration, Instant};

/// Messages that are stored in one call.
const FILL: usize = 500;
/// Messages of a thread on average.
const PER_THREAD: usize = 100;
/// People of all threads for each thread.
const PEOPLE_PER_THREAD: f64 = 0.2;
/// The busiest person is in one of so many threads.
const BUSY: usize = 3;
/// Words of a language.
const WORDS: usize = 4_000;
/// Searches of each kind.
const SEARCHES: usize = 200;

/// Letters of ten scripts; each is used for two languages. The first five are written with spaces.
const SCRIPTS: [(&str, &str); 10] = [
    ("bcdfghklmnprst", "aeiou"),
    ("bdgjklmnpqrstvz", "aáeéioöuü"),
    ("бвгдзклмнпрст", "аеиоуы"),
    ("βγδζκλμνπρστ", "αεηιου"),
    ("بتجحدرسشعفقكلمن", "اوي"),
    ("कखगजटडतदनपबमयरलवसह", "ािीुेो"),
    ("กขคงจชดตทนบปพมยรลวส", "ะาิีุู"),
    ("かきくけこさしすせそたちつてと", "なにぬねのまみむめも"),
    ("天气今很好我你他们人中国学生时间大小", "上下来去说话看书工作家电车水火山口"),
    ("가나다라마바사아자차", "각난달람맙산앙작찬"),
];
/// Scripts from this one on are written without spaces, but the last.
const WITH_SPACES: usize = 6;

/// A language: its words, the most frequent first.
struct Language {
    words: Vec<String>,
    space: &'static str,
}

impl Language {
    fn new(n: usize, random: &mut Random) -> Self {
        let (first, second) = SCRIPTS[n % SCRIPTS.len()];
        let [first, second]: [Vec<char>; 2] = [first, second].map(|letters| letters.chars().collect());
        let pick = |letters: &[char], random: &mut Random| letters[random.below(letters.len())];
        let syllables: Vec<String> =
            (0..120).map(|_| String::from_iter([pick(&first, random), pick(&second, random)])).collect();
        let word = |random: &mut Random| {
            (0..1 + random.below(4)).map(|_| syllables[random.below(syllables.len())].as_str()).collect()
        };
        let has_spaces = n % SCRIPTS.len() < WITH_SPACES || n % SCRIPTS.len() == SCRIPTS.len() - 1;
        Self { words: (0..WORDS).map(|_| word(random)).collect(), space: if has_spaces { " " } else { "" } }
    }

    /// A word, the nth as often as 1/n.
    fn word(&self, random: &mut Random) -> &str {
        // The distribution of Zipf, by its inverse: 0..1 to the power of words.
        let share = random.below(1 << 20) as f64 / f64::from(1 << 20);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is 0 to the number of words"
        )]
        let rank = (WORDS as f64).powf(share) as usize;
        &self.words[rank.min(WORDS) - 1]
    }

    fn text(&self, random: &mut Random) -> String {
        let words: Vec<&str> = (0..3 + random.below(14)).map(|_| self.word(random)).collect();
        words.join(self.space)
    }
}

/// The filled store.
struct Filled {
    languages: Vec<Language>,
    threads: Vec<(ThreadId, usize)>,
    busy: UserId,
    ordinary: Vec<UserId>,
}

/// Fills a store with so many messages, indexes them, and searches. Gives lines to print.
pub async fn measure(store: &dyn Store, index: &dyn SearchIndex, messages: usize) -> Vec<String> {
    let mut random = Random::seeded(7);
    let (filled, took) = fill(store, messages, &mut random).await;
    let micros = |took: Duration| took.as_secs_f64() * 1e6 / messages as f64;
    let mut lines = vec![
        format!("{messages} messages in {} threads, 20 languages", filled.threads.len()),
        format!("  stored without indexing: {:.1} µs a message", micros(took)),
    ];
    let began = Instant::now();
    let ids: Vec<ThreadId> = filled.threads.iter().map(|(thread, _)| *thread).collect();
    for some in ids.chunks(64) {
        let mut left = some.to_vec();
        while !left.is_empty() {
            left = catch_up(index, &left).await.expect("index").1;
        }
    }
    lines.push(format!("  indexed behind it:       {:.1} µs a message", micros(began.elapsed())));
    for who in ["ordinary", "busy"] {
        lines.extend(searches(index, &filled, who, &mut random).await);
    }
    lines
}

async fn fill(store: &dyn Store, messages: usize, random: &mut Random) -> (Filled, Duration) {
    let languages: Vec<Language> = (0..20).map(|n| Language::new(n, random)).collect();
    let count = (messages / PER_THREAD).max(1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let people = fresh_people(((count as f64 * PEOPLE_PER_THREAD) as usize).max(10));
    let busy = people[0].clone();
    let (mut threads, mut members) = (Vec::new(), Vec::new());
    for n in 0..count {
        let mut of_thread: Vec<UserId> =
            (0..2 + random.below(4)).map(|_| people[1 + random.below(people.len() - 1)].clone()).collect();
        of_thread.extend((n % BUSY == 0).then(|| busy.clone()));
        of_thread.sort_unstable();
        of_thread.dedup();
        if of_thread.len() < 2 {
            of_thread = vec![people[1].clone(), people[2].clone()];
        }
        threads.push((Scene::between(store, of_thread.clone()).await.thread, random.below(languages.len())));
        members.push(of_thread);
    }
    let (mut stored, mut took) = (0, Duration::ZERO);
    while stored < messages {
        let batch: Vec<NewMessage> = (0..FILL.min(messages - stored))
            .map(|n| {
                let of = random.below(threads.len());
                let (thread, language) = threads[of];
                let sender = &members[of][random.below(members[of].len())];
                let mut new = say(thread, sender, &languages[language].text(random));
                new.send.at = at(i64::try_from(stored + n).unwrap_or_default());
                new
            })
            .collect();
        stored += batch.len();
        let began = Instant::now();
        let messages = append(store, &batch).await;
        store.touch_threads(&messages).await.expect("touch");
        took += began.elapsed();
    }
    (Filled { languages, threads, busy, ordinary: people[1..].to_vec() }, took)
}

async fn searches(index: &dyn SearchIndex, filled: &Filled, who: &str, random: &mut Random) -> Vec<String> {
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for kind in ["a word", "two words", "a part of a word", "two letters", "a rare word", "nothing"] {
        let (mut took, mut hits) = (Vec::new(), 0);
        for n in 0..SEARCHES {
            let language = &filled.languages[random.below(filled.languages.len())];
            let word = language.word(random);
            let other = language.word(random);
            let rare = &language.words[WORDS / 2 + random.below(WORDS / 2)];
            let words = match kind {
                "a word" => word.to_owned(),
                "two words" => format!("{word} {other}"),
                "a part of a word" => rare.chars().skip(1).take(4).collect(),
                "two letters" => rare.chars().take(2).collect(),
                "a rare word" => rare.clone(),
                _ => format!("{rare}xqz{n}"),
            };
            let Ok(terms) = words.parse() else { continue };
            let user = if who == "busy" {
                &filled.busy
            } else {
                &filled.ordinary[random.below(filled.ordinary.len())]
            };
            let query = SearchQuery {
                user: user.clone(),
                terms,
                thread: None,
                sender: None,
                from: None,
                to: None,
                has_attachment: false,
                after: None,
                limit: 50,
            };
            let began = Instant::now();
            hits += find(index, &query).await.expect("search").hits.len();
            took.push(began.elapsed());
        }
        lines.push(format!(
            "  {who:<8} {kind:<17} {}, {:.1} hits",
            percentiles(&mut took),
            hits as f64 / took.len().max(1) as f64
        ));
        all.extend(took);
    }
    lines.push(format!("  {who:<8} all               {}", percentiles(&mut all)));
    lines
}

fn percentiles(took: &mut [Duration]) -> String {
    took.sort_unstable();
    let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
    let ms = |took: Option<&Duration>| took.map_or(0.0, |took| took.as_secs_f64() * 1e3);
    format!("p50 {:6.1} ms  p99 {:6.1} ms  max {:6.1} ms", ms(at(50)), ms(at(99)), ms(took.last()))
}
