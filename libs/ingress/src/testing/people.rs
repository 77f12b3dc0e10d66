//! Inbox, directory and presence store of a test: maps in memory.

use async_trait::async_trait;
use eventflow_ports::devices::Contact;
use eventflow_ports::inbox::Keyed;
use eventflow_ports::presence::{GatewayReport, GatewayStats};
use eventflow_ports::{
    Directory, Inbox, NameEntry, NotificationPage, PresenceError, PresenceStore, Segment, StoreError,
};
use eventflow_protocol::fingerprint::Fingerprint;
use eventflow_protocol::inbox::{
    ChangeNotifications, Notification, NotificationChange, Notify, Preferences, ReadThread, SetPreferences,
};
use eventflow_protocol::person::{Profile, Revocation, TokenName};
use eventflow_protocol::preferences::{ChangePreferences, InvalidChange};
use eventflow_protocol::presence::{DeviceSignal, DeviceState, Presence, Status};
use eventflow_protocol::search::name_words;
use eventflow_protocol::{NotificationId, Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// Notifications and preferences of a test.
#[derive(Default)]
pub(crate) struct TestInbox {
    notifications: Mutex<Vec<Notification>>,
    bodies: Mutex<HashMap<NotificationId, Fingerprint>>,
    preferences: Mutex<HashMap<UserId, Preferences>>,
}

impl TestInbox {
    /// Stores a notification, or finds the one with the same key and body (then the flag is `true`). `None`:
    /// the key belongs to another body.
    pub(crate) fn notify(&self, id: NotificationId, notify: Notify) -> Option<(Notification, bool)> {
        let body = notify.fingerprint();
        let Some(id) = notify.key.as_ref().map(|key| key.notification_id(&notify.user_id)) else {
            let notification = Notification::new(id, notify);
            self.notifications.lock().push(notification.clone());
            return Some((notification, false));
        };
        let mut notifications = self.notifications.lock();
        if let Some(known) = notifications.iter().find(|one| one.id == id) {
            return (self.bodies.lock().get(&id) == Some(&body)).then(|| (known.clone(), true));
        }
        self.bodies.lock().insert(id, body);
        notifications.push(Notification::new(id, notify));
        notifications.last().cloned().map(|notification| (notification, false))
    }

    pub(crate) fn change(&self, change: &ChangeNotifications) -> u64 {
        let mut notifications = self.notifications.lock();
        let is_meant = |one: &Notification| {
            let is_it = change.notification_id.map_or(one.created_at < change.at, |id| one.id == id);
            one.user_id == change.user_id && is_it
        };
        if change.change == NotificationChange::Delete {
            let before = notifications.len();
            notifications.retain(|one| !is_meant(one));
            return (before - notifications.len()) as u64;
        }
        let unread = notifications.iter_mut().filter(|one| is_meant(one) && !one.is_read);
        let mut count = 0;
        for notification in unread {
            notification.is_read = true;
            notification.read_at = Some(change.at);
            count += 1;
        }
        count
    }

    pub(crate) fn set(&self, set: SetPreferences) -> Preferences {
        let mut all = self.preferences.lock();
        let stored = set.onto(&all.get(&set.user_id).cloned().unwrap_or_default());
        all.insert(set.user_id, stored.clone());
        stored
    }

    pub(crate) fn change_some(&self, change: &ChangePreferences) -> Result<Preferences, InvalidChange> {
        let mut all = self.preferences.lock();
        let stored = all.get(&change.user_id).cloned().unwrap_or_default();
        let preferences = change.change.onto(stored, change.at)?;
        all.insert(change.user_id.clone(), preferences.clone());
        Ok(preferences)
    }
}

#[async_trait]
impl Inbox for TestInbox {
    async fn add_notifications(&self, _notifications: &[Notification]) -> Result<Vec<bool>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn add_keyed_notification(
        &self,
        _notification: &Notification,
        _body: Fingerprint,
    ) -> Result<Keyed, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn change_notifications(&self, _change: &ChangeNotifications) -> Result<u64, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn read_with_threads(&self, _reads: &[ReadThread]) -> Result<Vec<Vec<NotificationId>>, StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn notifications_of(
        &self,
        user: &UserId,
        page: NotificationPage,
    ) -> Result<Vec<Notification>, StoreError> {
        let all = self.notifications.lock();
        let mut own: Vec<&Notification> = all.iter().filter(|one| one.user_id == *user).collect();
        own.sort_by_key(|one| std::cmp::Reverse((one.created_at, one.id)));
        let wanted = own.into_iter().filter(|one| {
            (!page.unread_only || !one.is_read)
                && page.after.is_none_or(|after| (one.created_at, one.id) < after)
        });
        Ok(wanted.skip(page.skip as usize).take(page.limit as usize).cloned().collect())
    }
    async fn notification(
        &self,
        user: &UserId,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError> {
        Ok(self.notifications.lock().iter().find(|one| one.user_id == *user && one.id == id).cloned())
    }
    async fn unread_notifications(&self, user: &UserId) -> Result<u64, StoreError> {
        Ok(self.notifications.lock().iter().filter(|one| one.user_id == *user && !one.is_read).count() as u64)
    }
    async fn preferences(&self, user: &UserId) -> Result<Preferences, StoreError> {
        Ok(self.preferences.lock().get(user).cloned().unwrap_or_default())
    }
    async fn preferences_of(&self, _users: &[UserId]) -> Result<HashMap<UserId, Preferences>, StoreError> {
        panic!("the ingress does not ask for it")
    }
    async fn set_preferences(&self, _set: &SetPreferences) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn change_preferences(
        &self,
        _change: &ChangePreferences,
    ) -> Result<Result<Preferences, InvalidChange>, StoreError> {
        panic!("the ingress writes nothing")
    }
}

/// Profiles and revocations of a test.
#[derive(Default)]
pub(crate) struct TestDirectory {
    profiles: Mutex<HashMap<UserId, Profile>>,
    token_names: Mutex<HashMap<UserId, String>>,
    revocations: Mutex<Vec<Revocation>>,
    pub(crate) is_down: AtomicBool,
}

impl TestDirectory {
    pub(crate) fn put(&self, profile: Profile) {
        self.profiles.lock().insert(profile.id.clone(), profile);
    }

    pub(crate) fn note(&self, TokenName { user_id, name }: TokenName) {
        self.token_names.lock().insert(user_id, name);
    }

    pub(crate) fn add(&self, revocation: Revocation) {
        self.revocations.lock().push(revocation);
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.is_down.load(SeqCst) {
            return Err(StoreError::Unavailable { what: "test", source: "secret-host:27017 is down".into() });
        }
        Ok(())
    }
}

#[async_trait]
impl Directory for TestDirectory {
    async fn profiles(&self, users: &[UserId]) -> Result<HashMap<UserId, Profile>, StoreError> {
        self.check()?;
        let (profiles, names) = (self.profiles.lock(), self.token_names.lock());
        let by_token = |id: &UserId| {
            Some(Profile {
                id: id.clone(),
                name: names.get(id)?.clone(),
                avatar: None,
                email: None,
                role: None,
            })
        };
        let known = |user: &UserId| profiles.get(user).cloned().or_else(|| by_token(user));
        Ok(users.iter().filter_map(|user| Some((user.clone(), known(user)?))).collect())
    }
    async fn people(
        &self,
        segment: &Segment,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        self.check()?;
        let profiles = self.profiles.lock();
        let is_meant = |profile: &Profile| match segment {
            Segment::Role(role) => profile.role.as_ref() == Some(role),
            Segment::Everybody => true,
        };
        let mut found: Vec<UserId> =
            profiles.values().filter(|profile| is_meant(profile)).map(|profile| profile.id.clone()).collect();
        found.retain(|user| after.is_none_or(|after| user > after));
        found.sort_unstable();
        found.truncate(limit as usize);
        Ok(found)
    }
    async fn names(
        &self,
        beginning: &str,
        after: Option<&NameEntry>,
        limit: u32,
    ) -> Result<Vec<NameEntry>, StoreError> {
        self.check()?;
        let everybody: Vec<UserId> =
            self.profiles.lock().keys().chain(self.token_names.lock().keys()).cloned().collect();
        let known = self.profiles(&everybody).await?;
        let entries = known.into_values().flat_map(|Profile { id, name, .. }| {
            let words = name_words(&id, &name).into_iter();
            words.map(|word| NameEntry { word, user: id.clone() }).collect::<Vec<_>>()
        });
        let mut found: Vec<NameEntry> = entries
            .filter(|entry| entry.word.starts_with(beginning) && after.is_none_or(|after| entry > after))
            .collect();
        found.sort_unstable();
        found.truncate(limit as usize);
        Ok(found)
    }
    async fn put_profile(&self, _profile: &Profile) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn note_token_name(&self, _name: &TokenName) -> Result<(), StoreError> {
        panic!("the ingress writes nothing")
    }
    async fn token_name(&self, user: &UserId) -> Result<Option<String>, StoreError> {
        self.check()?;
        Ok(self.token_names.lock().get(user).cloned())
    }
    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.check()?;
        self.add(revocation.clone());
        Ok(())
    }
    async fn revocations(&self, user: &UserId) -> Result<Vec<Revocation>, StoreError> {
        self.check()?;
        Ok(self.revocations.lock().iter().filter(|one| one.user_id == *user).cloned().collect())
    }
}

/// Presence of a test: the latest signals decide, and nothing expires.
#[derive(Default)]
pub(crate) struct TestPresence {
    people: Mutex<HashMap<UserId, Presence>>,
    reports: Mutex<BTreeMap<String, GatewayReport>>,
    pub(crate) is_down: AtomicBool,
}

impl TestPresence {
    /// A gateway has reported these figures so long ago.
    pub(crate) fn report_of_age(&self, gateway: &str, stats: &GatewayStats, age: Duration) {
        self.reports.lock().insert(
            gateway.to_owned(),
            GatewayReport { gateway: gateway.to_owned(), stats: stats.clone(), age },
        );
    }

    fn check(&self) -> Result<(), PresenceError> {
        if self.is_down.load(SeqCst) {
            return Err(PresenceError { what: "test", source: "secret-host:6379 is down".into() });
        }
        Ok(())
    }
}

#[async_trait]
impl PresenceStore for TestPresence {
    async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError> {
        self.check()?;
        for signal in signals {
            let (status, last_seen) = match signal.state {
                DeviceState::Here { active_at, wants_away: false, .. } => (Status::Online, active_at),
                DeviceState::Here { active_at, wants_away: true, .. } => (Status::Away, active_at),
                DeviceState::Gone => (Status::Offline, signal.at),
            };
            let presence = Presence { user_id: signal.user_id.clone(), status, last_seen: Some(last_seen) };
            self.people.lock().insert(signal.user_id.clone(), presence);
        }
        Ok(())
    }
    async fn judge(&self, _users: &[UserId], _now: Timestamp) -> Result<Vec<Presence>, PresenceError> {
        panic!("the ingress judges nobody")
    }
    async fn due(&self, _now: Timestamp, _limit: usize) -> Result<Vec<UserId>, PresenceError> {
        panic!("the ingress judges nobody")
    }
    async fn presence(
        &self,
        users: &[UserId],
        _now: Timestamp,
    ) -> Result<HashMap<UserId, Presence>, PresenceError> {
        self.check()?;
        let people = self.people.lock();
        Ok(users
            .iter()
            .map(|user| {
                (
                    user.clone(),
                    people.get(user).cloned().unwrap_or_else(|| Presence::never_seen(user.clone())),
                )
            })
            .collect())
    }
    async fn attention(
        &self,
        _users: &[UserId],
        _now: Timestamp,
    ) -> Result<HashMap<UserId, Status>, PresenceError> {
        panic!("the ingress tells nobody outside")
    }
    async fn contact(
        &self,
        _user: &UserId,
        _sent: (Timestamp, Timestamp),
        _now: Timestamp,
    ) -> Result<Option<Contact>, PresenceError> {
        panic!("the ingress tells nobody outside")
    }
    async fn online_since(
        &self,
        _users: &[UserId],
        _now: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
        panic!("the ingress tells nobody outside")
    }
    async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError> {
        self.check()?;
        self.report_of_age(gateway, stats, Duration::ZERO);
        Ok(())
    }
    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
        self.check()?;
        Ok(self.reports.lock().values().cloned().collect())
    }
    async fn retire(&self, gateway: &str) -> Result<(), PresenceError> {
        self.check()?;
        self.reports.lock().remove(gateway);
        Ok(())
    }
    async fn connected(&self, _now: Timestamp) -> Result<u64, PresenceError> {
        self.check()?;
        let people = self.people.lock();
        Ok(people.values().filter(|person| person.status != Status::Offline).count() as u64)
    }
    async fn connected_people(&self, _now: Timestamp) -> Result<Vec<UserId>, PresenceError> {
        self.check()?;
        let people = self.people.lock();
        let connected = people.iter().filter(|(_, person)| person.status != Status::Offline);
        let mut connected: Vec<UserId> = connected.map(|(user, _)| user.clone()).collect();
        connected.sort_unstable();
        Ok(connected)
    }
}
