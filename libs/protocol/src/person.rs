//! People: how they are shown to each other, and which of their credentials no longer hold.

use crate::content::{ContentError, Markup};
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The picture of everybody who has none of their own.
pub const DEFAULT_AVATAR: &str = "/assets/avatar.svg";
/// Longest name in Unicode scalar values.
pub const NAME_MAX_CHARS: usize = 200;

/// What is known about a person. Names and addresses are clean, because published clients put them into pages
/// as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// The person.
    pub id: UserId,
    /// What others call them.
    pub name: String,
    /// Address of a picture, `https` or a path of the same site.
    #[serde(default)]
    pub avatar: Option<String>,
    /// Where mail reaches them; shown to nobody else.
    #[serde(default)]
    pub email: Option<String>,
    /// What they are to the host application, so that a send can go to everybody of a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Profile {
    /// The profile with its name in the form in which it is kept. Fails if nothing is left of the name.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        self.name = markup.write_visible(&self.name)?;
        Ok(self)
    }
}

/// Command: remember the name that a person's token gives. Others see it where no directory has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenName {
    /// The person.
    pub user_id: UserId,
    /// The name, one clean line.
    pub name: String,
}

impl TokenName {
    /// The name in the form in which it is kept. Fails if nothing is left of it.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        self.name = markup.write_visible(&self.name)?;
        Ok(self)
    }
}

/// How a person is shown to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Participant {
    /// The person.
    pub id: UserId,
    /// What others call them; their id if nobody knows.
    pub name: String,
    /// Address of a picture.
    pub avatar: String,
}

impl Participant {
    /// A person about whom nothing but the id is known.
    pub fn unknown(id: UserId) -> Self {
        Self { name: id.to_string(), avatar: DEFAULT_AVATAR.to_owned(), id }
    }
}

impl From<Profile> for Participant {
    fn from(profile: Profile) -> Self {
        let Profile { id, name, avatar, .. } = profile;
        Self { id, name, avatar: avatar.unwrap_or_else(|| DEFAULT_AVATAR.to_owned()) }
    }
}

/// Credentials of a person that no longer hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The person.
    pub user_id: UserId,
    /// The login that has ended, as 64 hexadecimal digits (see the ingress' `Session`). `None` ends every
    /// token that was issued before `at`.
    pub session: Option<String>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// An operator ends the connections of a person, whose credentials go on holding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnection {
    /// The person.
    pub user_id: UserId,
    /// Why, as the person is told.
    pub why: String,
}
