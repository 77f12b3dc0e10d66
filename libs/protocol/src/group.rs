//! Groups: threads whose people change, with a name, a picture and owners.
//!
//! A thread is a group if it was started as one; every other thread keeps the people it was started with.
//! What a change does to a group is said by [`crate::change::Roster`].

use crate::UserId;
use crate::content::{ContentError, Markup};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest name of a group in Unicode scalar values: one line of a list.
pub const GROUP_NAME_MAX_CHARS: usize = 100;
/// Most owners of a group. They come with every answer about it, and few people look after one group.
pub const OWNERS_MAX: usize = 10;
/// Most people that one request adds: each of them costs the store a few fields in one write.
pub const ADDED_AT_ONCE_MAX: usize = 100;
/// How many commands about its people and looks a group remembers. A command comes again within minutes, and
/// far fewer changes of one group are made in that time.
pub const GROUP_COMMANDS_REMEMBERED: usize = 64;

/// What a group is called and looks like, who owns it, and what its new people see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// What the group is called; `null` if it has no name.
    pub name: Option<String>,
    /// Address of its picture; `null` if it has none.
    pub picture: Option<String>,
    /// What people see who are added.
    #[serde(default)]
    pub history: History,
    /// Who may change the group and its people, sorted. The others are members.
    #[serde(default)]
    pub owners: Vec<UserId>,
}

impl Group {
    /// What this person may do in the group.
    pub fn role(&self, user: &UserId) -> Role {
        if self.owners.binary_search(user).is_ok() { Role::Owner } else { Role::Member }
    }

    /// The group with its name in the form in which it is kept. Fails if nothing is left of the name.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        self.name = self.name.map(|name| markup.write_visible(&name)).transpose()?;
        Ok(self)
    }
}

/// What people see of a group's history who are added to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum History {
    /// Everything.
    All,
    /// What is sent after they were added.
    #[default]
    Joined,
}

/// What a person may do in a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Changes the group and its people too.
    Owner,
    /// Reads, writes and leaves. Everybody is a member in a thread that is no group.
    #[default]
    Member,
}
