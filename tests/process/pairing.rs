//! Pairing of one click that is sent by socket and by REST without a key, through the real persistence stage:
//! the halves of a click are lost, repeated, late or alone. Old fault 7: the server before stored everything
//! twice, and a repeated key too.
//!
//! Clicks with random texts (many of them equal) become halves. The test shuffles them within their window,
//! cuts them into random batches and delivers some of them again. Afterwards the thread must hold exactly one
//! message per click, in both stores. Where halves get lost at random, no click may be stored twice, and
//! every missing message needs an explanation: a click that lost exactly its socket half and an equal click
//! that lost exactly its REST half look like the two halves of one click.

use super::stage::{embedded, parts_over};
use crate::backends::Own;
use eventflow_bus::handler::{BatchHandler, Item};
use eventflow_bus::port::Broker;
use eventflow_bus::settle::Outcome;
use eventflow_bus::topology::PERSIST;
use eventflow_metrics::Metrics;
use eventflow_mongo::MongoStore;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{MessagePage, Place, Store, WholeStore};
use eventflow_protocol::command::{Command, CreateThread, SendMessage};
use eventflow_protocol::content::Content;
use eventflow_protocol::fingerprint::Said;
use eventflow_protocol::pairing::{Leg, OFFLINE_WINDOW_MS, Pairing, WINDOW_MS, key};
use eventflow_protocol::{CommandId, ThreadId, Timestamp, UserId};
use eventflow_workers::persistence::Persistence;
use std::collections::BTreeMap;
use std::sync::Arc;

const CLICKS: usize = 60;
const TEXTS: u64 = 5;
const START: i64 = 1_800_000_000_000;
/// Number of random worlds per case and store.
const WORLDS: u64 = 6;

/// What happens to the two halves of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Both,
    BothWithRepeats,
    SocketOnly,
    RestOnly,
    /// The client was offline. Its socket halves come within two minutes, over a connection that was opened
    /// after the other halves came.
    SocketLate,
    /// Two browser tabs, that is, two connections of one login.
    TwoTabs,
    /// Each half is lost with this probability, in percent.
    Lossy(u64),
}

const FATES: [Fate; 8] = [
    Fate::Both,
    Fate::BothWithRepeats,
    Fate::SocketOnly,
    Fate::RestOnly,
    Fate::SocketLate,
    Fate::TwoTabs,
    Fate::Lossy(1),
    Fate::Lossy(10),
];

/// A small seeded generator (splitmix64), so that a failing world can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// The clicks of one text of which at least one half arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Clicks {
    all: usize,
    only_by_socket: usize,
    only_by_rest: usize,
}

struct World {
    thread: ThreadId,
    sender: UserId,
    dice: Dice,
    clicks: BTreeMap<String, Clicks>,
    arrivals: Vec<(i64, Item<Command>)>,
}

impl World {
    fn new(thread: ThreadId, sender: UserId, fate: Fate, seed: u64) -> Self {
        let mut world =
            Self { thread, sender, dice: Dice(seed), clicks: BTreeMap::new(), arrivals: Vec::new() };
        for click in 0..CLICKS {
            let text = format!("text {}", world.dice.roll(TEXTS));
            world.click(START + i64::try_from(click).unwrap() * 200, &text, fate);
        }
        world.arrivals.sort_by_key(|(at, _)| *at);
        world
    }

    fn click(&mut self, at: i64, text: &str, fate: Fate) {
        let spread = u64::try_from(WINDOW_MS / 2).unwrap();
        let late = i64::try_from(self.dice.roll(spread)).unwrap();
        let (first, second) = if self.dice.roll(2) == 0 { (at, at + late) } else { (at + late, at) };
        let (by_rest, by_socket) = (self.arrives(Leg::Rest, fate), self.arrives(Leg::Socket, fate));
        let clicks = self.clicks.entry(text.to_owned()).or_default();
        clicks.all += usize::from(by_rest || by_socket);
        clicks.only_by_rest += usize::from(by_rest && !by_socket);
        clicks.only_by_socket += usize::from(by_socket && !by_rest);
        if by_rest {
            self.leg(first, text, Leg::Rest, None, fate);
        }
        match fate {
            _ if !by_socket => {}
            Fate::SocketLate => {
                let opened = START + OFFLINE_WINDOW_MS / 2;
                self.leg(opened + (at - START), text, Leg::Socket, Some(opened), fate);
            }
            _ => self.leg(second, text, Leg::Socket, Some(START - 1), fate),
        }
    }

    fn arrives(&mut self, leg: Leg, fate: Fate) -> bool {
        match (fate, leg) {
            (Fate::SocketOnly, Leg::Rest) | (Fate::RestOnly, Leg::Socket) => false,
            (Fate::Lossy(percent), _) => self.dice.roll(100) >= percent,
            _ => true,
        }
    }

    fn leg(&mut self, at: i64, text: &str, leg: Leg, opened_at: Option<i64>, fate: Fate) {
        let said = Said { content: text, attachments: &[], reply_to: None, mentions: &[] };
        let key = key(&[7; 32], &self.sender, self.thread, said);
        let send = SendMessage {
            thread_id: self.thread,
            sender_id: self.sender.clone(),
            content: Content::parse(text).unwrap(),
            attachments: Vec::new(),
            client_message_id: None,
            pairing: Some(Pairing { leg, key, opened_at: opened_at.map(Timestamp) }),
            typed: None,
            reply_to: None,
            repeat_only: false,
            mentions: Vec::new(),
            at: Timestamp(at),
        };
        let item = Item {
            id: CommandId::new().0,
            attempt: 0,
            redelivered: false,
            value: Command::SendMessage(send),
            reply_to: None,
            trace: None,
        };
        if fate == Fate::BothWithRepeats && self.dice.roll(10) < 3 {
            let again = Item { redelivered: true, ..item.clone() };
            let after = i64::try_from(self.dice.roll(2_000)).unwrap();
            self.arrivals.push((at + after + 1, again));
        }
        self.arrivals.push((at, item));
    }

    async fn happen(&mut self, stages: &[Persistence]) {
        let mut rest = std::mem::take(&mut self.arrivals);
        while !rest.is_empty() {
            let size = 1 + usize::try_from(self.dice.roll(16)).unwrap();
            let later = rest.split_off(size.min(rest.len()));
            let batch: Vec<Item<Command>> = rest.into_iter().map(|(_, item)| item).collect();
            let stage = &stages[usize::try_from(self.dice.roll(stages.len() as u64)).unwrap()];
            let performed = stage.perform(&batch).await.unwrap();
            assert!(performed.outcomes.iter().all(|outcome| *outcome == Outcome::Done));
            rest = later;
        }
    }
}

async fn every_click_is_one_message<S: WholeStore>(store: Arc<S>, again: Arc<S>, broker: Arc<dyn Broker>) {
    let metrics = Metrics::default();
    // Two stages over the same data, as happens briefly while a shard moves from one worker to another.
    let stages = [
        Persistence::open(&PERSIST, 0, parts_over(Arc::clone(&store), Arc::clone(&broker)), &metrics)
            .await
            .unwrap(),
        Persistence::open(&PERSIST, 0, parts_over(again, broker), &metrics).await.unwrap(),
    ];
    for (number, fate) in FATES.into_iter().enumerate() {
        for seed in 0..WORLDS {
            let people: Vec<UserId> = [format!("ann-{number}-{seed}"), format!("ben-{number}-{seed}")]
                .map(|id| id.parse().unwrap())
                .into();
            let thread_id = ThreadId::derive(&people, "{}");
            let create = CreateThread {
                thread_id,
                participants: people.clone(),
                metadata: serde_json::Map::new(),
                group: None,
                created_by: people[0].clone(),
                at: Timestamp(START),
            };
            store.create_thread(&create).await.unwrap();
            let mut world = World::new(thread_id, people[0].clone(), fate, seed);
            world.happen(&stages).await;
            judge(&counts(stored(&*store, thread_id).await), &world.clicks, fate, seed);
        }
    }
}

/// Expects one message for each click, except for clicks that after losses look like halves of one click.
fn judge(stored: &BTreeMap<String, usize>, clicked: &BTreeMap<String, Clicks>, fate: Fate, seed: u64) {
    for (text, clicks) in clicked {
        let messages = stored.get(text).copied().unwrap_or_default();
        let lookalikes = match fate {
            Fate::Lossy(_) => clicks.only_by_socket.min(clicks.only_by_rest),
            _ => 0,
        };
        let expected = clicks.all - lookalikes..=clicks.all;
        assert!(
            expected.contains(&messages),
            "{fate:?}, seed {seed}, {text}: {messages} messages of {clicks:?}"
        );
    }
    assert!(
        stored.keys().all(|text| clicked.contains_key(text)),
        "{fate:?}, seed {seed}: a text that nobody sent"
    );
}

async fn stored<S: Store>(store: &S, thread: ThreadId) -> Vec<String> {
    let page = MessagePage { before: None, after: Some(Place::Seq(0)), since: 0, limit: PAGE_MAX };
    let messages = store.messages(thread, page).await.unwrap();
    assert_eq!(
        messages.iter().map(|message| message.seq).collect::<Vec<_>>(),
        (1..=messages.len() as u64).collect::<Vec<_>>()
    );
    messages.into_iter().map(|message| message.content).collect()
}

fn counts(texts: Vec<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn every_click_is_one_message_in_the_data_file() {
    let folder = tempfile::tempdir().unwrap();
    let (store, broker) = embedded(folder.path()).await;
    every_click_is_one_message(Arc::clone(&store), store, broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_click_is_one_message_in_mongodb() {
    let folder = tempfile::tempdir().unwrap();
    let (_, broker) = embedded(folder.path()).await;
    let own = Own::create("pairing").await.unwrap();
    let open = async || Arc::new(MongoStore::connect(&own.backends.mongodb).await.unwrap());
    let (store, again) = (open().await, open().await);
    store.prepare().await.unwrap();
    every_click_is_one_message(store, again, broker).await;
    own.delete().await.unwrap();
}
