//! Survey: whether everybody who is heard can take part in a change of the number of shards.
//!
//! A pure function of the hellos. What it does not find out costs an attempt, never order: a worker that does
//! not answer barriers lets the attempt run out of time.

use super::members::Members;
use crate::topology::{FANOUT, PERSIST};
use eventflow_protocol::hello::Hello;

/// A gateway of an older version counts as running for this long after its last command.
const OLD_GATEWAY_MS: u64 = 60_000;

/// Why the number cannot be changed now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// This command hears nothing, itself included.
    #[error("the hellos of the workers do not arrive here: is RabbitMQ holding publishers back?")]
    Deaf,
    /// Another command is changing the number.
    #[error("another reshard is under way at {0}")]
    Rival(String),
    /// A worker does not pass barriers on.
    #[error(
        "the {stage} worker at {place} is of version {version}, which does not know this: update it first"
    )]
    OldWorker {
        /// What it does.
        stage: String,
        /// Where it runs.
        place: String,
        /// Its version.
        version: String,
    },
    /// A worker consumes too few shards.
    #[error(
        "the {stage} worker at {place} was told of {shards} shards: restart it with SHARDS={wanted} first"
    )]
    TooFewShards {
        /// What it does.
        stage: String,
        /// Where it runs.
        place: String,
        /// The number that it was told of.
        shards: u16,
        /// The larger of the old number and the new one.
        wanted: u16,
    },
    /// Nobody consumes a shard.
    #[error("no worker consumes {stage}.{shard}: start one with SHARDS={wanted}, or wait until it says so")]
    NotConsumed {
        /// The stage.
        stage: &'static str,
        /// The shard.
        shard: u16,
        /// The larger of the old number and the new one.
        wanted: u16,
    },
    /// A gateway sent something lately that does not follow the number.
    #[error(
        "a gateway of an older version sent a command {0} s ago: update every gateway first, then wait a minute"
    )]
    OldGateway(u64),
}

/// What speaks against changing the number of shards from `from` to `to`.
pub(super) fn obstacles(members: &Members, hears_itself: bool, from: u16, to: u16) -> Vec<Obstacle> {
    let wanted = from.max(to);
    let mut found = Vec::new();
    if !hears_itself {
        found.push(Obstacle::Deaf);
    }
    found.extend(members.rival().map(|rival| Obstacle::Rival(place(rival))));
    for stage in [PERSIST.stage(), FANOUT.stage()] {
        let workers: Vec<&Hello> = members.of(stage).collect();
        found.extend(workers.iter().filter_map(|worker| of_worker(worker, wanted)));
        let is_consumed = |shard: &u16| workers.iter().any(|worker| worker.holds.contains(shard));
        let unconsumed = (0..wanted).filter(|shard| !is_consumed(shard));
        found.extend(unconsumed.map(|shard| Obstacle::NotConsumed { stage, shard, wanted }));
        let unnumbered = workers.iter().filter_map(|worker| worker.unnumbered_ms).min();
        let lately = unnumbered.filter(|ago| *ago < OLD_GATEWAY_MS);
        found.extend(lately.map(|ago| Obstacle::OldGateway(ago / 1_000)));
    }
    found
}

fn of_worker(worker: &Hello, wanted: u16) -> Option<Obstacle> {
    let (stage, place) = (worker.stage.clone(), place(worker));
    if !worker.barriers {
        return Some(Obstacle::OldWorker { stage, place, version: worker.version.clone() });
    }
    let shards = worker.shards;
    (shards < wanted).then_some(Obstacle::TooFewShards { stage, place, shards, wanted })
}

fn place(member: &Hello) -> String {
    if member.place.is_empty() { format!("?/{}", member.member) } else { member.place.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::hello::RESHARD;
    use tokio::time::Instant;

    fn worker(stage: &str, member: &str, holds: impl IntoIterator<Item = u16>) -> Hello {
        Hello {
            stage: stage.into(),
            member: member.into(),
            version: "9".into(),
            shards: 8,
            place: format!("host/{member}"),
            holds: holds.into_iter().collect(),
            barriers: true,
            ..Hello::default()
        }
    }

    fn found(changed: impl FnOnce(&mut Vec<Hello>)) -> Vec<Obstacle> {
        let mut hellos =
            vec![worker("persist", "a", 0..5), worker("persist", "b", 4..8), worker("fanout", "c", 0..8)];
        changed(&mut hellos);
        let mut members = Members::new("m".into());
        for hello in hellos {
            members.hear(hello, Instant::now());
        }
        obstacles(&members, true, 4, 8)
    }

    #[test]
    fn nothing_speaks_against_it_when_every_shard_of_both_numbers_is_consumed() {
        assert_eq!(found(|_| {}), []);
    }

    #[test]
    fn workers_of_old_versions_and_of_too_few_shards_are_named() {
        let old = found(|hellos| hellos[0].barriers = false);
        assert!(matches!(&old[..], [Obstacle::OldWorker { place, .. }] if place == "host/a"), "{old:?}");
        let small = found(|hellos| hellos[1].shards = 4);
        assert!(matches!(&small[..], [Obstacle::TooFewShards { shards: 4, wanted: 8, .. }]), "{small:?}");
    }

    #[test]
    fn a_shard_of_either_number_without_a_worker_is_named() {
        let without = found(|hellos| hellos[2].holds = (0..7).collect());
        assert_eq!(without, [Obstacle::NotConsumed { stage: "fanout", shard: 7, wanted: 8 }]);
    }

    #[test]
    fn an_old_gateway_shows_by_what_it_sends() {
        assert_eq!(found(|hellos| hellos[1].unnumbered_ms = Some(5_400)), [Obstacle::OldGateway(5)]);
        assert_eq!(found(|hellos| hellos[1].unnumbered_ms = Some(60_000)), []);
    }

    #[test]
    fn of_two_commands_the_younger_one_steps_back() {
        let rival = |member: &str| Hello { place: "host/x".into(), ..worker(RESHARD, member, []) };
        assert_eq!(found(|hellos| hellos.push(rival("k"))), [Obstacle::Rival("host/x".into())]);
        assert_eq!(found(|hellos| hellos.push(rival("n"))), []);
    }
}
