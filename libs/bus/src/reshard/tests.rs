//! The protocol as a model: gateways, queues, workers and a command take their steps in any order, and any
//! of them dies or is cut off at any step. Commands of a thread must reach the end of the pipeline in their
//! order, each of them. A model that lacks one rule of the protocol must fail, or it would prove nothing.

mod model;

use self::model::Model;

/// Runs, each with a random order of steps of its own.
const RUNS: u64 = 600;

/// The rule that a model lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Nothing,
    /// The number changes while commands wait in the old queues.
    Barriers,
    /// A gateway says that it holds while it has unconfirmed commands.
    Confirms,
    /// A gateway that says that it holds lets more commands in.
    Closing,
    /// The command does not wait until every gateway holds.
    Waiting,
    /// A gateway that was cut off goes on by the number that it knew.
    Leases,
}

#[test]
fn whatever_dies_every_thread_keeps_its_order_and_loses_nothing() {
    let mut changes = 0;
    for seed in 1..=RUNS {
        let times = Model::new(seed, Without::Nothing).run();
        changes += times.unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    }
    assert!(changes > RUNS, "the number changed only {changes} times");
}

#[test]
fn a_model_that_lacks_a_rule_breaks_the_order() {
    let rules = [Without::Barriers, Without::Confirms, Without::Closing, Without::Waiting, Without::Leases];
    for without in rules {
        let is_broken = (1..=RUNS).any(|seed| Model::new(seed, without).run().is_err());
        assert!(is_broken, "{without:?}");
    }
}
