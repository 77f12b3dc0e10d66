//! Participants: everybody in a thread, as one value that answers who is in it.

use crate::UserId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::Arc;

/// Everybody in a thread: sorted, without repeats. Cheap to clone; its JSON is the list of user ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Vec<UserId>")]
pub struct Participants(Arc<[UserId]>);

impl Participants {
    /// Whether this person is in the thread.
    pub fn contains(&self, user: &UserId) -> bool {
        self.0.binary_search(user).is_ok()
    }

    /// Everybody but this person.
    pub fn others<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a UserId> {
        self.0.iter().filter(move |other| *other != user)
    }
}

impl From<Vec<UserId>> for Participants {
    fn from(mut people: Vec<UserId>) -> Self {
        people.sort_unstable();
        people.dedup();
        Self(people.into())
    }
}

impl From<&[UserId]> for Participants {
    fn from(people: &[UserId]) -> Self {
        people.to_vec().into()
    }
}

impl FromIterator<UserId> for Participants {
    fn from_iter<People: IntoIterator<Item = UserId>>(people: People) -> Self {
        people.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for Participants {
    type Target = [UserId];

    fn deref(&self) -> &[UserId] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(names: &[&str]) -> Participants {
        names.iter().map(|name| name.parse::<UserId>().unwrap()).collect()
    }

    #[test]
    fn participants_are_sorted_and_nobody_is_in_a_thread_twice() {
        let thread = people(&["zoe", "ann", "zoe", "bob"]);
        assert_eq!(thread.iter().map(UserId::as_str).collect::<Vec<_>>(), ["ann", "bob", "zoe"]);
        assert!(thread.contains(&"bob".parse().unwrap()) && !thread.contains(&"cat".parse().unwrap()));
        let ann = "ann".parse().unwrap();
        assert_eq!(thread.others(&ann).map(UserId::as_str).collect::<Vec<_>>(), ["bob", "zoe"]);
    }

    #[test]
    fn participants_are_a_list_in_json_and_read_back_sorted() {
        let thread = people(&["bob", "ann"]);
        assert_eq!(serde_json::to_string(&thread).unwrap(), r#"["ann","bob"]"#);
        assert_eq!(serde_json::from_str::<Participants>(r#"["bob","ann","bob"]"#).unwrap(), thread);
    }
}
