//! Requests about scheduled messages.

use crate::client::parse::InvalidRequest;
use crate::client::values::{MessageContent, Unfit, UserIds};
use crate::mentions::{MENTIONS_MAX, normalized};
use crate::scheduled::{SCHEDULE_AHEAD_MAX, SCHEDULE_AHEAD_MIN, ScheduledChange};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::Deserialize;

/// `PATCH /messages/scheduled/{id}`: say something else, or at another time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "ScheduledFields")]
#[schemars(with = "ScheduledFields")]
pub struct ScheduledBody {
    /// What the message is to say.
    pub content: Option<MessageContent>,
    /// Whom it is to mention, sorted.
    pub mentions: Option<Vec<UserId>>,
    /// When it is to be sent.
    pub send_at: Option<Timestamp>,
}

/// A text, the people whom it mentions, a time: what is not named stays as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ScheduledBody")]
struct ScheduledFields {
    /// What the message is to say; empty only if it has attachments.
    #[serde(default)]
    content: Option<MessageContent>,
    /// The ids of the people whom the message is to mention; an empty list takes all mentions out.
    #[serde(default)]
    mentions: Option<UserIds<MENTIONS_MAX>>,
    /// When it is to be sent: in 10 seconds at the earliest, and in a year at the latest.
    #[serde(default)]
    send_at: Option<Timestamp>,
}

impl TryFrom<ScheduledFields> for ScheduledBody {
    type Error = Unfit;

    fn try_from(ScheduledFields { content, mentions, send_at }: ScheduledFields) -> Result<Self, Unfit> {
        if content.is_none() && mentions.is_none() && send_at.is_none() {
            return Err(Unfit::sentence("one of content, mentions and sendAt must be there"));
        }
        Ok(Self { content, mentions: mentions.map(|ids| normalized(ids.into_ids())), send_at })
    }
}

impl ScheduledBody {
    /// The change that this asks for. Whether its time may be, [`planned`] says.
    pub fn into_change(self) -> ScheduledChange {
        let content = self.content.map(|content| content.0);
        ScheduledChange::Edit { content, mentions: self.mentions, send_at: self.send_at }
    }
}

/// The time for which a message is planned, if it may be.
pub fn planned(send_at: Timestamp, now: Timestamp) -> Result<Timestamp, InvalidRequest> {
    let wrong = |message: &str| {
        Err(InvalidRequest { path: "sendAt".to_owned(), message: format!("sendAt {message}") })
    };
    match send_at {
        at if at < now.plus(SCHEDULE_AHEAD_MIN) => wrong("is less than 10 s ahead"),
        at if at > now.plus(SCHEDULE_AHEAD_MAX) => wrong("is more than a year ahead"),
        at => Ok(at),
    }
}
