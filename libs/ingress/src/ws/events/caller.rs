//! The caller: the socket an event came from, with the user it belongs to.

use crate::refusal::Refusal;
use crate::ws::events::command::ThreadCommand;
use crate::ws::events::reply::Reply;
use crate::ws::rooms::Rooms;
use crate::ws::sockets::handle::ClientSocket;
use crate::ws::sockets::session::SocketSession;
use eventflow_protocol::Participants;
use eventflow_protocol::command::Command;
use eventflow_protocol::{ThreadId, UserId};
use std::sync::Arc;

/// Who asks, and the rooms to ask in.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) rooms: &'a Arc<Rooms>,
    pub(super) socket: &'a ClientSocket,
    pub(super) user: &'a UserId,
}

impl<'a> Caller<'a> {
    /// Refuses sockets on which nobody has authenticated.
    pub(super) fn of(rooms: &'a Arc<Rooms>, socket: &'a ClientSocket) -> Result<Self, Refusal> {
        let user = socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        Ok(Self { rooms, socket, user })
    }

    /// What the gateway keeps of the socket.
    pub(super) fn session(self) -> &'a SocketSession {
        self.socket.state()
    }

    /// The participants of a thread that the caller is in. Strangers are refused with the words for a thread
    /// that does not exist.
    pub(super) async fn participants(self, thread: ThreadId) -> Result<Participants, Refusal> {
        self.require_among(self.rooms.membership.with(thread, self.user).await?)
    }

    /// Refuses the caller unless they are one of these people; `None` is a thread that does not exist.
    pub(super) fn require_among(self, people: Option<Participants>) -> Result<Participants, Refusal> {
        let own = people.filter(|people| people.contains(self.user));
        own.ok_or_else(|| Refusal::not_found("thread"))
    }

    /// Puts a command of the caller on its way, which they may give in this thread.
    pub(super) async fn publish(self, thread: ThreadId, command: &Command) -> Result<Reply, Refusal> {
        let sent = self.rooms.edge.commands.send_command(command).await?;
        Ok(Reply::CommandSent(ThreadCommand { thread, sent }))
    }
}
