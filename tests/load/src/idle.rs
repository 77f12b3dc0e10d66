//! Idle: many authenticated sockets only wait. It measures what each costs the system in memory, and in CPU
//! to connect.

use crate::{
    args::{IdleArgs, seconds},
    cast::Cast,
    course::{drain, shared},
    error::LoadError,
    fanout,
    outbox::Source,
    pacer::Feed,
    proc::{Snapshot, Usage, Watched},
    report::{IdleLine, IdleProcess, Report},
    target::IDLE_READ_BUFFER,
    verdict::Verdict,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Length of the broadcast's window: longer than the broadcast can take.
const WINDOW: Duration = Duration::from_hours(1);

/// Connects, holds the sockets, reads memory, and sends a broadcast if asked.
pub async fn run(args: &IdleArgs) -> Result<Report, LoadError> {
    let (hold, patience) = (seconds("--hold", args.hold)?, args.common.patience()?);
    let mut shared = shared(&args.common)?;
    Arc::get_mut(&mut shared).expect("nobody has it yet").target.read_buffer = IDLE_READ_BUFFER;
    let stage = &shared.stage;
    let feed = Arc::new(Feed::released());
    let mut cast = if args.broadcast {
        Cast::assemble(Arc::clone(&shared), 1, args.connections, args.common.offset).await?
    } else {
        Cast::bystanders(Arc::clone(&shared), args.connections, args.common.offset)
    };

    let pids = &args.common.pids;
    let rss_before = memory(pids);
    let before = Snapshot::take(pids);
    let start = Instant::now();
    let rate = (args.rate > 0.0).then_some(args.rate);
    cast.connect(rate, |_, member| if member == 0 { Source::Fed(Arc::clone(&feed)) } else { Source::Silent })
        .await?;
    let (connect_s, after) = (start.elapsed().as_secs_f64(), Snapshot::take(pids));
    sleep(hold).await;
    let usage = before.usage_until(&after, pids, u64::from(args.connections));
    let idle = line(args.connections, connect_s, &rss_before, &usage);

    let words = format!("{} idle connections", args.connections);
    if !args.broadcast {
        cast.dismiss().await;
        let report = Report::of(stage, words, connect_s, Verdict::default());
        // A socket that drops while it only waits is a finding of this mode.
        let clean = report.faults.drops == 0;
        return Ok(Report {
            idle: Some(idle),
            processes: usage,
            generator_cpu_s: before.own_until(&after),
            drained: true,
            clean,
            ..report
        });
    }
    stage.begin(Duration::ZERO, WINDOW);
    let fanout = vec![fanout::rounds(&shared, &feed, args.connections, 1, 1).await];
    stage.end_sending();
    let drained = drain(stage, args.connections, patience).await;
    let report = Report::of(stage, words, connect_s, cast.judge().await?);
    Ok(Report {
        idle: Some(idle),
        fanout,
        processes: usage,
        generator_cpu_s: before.own_until(&after),
        drained,
        ..report
    })
}

fn memory(pids: &[Watched]) -> Vec<u64> {
    pids.iter().map(|process| process.rss().unwrap_or_default()).collect()
}

fn line(connections: u32, connect_s: f64, rss_before: &[u64], usage: &[Usage]) -> IdleLine {
    let processes = usage.iter().zip(rss_before).map(|(usage, &rss_before)| {
        let rss_after = usage.rss.unwrap_or_default();
        IdleProcess {
            name: usage.name.clone(),
            rss_before,
            rss_after,
            bytes_per_connection: rss_after.saturating_sub(rss_before) as f64 / f64::from(connections.max(1)),
            connect_us: usage.cpu_s.map(|cpu_s| cpu_s * 1_000_000.0 / f64::from(connections.max(1))),
        }
    });
    IdleLine {
        connections,
        connects_per_s: f64::from(connections) / connect_s,
        processes: processes.collect(),
    }
}
