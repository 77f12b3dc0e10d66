//! Course of one measured run: set up, warm up, measure, drain, judge.

use crate::{
    args::{Mode, Patience, RunArgs, seconds},
    cast::Cast,
    error::LoadError,
    member::Shared,
    outbox::Source,
    pacer::{self, Feed},
    proc::{Snapshot, Watched},
    progress,
    report::Report,
    stage::Stage,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Silence after which a run ends although deliveries are missing: longer than any retry inside the system.
const QUIET_INCOMPLETE: Duration = Duration::from_secs(10);
/// Poll interval of the drain.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs the load that `args` asks for.
pub async fn run(args: &RunArgs) -> Result<Report, LoadError> {
    let (plan, patience) = (Plan::of(args)?, args.common.patience()?);
    let shared = shared(&args.common)?;
    let stage = &shared.stage;
    let mut cast =
        Cast::assemble(Arc::clone(&shared), plan.threads, plan.members, args.common.offset).await?;
    cast.connect(None, |thread, member| plan.source(thread, member)).await?;
    let pids = &args.common.pids;

    stage.begin(plan.warmup, plan.duration);
    let pacer = plan.start_pacer(&shared);
    let every = seconds("--progress", args.common.progress)?;
    let (before, after) = tokio::select! {
        measured = measure(&plan, pids) => measured,
        () = progress::report(stage, every), if !every.is_zero() => unreachable!("it reports until dropped"),
    };
    stage.end_sending();
    pacer.await.expect("the pacer neither panics nor is aborted");
    let drained = drain(stage, plan.members, patience).await;

    let processes = before.usage_until(&after, pids, stage.acked_in_window.load(Ordering::Acquire));
    let verdict = cast.judge().await?;
    let report = Report::of(stage, plan.words(args), plan.duration.as_secs_f64(), verdict);
    Ok(Report { processes, generator_cpu_s: before.own_until(&after), drained, ..report })
}

async fn measure(plan: &Plan, pids: &[Watched]) -> (Snapshot, Snapshot) {
    sleep(plan.warmup).await;
    let before = Snapshot::take(pids);
    sleep(plan.duration).await;
    (before, Snapshot::take(pids))
}

/// Creates what all clients of a run share.
pub fn shared(common: &crate::args::Common) -> Result<Arc<Shared>, LoadError> {
    let target = common.target()?;
    let stage = Stage::new(&target.run);
    Ok(Arc::new(Shared { target, stage, content_bytes: common.content_bytes, reconnect: common.reconnect }))
}

/// Waits until every message is answered and every client has everything, or until nothing changes any more,
/// for as long as `patience` allows. Returns `true` if nothing was left open.
pub async fn drain(stage: &Stage, members: u32, patience: Patience) -> bool {
    let give_up = Instant::now() + patience.drain;
    loop {
        let quiet = Duration::from_micros(stage.quiet_us());
        let settled = is_settled(stage);
        let complete = settled && is_complete(stage, members);
        if (complete && quiet >= patience.quiet)
            || (settled && quiet >= QUIET_INCOMPLETE)
            || Instant::now() >= give_up
        {
            return settled;
        }
        sleep(LOOK_EVERY).await;
    }
}

fn is_settled(stage: &Stage) -> bool {
    let open = stage.offered.load(Ordering::Acquire) - stage.settled.load(Ordering::Acquire);
    open == 0 && stage.unsettled_clients.load(Ordering::Acquire) == 0
}

fn is_complete(stage: &Stage, members: u32) -> bool {
    stage.received.load(Ordering::Acquire) >= stage.stored.load(Ordering::Acquire) * u64::from(members)
}

struct Plan {
    threads: u32,
    members: u32,
    senders: u32,
    in_flight: u32,
    rate: f64,
    feeds: Vec<Arc<Feed>>,
    warmup: Duration,
    duration: Duration,
}

impl Plan {
    fn of(args: &RunArgs) -> Result<Self, LoadError> {
        let (threads, members) = args.threads.zip(args.members).unwrap_or((args.pairs, 2));
        let senders = if args.senders == 0 { members } else { args.senders.min(members) };
        if threads == 0
            || members < 2
            || (args.mode == Mode::Open && args.rate <= 0.0)
            || args.duration <= 0.0
        {
            return Err(LoadError::Setting(
                "a run needs threads, two members, a rate and a duration".to_owned(),
            ));
        }
        let count = if args.mode == Mode::Open { threads as usize * senders as usize } else { 0 };
        Ok(Self {
            threads,
            members,
            senders,
            in_flight: args.in_flight,
            rate: args.rate,
            feeds: (0..count).map(|rank| Arc::new(Feed::paced(rank, count, args.rate))).collect(),
            warmup: seconds("--warmup", args.warmup)?,
            duration: seconds("--duration", args.duration)?,
        })
    }

    fn source(&self, thread: u32, member: u32) -> Source {
        if member >= self.senders {
            return Source::Silent;
        }
        let rank = member as usize * self.threads as usize + thread as usize;
        self.feeds.get(rank).map_or(Source::Closed(self.in_flight), |feed| Source::Fed(Arc::clone(feed)))
    }

    fn start_pacer(&self, shared: &Arc<Shared>) -> tokio::task::JoinHandle<()> {
        let shared = Arc::clone(shared);
        let feeds = self.feeds.clone();
        let rate = self.rate;
        tokio::task::spawn_blocking(move || pacer::pace(&shared.stage, &feeds, rate))
    }

    fn words(&self, args: &RunArgs) -> String {
        let offer = match args.mode {
            Mode::Saturate => format!("{} in flight each", self.in_flight),
            Mode::Open => format!("{} msg/s", self.rate),
        };
        format!(
            "{} threads of {}, {} sending, {offer}, {} B",
            self.threads, self.members, self.senders, args.common.content_bytes
        )
    }
}
