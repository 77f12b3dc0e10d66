//! What a batch of jobs knows of the people that it decides about: each is read once, however many jobs name
//! them. A busy group names the same people in every job. Those whom messages name, or whom notifications are
//! for, are read together before the jobs are carried out: a large group has hundreds of absent people, and a
//! send to many people makes a notification for each.

use super::parts::DecisionParts;
use eventflow_ports::StoreError;
use eventflow_protocol::UserId;
use eventflow_protocol::inbox::Preferences;
use eventflow_protocol::outbound::{Channel, Reason};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// What is known of one person.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) preferences: Preferences,
    has_address: bool,
    has_device: bool,
}

impl Person {
    /// Why nothing can reach the person by this channel.
    pub(super) fn unreachable(&self, channel: Channel) -> Option<Reason> {
        match channel {
            Channel::Email => (!self.has_address).then_some(Reason::NoAddress),
            Channel::Push => (!self.has_device).then_some(Reason::NoDevice),
        }
    }
}

/// People read in one call.
const READ_TOGETHER: usize = 500;

/// The people of one batch.
pub(super) struct Known<'a> {
    parts: &'a DecisionParts,
    people: Mutex<HashMap<UserId, Arc<OnceCell<Arc<Person>>>>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(parts: &'a DecisionParts) -> Self {
        Self { parts, people: Mutex::default() }
    }

    /// Reads these people, a few calls for all of them.
    pub(super) async fn read_ahead(&self, users: &BTreeSet<&UserId>) -> Result<(), StoreError> {
        let users: Vec<UserId> = users.iter().copied().cloned().collect();
        for users in users.chunks(READ_TOGETHER) {
            let read = self.read_all(users).await?;
            let known = |person| Arc::new(OnceCell::new_with(Some(Arc::new(person))));
            self.people.lock().extend(users.iter().cloned().zip(read.into_iter().map(known)));
        }
        Ok(())
    }

    /// Reads a person, unless somebody has.
    pub(super) async fn person(&self, user: &UserId) -> Result<Arc<Person>, StoreError> {
        let cell = Arc::clone(self.people.lock().entry(user.clone()).or_default());
        let read = async || Ok(Arc::new(self.read_all(std::slice::from_ref(user)).await?.remove(0)));
        cell.get_or_try_init(read).await.cloned()
    }

    /// Reads these people, in their order. The three questions do not depend on each other, so they are asked
    /// at the same time.
    async fn read_all(&self, users: &[UserId]) -> Result<Vec<Person>, StoreError> {
        let DecisionParts { inbox, directory, devices, .. } = self.parts;
        let preferences = inbox.preferences_of(users);
        let (mut preferences, profiles, owners) =
            tokio::try_join!(preferences, directory.profiles(users), devices.owners_among(users))?;
        let person = |user| Person {
            preferences: preferences.remove(user).unwrap_or_default(),
            has_address: profiles.get(user).is_some_and(|profile| profile.email.is_some()),
            has_device: owners.contains(user),
        };
        Ok(users.iter().map(person).collect())
    }
}
