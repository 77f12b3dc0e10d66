//! One event of one socket: within the budget, well formed, from somebody known; then what it asks for.
//!
//! Events of a socket come here one after the other. Here is `auth`; the others have files of their own.

use crate::fields::{self, Object};
use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::ws::answer::Asker;
use crate::ws::application::Shared;
use crate::ws::connect;
use crate::ws::event::{EventName, Taken};
use crate::ws::member::Member;
use eventflow_protocol::{ErrorCode, UserId};
use eventflow_socketio::{ClientEvent, Socket};
use serde_json::json;
use std::sync::Arc;

impl Shared {
    /// Takes an event.
    pub(crate) async fn take(
        self: &Arc<Self>,
        socket: &Socket<Member>,
        name: EventName,
        event: ClientEvent,
    ) -> Taken {
        if socket.state().user().is_some() && socket.state().acts(self.edge.clock.now()) {
            self.beat.here(socket);
        }
        let asker = self.asker(socket, &event);
        match name {
            EventName::TypingStart => self.take_typing(&asker, true, body(&event)).await,
            EventName::TypingStop => self.take_typing(&asker, false, body(&event)).await,
            EventName::Unknown => self.take_unknown(&asker, &event),
            _ => self.take_known(asker, name, &event).await,
        }
    }

    async fn take_known(self: &Arc<Self>, asker: Asker, name: EventName, event: &ClientEvent) -> Taken {
        let body = body(event);
        let result =
            if asker.socket.state().may_ask(self.edge.events_per_minute) { body } else { Err(limited()) };
        match name {
            EventName::Auth => self.take_auth(&asker, result).await,
            EventName::Send => self.take_send(asker, result).await,
            EventName::Edit | EventName::Delete | EventName::React => {
                self.take_change(asker, name, result).await
            }
            EventName::Read | EventName::ReadThread => self.take_read(asker, name, result).await,
            EventName::PresenceUpdate => self.take_presence_update(&asker, result),
            EventName::PresenceSync => self.take_presence_sync(&asker, result).await,
            EventName::Sync => self.take_sync(&asker, result).await,
            _ => self.take_looking(&asker, name, result).await,
        }
    }

    fn take_unknown(&self, asker: &Asker, event: &ClientEvent) -> Taken {
        if !asker.socket.state().may_ask_unknown(self.edge.events_per_minute) {
            return Taken::Limited;
        }
        asker.refuse("unknown", &Refusal::new(ErrorCode::Unknown, "there is no such event"));
        tracing::debug!(socket = %asker.socket.id(), length = event.name.len(), "an unknown event");
        Taken::Refused
    }

    /// `auth {userId?, token?}`: a token proves who it is, a user id alone is compared with what was proved before.
    async fn take_auth(self: &Arc<Self>, asker: &Asker, body: Result<Object, Refusal>) -> Taken {
        let result = match body {
            Ok(body) => self.authenticate(&asker.socket, body).await,
            Err(refusal) => Err(refusal),
        };
        match result {
            Ok(user) => {
                asker.ack(&json!({ "success": true, "userId": user }));
                asker.emit("auth:success", &json!({ "userId": user }));
                Taken::Ok
            }
            Err(refusal) => {
                asker.refuse_auth(&refusal);
                taken(&refusal)
            }
        }
    }

    async fn authenticate(
        self: &Arc<Self>,
        socket: &Socket<Member>,
        mut body: Object,
    ) -> Result<UserId, Refusal> {
        let claimed = fields::optional_text(&mut body, "userId", "userId")?;
        let token = fields::optional_text(&mut body, "token", "token")?;
        if claimed.is_none() && token.is_none() {
            return Err(fields::missing("userId"));
        }
        let proved = match token {
            Some(token) => Some(connect::verify(&self.edge, &token).await?),
            None => None,
        };
        let proved_user = proved.as_ref().map(|identity| &identity.user).or(socket.state().user());
        let user = proved_user.cloned().ok_or_else(Refusal::unauthenticated)?;
        if claimed.is_some_and(|claimed| claimed != user.as_str()) {
            return Err(Refusal::new(ErrorCode::Forbidden, "the user id is not that of the credential"));
        }
        if let Some(identity) = proved {
            self.accept(socket, &identity).await?;
        }
        Ok(user)
    }

    /// Takes a credential on: the first one makes the socket that user's, later ones renew it.
    async fn accept(self: &Arc<Self>, socket: &Socket<Member>, identity: &Identity) -> Result<(), Refusal> {
        let is_first = socket.state().user().is_none();
        if is_first {
            socket.state().sit_as(&identity.user)?;
        }
        if !socket.state().authenticate(identity) {
            return Err(Refusal::new(ErrorCode::Forbidden, "the connection belongs to another user"));
        }
        if is_first {
            self.register(&identity.user, socket).await;
            if !self.end_unless_it_stands(socket, &identity.user).await {
                return Err(Refusal::unauthenticated());
            }
        }
        Ok(())
    }
}

/// The event's first argument, which must be an object.
fn body(event: &ClientEvent) -> Result<Object, Refusal> {
    if !event.attachments.is_empty() {
        return Err(Refusal::invalid("binary events are not accepted"));
    }
    let payload = event.args.first().ok_or_else(|| Refusal::invalid("the event has no payload"))?;
    fields::parse(payload.get().as_bytes())
}

pub(crate) fn limited() -> Refusal {
    Refusal::new(ErrorCode::RateLimited, "too many events in the last minute")
}

/// How a refused event counts.
pub(crate) fn taken(refusal: &Refusal) -> Taken {
    if refusal.code == ErrorCode::RateLimited { Taken::Limited } else { Taken::Refused }
}
