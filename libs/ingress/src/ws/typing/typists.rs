//! Who types: a key pressed in, rarely an event out.
//!
//! Clients say so at every key. Of one person in one thread a start goes out at most every [`TOLD_EVERY`], a stop only if a start
//! went out, here or perhaps elsewhere; who says nothing more, or loses the connection, has stopped. Those who hear of it are told of the
//! end by their own gateway ([`crate::ws::typing_heard`]) if the typist's is gone. It costs nothing of the budget of messages, and what
//! does not fit into the bounds is dropped: nothing depends on it.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use crate::validate;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::event::Taken;
use crate::ws::events::{limited, taken};
use crate::ws::member::Member;
use crate::ws::signals::Signals;
use eventflow_ports::Clock;
use eventflow_protocol::event::{Event, Participants, TYPING_LIFE_MS};
use eventflow_protocol::{CommandId, ThreadId, UserId};
use eventflow_socketio::Socket;
use parking_lot::Mutex;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

/// How often others are told that somebody still types: three times within the life of a signal.
pub(crate) const TOLD_EVERY: Duration = Duration::from_secs(2);
/// How long one key counts.
const LIFE: Duration = Duration::from_millis(TYPING_LIFE_MS.unsigned_abs());
/// How often it is looked for those who have stopped without a word, while anybody types.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// People typing here at the same time: more than a gateway has sockets on an ordinary day. 10 MB.
const TYPISTS_MAX: usize = 50_000;
/// Threads in which one socket can be typing.
const TYPING_PER_SOCKET: usize = 16;
/// Events waiting for the broker; past it they are dropped.
const WAITING_MAX: usize = 1_024;

/// One person in one thread.
#[derive(Debug)]
struct Typist {
    /// When a start last went out.
    told_at: Instant,
    /// Others were told that they type, and not yet that they stopped.
    is_shown: bool,
    /// Until when the last key counts; none after a stop.
    until: Option<Instant>,
}

/// What others have to be told: who, where, and whether they type.
type Told = (UserId, ThreadId, bool);

/// Everybody who types here.
#[derive(Debug, Default)]
pub(crate) struct Typists(Mutex<HashMap<(UserId, ThreadId), Typist>>);

impl Typists {
    /// A key was pressed. `true` if others have to be told.
    fn starts(&self, user: &UserId, thread: ThreadId, now: Instant) -> bool {
        let mut typists = self.0.lock();
        let is_full = typists.len() >= TYPISTS_MAX;
        let key = (user.clone(), thread);
        if let Some(typist) = typists.get_mut(&key) {
            typist.until = Some(now + LIFE);
            let tells = now.saturating_duration_since(typist.told_at) >= TOLD_EVERY;
            if tells {
                typist.told_at = now;
                typist.is_shown = true;
            }
            return tells;
        }
        if !is_full {
            typists.insert(key, Typist { told_at: now, is_shown: true, until: Some(now + LIFE) });
        }
        !is_full
    }

    /// They said that they stopped, or can say nothing more. `true` if others have to be told.
    fn stops(&self, user: &UserId, thread: ThreadId) -> bool {
        let mut typists = self.0.lock();
        let Some(typist) = typists.get_mut(&(user.clone(), thread)) else { return false };
        typist.until = None;
        std::mem::take(&mut typist.is_shown)
    }

    /// They stopped, and may have started elsewhere: on another gateway, which is gone. `true` if others have to be told.
    fn stops_elsewhere(&self, user: &UserId, thread: ThreadId, now: Instant) -> bool {
        let mut typists = self.0.lock();
        let key = (user.clone(), thread);
        if typists.len() >= TYPISTS_MAX || typists.contains_key(&key) {
            return false;
        }
        typists.insert(key, Typist { told_at: now, is_shown: false, until: None });
        true
    }

    /// Who stopped without a word, and whose start was held back long enough.
    fn look(&self, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        self.0.lock().retain(|(user, thread), typist| {
            let types = typist.until.is_some_and(|until| until > now);
            let may_tell = now.saturating_duration_since(typist.told_at) >= TOLD_EVERY;
            if types && !typist.is_shown && may_tell {
                (typist.told_at, typist.is_shown) = (now, true);
                told.push((user.clone(), *thread, true));
            } else if !types && std::mem::take(&mut typist.is_shown) {
                told.push((user.clone(), *thread, false));
            }
            types || !may_tell
        });
        told
    }

    fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    /// How many people type at this moment, wherever they do.
    pub(crate) fn count(&self, now: Instant) -> u64 {
        let typists = self.0.lock();
        let typing = typists.iter().filter(|(_, typist)| typist.until.is_some_and(|until| until > now));
        typing.map(|((user, _), _)| user).collect::<HashSet<_>>().len() as u64
    }
}

/// The way from sockets to the task that tells others.
pub(crate) struct Typing {
    pub(crate) typists: Typists,
    clock: Arc<dyn Clock>,
    waiting: mpsc::Sender<Event>,
    started: Notify,
}

/// The task.
pub(crate) struct TypingTask {
    typing: Arc<Typing>,
    waiting: mpsc::Receiver<Event>,
    signals: Signals,
}

/// Nobody types yet.
pub(crate) fn typing(clock: Arc<dyn Clock>, signals: Signals) -> (Arc<Typing>, TypingTask) {
    let (sender, waiting) = mpsc::channel(WAITING_MAX);
    let typing =
        Arc::new(Typing { typists: Typists::default(), clock, waiting: sender, started: Notify::new() });
    (Arc::clone(&typing), TypingTask { typing, waiting, signals })
}

impl Typing {
    fn tell(&self, user: UserId, thread_id: ThreadId, is_typing: bool) {
        let (command, at) = (CommandId::new(), self.clock.now());
        let event = Event::Typing { thread_id, user_id: user, is_typing, command, at };
        if self.waiting.try_send(event).is_err() {
            tracing::debug!("a typing signal is dropped: too many are waiting");
        }
    }
}

impl TypingTask {
    /// Tells others, until it is dropped. Costs nothing while nobody types.
    pub(crate) async fn run(mut self) {
        let typing = Arc::clone(&self.typing);
        let look = async {
            loop {
                if typing.typists.is_empty() {
                    typing.started.notified().await;
                }
                sleep(LOOK_EVERY).await;
                for (user, thread, is_typing) in typing.typists.look(Instant::now()) {
                    typing.tell(user, thread, is_typing);
                }
            }
        };
        let publish = async {
            while let Some(event) = self.waiting.recv().await {
                if let Err(error) = self.signals.event(&event).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a typing signal is dropped");
                }
            }
        };
        tokio::join!(look, publish);
    }
}

impl Shared {
    /// `typing:start` and `typing:stop {threadId}`: answered only where a callback asks, and without cost.
    pub(crate) async fn take_typing(
        &self,
        asker: &Asker,
        types: bool,
        body: Result<Object, Refusal>,
    ) -> Taken {
        let result = match body {
            Ok(body) => self.types(&asker.socket, types, body).await,
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok(thread) => {
                asker.ack(&json!({ "success": true, "threadId": thread }));
                Taken::Ok
            }
            Err(refusal) => {
                asker.ack(&refusal.body());
                taken(&refusal)
            }
        }
    }

    async fn types(
        &self,
        socket: &Socket<Member>,
        types: bool,
        mut body: Object,
    ) -> Result<ThreadId, Refusal> {
        let user = socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        let thread = validate::parse_thread_id(&fields::text(&mut body, "threadId", "threadId")?)?;
        let people = self.may_type(socket, thread, user).await?;
        if types {
            self.look_where_typing(socket, user, thread, &people).await;
        }
        let tells = if types {
            self.starts(socket, user, thread)
        } else {
            self.stops(socket, user, thread) || self.stops_after_coming(socket, user, thread)
        };
        if tells {
            self.typing.tell(user.clone(), thread, types);
        }
        Ok(thread)
    }

    /// Whether they are in the thread. Asking the store has a budget, so that a flood of made-up threads does not reach it.
    async fn may_type(
        &self,
        socket: &Socket<Member>,
        thread: ThreadId,
        user: &UserId,
    ) -> Result<Participants, Refusal> {
        let people = match self.membership.remembered(thread) {
            Some(people) => Some(people),
            None if socket.state().may_ask_unknown(self.edge.events_per_minute) => {
                self.membership.of(thread).await?
            }
            None => return Err(limited()),
        };
        people.filter(|people| people.binary_search(user).is_ok()).ok_or_else(|| Refusal::not_found("thread"))
    }

    fn starts(&self, socket: &Socket<Member>, user: &UserId, thread: ThreadId) -> bool {
        let fits = socket.state().looking(|looking| {
            let is_known = looking.typing.contains(&thread);
            let fits = is_known || looking.typing.len() < TYPING_PER_SOCKET;
            if fits && !is_known {
                looking.typing.push(thread);
            }
            fits
        });
        let tells = fits && self.typing.typists.starts(user, thread, Instant::now());
        self.typing.started.notify_one();
        tells
    }

    fn stops(&self, socket: &Socket<Member>, user: &UserId, thread: ThreadId) -> bool {
        socket.state().looking_if_any(|looking| looking.typing.retain(|other| *other != thread));
        self.typing.typists.stops(user, thread)
    }

    /// A page that has just come tells of the stop of what it had started before, perhaps on another gateway.
    fn stops_after_coming(&self, socket: &Socket<Member>, user: &UserId, thread: ThreadId) -> bool {
        let here_for_ms = self.edge.clock.now().0.saturating_sub(socket.state().opened_at().0);
        let tells = here_for_ms <= TYPING_LIFE_MS
            && self.typing.typists.stops_elsewhere(user, thread, Instant::now());
        self.typing.started.notify_one();
        tells
    }

    /// The socket has no transport any more: whoever typed on it has stopped.
    pub(crate) fn stop_typing(&self, socket: &Socket<Member>) {
        let Some(user) = socket.state().user() else { return };
        let threads =
            socket.state().looking_if_any(|looking| std::mem::take(&mut looking.typing)).unwrap_or_default();
        for thread in threads {
            if self.typing.typists.stops(user, thread) {
                self.typing.tell(user.clone(), thread, false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread() -> ThreadId {
        ThreadId::from_bytes([1; 12])
    }

    fn ann() -> UserId {
        "ann".parse().unwrap()
    }

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn ten_keys_a_second_for_a_minute_are_told_every_two_seconds() {
        let (typists, start) = (Typists::default(), Instant::now());
        let told = (0..600).filter(|n| typists.starts(&ann(), thread(), at(start, n * 100))).count();
        assert_eq!(told, 30);
        assert!(typists.look(at(start, 60_000)).is_empty());
    }

    #[test]
    fn who_types_in_two_threads_is_one_and_who_has_stopped_is_none() {
        let (typists, start) = (Typists::default(), Instant::now());
        typists.starts(&ann(), thread(), start);
        typists.starts(&ann(), ThreadId::from_bytes([2; 12]), start);
        typists.starts(&"bob".parse().unwrap(), thread(), at(start, 3_000));
        assert_eq!(
            [at(start, 3_000), at(start, 7_000), at(start, 10_000)].map(|now| typists.count(now)),
            [2, 1, 0]
        );
        typists.stops(&ann(), thread());
        assert_eq!(typists.count(start), 2, "still in the other thread");
    }

    #[test]
    fn who_says_nothing_more_has_stopped_after_the_life_of_a_signal() {
        let (typists, start) = (Typists::default(), Instant::now());
        assert!(typists.starts(&ann(), thread(), start));
        assert!(typists.look(at(start, 5_999)).is_empty());
        assert_eq!(typists.look(at(start, 6_000)), [(ann(), thread(), false)]);
        assert!(typists.is_empty() && typists.look(at(start, 9_000)).is_empty());
    }

    #[test]
    fn a_stop_is_told_once_and_only_after_a_start() {
        let (typists, start) = (Typists::default(), Instant::now());
        assert!(!typists.stops(&ann(), thread()));
        assert!(typists.starts(&ann(), thread(), start));
        assert!(typists.stops(&ann(), thread()));
        assert!(!typists.stops(&ann(), thread()));
        assert!(typists.look(at(start, 2_000)).is_empty());
        assert!(typists.is_empty());
    }

    #[test]
    fn a_stop_of_what_was_started_elsewhere_is_told_once_in_two_seconds() {
        let (typists, start) = (Typists::default(), Instant::now());
        assert!(typists.stops_elsewhere(&ann(), thread(), start));
        assert!(!typists.stops_elsewhere(&ann(), thread(), at(start, 1_000)));
        assert!(typists.look(at(start, 2_000)).is_empty());
        assert!(typists.is_empty());
    }

    #[test]
    fn starting_and_stopping_wildly_is_told_at_most_once_in_two_seconds_and_ends_as_it_is() {
        let (typists, start) = (Typists::default(), Instant::now());
        let mut told = 0;
        for n in 0..100 {
            told += usize::from(typists.starts(&ann(), thread(), at(start, n * 20)));
            told += usize::from(typists.stops(&ann(), thread()));
        }
        assert_eq!(told, 2);
        assert!(!typists.starts(&ann(), thread(), at(start, 1_990)), "held back");
        assert_eq!(typists.look(at(start, 2_100)), [(ann(), thread(), true)], "told when it may be");
    }
}
