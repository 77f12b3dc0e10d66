//! The directory port: people's profiles, and which of their credentials are revoked.
//!
//! If the host application has a `users` collection in the same database, the adapter reads it and never
//! writes it (fields `id` or `_id`, `name`, `email`, `avatar`). An installation without such a collection
//! writes profiles of its own. Where both exist, its own profile wins.

use crate::store::StoreError;
use async_trait::async_trait;
use eventflow_protocol::UserId;
use eventflow_protocol::person::{Participant, Profile, Revocation};
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Keeps profiles of people, and revocations of their credentials.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Reads the profiles of these people; unknown people are absent.
    async fn profiles(&self, users: &[UserId]) -> Result<HashMap<UserId, Profile>, StoreError>;

    /// Writes a profile, for installations whose host application has no directory.
    async fn put_profile(&self, profile: &Profile) -> Result<(), StoreError>;

    /// Stores a revocation. Safe to repeat because a second one changes nothing.
    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError>;

    /// Reads the revocations of one person's credentials.
    async fn revocations(&self, user: &UserId) -> Result<Vec<Revocation>, StoreError>;
}

/// Cache limit: the number of people, about 5 MB.
const PEOPLE_REMEMBERED: u64 = 20_000;
/// Cache lifetime: a changed name shows after this time at the latest.
const NAME_LIFE: Duration = Duration::from_secs(30);

/// A cache of how people are shown. A person without a profile is shown by their id.
#[derive(Clone)]
pub struct People {
    directory: Arc<dyn Directory>,
    cache: Cache<UserId, Participant>,
}

impl People {
    /// Creates an empty cache over `directory`.
    pub fn new(directory: Arc<dyn Directory>) -> Self {
        Self {
            directory,
            cache: Cache::builder().max_capacity(PEOPLE_REMEMBERED).time_to_live(NAME_LIFE).build(),
        }
    }

    /// Returns how these people are shown, with an entry for each of them. While the directory is down,
    /// people who are not in the cache are shown by their ids.
    pub async fn shown(&self, users: &[UserId]) -> HashMap<UserId, Participant> {
        let mut found: HashMap<UserId, Participant> = users
            .iter()
            .filter_map(|user| self.cache.get(user).map(|person| (user.clone(), person)))
            .collect();
        let missing: Vec<UserId> = users.iter().filter(|user| !found.contains_key(*user)).cloned().collect();
        if missing.is_empty() {
            return found;
        }
        match self.directory.profiles(&missing).await {
            Ok(mut profiles) => {
                for user in missing {
                    let known = profiles.remove(&user).map(Participant::from);
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
}
