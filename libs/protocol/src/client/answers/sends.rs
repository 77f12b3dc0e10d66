//! Answers about sends to many people, for administrators.

use crate::client::shape::Success;
use crate::sends::{BulkSend, Recipients, SendState};
use crate::{SendId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One send: `POST /notifications` with `to`, `sendAt` or `template`, `GET` and `DELETE
/// /notifications/sends/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SendAnswer {
    /// The send was kept before, under the same key. Absent otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deduplicated: bool,
    /// The send.
    pub send: ShownSend,
    /// Always true.
    pub success: Success,
}

/// A page of the sends: `GET /notifications/sends`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendsAnswer {
    /// The `cursor` that asks for the next page; `null` if this page was not full.
    pub next_cursor: Option<String>,
    /// The sends, newest first.
    pub sends: Vec<ShownSend>,
    /// Always true.
    pub success: Success,
}

/// A send, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownSend {
    /// The id.
    #[serde(rename = "_id")]
    pub id: SendId,
    /// Who sends.
    pub by: UserId,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When everybody was told, or it was cancelled.
    pub ended_at: Option<Timestamp>,
    /// People whose notification could not be stored.
    pub failed: u64,
    /// When it was planned for; `null`: at once.
    pub send_at: Option<Timestamp>,
    /// People who have the notification: in their inbox, or by the other ways alone if they want it so.
    pub sent: u64,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// How far it has come.
    pub state: SendState,
    /// People who do not want such notifications.
    pub suppressed: u64,
    /// The template that its text was made from; `null`: none.
    pub template: Option<String>,
    /// What everybody is told, in one line; in other languages it may be another one.
    pub title: String,
    /// Who is told.
    pub to: SendTo,
    /// How many people there are; `null` while nobody knows.
    pub total: Option<u64>,
    /// What sort of thing it is.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Who is told by a send: one of the fields is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendTo {
    /// Everybody in the directory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everybody: bool,
    /// Everybody in the directory who has this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// So many people, who were named one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u64>,
}

impl From<BulkSend> for ShownSend {
    fn from(send: BulkSend) -> Self {
        Self {
            id: send.id,
            total: send.total(),
            to: SendTo::from(&send.to),
            by: send.by,
            created_at: send.created_at,
            ended_at: send.ended_at,
            failed: send.counts.failed,
            send_at: send.send_at,
            sent: send.counts.sent,
            started_at: send.started_at,
            state: send.state,
            suppressed: send.counts.suppressed,
            template: send.content.template,
            title: send.content.title,
            kind: send.content.kind,
        }
    }
}

impl From<&Recipients> for SendTo {
    fn from(to: &Recipients) -> Self {
        match to {
            Recipients::Users(users) => Self { users: Some(users.len() as u64), ..Self::default() },
            Recipients::Role(role) => Self { role: Some(role.clone()), ..Self::default() },
            Recipients::Everybody => Self { everybody: true, ..Self::default() },
        }
    }
}
