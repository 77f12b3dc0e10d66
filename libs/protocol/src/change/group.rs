//! Changes of a group: what somebody asks for, and what came of it.

use crate::content::{ContentError, Markup};
use crate::document::Thread;
use crate::fingerprint::{Fingerprint, shorten};
use crate::group::Role;
use crate::{CommandId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Command: change a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeGroup {
    /// The group.
    pub thread_id: ThreadId,
    /// Who asks for it.
    pub by: UserId,
    /// What is to change.
    pub change: GroupChange,
    /// Stands for every command that came under the same key of its client; `None` if it came without one.
    #[serde(default)]
    pub key: Option<CommandId>,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// A change of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupChange {
    /// Another name or picture. What is `None` stays, an empty text takes away what is there.
    Describe {
        /// The name.
        name: Option<String>,
        /// Address of the picture.
        picture: Option<String>,
    },
    /// These people come in. Who is in the group already stays as they are.
    Add {
        /// Who comes in.
        people: Vec<UserId>,
        /// Most people that the group may have then, as whoever asks may have in a group; `None` if that is
        /// not known: as many as any group has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        people_max: Option<usize>,
    },
    /// This person goes.
    Remove {
        /// Who goes.
        user: UserId,
    },
    /// This person has this role from now on.
    SetRole {
        /// The person.
        user: UserId,
        /// Their role.
        role: Role,
    },
}

impl GroupChange {
    /// What the change says, so that another one under the same key is told apart.
    pub fn fingerprint(&self) -> Fingerprint {
        let wanted = match self {
            // How many people may be in the group says nothing about what is wanted.
            Self::Add { people, .. } => &Self::Add { people: people.clone(), people_max: None },
            other => other,
        };
        // People and texts always are JSON; if they were not, all such changes would be the same.
        let written = serde_json::to_vec(wanted).unwrap_or_default();
        shorten(&Sha256::digest(written))
    }
}

impl ChangeGroup {
    /// What stands for the commands of this person in this group that come under this key.
    pub fn key_of(thread: ThreadId, by: &UserId, key: &str) -> CommandId {
        let hash = Sha256::new_with_prefix(b"eventflow group change\0")
            .chain_update(thread.bytes())
            .chain_update(by.as_str())
            .chain_update([0])
            .chain_update(key);
        CommandId(Uuid::from_bytes(shorten(&hash.finalize())))
    }

    /// The id under which the group remembers the change, which came in this command.
    pub fn remembered_as(&self, command: CommandId) -> CommandId {
        self.key.unwrap_or(command)
    }

    /// The change with its name in the form in which it is kept. Fails if nothing is left of the name.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        if let GroupChange::Describe { name: Some(name), .. } = &mut self.change
            && !name.is_empty()
        {
            *name = markup.write_visible(name)?;
        }
        Ok(self)
    }
}

/// What a change of a group came to.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupChanged {
    /// The group is as the change wants it.
    Done(Box<GroupEffect>),
    /// There is no such thread, or whoever asks is not in it.
    NotFound,
    /// The thread was not started as a group.
    NotGroup,
    /// Only an owner may do that.
    NotOwner,
    /// The person whom the change is about is not in the group.
    NoSuchMember,
    /// The group would have more people than a thread may have.
    TooManyPeople,
    /// The group would have more owners than [`crate::group::OWNERS_MAX`].
    TooManyOwners,
    /// The group would have no owner: its only one cannot become a member.
    LastOwner,
    /// The key came before, with another change.
    KeyReused,
}

/// A group after a change, and what the change did.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupEffect {
    /// The thread with everybody in it, as it is now.
    pub thread: Thread,
    /// Who came in by the change and is in now, sorted.
    pub added: Vec<UserId>,
    /// Who went by the change and is not in now.
    pub removed: Option<UserId>,
    /// Name, picture or owners are others than before.
    pub is_described: bool,
    /// The change was carried out now; `false` if it was before, or if there was nothing to do.
    pub is_new: bool,
}
