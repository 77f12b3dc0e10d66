//! Events on their way from the fan-out worker to a gateway.

use super::Audience;
use crate::blocks::BlockedPair;
use crate::person::{Disconnection, Revocation};
use crate::{EventId, MessageId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// An event on its way to one gateway, already in the form that its sockets get.
///
/// The fan-out worker writes the client's JSON once, and every gateway and socket shares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatewayEvent {
    /// The event's id. A gateway delivers each id once.
    pub event_id: EventId,
    /// Who hears of the event.
    pub audience: Audience,
    /// The name of the event that clients receive, e.g. `message:received`.
    pub name: String,
    /// The event's only argument, as JSON text.
    pub payload: String,
    /// When the ingress accepted what caused the event.
    #[serde(default)]
    pub accepted_at: Timestamp,
    /// A process that died may have delivered the event already.
    #[serde(default)]
    pub repeated: bool,
    /// The participants of the thread may have changed: the gateway forgets what it has cached of them.
    #[serde(default)]
    pub membership_changed: bool,
    /// The event is worth something only now: gateways do not keep it for sockets that are away.
    #[serde(default)]
    pub ephemeral: bool,
    /// A person of the audience who does not hear of the event: whoever types need not be told.
    #[serde(default)]
    pub except: Option<UserId>,
    /// For an event about a message that was there before: its place. Who may not see it does not hear of it.
    #[serde(default)]
    pub seq: Option<u64>,
    /// For a message that answers one: the event for those who may not see what it answers.
    #[serde(default)]
    pub unquoted: Option<Unquoted>,
    /// A person who is not among the participants any more and hears of it: whoever has left.
    #[serde(default)]
    pub left: Option<UserId>,
    /// For a message: what a receipt of its delivery needs.
    #[serde(default)]
    pub message: Option<DeliveredMessage>,
    /// For [`Audience::Gateways`].
    #[serde(default)]
    pub revocation: Option<Revocation>,
    /// For [`Audience::Gateways`].
    #[serde(default)]
    pub disconnection: Option<Disconnection>,
    /// For [`Audience::User`]: the person chose to be shown as away, or no more. It holds for their sockets.
    #[serde(default)]
    pub wants_away: Option<bool>,
    /// Whose doing the event tells: people who are kept apart from them do not hear of it.
    #[serde(default)]
    pub actor: Option<UserId>,
    /// For [`Audience::User`]: a person has blocked somebody, or has ended that.
    #[serde(default)]
    pub block: Option<BlockedPair>,
}

/// An event without the quote that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unquoted {
    /// The place of the message that is quoted.
    pub seq: u64,
    /// The event's only argument, as JSON text, without the quote.
    pub payload: String,
}

/// What a gateway has to know about a message to send a receipt of its delivery, and to name it in its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredMessage {
    /// The message's id; none in events of earlier versions.
    #[serde(default)]
    pub id: Option<MessageId>,
    /// The message's place in its thread.
    pub seq: u64,
    /// The sender, who sends no receipt.
    pub sender_id: UserId,
}

impl GatewayEvent {
    /// An event for this audience, with nothing special about it.
    pub fn new(
        event_id: EventId,
        audience: Audience,
        name: &str,
        payload: String,
        accepted_at: Timestamp,
    ) -> Self {
        Self {
            event_id,
            audience,
            name: name.to_owned(),
            payload,
            accepted_at,
            repeated: false,
            membership_changed: false,
            ephemeral: false,
            except: None,
            seq: None,
            unquoted: None,
            left: None,
            message: None,
            revocation: None,
            disconnection: None,
            wants_away: None,
            actor: None,
            block: None,
        }
    }
}
