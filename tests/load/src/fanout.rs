//! Fan-out: one thread with many members and one sender. It measures how fast a message, or a burst of
//! messages, reaches the last member.

use crate::{
    args::FanoutArgs,
    cast::Cast,
    course::{drain, shared},
    error::LoadError,
    latency::Latency,
    member::Shared,
    outbox::Source,
    pacer::Feed,
    proc::Snapshot,
    report::{FanoutLine, Report},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::timeout;

/// Time limit of a round. A longer round is given up and counted as incomplete.
const ROUND_WITHIN: Duration = Duration::from_secs(30);
/// Length of the measured window: longer than all rounds together, so that every round counts.
const WINDOW: Duration = Duration::from_hours(24);

/// Runs rounds of single messages, then rounds of bursts.
pub async fn run(args: &FanoutArgs) -> Result<Report, LoadError> {
    if args.members < 2 || args.burst == 0 {
        return Err(LoadError::Setting("a fan-out needs two members and bursts of at least one".to_owned()));
    }
    let shared = shared(&args.common)?;
    let stage = &shared.stage;
    let feed = Arc::new(Feed::released());
    let mut cast = Cast::assemble(Arc::clone(&shared), 1, args.members, args.common.offset).await?;
    cast.connect(None, |_, member| if member == 0 { Source::Fed(Arc::clone(&feed)) } else { Source::Silent })
        .await?;

    stage.begin(Duration::ZERO, WINDOW);
    let pids = &args.common.pids;
    let (before, start_us) = (Snapshot::take(pids), stage.now_us());
    let mut lines = vec![rounds(&shared, &feed, args.members, 1, args.rounds).await];
    if args.burst > 1 {
        lines.push(rounds(&shared, &feed, args.members, args.burst, args.rounds).await);
    }
    let (after, window_s) = (Snapshot::take(pids), (stage.now_us() - start_us) as f64 / 1_000_000.0);
    stage.end_sending();
    let drained = drain(stage, args.members, args.common.patience()?).await;

    let processes = before.usage_until(&after, pids, stage.stored.load(Ordering::Acquire));
    let report =
        Report::of(stage, format!("fan-out to {} members", args.members), window_s, cast.judge().await?);
    Ok(Report { fanout: lines, processes, generator_cpu_s: before.own_until(&after), drained, ..report })
}

/// Runs `count` rounds of `burst` messages. Each round begins when the last member has the messages of the
/// one before.
pub async fn rounds(shared: &Shared, feed: &Feed, members: u32, burst: u32, count: u32) -> FanoutLine {
    let stage = &shared.stage;
    let mut first = Latency::default();
    let mut last = Latency::default();
    let mut busy_us = 0;
    let mut line = FanoutLine {
        burst,
        members,
        rounds: 0,
        incomplete: 0,
        deliveries_per_s: 0.0,
        first: first.summary(),
        last: last.summary(),
    };
    let deliveries = u64::from(members) * u64::from(burst);
    for _ in 0..count {
        stage.round.expect(deliveries);
        let start_us = stage.now_us();
        feed.release(burst, stage);
        let Ok((first_us, last_us)) = timeout(ROUND_WITHIN, stage.round.done()).await else {
            line.incomplete += 1;
            break;
        };
        first.record(first_us.saturating_sub(start_us));
        last.record(last_us.saturating_sub(start_us));
        busy_us += last_us.saturating_sub(start_us);
        line.rounds += 1;
    }
    let per_s = 1_000_000.0 / busy_us.max(1) as f64;
    FanoutLine {
        deliveries_per_s: deliveries as f64 * f64::from(line.rounds) * per_s,
        first: first.summary(),
        last: last.summary(),
        ..line
    }
}
