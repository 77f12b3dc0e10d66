//! Requests about groups: how one looks, who is in it, and what they may do.

use crate::UserId;
use crate::change::GroupChange;
use crate::client::parse::InvalidRequest;
use crate::client::values::{GroupName, Link, PictureChoice, UserIds};
use crate::group::{ADDED_AT_ONCE_MAX, Group, History, Role};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a new group looks, and what people see who are added to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct GroupBody {
    /// What the group is called.
    #[serde(default)]
    pub name: Option<GroupName>,
    /// Address of its picture: `https`, or a path of the same site.
    #[serde(default)]
    pub picture: Option<Link>,
    /// What people see who are added: `joined` (the default) is what is sent after that, `all` everything.
    #[serde(default)]
    pub history: History,
}

impl GroupBody {
    /// The group of this creator, who is its owner.
    pub(super) fn into_group(self, creator: &UserId) -> Group {
        Group {
            name: self.name.map(GroupName::into_string).filter(|name| !name.is_empty()),
            picture: self.picture.map(Link::into_string),
            history: self.history,
            owners: vec![creator.clone()],
        }
    }
}

/// `PATCH /messages/threads/{id}`: another name or picture for a group. An empty text takes away what is
/// there. At least one of both fields is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct ChangeGroupBody {
    /// What the group is called.
    #[serde(default)]
    pub name: Option<GroupName>,
    /// Address of its picture.
    #[serde(default)]
    pub picture: Option<PictureChoice>,
}

impl ChangeGroupBody {
    /// What is to change.
    pub fn into_change(self) -> Result<GroupChange, InvalidRequest> {
        let Self { name, picture } = self;
        if name.is_none() && picture.is_none() {
            return Err(InvalidRequest::new("name or picture must be there"));
        }
        let (name, picture) = (name.map(GroupName::into_string), picture.map(PictureChoice::into_string));
        Ok(GroupChange::Describe { name, picture })
    }
}

/// `POST /messages/threads/{id}/members`: people who come into a group.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddMembersBody {
    /// Who comes in. Who is in the group already stays as they are.
    pub user_ids: UserIds<ADDED_AT_ONCE_MAX>,
}

impl AddMembersBody {
    /// The people, sorted, without repeats.
    pub fn into_people(self) -> Result<Vec<UserId>, InvalidRequest> {
        let mut people = self.user_ids.into_ids();
        people.sort_unstable();
        people.dedup();
        if people.is_empty() {
            return Err(InvalidRequest::new("userIds must name somebody"));
        }
        Ok(people)
    }
}

/// `PATCH /messages/threads/{id}/members/{member}`: what a person may do in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct RoleBody {
    /// Their role from now on.
    pub role: Role,
}
