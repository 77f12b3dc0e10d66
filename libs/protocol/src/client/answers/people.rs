//! Answers about people: who the caller is, who is there, what somebody is called.

use crate::UserId;
use crate::client::shape::{Sorted, Success};
use crate::person::{Participant, Profile};
use crate::presence::{Presence, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The callback of `auth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthAnswer {
    /// Always true.
    pub success: Success,
    /// The user that the socket belongs to.
    pub user_id: UserId,
}

/// A token for the header `X-CSRF-Token`: `GET /csrf-token`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CsrfTokenAnswer {
    /// The token; it is bound to the caller's login.
    pub csrf_token: String,
    /// Always true.
    pub success: Success,
}

/// Whether one person is there: `GET /presence/{userId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceAnswer {
    /// The person's presence, as the caller may see it.
    pub presence: Sorted<Presence>,
    /// Always true.
    pub success: Success,
}

/// Whether several people are there: `GET /presence`, and the callback of `presence:sync`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceListAnswer {
    /// The people's presence, in the order asked.
    pub presence: Sorted<Vec<Presence>>,
    /// Always true.
    pub success: Success,
}

/// The callback of `presence:update`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceChoiceAnswer {
    /// How the user wants to be seen: `online` or `away`.
    pub status: Status,
    /// Always true.
    pub success: Success,
}

/// A page of people who were found by name: `GET /users/search`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundUsersAnswer {
    /// The `cursor` that goes on with the same query; `null` if nothing follows. A page may have fewer people
    /// than were asked for, or none, and still have one.
    pub next_cursor: Option<String>,
    /// Always true.
    pub success: Success,
    /// The people: whoever has the id that was asked for, then in the order of the words by which they were
    /// found.
    pub users: Sorted<Vec<Participant>>,
}

/// What people are called: `GET /users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsersAnswer {
    /// Always true.
    pub success: Success,
    /// The people, in the order asked.
    pub users: Sorted<Vec<Participant>>,
}

/// A profile that was written: `PUT /users/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserAnswer {
    /// Always true.
    pub success: Success,
    /// The profile.
    pub user: Sorted<Profile>,
}
