//! Requests about scheduled messages.

use crate::client::parse::InvalidRequest;
use crate::client::values::{MessageContent, Unfit};
use crate::scheduled::{ChangeScheduled, SCHEDULE_AHEAD_MAX, SCHEDULE_AHEAD_MIN};
use crate::{ScheduledId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::Deserialize;

/// `PATCH /messages/scheduled/{id}`: say something else, or at another time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "ScheduledFields")]
#[schemars(with = "ScheduledFields")]
pub struct ScheduledBody {
    /// What the message is to say.
    pub content: Option<MessageContent>,
    /// When it is to be sent.
    pub send_at: Option<Timestamp>,
}

/// A text, a time, or both.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ScheduledBody")]
struct ScheduledFields {
    /// What the message is to say; empty only if it has attachments.
    #[serde(default)]
    content: Option<MessageContent>,
    /// When it is to be sent: in 10 seconds at the earliest, and in a year at the latest.
    #[serde(default)]
    send_at: Option<Timestamp>,
}

impl TryFrom<ScheduledFields> for ScheduledBody {
    type Error = Unfit;

    fn try_from(ScheduledFields { content, send_at }: ScheduledFields) -> Result<Self, Unfit> {
        if content.is_none() && send_at.is_none() {
            return Err(Unfit::sentence("one of content and sendAt must be there"));
        }
        Ok(Self { content, send_at })
    }
}

impl ScheduledBody {
    /// The command to change the message. `at` is now.
    pub fn into_command(
        self,
        id: ScheduledId,
        user_id: UserId,
        at: Timestamp,
    ) -> Result<ChangeScheduled, InvalidRequest> {
        let send_at = self.send_at.map(|send_at| planned(send_at, at)).transpose()?;
        Ok(ChangeScheduled { id, user_id, content: self.content.map(|content| content.0), send_at, at })
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
