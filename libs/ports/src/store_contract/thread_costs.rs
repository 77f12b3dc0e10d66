//! Measurements that every store can run: what a read marker costs in a long thread, and what a message costs
//! in a thread of many people; both beside somebody who writes to a friend.
//!
//! The adapters' examples `thread_costs_mongo` and `thread_costs_embedded` print the result. Nothing here
//! judges it.

use super::fixtures::{Scene, append, at};
use crate::store::Store;
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Messages that are stored in one call while the long thread is filled.
const FILL: usize = 256;
/// Pause of a person between two messages.
const PAUSE: Duration = Duration::from_millis(5);
/// Length of each measurement that has no end of its own.
const MEASURED: Duration = Duration::from_secs(4);
/// How far each read marker moves on.
const STRIDE: u64 = 10;

/// How large the measured threads are.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Messages in the long thread of two people.
    pub messages: usize,
    /// People in the large thread.
    pub people: usize,
}

/// How long calls took.
pub struct Latencies(Vec<Duration>);

/// A person who writes one message after another, until told to stop.
struct Writer {
    stopped: Arc<AtomicBool>,
    writing: JoinSet<Latencies>,
}

/// Measures read markers: small steps from the beginning of a long thread, then everything else at once.
///
/// Gives lines to print.
pub async fn read_markers(store: Arc<dyn Store>, sizes: Sizes) -> Vec<String> {
    let long = Scene::with_people(&*store, 2).await;
    fill(&*store, &long, sizes.messages).await;
    let friends = Scene::with_people(&*store, 2).await;
    let mut lines = vec![format!("a thread of 2 people and {} messages", sizes.messages)];

    let writer = Writer::start(&store, &friends);
    // sleep: the length of the measurement
    sleep(MEASURED).await;
    lines.push(format!("  messages of others, alone:                {}", writer.stop().await));

    let writer = Writer::start(&store, &friends);
    let markers = small_steps(&*store, &long).await;
    lines.push(format!("  messages of others, beside small steps:   {}", writer.stop().await));
    lines.push(format!("  a read marker that moves {STRIDE} messages:       {markers}"));

    let writer = Writer::start(&store, &friends);
    let rest = read(&*store, &long, None).await;
    lines.push(format!("  messages of others, beside the long step: {}", writer.stop().await));
    lines.push(format!("  everything else is read at once:          {:.0} ms", ms(rest)));
    lines
}

/// Measures messages to many people, and those between two people beside them.
///
/// Gives lines to print.
pub async fn messages_to_many(store: Arc<dyn Store>, sizes: Sizes) -> Vec<String> {
    let crowd = Scene::with_people(&*store, sizes.people).await;
    let friends = Scene::with_people(&*store, 2).await;
    let mut lines = vec![format!("a thread of {} people", sizes.people)];
    for (what, beside) in [("alone", false), ("beside the large one", true)] {
        let many = beside.then(|| Writer::start(&store, &crowd));
        let few = Writer::start(&store, &friends);
        // sleep: the length of the measurement
        sleep(MEASURED).await;
        lines.push(format!("  a message to one person, {what}: {}", few.stop().await));
        if let Some(many) = many {
            lines.push(format!("  a message to all of them:                     {}", many.stop().await));
        }
    }
    lines
}

async fn fill(store: &dyn Store, scene: &Scene, count: usize) {
    let mut done = 0;
    while done < count {
        let batch: Vec<_> = (done..count.min(done + FILL)).map(|i| scene.say(0, &format!("{i}"))).collect();
        let stored = append(store, &batch).await;
        store.touch_threads(&stored).await.expect("touch");
        done += batch.len();
    }
}

async fn small_steps(store: &dyn Store, scene: &Scene) -> Latencies {
    let started = Instant::now();
    let mut took = Vec::new();
    for place in (1..).map(|step| step * STRIDE) {
        if started.elapsed() > MEASURED {
            break;
        }
        took.push(read(store, scene, Some(place)).await);
        // sleep: a person reads what the marker moves over
        sleep(PAUSE).await;
    }
    Latencies(took)
}

async fn read(store: &dyn Store, scene: &Scene, up_to: Option<u64>) -> Duration {
    let advance = AdvanceCursor {
        thread_id: scene.thread,
        user_id: scene.people[1].clone(),
        cursor: Cursor::Read,
        up_to,
        at: at(50),
    };
    let started = Instant::now();
    store.advance(&[advance]).await.expect("advance");
    started.elapsed()
}

impl Writer {
    fn start(store: &Arc<dyn Store>, scene: &Scene) -> Self {
        let (store, scene) = (Arc::clone(store), scene.clone());
        let stopped = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stopped);
        let mut writing = JoinSet::new();
        writing.spawn(async move {
            let mut took = Vec::new();
            while !is_stopped.load(Ordering::Relaxed) {
                let started = Instant::now();
                let stored = append(&*store, &[scene.say(0, "hello")]).await;
                store.touch_threads(&stored).await.expect("touch");
                took.push(started.elapsed());
                // sleep: the pace of the load
                sleep(PAUSE).await;
            }
            Latencies(took)
        });
        Self { stopped, writing }
    }

    async fn stop(mut self) -> Latencies {
        self.stopped.store(true, Ordering::Relaxed);
        let latencies = self.writing.join_next().await.expect("there is one writer");
        latencies.expect("the writer does not panic")
    }
}

impl Latencies {
    fn at(&self, part: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the place in a list of some thousand"
        )]
        let place = (sorted.len().saturating_sub(1) as f64 * part) as usize;
        sorted.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|part| ms(self.at(part)));
        write!(f, "p50 {p50:>7.2}  p99 {p99:>7.2}  max {max:>7.2} ms, of {}", self.0.len())
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000.0
}
