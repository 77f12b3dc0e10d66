//! What a block does to presence: the two are shown to each other no more, and again when it ends.
//!
//! In comes a pair whose block has changed. Their sockets here follow anew whom they may see in the threads
//! that they have open; whom they asked for is hidden, or shown again. Whoever was here is said to have gone
//! at that moment; of whoever was away already nothing is said, since nothing changes. Repeating it says how
//! things are.

use super::Presence;
use crate::ws::sockets::handle::{ClientSocket, SocketHandle};
use crate::ws::sockets::hub::Hub;
use eventflow_ports::StoreError;
use eventflow_protocol::blocks::BlockedPair;
use eventflow_protocol::presence::{Presence as PersonPresence, Status};
use eventflow_protocol::{Timestamp, UserId};
use std::sync::Arc;

impl Presence {
    /// The block of this pair has changed.
    pub(crate) async fn block_changed(
        self: &Arc<Self>,
        hub: &Hub<SocketHandle>,
        pair: &BlockedPair,
    ) -> Result<(), StoreError> {
        self.contacts.forget(&[pair.user_id.clone(), pair.other.clone()]);
        for (viewer, other) in [(&pair.user_id, &pair.other), (&pair.other, &pair.user_id)] {
            let mut sockets = Vec::new();
            hub.each(viewer, |SocketHandle(socket)| sockets.push(socket.clone()));
            for socket in sockets {
                self.see_anew(&socket, viewer, other).await?;
            }
        }
        Ok(())
    }

    /// Whether `viewer` may see `other` has changed.
    async fn see_anew(
        self: &Arc<Self>,
        socket: &ClientSocket,
        viewer: &UserId,
        other: &UserId,
    ) -> Result<(), StoreError> {
        let followed = || socket.state().subscriptions_if_any(|own| own.includes(other)).unwrap_or(false);
        let was_followed = followed();
        let open = socket.state().subscriptions_if_any(|own| own.open_threads()).unwrap_or_default();
        for thread in open {
            let people = self.membership.of(thread).await?.filter(|people| people.contains(viewer));
            match people {
                Some(people) => drop(self.open_thread(socket, viewer, thread, &people).await?),
                None => self.close_thread(socket, thread),
            }
        }
        if let Some(since) = self.apart.apart_since(viewer, other).await? {
            let handle = SocketHandle(socket.clone());
            socket.state().subscriptions_if_any(|own| self.subscriptions.hide(own, &handle, other));
            if was_followed {
                self.say_gone(socket, other, since).await;
            }
            return Ok(());
        }
        // Whom the two may not see yet, as they share no thread, they are shown when they do.
        if socket.state().subscriptions_if_any(|own| own.is_hidden(other)).unwrap_or(false) {
            let asked = std::slice::from_ref(other);
            let present = self.contacts.present_to(viewer, asked, &self.apart).await.unwrap_or_default();
            self.ask(socket, &present.shown);
        }
        if !was_followed && followed() {
            self.show_later(socket, vec![other.clone()]);
        }
        Ok(())
    }

    async fn say_gone(&self, socket: &ClientSocket, user: &UserId, since: Timestamp) {
        let found = self.statuses.read(std::slice::from_ref(user)).await.ok();
        // Who is not known to have gone before is taken for here.
        let is_gone = found
            .is_some_and(|mut found| found.remove(user).is_none_or(|known| known.status == Status::Offline));
        if is_gone {
            return;
        }
        let gone = PersonPresence { user_id: user.clone(), status: Status::Offline, last_seen: Some(since) };
        // What others were told of them stays as it is.
        for packet in self.statuses.packets(&gone) {
            socket.emit(&packet);
        }
    }
}
