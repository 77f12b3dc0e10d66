//! Roster: what somebody knows who hears the hellos of all stages: who works, who owns which shard, how fast
//! it goes, and when the shards were shared out anew.
//!
//! In come hellos; out come answers for operators. Everything here is an observation: the broker alone
//! decides who consumes a queue. A wrong roster misleads nobody but its reader.

use super::assign::assign;
use super::members::GONE_AFTER;
use eventflow_protocol::hello::{GATEWAYS, Hello, RESHARD};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Time over which rates are taken: long enough to be calm, short enough to be seen changing.
const RATE_OVER: Duration = Duration::from_secs(6);
/// Changes of the workers that are remembered.
const CHANGES_KEPT: usize = 50;
/// Characters of a worker's id that tell it apart from others: the last ones, since ids begin with the time.
const SHORT_ID: usize = 8;

/// Who is known of all stages.
#[derive(Debug)]
pub struct Roster {
    stages: BTreeMap<String, BTreeMap<String, Listed>>,
    changes: VecDeque<Change>,
    began: Instant,
}

/// One worker that is heard.
#[derive(Debug)]
struct Listed {
    hello: Hello,
    heard: Instant,
    counts: VecDeque<(Instant, BTreeMap<String, u64>)>,
}

/// One worker, for operators; or one gateway, of the stage [`eventflow_protocol::hello::GATEWAYS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// The stage whose shards it shares.
    pub stage: String,
    /// Its id, as short as it is told apart.
    pub id: String,
    /// Host and process; empty if it does not say.
    pub place: String,
    /// The version of its program.
    pub version: String,
    /// The shards whose queues it consumes, active or waiting.
    pub holds: Vec<u16>,
    /// The number of shards that it was told of; of a gateway, by which it sends.
    pub shards: u16,
}

/// Who has a shard of a stage, by the assignment that all workers make of what they hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// The worker that owns the shard; `None` if no worker is heard.
    pub owner: Option<String>,
    /// The worker that waits behind the owner.
    pub spare: Option<String>,
    /// Whether the owner says that it consumes the queues of the shard.
    pub is_consumed: bool,
}

/// The workers of a stage became others, so its shards were shared out anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When that was heard.
    pub at: Instant,
    /// The stage.
    pub stage: String,
    /// The worker that came or went.
    pub worker: String,
    /// Where it runs.
    pub place: String,
    /// What became of it.
    pub what: Fate,
    /// Workers of the stage since then.
    pub workers: usize,
}

/// What became of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It joined.
    Joined,
    /// It said goodbye.
    Left,
    /// It fell silent.
    Silent,
}

impl Roster {
    /// Nobody is heard yet.
    pub fn new(now: Instant) -> Self {
        Self { stages: BTreeMap::new(), changes: VecDeque::new(), began: now }
    }

    /// Takes note of a hello.
    pub fn hear(&mut self, hello: Hello, now: Instant) {
        // A command that changes the number of shards is nobody who works.
        if hello.stage == RESHARD {
            return;
        }
        let (stage, id) = (hello.stage.clone(), hello.member.clone());
        if hello.leaves {
            self.take_off(&stage, &id, Fate::Left, now);
            return;
        }
        let listed = self.stages.entry(stage.clone()).or_default();
        let is_new = !listed.contains_key(&id);
        let place = hello.place.clone();
        let entry = listed.entry(id.clone()).or_insert_with(|| Listed {
            hello: hello.clone(),
            heard: now,
            counts: VecDeque::new(),
        });
        entry.counts.push_back((now, hello.done.clone()));
        while entry.counts.front().is_some_and(|(at, _)| now - *at > RATE_OVER) {
            entry.counts.pop_front();
        }
        (entry.hello, entry.heard) = (hello, now);
        let workers = listed.len();
        // Whoever is heard in the first moments was there before the listener.
        if is_new && now - self.began > GONE_AFTER {
            self.note(Change { at: now, stage, worker: short(&id), place, what: Fate::Joined, workers });
        }
    }

    /// Leaves out who has been silent too long.
    pub fn forget_silent(&mut self, now: Instant) {
        let silent: Vec<(String, String)> = self
            .listed()
            .filter(|listed| now - listed.heard > GONE_AFTER)
            .map(|listed| (listed.hello.stage.clone(), listed.hello.member.clone()))
            .collect();
        for (stage, id) in silent {
            self.take_off(&stage, &id, Fate::Silent, now);
        }
    }

    /// The workers that are heard, by stage and age.
    pub fn workers(&self) -> Vec<Worker> {
        let worker = |Listed { hello, .. }: &Listed| Worker {
            stage: hello.stage.clone(),
            id: short(&hello.member),
            place: hello.place.clone(),
            version: hello.version.clone(),
            holds: hello.holds.clone(),
            shards: hello.shards,
        };
        self.listed().map(worker).collect()
    }

    /// Who has each of the `shards` shards of a stage, among the workers that were told of so many.
    pub fn holders(&self, stage: &str, shards: u16) -> Vec<Holders> {
        let listed = self.stages.get(stage).into_iter().flat_map(BTreeMap::values);
        let workers: Vec<&Hello> =
            listed.map(|listed| &listed.hello).filter(|hello| hello.shards == shards).collect();
        let ids: Vec<&str> = workers.iter().map(|hello| hello.member.as_str()).collect();
        let seats = assign(&ids, shards);
        if seats.is_empty() {
            return vec![Holders::default(); usize::from(shards)];
        }
        (0..)
            .zip(seats)
            .map(|(shard, seat)| Holders {
                owner: Some(short(ids[seat.owner])),
                spare: seat.spare.map(|spare| short(ids[spare])),
                is_consumed: workers[seat.owner].holds.contains(&shard),
            })
            .collect()
    }

    /// Envelopes of `queue` that the workers carry out, per second. `None` until that can be told, and if no
    /// worker counts for the queue.
    pub fn rate(&self, queue: &str) -> Option<f64> {
        let rates = self.listed().filter_map(|listed| {
            let ((from, before), (to, after)) = (listed.counts.front()?, listed.counts.back()?);
            let done = after.get(queue)?.checked_sub(*before.get(queue)?)?;
            let seconds = (*to - *from).as_secs_f64();
            (seconds >= 0.5).then_some(done as f64 / seconds)
        });
        rates.reduce(|all, one| all + one)
    }

    /// When workers came and went, newest first.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }

    fn listed(&self) -> impl Iterator<Item = &Listed> {
        self.stages.values().flat_map(BTreeMap::values)
    }

    fn take_off(&mut self, stage: &str, id: &str, what: Fate, now: Instant) {
        let Some(listed) = self.stages.get_mut(stage) else { return };
        let Some(gone) = listed.remove(id) else { return };
        let (place, workers) = (gone.hello.place, listed.len());
        self.note(Change { at: now, stage: stage.to_owned(), worker: short(id), place, what, workers });
    }

    /// A gateway that comes or goes shares nothing out anew.
    fn note(&mut self, change: Change) {
        if change.stage == GATEWAYS {
            return;
        }
        self.changes.push_front(change);
        self.changes.truncate(CHANGES_KEPT);
    }
}

/// An id as operators see it.
fn short(id: &str) -> String {
    id.get(id.len().saturating_sub(SHORT_ID)..).unwrap_or(id).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(member: &str, done: u64) -> Hello {
        Hello {
            stage: "persist".into(),
            member: member.into(),
            version: "1".into(),
            shards: 2,
            holds: vec![0, 1],
            place: format!("host/{member}"),
            done: BTreeMap::from([("persist.0".to_owned(), done)]),
            ..Hello::default()
        }
    }

    fn owners(roster: &Roster) -> Vec<Option<String>> {
        roster.holders("persist", 2).into_iter().map(|holders| holders.owner).collect()
    }

    #[test]
    fn every_shard_has_its_owner_by_the_assignment_of_the_workers() {
        let now = Instant::now();
        let mut roster = Roster::new(now);
        assert_eq!(owners(&roster), [None, None]);
        roster.hear(hello("a", 0), now);
        assert_eq!(owners(&roster), [Some("a".into()), Some("a".into())]);
        roster.hear(hello("b", 0), now);
        let holders = roster.holders("persist", 2);
        assert_ne!(holders[0].owner, holders[1].owner);
        assert!(holders.iter().all(|holders| holders.spare.is_some() && holders.is_consumed));
        assert_eq!(roster.holders("persist", 4), vec![Holders::default(); 4], "told of two shards");
    }

    #[test]
    fn rates_are_the_sum_of_what_the_workers_count() {
        let now = Instant::now();
        let mut roster = Roster::new(now);
        roster.hear(hello("a", 100), now);
        assert_eq!(roster.rate("persist.0"), None, "one count is no rate");
        roster.hear(hello("b", 5), now);
        let later = now + Duration::from_secs(2);
        roster.hear(hello("a", 140), later);
        roster.hear(hello("b", 15), later);
        assert_eq!(roster.rate("persist.0"), Some(25.0));
        assert_eq!(roster.rate("email"), None);
    }

    #[test]
    fn who_comes_and_goes_is_remembered_and_who_was_there_before_is_no_change() {
        let now = Instant::now();
        let mut roster = Roster::new(now);
        roster.hear(hello("a", 0), now);
        let later = now + GONE_AFTER * 2;
        roster.hear(hello("b", 0), later);
        roster.forget_silent(later);
        roster.hear(Hello { leaves: true, ..hello("b", 0) }, later);
        let changes: Vec<_> =
            roster.changes().map(|change| (change.worker.as_str(), change.what, change.workers)).collect();
        assert_eq!(changes, [("b", Fate::Left, 0), ("a", Fate::Silent, 1), ("b", Fate::Joined, 2)]);
    }

    #[test]
    fn a_gateway_is_listed_and_its_coming_and_going_is_no_change_of_the_shards() {
        let now = Instant::now();
        let mut roster = Roster::new(now);
        let later = now + GONE_AFTER * 2;
        roster.hear(Hello { stage: GATEWAYS.into(), ..hello("g", 0) }, later);
        assert_eq!(roster.workers().len(), 1);
        roster.forget_silent(later + GONE_AFTER * 2);
        assert_eq!((roster.workers().len(), roster.changes().count()), (0, 0));
    }
}
