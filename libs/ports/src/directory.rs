//! The directory port: people's profiles, and which of their credentials are revoked.
//!
//! If the host application has a `users` collection in the same database, the adapter reads it and never
//! writes it (fields `id` or `_id`, `name`, `email`, `avatar`). An installation without such a collection
//! writes profiles of its own. Where both exist, its own profile wins. Whoever has neither is shown by the
//! name that their token gave.

use crate::erased_people::ErasedPeople;
use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::UserId;
use eventflow_protocol::content::{Markup, typed};
use eventflow_protocol::erasure::nobody;
use eventflow_protocol::person::{Participant, Profile, Revocation, TokenName};
use moka::sync::Cache;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Selects people of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Everybody who has this role.
    Role(String),
    /// Everybody.
    Everybody,
}

/// An entry of the index of names: a word by which a person is found
/// ([`eventflow_protocol::search::name_words`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameEntry {
    /// The word.
    pub word: String,
    /// The person.
    pub user: UserId,
}

/// Keeps profiles of people, and revocations of their credentials.
///
/// Whoever has a profile, or a token with a name, is found by their words. A revocation of all credentials
/// takes a person out of the index, until a name of a token of theirs is noted again. Users of the host
/// application are found from the first such name on.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Reads the profiles of these people; unknown people are absent.
    async fn profiles(&self, users: &[UserId]) -> Result<HashMap<UserId, Profile>, StoreError>;

    /// Reads the ids of the segment's people after this one, ascending, at most `limit` of them; fewer only
    /// if there are no more. Everybody is whoever has a profile, or a token with a name.
    async fn people(
        &self,
        segment: &Segment,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError>;

    /// Reads the entries whose words begin with `beginning` after this one, ascending by word and then by
    /// person, at most `limit` of them; fewer only if there are no more. `beginning` is not empty. An entry
    /// may be of a name that a person does not have any more.
    async fn names(
        &self,
        beginning: &str,
        after: Option<&NameEntry>,
        limit: u32,
    ) -> Result<Vec<NameEntry>, StoreError>;

    /// Writes a profile, for installations whose host application has no directory.
    async fn put_profile(&self, profile: &Profile) -> Result<(), StoreError>;

    /// Stores the name of a person's token. [`Directory::profiles`] shows it where no profile has a name.
    async fn note_token_name(&self, name: &TokenName) -> Result<(), StoreError>;

    /// Reads the name of a person's token, as it was stored last; none if the person is not in the index of
    /// names, so that whoever noticed a name notes it again.
    async fn token_name(&self, user: &UserId) -> Result<Option<String>, StoreError>;

    /// Stores a revocation. Safe to repeat because a second one, or an older one of all credentials, changes
    /// nothing.
    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError>;

    /// Reads the revocations of one person's credentials.
    async fn revocations(&self, user: &UserId) -> Result<Vec<Revocation>, StoreError>;
}

/// Cache limit: the number of people, about 5 MB.
const PEOPLE_REMEMBERED: u64 = 20_000;
/// Cache lifetime: a changed name shows after this time at the latest.
const NAME_LIFE: Duration = Duration::from_secs(30);

/// A cache of how people are shown. A person without a profile is shown by their id. Whoever is known to be
/// erased has no name any more, whatever the cache has.
#[derive(Clone)]
pub struct People {
    directory: Arc<dyn Directory>,
    erased: ErasedPeople,
    markup: Markup,
    cache: Cache<UserId, Participant>,
}

impl People {
    /// Creates an empty cache over `directory`. Names are shown in this form, also those of the host
    /// application. Somebody keeps `erased` fresh: a question about names never asks for marks.
    pub fn new(directory: Arc<dyn Directory>, erased: ErasedPeople, markup: Markup) -> Self {
        Self {
            directory,
            erased,
            markup,
            cache: Cache::builder().max_capacity(PEOPLE_REMEMBERED).time_to_live(NAME_LIFE).build(),
        }
    }

    /// Returns how these people are shown, with an entry for each of them, however often one is named. While
    /// the directory is down, people who are not in the cache are shown by their ids.
    pub async fn shown(&self, users: &[UserId]) -> HashMap<UserId, Participant> {
        let mut found: HashMap<UserId, Participant> = HashMap::new();
        let mut missing: BTreeSet<UserId> = BTreeSet::new();
        for user in users {
            if self.erased.includes(user) {
                found.insert(user.clone(), nobody(user.clone()).into());
                continue;
            }
            match self.cache.get(user) {
                Some(person) => drop(found.insert(user.clone(), person)),
                None => drop(missing.insert(user.clone())),
            }
        }
        if missing.is_empty() {
            return found;
        }
        let missing: Vec<UserId> = missing.into_iter().collect();
        match self.directory.profiles(&missing).await {
            Ok(mut profiles) => {
                for user in missing {
                    let known = profiles.remove(&user).map(|profile| self.participant(profile));
                    let person = known.unwrap_or_else(|| Participant::unknown(user.clone()));
                    self.cache.insert(user.clone(), person.clone());
                    found.insert(user, person);
                }
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "people are shown by their ids");
                found.extend(missing.into_iter().map(|user| (user.clone(), Participant::unknown(user))));
            }
        }
        found
    }

    /// Drops the entry of a person whose profile changed.
    pub fn forget(&self, user: &UserId) {
        self.cache.invalidate(user);
    }

    /// A name of which nothing is left in this form is the id.
    fn participant(&self, profile: Profile) -> Participant {
        let id = profile.id.clone();
        let name = typed(&profile.name).into_owned();
        let written = Profile { name, ..profile }.written(self.markup);
        written.map_or_else(|_| Participant::unknown(id), Participant::from)
    }
}
