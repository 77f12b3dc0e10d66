//! Slow sockets: sockets that never read, beside healthy ones. It measures how soon the gateway cuts each,
//! what it holds for them meanwhile, and whether the others notice.
//!
//! The healthy pairs have the same load all the time, in windows of one length. The first window has no
//! flood. Then each round has two: in one a sender floods a thread of sockets that read, and in the other a
//! sender floods a thread of sockets that never read. What the healthy pairs notice of the first flood is the
//! price of its messages. What they notice of the second one beyond that is the price of slowness. The run
//! takes cuts from the kernel's list of connections, at the server's end: a slow socket does not read, so its
//! own end sees no cut.

use crate::{
    args::{SlowArgs, seconds},
    cast::Cast,
    course::{drain, shared},
    cut::{Cuts, Watch},
    error::LoadError,
    flood::{Flood, read_all, start_pacer},
    latency::{Summary, median_p99},
    member::Shared,
    outbox::Source,
    pacer::Feed,
    proc::Watched,
    report::{Report, SlowLine, SlowProcess},
    socket::Socket,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Poll interval of memory and connections, so a peak shows if it lasts this long.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Load before the first window, so that caches are warm and connections are open.
const WARMUP: Duration = Duration::from_secs(3);
/// Pause between two windows, so that messages of the first one have arrived.
const BETWEEN: Duration = Duration::from_secs(2);

/// The healthy pairs, and one flood of each kind per round.
struct Scene {
    healthy: Arc<Shared>,
    pairs: Cast,
    feeds: Vec<Arc<Feed>>,
    rounds: Vec<[Flood; 2]>,
}

/// What was seen while slow sockets were connected.
struct Seen {
    cuts: Cuts,
    before: Vec<u64>,
    peak: Vec<u64>,
}

/// Runs all windows and judges.
pub async fn run(args: &SlowArgs) -> Result<Report, LoadError> {
    let (window, patience) = (seconds("--duration", args.duration)?, args.common.patience()?);
    let Scene { healthy, pairs, feeds, rounds } = Scene::set(args).await?;
    let stage = &healthy.stage;
    let whole = WARMUP + (window + BETWEEN) * (1 + 2 * args.rounds);
    stage.begin(Duration::ZERO, whole);
    let pacer = start_pacer(&healthy, feeds, args.rate);
    sleep(WARMUP).await;
    let pids = &args.common.pids;
    stage.restart_latencies();
    // This window polls too, so that polling costs the same in every window.
    look(&[], pids, window).await;
    let alone = stage.restart_latencies().delivery;
    let mut beside_readers = Vec::new();
    let mut beside_slow = Vec::new();
    let mut seen = Vec::new();
    let mut readers_cut = 0;
    for [read, unread] in &rounds {
        sleep(BETWEEN).await;
        let sockets = read.open(None).await?;
        let looking = look(&sockets, pids, window);
        let readers = read_all(sockets);
        let (delivery, looked) = flood(read, stage, window, looking).await;
        drop(readers);
        // The gateway must not cut a socket that reads.
        readers_cut += args.slow - looked.cuts.uncut;
        beside_readers.push(delivery);
        sleep(BETWEEN).await;
        let sockets = unread.open(Some(args.receive_buffer)).await?;
        let (delivery, looked) = flood(unread, stage, window, look(&sockets, pids, window)).await;
        beside_slow.push(delivery);
        seen.push(looked);
    }
    stage.end_sending();
    pacer.await.expect("the pacer neither panics nor is aborted");
    let mut drained = drain(stage, 2, patience).await;
    let mut faults = 0;
    for flood in rounds.into_iter().flatten() {
        drained &= drain(&flood.shared().stage, 1, patience).await;
        let verdict = flood.judge().await?;
        faults += verdict.lost() + verdict.doubled() + u64::from(!verdict.is_clean());
    }
    let mut line = line(args, &seen, alone, beside_readers, beside_slow, faults);
    if readers_cut > 0 {
        line.broken.push(format!("{readers_cut} sockets that read were cut"));
    }
    let words =
        format!("{} sockets that never read, {} healthy, {} rounds", args.slow, args.healthy, args.rounds);
    let report = Report::of(&healthy.stage, words, whole.as_secs_f64(), pairs.judge().await?);
    let clean = report.clean && faults == 0 && line.broken.is_empty();
    Ok(Report { slow: Some(line), drained, clean, ..report })
}

/// Runs one window of a flood. Returns the latency of the healthy sockets, and the result of `meanwhile`,
/// which takes as long as the window.
async fn flood<T>(
    flood: &Flood,
    healthy: &crate::stage::Stage,
    window: Duration,
    meanwhile: impl Future<Output = T>,
) -> (Summary, T) {
    healthy.restart_latencies();
    let flooding = flood.start(window);
    let seen = meanwhile.await;
    let delivery = healthy.restart_latencies().delivery;
    flood.end();
    flooding.await.expect("the pacer neither panics nor is aborted");
    (delivery, seen)
}

impl Scene {
    async fn set(args: &SlowArgs) -> Result<Self, LoadError> {
        let pairs = args.healthy / 2;
        if pairs == 0 || args.slow == 0 || args.rounds == 0 || args.rate <= 0.0 || args.flood_rate <= 0.0 {
            return Err(LoadError::Setting(
                "slow sockets need healthy ones beside them, rounds and rates".to_owned(),
            ));
        }
        let healthy = shared(&args.common)?;
        let feeds: Vec<_> =
            (0..pairs as usize).map(|rank| Arc::new(Feed::paced(rank, pairs as usize, args.rate))).collect();
        let mut cast = Cast::assemble(Arc::clone(&healthy), pairs, 2, args.common.offset).await?;
        cast.connect(None, |thread, member| {
            if member == 0 { Source::Fed(Arc::clone(&feeds[thread as usize])) } else { Source::Silent }
        })
        .await?;
        let run = &healthy.target.run;
        let mut rounds = Vec::new();
        for round in 0..args.rounds {
            let sender = args.common.offset + 2 * pairs + 2 * round * (args.slow + 1);
            rounds.push([
                Flood::set(args, run, sender).await?,
                Flood::set(args, run, sender + args.slow + 1).await?,
            ]);
        }
        Ok(Self { healthy, pairs: cast, feeds, rounds })
    }
}

/// Polls connections and memory until the window ends, on a thread of its own, because reading the kernel's
/// lists takes milliseconds in which no client would read. The polling also takes time from the system, so it
/// runs in every window, whether there is something to see or not.
fn look(sockets: &[Socket], pids: &[Watched], window: Duration) -> impl Future<Output = Seen> + use<> {
    let mut watch = Watch::over(sockets.iter().filter_map(Socket::addresses));
    let pids = pids.to_vec();
    let looking = move || {
        let before = memory(&pids);
        let (mut peak, start) = (before.clone(), Instant::now());
        while start.elapsed() < window {
            watch.look(start.elapsed());
            for (peak, now) in peak.iter_mut().zip(memory(&pids)) {
                *peak = now.max(*peak);
            }
            std::thread::sleep(LOOK_EVERY.min(window.saturating_sub(start.elapsed())));
        }
        Seen { cuts: watch.cuts(), before, peak }
    };
    async move { tokio::task::spawn_blocking(looking).await.expect("looking neither panics nor is aborted") }
}

fn memory(pids: &[Watched]) -> Vec<u64> {
    pids.iter().map(|process| process.rss().unwrap_or_default()).collect()
}

fn line(
    args: &SlowArgs,
    seen: &[Seen],
    alone: Summary,
    beside_readers: Vec<Summary>,
    beside_slow: Vec<Summary>,
    flood_faults: u64,
) -> SlowLine {
    let allowed = u64::from(args.slow) * args.cap_bytes;
    let processes: Vec<SlowProcess> = args
        .common
        .pids
        .iter()
        .enumerate()
        .filter_map(|(n, process)| worst(&process.name, n, seen))
        .collect();
    let cuts = Cuts::worst(seen.iter().map(|seen| seen.cuts));
    let noticed = median_p99(&beside_slow) / median_p99(&beside_readers);
    let mut broken = Vec::new();
    if cuts.uncut > 0 {
        broken.push(format!("{} slow sockets were not cut", cuts.uncut));
    }
    if cuts.last_s > args.cut_within {
        broken.push(format!(
            "the last slow socket was cut after {:.1} s, not {:.1} s",
            cuts.last_s, args.cut_within
        ));
    }
    for process in processes.iter().filter(|process| holds_sockets(&process.name) && process.growth > allowed)
    {
        broken.push(format!("{} grew by {} bytes, more than {allowed}", process.name, process.growth));
    }
    if noticed > args.notice {
        broken.push(format!(
            "the healthy ones' 99th percentile is {noticed:.2} times as long, not {:.2}",
            args.notice
        ));
    }
    SlowLine {
        slow: args.slow,
        healthy: args.healthy,
        flood_rate: args.flood_rate,
        flood_bytes: args.flood_bytes,
        cuts,
        alone,
        beside_readers,
        beside_slow,
        noticed,
        flood_faults,
        allowed_growth: allowed,
        processes,
        broken,
    }
}

/// The round in which a process grew most.
fn worst(name: &str, n: usize, seen: &[Seen]) -> Option<SlowProcess> {
    let process = |seen: &Seen| {
        let (rss_before, rss_peak) = (seen.before[n], seen.peak[n]);
        SlowProcess {
            name: name.to_owned(),
            rss_before,
            rss_peak,
            growth: rss_peak.saturating_sub(rss_before),
        }
    };
    seen.iter().map(process).max_by_key(|process| process.growth)
}

/// Whether growth of this process is limited. The limit is for processes that hold sockets; databases and
/// brokers keep what is written to them.
fn holds_sockets(name: &str) -> bool {
    name.starts_with("ws-gateway") || name == "eventflow"
}
