//! Archiving: each person puts a thread away for themselves. And how commands about one person's view of a
//! thread are remembered, so that one which comes again undoes nothing.

use crate::{CommandId, ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// How many archive commands, and how many commands that mark it unread, a thread remembers for each person.
/// One would do if all gateways had the same clock; see [`remember_wish`].
pub const WISHES_REMEMBERED: usize = 4;

/// Command: put a thread away for one person, or bring it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveThread {
    /// The thread.
    pub thread_id: ThreadId,
    /// The person.
    pub user_id: UserId,
    /// `true` puts the thread away, `false` brings it back.
    pub archived: bool,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// Remembers in `done` (the commands of one kind, person and thread, ascending) that a command is carried
/// out; `false` if it was carried out before.
///
/// A message of somebody else may have brought an archived thread back since then, or the person may have
/// read a thread that they had marked unread, so carrying the command out again would undo that. A command
/// that is older than all [`WISHES_REMEMBERED`] remembered ones was carried out or is out of date, because
/// later wishes were carried out.
pub fn remember_wish(done: &mut Vec<CommandId>, command: CommandId) -> bool {
    let is_full = done.len() >= WISHES_REMEMBERED;
    let Err(at) = done.binary_search(&command) else { return false };
    if is_full && at == 0 {
        return false;
    }
    done.insert(at, command);
    if is_full {
        done.remove(0);
    }
    true
}
