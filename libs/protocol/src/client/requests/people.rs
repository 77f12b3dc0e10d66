//! Requests about people: who one is, who is there, what somebody is called.

use crate::UserId;
use crate::client::values::{EmailAddress, Link, LoginId, PersonName, RoleName, Unfit, UserIds, Why};
use crate::person::Profile;
use crate::presence::Status;
use schemars::JsonSchema;
use serde::Deserialize;

/// Most people that one request may ask about: what one screen shows.
pub const ASKED_MAX: usize = 200;

/// The `auth` object of a Socket.IO CONNECT packet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct HandshakeAuth {
    /// A token of the host application.
    #[serde(default)]
    pub token: Option<String>,
}

/// `auth`: sign a socket in, or renew the credential of the same user. One of both fields is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "AuthFields")]
#[schemars(with = "AuthFields")]
pub struct AuthEvent {
    /// A claim that is compared with what was proved; alone it proves nothing.
    pub user_id: Option<String>,
    /// A token of the host application.
    pub token: Option<String>,
}

/// `userId`, `token` or both.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AuthEvent")]
struct AuthFields {
    /// A claim that is compared with what was proved; alone it proves nothing.
    #[serde(default)]
    user_id: Option<String>,
    /// A token of the host application.
    #[serde(default)]
    token: Option<String>,
}

impl TryFrom<AuthFields> for AuthEvent {
    type Error = Unfit;

    fn try_from(AuthFields { user_id, token }: AuthFields) -> Result<Self, Unfit> {
        if user_id.is_none() && token.is_none() {
            return Err(Unfit::sentence("userId is missing"));
        }
        Ok(Self { user_id, token })
    }
}

/// `presence:update`: how one wants to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct PresenceUpdateEvent {
    /// `away` holds until `online`.
    pub status: PresenceChoice,
}

/// How one can choose to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PresenceChoice {
    /// As one is.
    Online,
    /// Away, although active.
    Away,
}

impl From<PresenceChoice> for Status {
    fn from(choice: PresenceChoice) -> Self {
        match choice {
            PresenceChoice::Online => Self::Online,
            PresenceChoice::Away => Self::Away,
        }
    }
}

/// `presence:sync`: how these people are, now and from now on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "PresenceSyncFields")]
#[schemars(with = "PresenceSyncFields")]
pub struct PresenceSyncEvent {
    /// The people; at least one.
    pub user_ids: Vec<UserId>,
}

/// The people asked about.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PresenceSyncEvent")]
struct PresenceSyncFields {
    /// The people; at least one.
    user_ids: UserIds<ASKED_MAX>,
}

impl TryFrom<PresenceSyncFields> for PresenceSyncEvent {
    type Error = Unfit;

    fn try_from(fields: PresenceSyncFields) -> Result<Self, Unfit> {
        let user_ids = fields.user_ids.into_ids();
        if user_ids.is_empty() {
            return Err(Unfit::sentence("userIds is missing"));
        }
        Ok(Self { user_ids })
    }
}

/// `PUT /users/{id}`: what somebody is called, for installations whose host application has no directory of
/// its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct ProfileBody {
    /// What others call them.
    pub name: PersonName,
    /// Address of a picture.
    #[serde(default)]
    pub avatar: Option<Link>,
    /// Where mail reaches them; shown to nobody else.
    #[serde(default)]
    pub email: Option<EmailAddress>,
    /// What they are to the host application; a send can go to everybody of a role.
    #[serde(default)]
    pub role: Option<RoleName>,
}

impl ProfileBody {
    /// The profile of this person.
    pub fn into_profile(self, id: UserId) -> Profile {
        Profile {
            id,
            name: self.name.into_string(),
            avatar: self.avatar.map(Link::into_string),
            email: self.email.map(EmailAddress::into_string),
            role: self.role.map(RoleName::into_string),
        }
    }
}

/// `POST /users/{id}/erase`: erase everything that a person has left here. It cannot be undone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EraseBody {
    /// The id in the path once more, so that a slip erases nobody.
    pub user_id: UserId,
    /// Why; it is recorded.
    pub why: Why,
}

/// `POST /users/{id}/revoke`: end one login, or every login of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct RevocationBody {
    /// The login; without it, every token that was issued before now.
    #[serde(default)]
    pub session: Option<LoginId>,
}
