//! Broken lines: whose last live line has broken with a batch of signals.
//!
//! A session that waits for its line says so with every heartbeat. Only the first of them is news: it takes
//! away from the person what they saw their messages by. So the store is asked how attentive they were before
//! the signals and how those who had a live line are after them. Safe to repeat because a batch that comes
//! again, after the store has heard it, counts as news once more.

use eventflow_bus::handler::Item;
use eventflow_ports::{PresenceError, PresenceStore};
use eventflow_protocol::presence::{DeviceSignal, DeviceState, Status};
use eventflow_protocol::{Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};

/// Records signals, and tells whose lines broke.
#[derive(Debug, Default)]
pub(super) struct BrokenLines {
    /// People whose signals the store may have heard, of a batch that was not finished.
    unfinished: Mutex<HashSet<UserId>>,
}

impl BrokenLines {
    /// Records these signals. Returns those who have no live line any more, or none that they look at, since
    /// then.
    pub(super) async fn record(
        &self,
        store: &dyn PresenceStore,
        signals: &[&Item<DeviceSignal>],
        now: Timestamp,
    ) -> Result<Vec<UserId>, PresenceError> {
        let waits =
            |item: &&&Item<DeviceSignal>| matches!(item.value.state, DeviceState::Here { parked: true, .. });
        let waiting: Vec<&Item<DeviceSignal>> = signals.iter().filter(waits).copied().collect();
        let users = distinct_users(&waiting);
        let before = attention(store, &users, now).await?;
        let repeated: HashSet<UserId> = {
            let mut unfinished = self.unfinished.lock();
            let redelivered = waiting.iter().filter(|item| item.redelivered);
            unfinished.extend(redelivered.map(|item| item.value.user_id.clone()));
            let repeated = users.iter().filter(|user| unfinished.contains(*user)).cloned().collect();
            unfinished.extend(users.iter().cloned());
            repeated
        };
        let signals: Vec<DeviceSignal> = signals.iter().map(|item| item.value.clone()).collect();
        store.record(&signals).await?;
        // Who had no live line before has none to lose, and a batch that comes again is news whatever is now.
        let may_have_lost =
            |user: &&UserId| !repeated.contains(*user) && before.get(*user).copied() != Some(Status::Offline);
        let asked: Vec<UserId> = users.iter().filter(may_have_lost).cloned().collect();
        let after = attention(store, &asked, now).await?;
        self.unfinished.lock().retain(|user| !users.contains(user));
        let has_lost = |user: &&UserId| {
            let is = after.get(*user).copied().unwrap_or_default();
            may_have_lost(user) && is != Status::Online && before.get(*user).copied() != Some(is)
        };
        let is_news = |user: &&UserId| repeated.contains(*user) || has_lost(user);
        Ok(users.iter().filter(is_news).cloned().collect())
    }

    /// Nobody was told of these, and their batch comes again.
    pub(super) fn were_not_told(&self, users: Vec<UserId>) {
        self.unfinished.lock().extend(users);
    }
}

/// The users of these signals, each once, in the order of their first signal.
pub(super) fn distinct_users(signals: &[&Item<DeviceSignal>]) -> Vec<UserId> {
    let mut seen = HashSet::new();
    let mut users = Vec::new();
    for signal in signals {
        if seen.insert(&signal.value.user_id) {
            users.push(signal.value.user_id.clone());
        }
    }
    users
}

async fn attention(
    store: &dyn PresenceStore,
    users: &[UserId],
    now: Timestamp,
) -> Result<HashMap<UserId, Status>, PresenceError> {
    if users.is_empty() { Ok(HashMap::new()) } else { store.attention(users, now).await }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use eventflow_ports::devices::Contact;
    use eventflow_ports::{GatewayReport, GatewayStats, MemoryPresence};
    use eventflow_protocol::CommandId;
    use eventflow_protocol::presence::Presence;

    fn signal(device: &str, parked: bool, second: i64) -> Item<DeviceSignal> {
        let at = Timestamp(1_000_000 + second * 1_000);
        let state = DeviceState::Here { active_at: at, wants_away: false, parked };
        let value = DeviceSignal { user_id: "ann".parse().unwrap(), device: device.to_owned(), state, at };
        Item { id: CommandId::new().0, attempt: 0, redelivered: false, value, reply_to: None, trace: None }
    }

    /// How many people's lines break with this signal.
    async fn broken(lines: &BrokenLines, store: &dyn PresenceStore, signal: &Item<DeviceSignal>) -> usize {
        lines.record(store, &[signal], signal.value.at).await.unwrap().len()
    }

    #[tokio::test]
    async fn of_the_heartbeats_of_a_waiting_session_the_first_is_news() {
        let (lines, store) = (BrokenLines::default(), MemoryPresence::default());
        let signals = [false, true, true, true, false, true, true].into_iter().zip(0..);
        let mut news = Vec::new();
        for (parked, n) in signals {
            news.push(broken(&lines, &store, &signal("phone", parked, n * 30)).await);
        }
        assert_eq!(news, [0, 1, 0, 0, 0, 1, 0]);
    }

    #[tokio::test]
    async fn whoever_has_another_live_line_has_lost_none_until_that_breaks_too() {
        let (lines, store) = (BrokenLines::default(), MemoryPresence::default());
        for (device, parked, expected) in
            [("a", false, 0), ("b", false, 0), ("a", true, 0), ("a", true, 0), ("b", true, 1), ("a", true, 0)]
        {
            assert_eq!(broken(&lines, &store, &signal(device, parked, 0)).await, expected);
        }
    }

    #[tokio::test]
    async fn a_batch_that_was_not_finished_is_news_when_it_comes_again() {
        let (lines, store) = (BrokenLines::default(), MemoryPresence::default());
        broken(&lines, &store, &signal("phone", false, 0)).await;
        let parked = signal("phone", true, 1);
        assert_eq!(broken(&lines, &store, &parked).await, 1);
        lines.were_not_told(vec![parked.value.user_id.clone()]);
        assert_eq!(broken(&lines, &store, &parked).await, 1, "its judgement failed");
        let redelivered = Item { redelivered: true, ..parked };
        assert_eq!(broken(&lines, &store, &redelivered).await, 1, "its sweeper died");
    }

    #[tokio::test]
    async fn whoever_had_no_live_line_is_not_asked_for_again() {
        let (lines, store) = (BrokenLines::default(), Counted::default());
        let mut asked = Vec::new();
        for (parked, n) in [(false, 0), (true, 1), (true, 2), (true, 3)] {
            broken(&lines, &store, &signal("phone", parked, n * 30)).await;
            asked.push(std::mem::take(&mut *store.asked.lock()));
        }
        assert_eq!(asked, [0, 2, 1, 1], "before and after while there is a line to lose, else before");
        let again = Item { redelivered: true, ..signal("phone", true, 120) };
        assert_eq!(broken(&lines, &store, &again).await, 1);
        assert_eq!(*store.asked.lock(), 1, "what comes again is news, whatever is now");
    }

    /// Counts for how many people it is asked how attentive they are.
    #[derive(Default)]
    struct Counted {
        inner: MemoryPresence,
        asked: Mutex<usize>,
    }

    #[async_trait]
    impl PresenceStore for Counted {
        async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError> {
            self.inner.record(signals).await
        }
        async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, PresenceError> {
            self.inner.judge(users, now).await
        }
        async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, PresenceError> {
            self.inner.due(now, limit).await
        }
        async fn presence(
            &self,
            users: &[UserId],
            now: Timestamp,
        ) -> Result<HashMap<UserId, Presence>, PresenceError> {
            self.inner.presence(users, now).await
        }
        async fn attention(
            &self,
            users: &[UserId],
            now: Timestamp,
        ) -> Result<HashMap<UserId, Status>, PresenceError> {
            *self.asked.lock() += users.len();
            self.inner.attention(users, now).await
        }
        async fn online_since(
            &self,
            users: &[UserId],
            now: Timestamp,
        ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
            self.inner.online_since(users, now).await
        }
        async fn contact(
            &self,
            user: &UserId,
            sent: (Timestamp, Timestamp),
            now: Timestamp,
        ) -> Result<Option<Contact>, PresenceError> {
            self.inner.contact(user, sent, now).await
        }
        async fn connected(&self, now: Timestamp) -> Result<u64, PresenceError> {
            self.inner.connected(now).await
        }
        async fn connected_people(&self, now: Timestamp) -> Result<Vec<UserId>, PresenceError> {
            self.inner.connected_people(now).await
        }
        async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError> {
            self.inner.report(gateway, stats).await
        }
        async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
            self.inner.reports().await
        }
        async fn retire(&self, gateway: &str) -> Result<(), PresenceError> {
            self.inner.retire(gateway).await
        }
    }
}
