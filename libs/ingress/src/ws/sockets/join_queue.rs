//! Join queue: clients are let in one after the other, so many in a second and so many at once, and wait for
//! their turn in the order in which they came.
//!
//! A handshake costs little. What costs is joining: the token and whether it was revoked, the registry, the
//! presence of the device, what the client missed. Whoever waits has the OPEN packet already. For the
//! official client that ends its count of attempts (it gives up after five), and it has no time limit for
//! what follows; so waiting strands nobody, and a refusal would. Only if the wait would be longer than
//! [`WAIT_MAX`] is a handshake refused. A user who joins too often waits apart, without a turn.

use crate::buckets::Buckets;
use crate::refusal::Refusal;
use crate::settings::IngressConfig;
use eventflow_metrics::{EdgeMetrics, RefusalReason};
use eventflow_protocol::UserId;
use parking_lot::Mutex;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex as TimekeeperLock, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// Longest wait that a handshake is let in for. Then a second round of all clients of a gateway of the
/// published size (5,000) is still let in, and nobody looks at "connecting" for longer.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Joins that need not wait after a pause: those of a tenth of a second, which no one who sits here feels.
const BURST: Duration = Duration::from_millis(100);
/// Joins at once. Bounds how many tasks stand in front of a message when joins need the processor, and how
/// many questions the servers get at once when they need those; with answers in 50 ms still 1,280 a second.
const AT_ONCE: usize = 64;

/// Lets clients in.
pub(crate) struct JoinQueue {
    /// Time between two turns; zero: no limit.
    interval: Duration,
    /// Turns that are given and not taken yet. Clients wait for them in their order; one that goes leaves the
    /// line, and everybody behind it comes sooner.
    turns: Semaphore,
    schedule: Mutex<Schedule>,
    /// Held by the one client in line that keeps the time for all.
    timekeeper: TimekeeperLock<()>,
    at_once: Arc<Semaphore>,
    per_user: Option<Buckets<UserId>>,
    closed: CancellationToken,
    metrics: EdgeMetrics,
}

/// What is known of the turns to come.
struct Schedule {
    /// When the next turn is given.
    next: Instant,
    /// Clients in line for whom no turn is given yet.
    in_line: u32,
}

/// A client's turn, from when it may join until it has. Given back when dropped.
#[derive(Debug, Default)]
pub(crate) struct JoinTurn {
    _permit: Option<OwnedSemaphorePermit>,
}

/// The gateway is draining: nobody is let in any more.
#[derive(Debug)]
pub(crate) struct Closed;

impl JoinQueue {
    /// Nobody waits.
    pub(crate) fn new(config: &IngressConfig, metrics: EdgeMetrics) -> Self {
        let interval = Duration::from_secs(1).checked_div(config.joins_per_second).unwrap_or_default();
        Self {
            interval,
            turns: Semaphore::new(0),
            schedule: Mutex::new(Schedule { next: Instant::now(), in_line: 0 }),
            timekeeper: TimekeeperLock::new(()),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            per_user: Buckets::new(config.joins_per_minute_user),
            closed: CancellationToken::new(),
            metrics,
        }
    }

    /// Checks the handshake of a client: refuses if its turn would not come soon.
    pub(crate) fn check_room(&self) -> Result<(), Refusal> {
        let now = Instant::now();
        let schedule = self.schedule.lock();
        let wait = schedule.next_from(now).saturating_duration_since(now);
        let wait = wait.saturating_add(self.interval.saturating_mul(schedule.in_line));
        drop(schedule);
        if wait <= WAIT_MAX {
            return Ok(());
        }
        self.metrics.refused.of(RefusalReason::Busy).inc();
        Err(Refusal::busy("too many clients are coming in at this moment", wait.saturating_sub(WAIT_MAX)))
    }

    /// Waits for a turn. Whoever is dropped meanwhile takes none.
    pub(crate) async fn turn(&self) -> Result<JoinTurn, Closed> {
        if self.interval.is_zero() {
            return Ok(JoinTurn::default());
        }
        let came = Instant::now();
        let _waiting = Waiting::new(&self.metrics);
        let permit = self.unless_closed(async {
            self.wait_in_line().await;
            // Closed only with its process.
            Arc::clone(&self.at_once).acquire_owned().await.ok()
        });
        let turn = JoinTurn { _permit: permit.await? };
        self.metrics.join_wait_seconds.observe(came.elapsed().as_secs_f64());
        Ok(turn)
    }

    /// Goes on with the turn of a user who does not join too often. Who does waits until they are due, apart
    /// from the queue.
    pub(crate) async fn hold(&self, user: &UserId, turn: JoinTurn) -> Result<JoinTurn, Closed> {
        let Some(buckets) = &self.per_user else { return Ok(turn) };
        let Err(mut wait) = buckets.take(user) else { return Ok(turn) };
        drop(turn);
        self.metrics.joins_held.inc();
        let _waiting = Waiting::new(&self.metrics);
        self.unless_closed(async {
            loop {
                sleep(wait).await;
                match buckets.take(user) {
                    Ok(()) => return JoinTurn::default(),
                    Err(more) => wait = more,
                }
            }
        })
        .await
    }

    /// Lets nobody in any more, and whoever waits go.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Waits in line. The place is taken at the first look, whatever the task has done before: that is why
    /// the waiting is no part of the task's budget of steps.
    async fn wait_in_line(&self) {
        let mut place = InLine::new(self);
        self.give_due_turns();
        let turn = unconstrained(async {
            tokio::select! {
                biased;
                turn = self.turns.acquire() => turn,
                never = self.keep_time() => match never {},
            }
        });
        // Closed only with its process.
        turn.await.into_iter().for_each(SemaphorePermit::forget);
        place.has_turn = true;
    }

    /// Gives turns as they become due. Somebody who is late gives all that are due by then: on a busy machine
    /// clients are let in several at a time, and no slower. Once everybody in line has a turn, so has whoever
    /// keeps the time, and there is nothing to keep: the moments that pass then are those of a pause.
    async fn keep_time(&self) -> Infallible {
        let _alone = self.timekeeper.lock().await;
        while let Some(due) = self.next_due() {
            sleep_until(due).await;
            self.give_due_turns();
        }
        pending().await
    }

    /// When the next turn is given; `None` if nobody is in line for it.
    fn next_due(&self) -> Option<Instant> {
        let schedule = self.schedule.lock();
        (schedule.in_line > 0).then(|| schedule.next_from(Instant::now()))
    }

    fn give_due_turns(&self) {
        let now = Instant::now();
        let mut schedule = self.schedule.lock();
        let mut due = schedule.next_from(now);
        let mut given = 0;
        while schedule.in_line > 0 && due <= now {
            due += self.interval;
            schedule.in_line -= 1;
            given += 1;
        }
        if given > 0 {
            schedule.next = due;
        }
        // Under the lock, so that whoever goes finds as many turns as are given.
        self.turns.add_permits(given);
    }

    async fn unless_closed<T>(&self, waiting: impl Future<Output = T>) -> Result<T, Closed> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Err(Closed),
            done = waiting => Ok(done),
        }
    }
}

impl Schedule {
    /// When the next turn is given, as it looks now. A pause gives credit for [`BURST`], no more.
    fn next_from(&self, now: Instant) -> Instant {
        // Before `BURST` has passed since the start of the machine there is no earlier moment.
        self.next.max(now.checked_sub(BURST).unwrap_or(now))
    }
}

/// One client in line. If it goes without a turn, somebody else has the one that was meant for it.
struct InLine<'a> {
    queue: &'a JoinQueue,
    has_turn: bool,
}

impl<'a> InLine<'a> {
    fn new(queue: &'a JoinQueue) -> Self {
        queue.schedule.lock().in_line += 1;
        Self { queue, has_turn: false }
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.has_turn {
            return;
        }
        let mut schedule = self.queue.schedule.lock();
        if schedule.in_line > 0 {
            schedule.in_line -= 1;
        } else {
            // Everybody in line was given a turn, so there is one too many.
            self.queue.turns.try_acquire().into_iter().for_each(SemaphorePermit::forget);
        }
    }
}

/// One client that waits.
struct Waiting<'a>(&'a EdgeMetrics);

impl<'a> Waiting<'a> {
    fn new(metrics: &'a EdgeMetrics) -> Self {
        metrics.joins_waiting.inc();
        Self(metrics)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.joins_waiting.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;
    use eventflow_protocol::ErrorCode;
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;

    fn queue(per_second: u32, per_minute_user: u32) -> JoinQueue {
        let mut config = IngressConfig::new(&[0; 32]);
        config.joins_per_second = per_second;
        config.joins_per_minute_user = per_minute_user;
        JoinQueue::new(&config, Metrics::default().edge)
    }

    /// When each of so many clients that come at once is let in, and goes on at once.
    async fn let_in(queue: &JoinQueue, clients: usize) -> Vec<Duration> {
        let start = Instant::now();
        let turns = (0..clients).map(|_| async {
            drop(queue.turn().await.unwrap());
            start.elapsed()
        });
        join_all(turns).await
    }

    #[tokio::test(start_paused = true)]
    async fn five_thousand_at_once_are_let_in_within_five_seconds_and_no_faster_than_the_setting() {
        let queue = queue(1_000, 0);
        // sleep: on paused time
        sleep(BURST).await;
        let times = let_in(&queue, 5_000).await;
        assert!(times.is_sorted(), "in the order in which they came");
        for second in 0..5 {
            let within = times.iter().filter(|time| time.as_secs() == second).count();
            assert!(within <= 1_101, "second {second}: {within}");
        }
        assert!(*times.last().unwrap() <= Duration::from_secs(5), "{:?}", times.last());
        assert_eq!(queue.metrics.joins_waiting.get(), 0);
        assert_eq!(queue.metrics.join_wait_seconds.get_sample_count(), 5_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_is_refused_with_503_only_if_its_wait_would_be_long() {
        let queue = queue(10, 0);
        let mut waiting: Vec<_> = (0..101).map(|_| Box::pin(queue.turn())).collect();
        for turn in &mut waiting {
            assert!(queue.check_room().is_ok());
            drop(turn.now_or_never());
        }
        let refused = queue.check_room().unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable);
        assert!(refused.retry_after().unwrap() < Duration::from_secs(1), "{refused:?}");
        assert_eq!(queue.metrics.refused.of(RefusalReason::Busy).get(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(queue.check_room().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_while_they_wait_takes_no_turn() {
        let queue = queue(10, 0);
        let start = Instant::now();
        assert!(queue.turn().await.is_ok());
        let mut gone: Vec<_> = (0..101).map(|_| Box::pin(queue.turn())).collect();
        for turn in &mut gone {
            assert!(turn.now_or_never().is_none());
        }
        let mut patient = Box::pin(queue.turn());
        assert!((&mut patient).now_or_never().is_none());
        assert!(queue.check_room().is_err());
        drop(gone);
        assert!(queue.check_room().is_ok(), "there is room for others at once");
        assert!(patient.await.is_ok());
        assert!(start.elapsed() <= Duration::from_millis(101), "{:?}", start.elapsed());
        assert_eq!(queue.metrics.joins_waiting.get(), 0);
        assert_eq!(queue.at_once.available_permits(), AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_keeps_the_time_and_comes_late_gives_everybody_a_turn_and_goes() {
        let queue = queue(1_000, 0);
        // sleep: on paused time
        sleep(BURST).await;
        let mut in_line: Vec<_> = (0..200).map(|_| Box::pin(queue.turn())).collect();
        in_line.retain_mut(|turn| turn.now_or_never().is_none());
        assert!((1..200).contains(&in_line.len()), "{} are in line", in_line.len());
        tokio::time::advance(Duration::from_secs(5)).await;
        let goes_on = in_line.into_iter().map(|turn| async { turn.await.map(drop) });
        assert!(join_all(goes_on).await.iter().all(Result::is_ok));
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_join_at_once_however_long_they_take() {
        let queue = queue(1_000_000, 0);
        let turns: Vec<JoinTurn> =
            join_all((0..AT_ONCE).map(|_| queue.turn())).await.into_iter().map(Result::unwrap).collect();
        assert!(queue.turn().now_or_never().is_none());
        drop(turns);
        assert!(queue.turn().await.is_ok());
    }

    #[tokio::test]
    async fn who_joins_in_a_loop_waits_and_holds_up_nobody() {
        let queue = queue(1_000, 3);
        let [ann, ben]: [UserId; 2] = ["ann", "ben"].map(|name| name.parse().unwrap());
        for _ in 0..3 {
            assert!(queue.hold(&ann, JoinTurn::default()).now_or_never().is_some());
        }
        let turn = queue.turn().await.unwrap();
        let mut fourth = Box::pin(queue.hold(&ann, turn));
        assert!((&mut fourth).now_or_never().is_none());
        assert_eq!(queue.at_once.available_permits(), AT_ONCE, "its turn is somebody else's");
        assert!(queue.hold(&ben, JoinTurn::default()).now_or_never().is_some());
        assert_eq!((queue.metrics.joins_held.get(), queue.metrics.joins_waiting.get()), (1, 1));
        queue.close();
        assert!(fourth.await.is_err(), "a gateway that drains does not keep it");
        assert!(queue.turn().await.is_err());
    }

    #[tokio::test]
    async fn zero_is_no_limit() {
        let queue = queue(0, 0);
        let turns: Vec<_> = join_all((0..10 * AT_ONCE).map(|_| queue.turn())).await;
        assert!(turns.iter().all(Result::is_ok) && queue.check_room().is_ok());
    }
}
