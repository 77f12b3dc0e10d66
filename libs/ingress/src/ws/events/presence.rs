//! `presence:update` and `presence:sync`: how one wants to be seen, and how others are.
//!
//! Who is asked about is watched from then on. Only people one shares a thread with are shown, administrators see everybody; anybody
//! else looks like somebody who was never here, so asking tells nothing. Both may be repeated.

use crate::fields::{self, Object};
use crate::refusal::Refusal;
use crate::validate;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::event::{EventName, Taken};
use crate::ws::events::taken;
use crate::ws::member::{Here, Member};
use eventflow_protocol::UserId;
use eventflow_protocol::presence::{Presence, Status};
use eventflow_socketio::Socket;
use serde_json::json;

/// People one `presence:sync` may name, as many as one REST request.
pub(crate) const USERS_MAX: usize = 200;

impl Shared {
    /// `presence:update {status}`: `away` holds until `online`.
    pub(crate) fn take_presence_update(&self, asker: &Asker, body: Result<Object, Refusal>) -> Taken {
        match body.and_then(|body| self.update_presence(&asker.socket, body)) {
            Ok(status) => {
                asker.ack(&json!({ "success": true, "status": status }));
                Taken::Ok
            }
            Err(refusal) => refuse(asker, EventName::PresenceUpdate, &refusal),
        }
    }

    fn update_presence(&self, socket: &Socket<Member>, mut body: Object) -> Result<Status, Refusal> {
        socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        let status = match fields::text(&mut body, "status", "status")?.as_str() {
            "online" => Status::Online,
            "away" => Status::Away,
            _ => return Err(Refusal::invalid("status must be online or away")),
        };
        socket.state().choose_away(status == Status::Away);
        self.beat.here(socket);
        Ok(status)
    }

    /// `presence:sync {userIds}`: answered to the callback as a list, and as one event for each.
    pub(crate) async fn take_presence_sync(&self, asker: &Asker, body: Result<Object, Refusal>) -> Taken {
        let result = match body {
            Ok(body) => self.sync_presence(&asker.socket, body).await,
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok(people) => {
                asker.ack(&json!({ "success": true, "presence": people }));
                for person in &people {
                    asker.emit_now("presence:sync", person);
                }
                Taken::Ok
            }
            Err(refusal) => refuse(asker, EventName::PresenceSync, &refusal),
        }
    }

    async fn sync_presence(
        &self,
        socket: &Socket<Member>,
        mut body: Object,
    ) -> Result<Vec<Presence>, Refusal> {
        let viewer = socket.state().user().ok_or_else(Refusal::unauthenticated)?;
        let asked = validate::user_ids(&mut body, "userIds", USERS_MAX)?;
        if asked.is_empty() {
            return Err(fields::missing("userIds"));
        }
        let shown = self.shown_to(socket, viewer, &asked).await?;
        // Watched before it is read: a change in between is heard twice, not missed.
        socket.state().looking(|looking| self.watch.ask(looking, &Here(socket.clone()), &shown));
        let mut found = self.edge.presence.presence(&shown, self.edge.clock.now()).await?;
        for person in found.values() {
            self.sight.note(person);
        }
        let never_seen = |user_id| Presence { user_id, status: Status::Offline, last_seen: None };
        Ok(asked.into_iter().map(|user| found.remove(&user).unwrap_or_else(|| never_seen(user))).collect())
    }

    async fn shown_to(
        &self,
        socket: &Socket<Member>,
        viewer: &UserId,
        asked: &[UserId],
    ) -> Result<Vec<UserId>, Refusal> {
        if socket.state().credential().is_some_and(|credential| credential.is_admin) {
            return Ok(asked.to_vec());
        }
        let visible = self.edge.contacts.visible(viewer, asked).await?;
        Ok(visible.into_iter().collect())
    }
}

fn refuse(asker: &Asker, name: EventName, refusal: &Refusal) -> Taken {
    asker.refuse(name.label(), refusal);
    taken(refusal)
}
