//! `thread:join` and `thread:leave`: whom a socket looks at, and how those people are.
//!
//! Published pages never ask who is there; they show what they hear. So whoever opens a thread is told of everybody in it at once, and
//! again after a lost connection, since changes are not kept for those who are away. All of it may be repeated: it says how things are.

use crate::fields::Object;
use crate::refusal::Refusal;
use crate::validate;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::event::{EventName, Taken};
use crate::ws::events::taken;
use crate::ws::member::{Here, Member};
use crate::ws::watch::{Looking, watched_in};
use eventflow_protocol::event::Participants;
use eventflow_protocol::{ThreadId, UserId};
use eventflow_socketio::Socket;
use serde_json::json;
use std::sync::Arc;

impl Shared {
    /// `thread:join` and `thread:leave {threadId}`: only for participants. Who hears of a thread is decided by membership,
    /// not by this; it says whose presence is looked at.
    pub(crate) async fn take_looking(
        &self,
        asker: &Asker,
        name: EventName,
        body: Result<Object, Refusal>,
    ) -> Taken {
        let result = match body {
            Ok(body) => self.look(&asker.socket, name, body).await,
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok((thread, watched)) => {
                asker.ack(&json!({ "success": true, "threadId": thread }));
                self.show(&asker.socket, &watched).await;
                Taken::Ok
            }
            Err(refusal) => {
                asker.refuse(name.label(), &refusal);
                taken(&refusal)
            }
        }
    }

    /// The thread, and who is looked at from now on.
    async fn look(
        &self,
        socket: &Socket<Member>,
        name: EventName,
        mut body: Object,
    ) -> Result<(ThreadId, Box<[UserId]>), Refusal> {
        let user = socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        let thread = validate::thread_id(&mut body)?;
        let people = self.membership.of(thread).await?.filter(|people| people.binary_search(user).is_ok());
        let people = people.ok_or_else(|| Refusal::not_found("thread"))?;
        if name == EventName::Join {
            return Ok((thread, self.open(socket, user, thread, &people)));
        }
        socket.state().looking(|looking| self.watch.close(looking, &Here(socket.clone()), thread));
        Ok((thread, Box::default()))
    }

    /// Whoever types in a thread looks at it. A page whose gateway was replaced goes on typing and never joins again.
    pub(crate) async fn look_where_typing(
        &self,
        socket: &Socket<Member>,
        user: &UserId,
        thread: ThreadId,
        people: &Participants,
    ) {
        if socket.state().looking_if_any(|looking| looking.has_open(thread)) != Some(true) {
            let watched = self.open(socket, user, thread, people);
            self.show(socket, &watched).await;
        }
    }

    fn open(
        &self,
        socket: &Socket<Member>,
        user: &UserId,
        thread: ThreadId,
        people: &Participants,
    ) -> Box<[UserId]> {
        let watched = watched_in(people, user);
        socket
            .state()
            .looking(|looking| self.watch.open(looking, &Here(socket.clone()), thread, watched.clone()));
        watched
    }

    /// Tells a socket how these people are. If that is not known now, the next change or [`crate::ws::sight`] tells it.
    async fn show(&self, socket: &Socket<Member>, users: &[UserId]) {
        if users.is_empty() {
            return;
        }
        match self.edge.presence.presence(users, self.edge.clock.now()).await {
            Ok(people) => {
                for person in people.values() {
                    self.sight.note(person);
                    for packet in self.presence_packets(person) {
                        socket.emit(&packet);
                    }
                }
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "who is there is not told")
            }
        }
    }

    /// The socket is back in its session: it has missed who came and went meanwhile.
    pub(crate) fn show_again(self: &Arc<Self>, socket: &Socket<Member>) {
        let watched = socket.state().looking_if_any(|looking| Looking::watched(looking)).unwrap_or_default();
        if watched.is_empty() {
            return;
        }
        let (shared, socket) = (Arc::clone(self), socket.clone());
        self.tasks.spawn(async move {
            // Closed only with its process; so many at once, since whole gateways come back at the same moment.
            let Ok(_permit) = shared.resumes.acquire().await else { return };
            let watched: Vec<UserId> = watched.into_iter().collect();
            shared.show(&socket, &watched).await;
        });
    }
}
