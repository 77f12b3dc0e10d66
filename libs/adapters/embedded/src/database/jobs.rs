//! What waits for a database thread: a bounded first-in-first-out queue between tasks and threads.
//!
//! A job is urgent (wakes its thread, takes room that its task waits for) or lazy (rides with the next urgent one, or goes
//! by itself after [`LAZY_LINGER`]). Order is kept across both kinds.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How long a lazy job waits for company. Deletes of acknowledged messages are lazy: what a crash in this time forgets is
/// delivered once more, which consumers are prepared for; in return an idle system saves the `fsync` of each.
pub(super) const LAZY_LINGER: Duration = Duration::from_millis(10);

/// The queue takes nothing any more.
#[derive(Debug)]
pub(super) struct Closed;

/// Jobs that wait.
pub(super) struct JobQueue<J> {
    room: Semaphore,
    state: Mutex<State<J>>,
    wake: Condvar,
}

struct State<J> {
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
        let state = State { jobs: VecDeque::new(), urgent: 0, lazy_due: None, closed: false };
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

    /// Adds a lazy job. The caller bounds how many there are.
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

    /// Waits for work and takes all of it; `None` once the queue is closed and empty.
    pub(super) fn take_all(&self) -> Option<Vec<J>> {
        let mut state = self.state.lock();
        loop {
            let late = state.lazy_due.is_some_and(|due| due <= Instant::now());
            if state.urgent > 0 || late || (state.closed && !state.jobs.is_empty()) {
                self.room.add_permits(state.urgent);
                state.urgent = 0;
                state.lazy_due = None;
                return Some(state.jobs.drain(..).map(|(job, _)| job).collect());
            }
            if state.closed {
                return None;
            }
            match state.lazy_due {
                Some(due) => drop(self.wake.wait_until(&mut state, due)),
                None => self.wake.wait(&mut state),
            }
        }
    }

    /// Waits for work and takes the oldest job; `None` once the queue is closed and empty.
    pub(super) fn take_one(&self) -> Option<J> {
        let mut state = self.state.lock();
        loop {
            if let Some((job, urgency)) = state.jobs.pop_front() {
                if urgency == Urgency::Urgent {
                    state.urgent -= 1;
                    self.room.add_permits(1);
                }
                return Some(job);
            }
            if state.closed {
                return None;
            }
            self.wake.wait(&mut state);
        }
    }

    /// Takes no more jobs; those that wait are still given out.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.room.close();
        self.wake.notify_all();
    }
}
