//! Typing: a key pressed comes in, rarely an event goes out.
//!
//! [`typists`] decides what others are told. Who loses the connection has stopped. Those who hear of it are
//! told of the end by their own gateway ([`expiry`]) if the typist's is gone. Typing costs nothing of the
//! budget of messages, and what does not fit into the bounds is dropped: nothing depends on it.

pub(crate) mod expiry;
pub(crate) mod typists;

use crate::ws::sockets::handle::ClientSocket;
use crate::ws::upstream::signals::Signals;
use eventflow_ports::Clock;
use eventflow_protocol::event::{Event, TYPING_LIFE};
use eventflow_protocol::{CommandId, ThreadId, UserId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use typists::{TypingChange, Typists};

/// How often typists who have stopped without a word are looked for, while anybody types.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Events waiting for the broker; past it they are dropped.
const WAITING_MAX: usize = 1_024;

/// The way from sockets to the task that tells others.
pub(crate) struct Typing {
    typists: Typists,
    clock: Arc<dyn Clock>,
    waiting: mpsc::Sender<Event>,
    started: Notify,
}

/// The task that tells others.
pub(crate) struct TypingTask {
    typing: Arc<Typing>,
    waiting: mpsc::Receiver<Event>,
    signals: Signals,
}

/// Nobody types yet; the task has to be run.
pub(crate) fn typing(clock: Arc<dyn Clock>, signals: Signals) -> (Arc<Typing>, TypingTask) {
    let (sender, waiting) = mpsc::channel(WAITING_MAX);
    let typing =
        Arc::new(Typing { typists: Typists::default(), clock, waiting: sender, started: Notify::new() });
    let task = TypingTask { typing: Arc::clone(&typing), waiting, signals };
    (typing, task)
}

impl Typing {
    /// The socket's user presses a key in the thread.
    pub(crate) fn start(&self, socket: &ClientSocket, user: &UserId, thread: ThreadId) {
        let fits = socket.state().start_typing(thread);
        let tells = fits && self.typists.starts(user, thread, Instant::now());
        self.started.notify_one();
        if tells {
            self.tell(user.clone(), thread, true);
        }
    }

    /// The socket's user has stopped in the thread.
    pub(crate) fn stop(&self, socket: &ClientSocket, user: &UserId, thread: ThreadId) {
        socket.state().stop_typing(thread);
        if self.typists.stops(user, thread) || self.stops_after_coming(socket, user, thread) {
            self.tell(user.clone(), thread, false);
        }
    }

    /// The user's message was delivered: what they typed is done. Each gateway tells its own sockets, so no
    /// stop goes out.
    pub(crate) fn sent(&self, thread: ThreadId, user: &UserId) {
        self.typists.stops(user, thread);
    }

    /// The socket has no transport any more: its user has stopped in every thread.
    pub(crate) fn stop_all(&self, socket: &ClientSocket) {
        let Some(user) = socket.state().user() else { return };
        for thread in socket.state().take_typing() {
            if self.typists.stops(user, thread) {
                self.tell(user.clone(), thread, false);
            }
        }
    }

    /// How many people type at this moment.
    pub(crate) fn count(&self) -> u64 {
        self.typists.count(Instant::now())
    }

    /// A page that has just come reports the stop of what it had started before, perhaps on another gateway.
    fn stops_after_coming(&self, socket: &ClientSocket, user: &UserId, thread: ThreadId) -> bool {
        let here_for = socket.state().opened_at().age_at(self.clock.now());
        let tells = here_for <= TYPING_LIFE && self.typists.stops_elsewhere(user, thread, Instant::now());
        self.started.notify_one();
        tells
    }

    fn tell(&self, user_id: UserId, thread_id: ThreadId, is_typing: bool) {
        let event =
            Event::Typing { thread_id, user_id, is_typing, command: CommandId::new(), at: self.clock.now() };
        if self.waiting.try_send(event).is_err() {
            tracing::debug!("a typing signal is dropped: too many are waiting");
        }
    }
}

impl TypingTask {
    /// Tells others, until it is dropped. Nothing runs while nobody types.
    pub(crate) async fn run(self) {
        let Self { typing, waiting, signals } = self;
        tokio::join!(tell_what_is_due(&typing), publish(waiting, &signals));
    }
}

async fn tell_what_is_due(typing: &Typing) {
    loop {
        if typing.typists.is_empty() {
            typing.started.notified().await;
        }
        sleep(LOOK_EVERY).await;
        for TypingChange { user, thread, is_typing } in typing.typists.due(Instant::now()) {
            typing.tell(user, thread, is_typing);
        }
    }
}

async fn publish(mut waiting: mpsc::Receiver<Event>, signals: &Signals) {
    while let Some(event) = waiting.recv().await {
        if let Err(error) = signals.event(&event).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a typing signal is dropped");
        }
    }
}
