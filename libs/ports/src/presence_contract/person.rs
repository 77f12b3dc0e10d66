//! People of the checks, the signals of their devices, and what a store says of them.

use crate::presence::PresenceStore;
use crate::{Clock, SystemClock};
use eventflow_protocol::presence::{DeviceSignal, DeviceState, Presence, Status};
use eventflow_protocol::{CommandId, Timestamp, UserId};
use std::time::Duration;

/// A person that no other check uses.
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) start: Timestamp,
}

impl Person {
    /// Somebody of whom the store has never heard.
    pub(super) fn new() -> Self {
        Self::named(&format!("auth0|{}.x é", CommandId::new().0))
    }

    pub(super) fn named(id: &str) -> Self {
        Self { id: id.parse().expect("a well formed user id"), start: SystemClock.now() }
    }

    pub(super) fn after(&self, duration: Duration) -> Timestamp {
        Timestamp(self.start.0 + millis(duration))
    }

    pub(super) fn signal(&self, device: &str, state: DeviceState, at: Timestamp) -> DeviceSignal {
        DeviceSignal { user_id: self.id.clone(), device: device.to_owned(), state, at }
    }

    /// A signal of an active device, sent `order` milliseconds after the start.
    pub(super) fn here(&self, device: &str, order: i64) -> DeviceSignal {
        self.idle_for(device, order, Duration::ZERO)
    }

    pub(super) fn idle_for(&self, device: &str, order: i64, idle: Duration) -> DeviceSignal {
        let at = Timestamp(self.start.0 + order);
        self.signal(
            device,
            DeviceState::Here { active_at: Timestamp(at.0 - millis(idle)), wants_away: false, parked: false },
            at,
        )
    }

    pub(super) fn gone(&self, device: &str, order: i64) -> DeviceSignal {
        self.signal(device, DeviceState::Gone, Timestamp(self.start.0 + order))
    }
}

pub(super) async fn record(store: &dyn PresenceStore, signals: &[DeviceSignal]) {
    store.record(signals).await.expect("record");
}

/// The person's new status, if the judgement changed it.
pub(super) async fn judge(store: &dyn PresenceStore, person: &Person, now: Timestamp) -> Option<Status> {
    let changes = store.judge(std::slice::from_ref(&person.id), now).await.expect("judge");
    assert!(changes.len() <= 1 && changes.iter().all(|change| change.user_id == person.id), "{changes:?}");
    changes.first().map(|change| change.status)
}

pub(super) async fn presence(store: &dyn PresenceStore, person: &Person, now: Timestamp) -> Presence {
    let mut found = store.presence(std::slice::from_ref(&person.id), now).await.expect("presence");
    assert_eq!(found.len(), 1);
    found.remove(&person.id).expect("an entry for each")
}

/// Expects that of `people` exactly `expected` are due. Others may be due too.
pub(super) async fn assert_due(
    store: &dyn PresenceStore,
    people: &[Person],
    now: Timestamp,
    expected: &[&Person],
) {
    let due = store.due(now, usize::MAX).await.expect("due");
    let mut due: Vec<&UserId> =
        people.iter().map(|person| &person.id).filter(|id| due.contains(*id)).collect();
    let mut expected: Vec<&UserId> = expected.iter().map(|person| &person.id).collect();
    due.sort_unstable();
    expected.sort_unstable();
    assert_eq!(due, expected);
}

pub(super) fn ids(people: &[Person]) -> Vec<UserId> {
    people.iter().map(|person| person.id.clone()).collect()
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).expect("a short time")
}
