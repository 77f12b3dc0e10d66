//! Participants: everybody in a thread, as one value that answers who is in it.

use crate::UserId;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

/// Most people in a thread, the creator included: what one fan-out and one membership entry are sized for.
pub const PARTICIPANTS_MAX: usize = 5_000;

/// Everybody in a thread for whom it is there: sorted, without repeats; and from where on they see it. Cheap
/// to clone.
///
/// A thread is away for whoever has blocked the other one of its two people, or who brought them in
/// ([`crate::blocks`]). They stay in it, and [`Participants::stored`] has them: what others are shown of the
/// thread, or may do in it, goes by that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participants {
    people: Arc<[UserId]>,
    /// Everybody in the thread, if it is away for somebody.
    stored: Option<Arc<[UserId]>>,
    /// The places after which people see messages who do not see all.
    since: Option<Arc<HashMap<UserId, u64>>>,
}

impl Participants {
    /// These people, of whom some see only what comes after a place.
    pub fn since(people: Vec<UserId>, since: HashMap<UserId, u64>) -> Self {
        let since = Some(since).filter(|since| !since.is_empty()).map(Arc::new);
        Self { since, ..people.into() }
    }

    /// The same people in a thread that is away for these. They are in it, and are none of its people here.
    #[must_use]
    pub fn away_for(self, hidden: &[UserId]) -> Self {
        if hidden.is_empty() {
            return self;
        }
        let people = self.people.iter().filter(|user| !hidden.contains(user)).cloned().collect();
        Self { people, stored: Some(self.people), since: self.since }
    }

    /// Everybody in the thread, sorted, also those for whom it is away.
    pub fn stored(&self) -> &[UserId] {
        self.stored.as_deref().unwrap_or(&self.people)
    }

    /// Whether this person is in the thread, and it is away for them.
    pub fn is_away_for(&self, user: &UserId) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.binary_search(user).is_ok()) && !self.contains(user)
    }

    /// Whether this person is in the thread, and it is there for them.
    pub fn contains(&self, user: &UserId) -> bool {
        self.people.binary_search(user).is_ok()
    }

    /// The place after which this person sees messages, if they are in the thread: 0 for who sees all.
    pub fn seen_from(&self, user: &UserId) -> Option<u64> {
        self.contains(user).then(|| self.place_of(user))
    }

    /// The place after which somebody sees messages who is known to be in the thread: 0 for who sees all.
    pub fn place_of(&self, user: &UserId) -> u64 {
        self.since.as_ref().and_then(|since| since.get(user).copied()).unwrap_or(0)
    }

    /// Whether everybody in the thread sees the message at this place.
    pub fn all_see(&self, seq: u64) -> bool {
        self.since.as_ref().is_none_or(|since| since.values().all(|place| seq > *place))
    }

    /// Everybody but this person.
    pub fn others<'a>(&'a self, user: &'a UserId) -> impl Iterator<Item = &'a UserId> {
        self.people.iter().filter(move |other| *other != user)
    }
}

impl From<Vec<UserId>> for Participants {
    fn from(mut people: Vec<UserId>) -> Self {
        people.sort_unstable();
        people.dedup();
        Self { people: people.into(), stored: None, since: None }
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
        &self.people
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
    fn whoever_a_thread_is_away_for_stays_in_it_as_stored() {
        let [ann, bob] = ["ann", "bob"].map(|id| id.parse::<UserId>().unwrap());
        let thread = people(&["ann", "bob"]);
        assert!(!thread.is_away_for(&ann) && thread.stored().len() == 2);
        assert_eq!(thread.clone().away_for(&[]), thread);
        let thread = thread.away_for(std::slice::from_ref(&ann));
        assert!(thread.is_away_for(&ann) && !thread.is_away_for(&bob) && !thread.contains(&ann));
        assert_eq!((thread.stored().len(), thread.iter().as_slice()), (2, &[bob][..]));
        assert_eq!(thread.seen_from(&ann), None);
    }

    #[test]
    fn who_came_later_sees_what_comes_after_their_place() {
        let [ann, bob, eve] = ["ann", "bob", "eve"].map(|id| id.parse::<UserId>().unwrap());
        let thread = Participants::since(vec![bob.clone(), ann.clone()], [(bob.clone(), 7)].into());
        assert_eq!([&ann, &bob, &eve].map(|user| thread.seen_from(user)), [Some(0), Some(7), None]);
        assert_eq!([&ann, &bob].map(|user| thread.place_of(user)), [0, 7]);
        assert!(thread.all_see(8) && !thread.all_see(7));
    }
}
