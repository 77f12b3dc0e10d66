//! Sockets that never read beside healthy ones: how soon the gateway cuts each, what it holds for them meanwhile, and whether the others
//! notice.
//!
//! Two equal windows of the same load on the healthy pairs: the first without the slow sockets, the second while one sender floods a
//! thread that all of them are in. Whether a slow socket was cut is read from the kernel's list of connections, from the server's end:
//! its own end sees nothing of it, since it does not read.

use crate::{
    args::{SlowArgs, seconds},
    cast::Cast,
    course::{drain, shared},
    cut::{Cuts, Watch},
    error::LoadError,
    latency::Summary,
    member::Shared,
    outbox::Source,
    pacer::{self, Feed},
    proc::Watched,
    report::{Report, SlowLine, SlowProcess},
    socket::Socket,
    target::Target,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Handshakes at a time.
const HANDSHAKES_AT_ONCE: usize = 16;
/// How often memory and connections are looked at: what a moment's peak lasts.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Load before the first window, so that caches and connections are there.
const WARMUP: Duration = Duration::from_secs(3);
/// Between the two windows, so that what was sent in the first has arrived.
const BETWEEN: Duration = Duration::from_secs(2);

/// The healthy pairs, and the flooded thread with its one sender who reads.
struct Scene {
    healthy: Arc<Shared>,
    flood: Arc<Shared>,
    /// How those who never read see the system.
    narrow: Target,
    pairs: Cast,
    flooded: Cast,
    feeds: Vec<Arc<Feed>>,
    flood_feed: Arc<Feed>,
}

/// What was seen while the slow sockets were there.
struct Seen {
    cuts: Cuts,
    before: Vec<u64>,
    peak: Vec<u64>,
}

/// Runs both windows and judges.
pub async fn run(args: &SlowArgs) -> Result<Report, LoadError> {
    let (window, patience) = (seconds("--duration", args.duration)?, args.common.patience()?);
    let scene = Scene::set(args).await?;
    let (healthy, flood) = (Arc::clone(&scene.healthy), Arc::clone(&scene.flood));
    healthy.stage.begin(Duration::ZERO, WARMUP + window + BETWEEN + window);
    let pacer = start_pacer(&healthy, scene.feeds.clone(), args.rate);
    sleep(WARMUP).await;
    healthy.stage.restart_latencies();
    sleep(window).await;
    let without = healthy.stage.restart_latencies();
    sleep(BETWEEN).await;

    let sockets = open_slow(args, &scene.narrow).await?;
    healthy.stage.restart_latencies();
    flood.stage.begin(Duration::ZERO, window);
    let flooding = start_pacer(&flood, vec![Arc::clone(&scene.flood_feed)], args.flood_rate);
    let seen = look(&sockets, &args.common.pids, window).await;
    let with = healthy.stage.latencies();
    for shared in [&flood, &healthy] {
        shared.stage.end_sending();
    }
    for pacer in [flooding, pacer] {
        pacer.await.expect("the pacer neither panics nor is aborted");
    }
    drop(sockets);
    let drained = drain(&healthy.stage, 2, patience).await & drain(&flood.stage, 1, patience).await;

    let verdict = scene.pairs.judge().await?;
    let flooded = scene.flooded.judge().await?;
    let line = line(args, &seen, without.delivery, with.delivery, flooded.lost() + flooded.doubled());
    let words = format!("{} sockets that never read, {} healthy", args.slow, args.healthy);
    let report = Report::of(&healthy.stage, words, (window * 2 + BETWEEN).as_secs_f64(), verdict);
    let clean = report.clean && flooded.is_clean() && line.broken.is_empty();
    Ok(Report { slow: Some(line), drained, clean, ..report })
}

impl Scene {
    async fn set(args: &SlowArgs) -> Result<Self, LoadError> {
        let pairs = args.healthy / 2;
        if pairs == 0 || args.slow == 0 || args.rate <= 0.0 || args.flood_rate <= 0.0 {
            return Err(LoadError::Setting("slow sockets need healthy ones beside them, and rates".to_owned()));
        }
        let healthy = shared(&args.common)?;
        let mut flood = shared(&crate::args::Common { content_bytes: args.flood_bytes, ..args.common.clone() })?;
        // Both are one run: the same users' names, the same label on threads.
        let run = healthy.target.run.clone();
        let own = Arc::get_mut(&mut flood).expect("nobody has it yet");
        own.target.run.clone_from(&run);
        own.stage.run.clone_from(&run);
        let narrow = Target { run, receive_buffer: Some(args.receive_buffer), ..args.common.target()? };
        let feeds: Vec<_> = (0..pairs as usize).map(|rank| Arc::new(Feed::paced(rank, pairs as usize, args.rate))).collect();
        let flood_feed = Arc::new(Feed::paced(0, 1, args.flood_rate));
        let mut cast = Cast::assemble(Arc::clone(&healthy), pairs, 2, args.common.offset).await?;
        cast.connect(
            None,
            |thread, member| if member == 0 { Source::Fed(Arc::clone(&feeds[thread as usize])) } else { Source::Silent },
        )
        .await?;
        let sender = args.common.offset + 2 * pairs;
        let guests: Vec<u32> = (sender + 1..=sender + args.slow).collect();
        let mut flooded = Cast::with_guests(Arc::clone(&flood), sender, &guests).await?;
        flooded.connect(None, |_, _| Source::Fed(Arc::clone(&flood_feed))).await?;
        Ok(Self { healthy, flood, narrow, pairs: cast, flooded, feeds, flood_feed })
    }
}

fn start_pacer(shared: &Arc<Shared>, feeds: Vec<Arc<Feed>>, rate: f64) -> tokio::task::JoinHandle<()> {
    let shared = Arc::clone(shared);
    tokio::task::spawn_blocking(move || pacer::pace(&shared.stage, &feeds, rate))
}

/// Connects those who will never read again.
async fn open_slow(args: &SlowArgs, narrow: &Target) -> Result<Vec<Socket>, LoadError> {
    let first = args.common.offset + 2 * (args.healthy / 2) + 1;
    let open = |user| Socket::open(narrow, user, 0, None);
    stream::iter((first..first + args.slow).map(open)).buffered(HANDSHAKES_AT_ONCE).try_collect().await
}

/// Looks at connections and memory until the window ends, on a thread of its own: reading the kernel's lists takes milliseconds, in which
/// no client would read.
async fn look(sockets: &[Socket], pids: &[Watched], window: Duration) -> Seen {
    let mut watch = Watch::over(sockets.iter().filter_map(Socket::addresses));
    let pids = pids.to_vec();
    let looking = tokio::task::spawn_blocking(move || {
        let before = memory(&pids);
        let (mut peak, start) = (before.clone(), Instant::now());
        while start.elapsed() < window {
            watch.look(start.elapsed());
            for (peak, now) in peak.iter_mut().zip(memory(&pids)) {
                *peak = now.max(*peak);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Seen { cuts: watch.cuts(), before, peak }
    });
    looking.await.expect("looking neither panics nor is aborted")
}

fn memory(pids: &[Watched]) -> Vec<u64> {
    pids.iter().map(|process| process.rss().unwrap_or_default()).collect()
}

fn line(args: &SlowArgs, seen: &Seen, without: Summary, with: Summary, flood_faults: u64) -> SlowLine {
    let allowed = u64::from(args.slow) * args.cap_bytes;
    let rss = seen.before.iter().zip(&seen.peak);
    let process = |(process, (before, peak)): (&Watched, (&u64, &u64))| SlowProcess {
        name: process.name.clone(),
        rss_before: *before,
        rss_peak: *peak,
        growth: peak.saturating_sub(*before),
    };
    let processes: Vec<SlowProcess> = args.common.pids.iter().zip(rss).map(process).collect();
    let mut broken = Vec::new();
    if seen.cuts.uncut > 0 {
        broken.push(format!("{} slow sockets were not cut", seen.cuts.uncut));
    }
    if seen.cuts.last_s > args.cut_within {
        broken.push(format!("the last slow socket was cut after {:.1} s, not {:.1} s", seen.cuts.last_s, args.cut_within));
    }
    for process in processes.iter().filter(|process| holds_sockets(&process.name) && process.growth > allowed) {
        broken.push(format!("{} grew by {} bytes, more than {allowed}", process.name, process.growth));
    }
    SlowLine {
        slow: args.slow,
        healthy: args.healthy,
        flood_rate: args.flood_rate,
        flood_bytes: args.flood_bytes,
        uncut: seen.cuts.uncut,
        first_cut_s: seen.cuts.first_s,
        median_cut_s: seen.cuts.median_s,
        last_cut_s: seen.cuts.last_s,
        without,
        with,
        flood_faults,
        allowed_growth: allowed,
        processes,
        broken,
    }
}

/// Growth is bounded for who holds the sockets; databases and brokers keep what is written to them.
fn holds_sockets(name: &str) -> bool {
    name.starts_with("ws-gateway") || name == "eventflow"
}
