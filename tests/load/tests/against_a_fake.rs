//! Runs the whole generator against a fake system. It finds every fault that the fake makes, and no other.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod fake;

use clap::Parser as _;
use eventflow_load::{
    args::{Cli, Command},
    course, fanout, idle,
    report::Report,
    slow,
};
use fake::{Fake, Fault};

const COMMON: &str = "--jwt-secret 0123456789abcdef0123456789abcdef --drain 4 --quiet 0.5";

async fn load(fake: &Fake, words: &str) -> Report {
    let line = format!("eventflow-load {words} {COMMON} --ws {} --http {}", fake.ws, fake.http);
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
    let report = match cli.command {
        Command::Run(args) => course::run(&args).await,
        Command::Idle(args) => idle::run(&args).await,
        Command::Fanout(args) => fanout::run(&args).await,
        Command::Slow(args) => slow::run(&args).await,
    };
    report.unwrap()
}

/// Three pairs with one sender each send 120 messages per second for a second. The fault strikes at the 40th
/// message.
async fn with(fault: Fault) -> Report {
    let fake = Fake::start(fault).await;
    load(&fake, "run --pairs 3 --mode open --rate 120 --duration 0.7 --warmup 0.3").await
}

fn four(report: &Report) -> (u64, u64, u64, u64) {
    (report.lost, report.doubled, report.reordered, report.foreign)
}

#[tokio::test]
async fn a_system_that_keeps_its_promises_is_clean() {
    let report = with(Fault::None).await;
    assert!(report.clean && report.drained, "{report}");
    assert_eq!((report.acked, report.stored), (report.offered, report.offered));
    assert_eq!(report.delivered, 2 * report.offered);
    assert!(report.offered >= 100 && report.latency.delivery.count > 0, "{report}");
}

#[tokio::test]
async fn a_saturating_run_is_clean_and_measured() {
    let fake = Fake::start(Fault::None).await;
    let report = load(
        &fake,
        "run --threads 2 --members 3 --senders 0 --in-flight 4 --duration 0.5 --warmup 0.1 --pid own=1+",
    )
    .await;
    assert!(report.clean && report.drained, "{report}");
    assert!(report.messages_per_s > 100.0, "{report}");
    assert_eq!(report.delivered, 3 * report.stored);
}

#[tokio::test]
async fn sockets_that_never_read_and_are_not_cut_break_a_bound() {
    let fake = Fake::start(Fault::None).await;
    let report = load(
        &fake,
        "slow --slow 2 --healthy 4 --rate 40 --flood-rate 40 --duration 0.5 --rounds 2 --notice 1000",
    )
    .await;
    let slow = report.slow.as_ref().unwrap();
    assert_eq!(
        (slow.cuts.uncut, slow.broken.as_slice()),
        (4, ["4 slow sockets were not cut".to_owned()].as_slice()),
        "{report}"
    );
    assert!(!report.clean && report.lost == 0 && slow.flood_faults == 0, "{report}");
    let windows = std::iter::once(&slow.alone).chain(&slow.beside_readers).chain(&slow.beside_slow);
    assert_eq!(windows.filter(|window| window.count > 0).count(), 5, "{report}");
}

#[tokio::test]
async fn a_lost_message_is_counted() {
    let report = with(Fault::LoseStored).await;
    assert_eq!((report.lost, report.ledger.lost_stored), (1, 1), "{report}");
}

#[tokio::test]
async fn deliveries_that_stop_are_counted_as_lost() {
    let report = with(Fault::Deafen).await;
    assert!(!report.clean && report.ledger.lost_deliveries > 0 && report.ledger.lost_stored == 0, "{report}");
}

#[tokio::test]
async fn a_skipped_delivery_shows_as_a_gap_and_is_fetched() {
    let report = with(Fault::SkipDelivery).await;
    assert!(report.clean, "{report}");
    assert_eq!((report.faults.gaps, report.faults.refetched > 0), (1, true), "{report}");
}

#[tokio::test]
async fn a_message_delivered_twice_is_counted() {
    assert_eq!(four(&with(Fault::DoubleDelivery).await), (0, 1, 0, 0));
}

#[tokio::test]
async fn a_message_stored_twice_is_counted() {
    let report = with(Fault::DoubleStored).await;
    assert_eq!((report.lost, report.ledger.doubled_history), (0, 1), "{report}");
}

#[tokio::test]
async fn a_message_delivered_late_is_counted_at_every_member() {
    let report = with(Fault::Reorder).await;
    assert_eq!(four(&report), (0, 0, 2, 0), "{report}");
}

#[tokio::test]
async fn a_message_of_another_thread_is_counted() {
    assert_eq!(four(&with(Fault::Foreign).await), (0, 0, 0, 1));
}

#[tokio::test]
async fn cut_sockets_resume_and_unanswered_messages_are_sent_again() {
    let report = with(Fault::CutAndResume).await;
    assert!(report.clean && report.drained, "{report}");
    assert_eq!((report.faults.drops, report.faults.reconnects), (6, 6), "{report}");
    assert!(report.faults.recovered > 0 && report.faults.resends > 0, "{report}");
}

#[tokio::test]
async fn cut_sockets_whose_sessions_are_forgotten_catch_up_from_history() {
    let report = with(Fault::CutAndForget).await;
    assert!(report.clean && report.drained, "{report}");
    assert_eq!((report.faults.recovered, report.faults.reconnects), (0, 6), "{report}");
    assert!(report.faults.resends > 0, "{report}");
}

#[tokio::test]
async fn a_message_refused_for_now_is_sent_again() {
    let report = with(Fault::Unavailable).await;
    assert!(report.clean && report.drained, "{report}");
    assert_eq!((report.errors["unavailable"], report.faults.resends), (1, 1), "{report}");
}

#[tokio::test]
async fn a_queued_message_is_confirmed_by_being_seen_or_sent_again() {
    let report = with(Fault::Queue).await;
    assert!(report.clean, "{report}");
    assert_eq!(report.errors["answered queued"], 1, "{report}");
}

#[tokio::test]
async fn a_message_refused_for_good_is_reported_and_not_sent_again() {
    let report = with(Fault::Refuse).await;
    assert!(report.clean, "{report}");
    assert_eq!((report.ledger.outcomes.failed, report.faults.resends), (1, 0), "{report}");
}

#[tokio::test]
async fn a_fan_out_measures_the_first_and_the_last_member() {
    let fake = Fake::start(Fault::None).await;
    let report = load(&fake, "fanout --members 20 --rounds 5 --burst 4").await;
    assert!(report.clean && report.drained, "{report}");
    assert_eq!(
        report.fanout.iter().map(|line| (line.burst, line.rounds)).collect::<Vec<_>>(),
        vec![(1, 5), (4, 5)]
    );
    assert_eq!(report.delivered, 20 * 25);
    assert!(report.fanout[0].first.p50_ms <= report.fanout[0].last.p50_ms, "{report}");
}

#[tokio::test]
async fn idle_sockets_are_connected_held_and_reached_by_a_broadcast() {
    let fake = Fake::start(Fault::None).await;
    let own = format!("--pid own={}", std::process::id());
    let report = load(&fake, &format!("idle --connections 30 --rate 300 --hold 0.2 --broadcast {own}")).await;
    assert!(report.clean && report.drained, "{report}");
    let idle = report.idle.as_ref().unwrap();
    assert_eq!((idle.connections, idle.processes.len(), report.delivered), (30, 1, 30), "{report}");
    assert!(idle.connects_per_s < 400.0, "{report}");
}

#[tokio::test]
async fn idle_sockets_without_a_broadcast_leave_no_thread_behind() {
    let fake = Fake::start(Fault::None).await;
    let report = load(&fake, "idle --connections 10 --hold 0.1").await;
    assert!(report.clean && report.stored == 0 && report.faults.drops == 0, "{report}");
}
