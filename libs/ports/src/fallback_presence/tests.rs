//! A shared store that fails and comes back, under the fallback.

use super::*;
use crate::devices::Contact;
use crate::presence::OFFLINE_GRACE;
use crate::presence_contract;
use eventflow_protocol::presence::{DeviceState, Status};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A store that can be switched off.
#[derive(Default)]
struct Switched {
    inner: MemoryPresence,
    is_off: AtomicBool,
}

impl Switched {
    fn on(&self) -> Result<&MemoryPresence, PresenceError> {
        if self.is_off.load(SeqCst) {
            return Err(PresenceError { what: "test", source: "switched off".into() });
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl PresenceStore for Switched {
    async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError> {
        self.on()?.record(signals).await
    }
    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, PresenceError> {
        self.on()?.judge(users, now).await
    }
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, PresenceError> {
        self.on()?.due(now, limit).await
    }
    async fn presence(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Presence>, PresenceError> {
        self.on()?.presence(users, now).await
    }
    async fn attention(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Status>, PresenceError> {
        self.on()?.attention(users, now).await
    }
    async fn online_since(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
        self.on()?.online_since(users, now).await
    }
    async fn contact(
        &self,
        user: &UserId,
        sent: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Option<Contact>, PresenceError> {
        self.on()?.contact(user, sent, now).await
    }
    async fn connected(&self, now: Timestamp) -> Result<u64, PresenceError> {
        self.on()?.connected(now).await
    }
    async fn connected_people(&self, now: Timestamp) -> Result<Vec<UserId>, PresenceError> {
        self.on()?.connected_people(now).await
    }
    async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError> {
        self.on()?.report(gateway, stats).await
    }
    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
        self.on()?.reports().await
    }
    async fn retire(&self, gateway: &str) -> Result<(), PresenceError> {
        self.on()?.retire(gateway).await
    }
}

struct Rig {
    shared: Arc<Switched>,
    presence: FallbackPresence,
    now: Timestamp,
}

impl Rig {
    fn new() -> Self {
        let shared = Arc::new(Switched::default());
        let presence = FallbackPresence::of_the_only_process(shared.clone());
        Self { shared, presence, now: Timestamp(1_000_000) }
    }

    async fn pass(&mut self, time: Duration) {
        tokio::time::advance(time).await;
        self.now = self.now.plus(time);
    }

    async fn says(&self, user: &str, device: &str, is_here: bool) {
        let here = DeviceState::Here { active_at: self.now, wants_away: false, parked: false };
        let state = if is_here { here } else { DeviceState::Gone };
        let signal = DeviceSignal { user_id: id(user), device: device.to_owned(), state, at: self.now };
        self.presence.record(&[signal]).await.unwrap();
    }

    /// The changes that a sweep announces.
    async fn sweep(&self) -> Vec<(String, Status)> {
        let due = self.presence.due(self.now, 100).await.unwrap();
        let changes = self.presence.judge(&due, self.now).await.unwrap();
        changes.into_iter().map(|change| (change.user_id.to_string(), change.status)).collect()
    }

    async fn status(&self, user: &str) -> Status {
        self.presence.presence(&[id(user)], self.now).await.unwrap()[&id(user)].status
    }
}

fn id(name: &str) -> UserId {
    name.parse().unwrap()
}

fn told(user: &str, status: Status) -> Vec<(String, Status)> {
    vec![(user.to_owned(), status)]
}

#[tokio::test]
async fn it_keeps_every_promise_with_the_shared_store_and_without() {
    for is_off in [false, true] {
        let rig = Rig::new();
        rig.shared.is_off.store(is_off, SeqCst);
        presence_contract::check_all(&rig.presence).await;
        assert_eq!(rig.presence.is_in_memory(), is_off);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_changes_nobodys_status_and_what_happens_meanwhile_is_told_once() {
    let mut rig = Rig::new();
    rig.says("ann", "a", true).await;
    rig.says("bob", "b", true).await;
    assert_eq!(rig.sweep().await.len(), 2);
    rig.shared.is_off.store(true, SeqCst);
    rig.pass(Duration::from_secs(1)).await;
    assert_eq!(rig.sweep().await, []);
    assert!(rig.presence.is_in_memory());
    rig.says("bob", "b", false).await;
    rig.says("cat", "c", true).await;
    assert_eq!(rig.sweep().await, told("cat", Status::Online));
    rig.pass(OFFLINE_GRACE).await;
    assert_eq!(rig.sweep().await, told("bob", Status::Offline));
    assert_eq!((rig.status("ann").await, rig.status("bob").await), (Status::Online, Status::Offline));
    assert_eq!(rig.presence.connected(rig.now).await.unwrap(), 2);

    rig.shared.is_off.store(false, SeqCst);
    for _ in 0..4 {
        rig.pass(HEARTBEAT / 2).await;
        rig.says("ann", "a", true).await;
        rig.says("cat", "c", true).await;
        assert_eq!(rig.sweep().await, [], "the memory goes on answering, or the store says the same");
        for (user, status) in [("ann", Status::Online), ("bob", Status::Offline), ("cat", Status::Online)] {
            assert_eq!(rig.status(user).await, status, "{user}");
        }
    }
    assert!(!rig.presence.is_in_memory(), "the shared store is used again");
    assert_eq!(rig.sweep().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_comes_and_goes_is_not_believed_in_between() {
    let mut rig = Rig::new();
    rig.says("ann", "a", true).await;
    rig.sweep().await;
    for is_off in [true, false, true, false, true] {
        rig.shared.is_off.store(is_off, SeqCst);
        rig.pass(SETTLE / 2).await;
        rig.says("ann", "a", true).await;
        assert_eq!((rig.sweep().await, rig.status("ann").await), (vec![], Status::Online));
        assert!(rig.presence.is_in_memory());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweeper_that_has_just_come_waits_for_the_store_until_it_has_heard_of_everybody() {
    let shared = Arc::new(Switched::default());
    let presence = FallbackPresence::of_a_sweeper(shared.clone());
    shared.is_off.store(true, SeqCst);
    presence.due(Timestamp(0), 1).await.expect_err("it does not know everybody yet");
    assert!(!presence.is_in_memory());
    tokio::time::advance(SETTLE).await;
    presence.due(Timestamp(0), 1).await.expect("it knows everybody");
    assert!(presence.is_in_memory());
}
