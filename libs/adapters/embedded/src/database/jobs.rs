//! The jobs that wait for a database thread: a bounded first-in-first-out queue between tasks and threads.
//!
//! An urgent job wakes its thread and takes room, for which its task waits. A lazy job rides with the next
//! urgent one, or goes by itself after [`LAZY_LINGER`]. The queue keeps the order across both kinds.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Lazy jobs: how long one waits for an urgent one. Deletes of acknowledged messages are lazy. A crash in
/// this time delivers their messages once more, for which consumers are prepared; in return an idle system
/// saves the `fsync` of each.
pub(super) const LAZY_LINGER: Duration = Duration::from_millis(10);

/// The queue is closed and takes no more jobs.
#[derive(Debug)]
pub(super) struct Closed;

/// What came of waiting for jobs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited<T> {
    /// These are to be done.
    For(T),
    /// Nothing came in time.
    InVain,
    /// The queue is closed and empty.
    Closed,
}

/// Jobs that wait.
pub(super) struct JobQueue<J> {
    room: Semaphore,
    state: Mutex<JobsState<J>>,
    wake: Condvar,
}

struct JobsState<J> {
    jobs: VecDeque<(J, Urgency)>,
    urgent: usize,
    lazy_due: Option<Instant>,
    closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    Urgent,
    Lazy,
}

impl<J> JobQueue<J> {
    /// A queue with room for `urgent_max` urgent jobs.
    pub(super) fn new(urgent_max: usize) -> Self {
        let state = JobsState { jobs: VecDeque::new(), urgent: 0, lazy_due: None, closed: false };
        Self { room: Semaphore::new(urgent_max), state: Mutex::new(state), wake: Condvar::new() }
    }

    /// Adds an urgent job once there is room.
    pub(super) async fn push(&self, job: J) -> Result<(), Closed> {
        self.room.acquire().await.map_err(|_| Closed)?.forget();
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed);
        }
        state.jobs.push_back((job, Urgency::Urgent));
        state.urgent += 1;
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Adds a lazy job. The caller bounds their number.
    pub(super) fn push_lazily(&self, job: J) -> Result<(), Closed> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed);
        }
        state.jobs.push_back((job, Urgency::Lazy));
        let first = state.lazy_due.is_none();
        state.lazy_due.get_or_insert_with(|| Instant::now() + LAZY_LINGER);
        drop(state);
        if first {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Waits for jobs, at most until `until`, and takes all of them.
    pub(super) fn take_all(&self, until: Option<Instant>) -> Waited<Vec<J>> {
        let mut state = self.state.lock();
        loop {
            let late = state.lazy_due.is_some_and(|due| due <= Instant::now());
            if state.urgent > 0 || late || (state.closed && !state.jobs.is_empty()) {
                self.room.add_permits(state.urgent);
                state.urgent = 0;
                state.lazy_due = None;
                return Waited::For(state.jobs.drain(..).map(|(job, _)| job).collect());
            }
            if state.closed {
                return Waited::Closed;
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Waited::InVain;
            }
            match [state.lazy_due, until].into_iter().flatten().min() {
                Some(due) => drop(self.wake.wait_until(&mut state, due)),
                None => self.wake.wait(&mut state),
            }
        }
    }

    /// Waits for jobs, at most until `until`, and takes the oldest one.
    pub(super) fn take_one(&self, until: Option<Instant>) -> Waited<J> {
        let mut state = self.state.lock();
        loop {
            if let Some((job, urgency)) = state.jobs.pop_front() {
                if urgency == Urgency::Urgent {
                    state.urgent -= 1;
                    self.room.add_permits(1);
                }
                return Waited::For(job);
            }
            if state.closed {
                return Waited::Closed;
            }
            match until {
                Some(until) if until <= Instant::now() => return Waited::InVain,
                Some(until) => drop(self.wake.wait_until(&mut state, until)),
                None => self.wake.wait(&mut state),
            }
        }
    }

    /// Takes no more jobs; those that wait are still given out.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.room.close();
        self.wake.notify_all();
    }
}
