//! The number of shards of a real RabbitMQ changes 4 -> 8 -> 4 while people write, and whatever dies, every
//! thread keeps its order and loses nothing. Needs `RABBITMQ_URL` and `RABBITMQ_MANAGEMENT_URL`.

mod fleet;
mod rabbit;

use eventflow_bus::port::Broker as _;
use eventflow_bus::reshard::change::{Change, Outcome, Step};
use eventflow_bus::topology::Topology;
use fleet::{Gateway, Ledger, MAX, People, SHARDS, Worker};
use rabbit::proxy::Mode;
use rabbit::{Rabbit, eventually};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// Time in which some hundred messages flow.
const SOME: Duration = Duration::from_millis(500);

async fn empty(name: &str) -> (Rabbit, Ledger) {
    let rabbit = Rabbit::start(name).await;
    rabbit.connect().await.declare(&Topology::new(MAX)).await.expect("the topology can be declared");
    (rabbit, Ledger::default())
}

/// A command that has heard everybody, and finds that nothing speaks against a change to `to`.
async fn command(rabbit: &Rabbit, to: u16) -> Change {
    let broker = rabbit.connect().await;
    let mut change = Change::open(broker.clone(), broker, "command").await.expect("the log can be read");
    change.hear_everybody().await.expect("everybody is heard");
    eventually("nothing speaks against it", async || {
        change.listen(SOME / 5).await.expect("everybody is heard");
        change.obstacles(to).is_empty()
    })
    .await;
    change
}

/// Changes the number, in a few attempts.
async fn change_to(change: &mut Change, to: u16) {
    eventually(&format!("{to} shards are in force"), async || {
        let outcome = change.attempt(to, async |_| {}).await.expect("the broker is up");
        if outcome != Outcome::Changed {
            change.listen(SOME).await.expect("the broker is up");
        }
        outcome == Outcome::Changed
    })
    .await;
}

/// Ends in the middle of an attempt, right after `at`.
async fn attempt_until(mut change: Change, to: u16, at: Step) {
    let reached = Notify::new();
    let is_at = |step: &Step| std::mem::discriminant(step) == std::mem::discriminant(&at);
    let tell = async |step| {
        if is_at(&step) {
            reached.notify_one();
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        outcome = change.attempt(to, tell) => panic!("the attempt ended before {at:?}: {outcome:?}"),
        () = reached.notified() => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_killed_at_any_step_leaves_one_number_behind_and_another_one_completes_it() {
    let (rabbit, ledger) = empty("reshard-command").await;
    let (one, other) = (Worker::start(&rabbit, &ledger).await, Worker::start(&rabbit, &ledger).await);
    let (first, second) = (Gateway::start(&rabbit).await, Gateway::start(&rabbit).await);
    first.uses(SHARDS).await;
    second.uses(SHARDS).await;
    let people = People::start(&[&first, &second]);
    for at in [Step::Hold, Step::Barriers { gateways: 0, queues: 0 }, Step::Passed] {
        attempt_until(command(&rabbit, MAX).await, MAX, at).await;
        first.uses(SHARDS).await;
        second.uses(SHARDS).await;
    }
    attempt_until(command(&rabbit, MAX).await, MAX, Step::GoOn).await;
    first.uses(MAX).await;
    second.uses(MAX).await;
    // sleep: messages flow by the new number for a while
    sleep(SOME).await;
    change_to(&mut command(&rabbit, SHARDS).await, SHARDS).await;
    first.uses(SHARDS).await;
    second.uses(SHARDS).await;
    // sleep: messages flow by the old number again for a while
    sleep(SOME).await;
    assert!(people.all_arrived_in_order(&ledger).await > 1_000);
    first.end().await;
    second.end().await;
    one.end().await;
    other.end().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_behind_a_barrier_costs_an_attempt_at_most() {
    let (rabbit, ledger) = empty("reshard-worker").await;
    let (doomed, heir) = (Worker::start(&rabbit, &ledger).await, Worker::start(&rabbit, &ledger).await);
    let gateway = Gateway::start(&rabbit).await;
    gateway.uses(SHARDS).await;
    let people = People::start(&[&gateway]);
    let mut change = command(&rabbit, MAX).await;
    let kill = async |step| {
        if matches!(step, Step::Barriers { .. }) {
            doomed.kill();
        }
    };
    change.attempt(MAX, kill).await.expect("the broker is up");
    change_to(&mut change, MAX).await;
    gateway.uses(MAX).await;
    // sleep: messages flow by the new number for a while
    sleep(SOME).await;
    change_to(&mut command(&rabbit, SHARDS).await, SHARDS).await;
    people.all_arrived_in_order(&ledger).await;
    gateway.end().await;
    heir.end().await;
    doomed.end().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_cut_off_while_the_others_go_on_sends_nothing_by_the_old_number() {
    let (rabbit, ledger) = empty("reshard-gateway").await;
    let worker = Worker::start(&rabbit, &ledger).await;
    let (stays, leaves) = (Gateway::start(&rabbit).await, Gateway::start(&rabbit).await);
    stays.uses(SHARDS).await;
    leaves.uses(SHARDS).await;
    let people = People::start(&[&stays, &leaves]);
    let mut change = command(&rabbit, MAX).await;
    let cut = async |step| {
        if matches!(step, Step::Barriers { .. }) {
            leaves.proxy.set(Mode::Cut);
        }
    };
    let outcome = change.attempt(MAX, cut).await.expect("the broker is up");
    assert_eq!(outcome, Outcome::Changed, "it held when it was cut off");
    stays.uses(MAX).await;
    // sleep: the others go on without it
    sleep(SOME).await;
    assert_eq!(leaves.gate.shards(), 0);
    leaves.proxy.set(Mode::Open);
    leaves.uses(MAX).await;
    // sleep: messages flow through both again for a while
    sleep(SOME).await;
    people.all_arrived_in_order(&ledger).await;
    stays.end().await;
    leaves.end().await;
    worker.end().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_makes_the_change_fail_and_nothing_else() {
    let (rabbit, ledger) = empty("reshard-store").await;
    let worker = Worker::start(&rabbit, &ledger).await;
    let gateway = Gateway::start(&rabbit).await;
    gateway.uses(SHARDS).await;
    let people = People::start(&[&gateway]);
    let mut change = command(&rabbit, MAX).await;
    let away = worker.permits.acquire_many(1_000).await.expect("the permits stay open");
    let outcome = change.attempt(MAX, async |_| {}).await.expect("the broker is up");
    assert!(matches!(outcome, Outcome::GivenUp(_)), "{outcome:?}");
    gateway.uses(SHARDS).await;
    drop(away);
    change_to(&mut change, MAX).await;
    // sleep: messages flow by the new number for a while
    sleep(SOME).await;
    people.all_arrived_in_order(&ledger).await;
    gateway.end().await;
    worker.end().await;
    rabbit.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_commands_one_changes_the_number_and_a_missing_worker_is_named() {
    let (rabbit, ledger) = empty("reshard-two").await;
    let gateway = Gateway::start(&rabbit).await;
    gateway.uses(SHARDS).await;
    let broker = rabbit.connect().await;
    let mut change = Change::open(broker.clone(), broker, "command").await.expect("the log can be read");
    change.listen(SOME * 3).await.expect("the broker is up");
    let obstacles = change.obstacles(MAX);
    assert_eq!(obstacles.len(), 2 * usize::from(MAX), "no shard is consumed: {obstacles:?}");
    let worker = Worker::start(&rabbit, &ledger).await;
    let (mut one, mut other) = (command(&rabbit, MAX).await, command(&rabbit, MAX).await);
    let (first, second) = tokio::join!(one.attempt(MAX, async |_| {}), other.attempt(MAX, async |_| {}));
    let outcomes = [first.expect("the broker is up"), second.expect("the broker is up")];
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Changed).count(), 1, "{outcomes:?}");
    gateway.uses(MAX).await;
    gateway.end().await;
    worker.end().await;
    rabbit.stop().await;
}
