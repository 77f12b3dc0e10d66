//! Mentions: the people of a thread whom a message names, so that it reaches them also where they have muted
//! the thread.
//!
//! The list that a client sends is all that counts. Texts are not read: an id may be `7` or `Ann Lee` or
//! `ann.lee@example.com`, people type names and not ids, and a wrong guess would wake somebody who asked for
//! silence. There is no word for everybody, for the same reason, and because `all` is a good user id.

use crate::{CommandId, UserId};
use serde::{Deserialize, Serialize};

/// Most people whom one message mentions: as many as a document shows of a thread. To name more is to write
/// to everybody, which a message does anyway.
pub const MENTIONS_MAX: usize = 50;

/// Why mentions are refused.
pub const NOT_IN_THREAD: &str = "mentions names somebody who is not in the thread";

/// The mentions as a message keeps them: sorted, each person once.
pub fn normalized(mut mentions: Vec<UserId>) -> Vec<UserId> {
    mentions.sort_unstable();
    mentions.dedup();
    mentions
}

/// Whom an edit has mentioned who was not mentioned before. It is kept with the message while its command is
/// remembered, so that a command that comes again tells the same people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddedMentions {
    /// The command of the edit.
    pub command: CommandId,
    /// The people.
    pub user_ids: Vec<UserId>,
}

/// Bytes of mentions for a fingerprint. Without mentions there are none, so that messages without them have
/// the fingerprints that they had before there were mentions.
pub(crate) fn bytes(mentions: &[UserId]) -> Vec<u8> {
    mentions.iter().flat_map(|user| [b"\0@", user.as_str().as_bytes()].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_person_is_mentioned_once_in_one_order() {
        let ids = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<UserId>>();
        assert_eq!(normalized(ids(&["bob", "ann", "bob"])), ids(&["ann", "bob"]));
        assert_eq!(bytes(&[]), Vec::<u8>::new());
        assert_ne!(bytes(&ids(&["a", "b"])), bytes(&ids(&["ab"])));
    }
}
