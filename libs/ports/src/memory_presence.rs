//! In-memory presence store of one process: the gateway records signals, the sweeper judges them, behind one
//! lock.
//!
//! A signal counts as heard at the time it names, since all signals come by the clock of this process. All
//! entries are lost with the process, and so are the sockets whose devices it kept.

use crate::devices::{Contact, Devices};
use crate::presence::{
    CONNECTED_MAX, GatewayReport, GatewayStats, PresenceError, PresenceStore, REPORT_LEASE,
};
use async_trait::async_trait;
use eventflow_protocol::presence::{DeviceSignal, Presence, Status};
use eventflow_protocol::{Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use tokio::time::Instant;

/// A [`PresenceStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryPresence {
    known: Mutex<KnownDevices>,
    reports: Mutex<HashMap<String, Report>>,
}

#[derive(Debug, Default)]
struct KnownDevices {
    people: HashMap<UserId, Devices>,
    /// Every one of `people` once, ordered by the time at which they are due.
    due: BTreeSet<(Timestamp, UserId)>,
}

#[derive(Debug)]
struct Report {
    stats: GatewayStats,
    at: Instant,
}

impl KnownDevices {
    fn hear(&mut self, signal: &DeviceSignal) {
        let devices = self.people.entry(signal.user_id.clone()).or_default();
        // The signal may change when the person is due, so their entry is removed first and then added again.
        self.due.remove(&(devices.due(), signal.user_id.clone()));
        devices.hear(signal, signal.at);
        self.due.insert((devices.due(), signal.user_id.clone()));
    }

    fn judge(&mut self, user: &UserId, now: Timestamp) -> Option<Presence> {
        let devices = self.people.get_mut(user)?;
        self.due.remove(&(devices.due(), user.clone()));
        if devices.is_forgotten(now) {
            self.people.remove(user);
            return None;
        }
        let changed = devices.judge(now);
        self.due.insert((devices.due(), user.clone()));
        changed.then(|| devices.presence(user, now))
    }

    fn presence(&self, user: &UserId, now: Timestamp) -> Presence {
        self.people
            .get(user)
            .map_or_else(|| Devices::default().presence(user, now), |devices| devices.presence(user, now))
    }
}

#[async_trait]
impl PresenceStore for MemoryPresence {
    async fn record(&self, signals: &[DeviceSignal]) -> Result<(), PresenceError> {
        let mut known = self.known.lock();
        for signal in signals {
            known.hear(signal);
        }
        Ok(())
    }

    async fn judge(&self, users: &[UserId], now: Timestamp) -> Result<Vec<Presence>, PresenceError> {
        let mut known = self.known.lock();
        Ok(users.iter().filter_map(|user| known.judge(user, now)).collect())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<UserId>, PresenceError> {
        let known = self.known.lock();
        Ok(known
            .due
            .iter()
            .take_while(|(due, _)| *due <= now)
            .take(limit)
            .map(|(_, user)| user.clone())
            .collect())
    }

    async fn presence(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Presence>, PresenceError> {
        let known = self.known.lock();
        Ok(users.iter().map(|user| (user.clone(), known.presence(user, now))).collect())
    }

    async fn attention(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Status>, PresenceError> {
        let known = self.known.lock();
        let of = |user: &UserId| known.people.get(user).and_then(|devices| devices.attention(now));
        Ok(users.iter().filter_map(|user| Some((user.clone(), of(user)?))).collect())
    }

    async fn online_since(
        &self,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<HashMap<UserId, Timestamp>, PresenceError> {
        let known = self.known.lock();
        let of = |user: &UserId| known.people.get(user).and_then(|devices| devices.online_since(now));
        Ok(users.iter().filter_map(|user| Some((user.clone(), of(user)?))).collect())
    }

    async fn contact(
        &self,
        user: &UserId,
        sent: (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<Option<Contact>, PresenceError> {
        let known = self.known.lock();
        Ok(known.people.get(user).and_then(|devices| devices.contact(sent.0, sent.1, now)))
    }

    async fn report(&self, gateway: &str, stats: &GatewayStats) -> Result<(), PresenceError> {
        let report = Report { stats: stats.clone(), at: Instant::now() };
        self.reports.lock().insert(gateway.to_owned(), report);
        Ok(())
    }

    async fn reports(&self) -> Result<Vec<GatewayReport>, PresenceError> {
        let mut reports = self.reports.lock();
        reports.retain(|_, report| report.at.elapsed() < REPORT_LEASE);
        let report = |(gateway, Report { stats, at }): (&String, &Report)| GatewayReport {
            gateway: gateway.clone(),
            stats: stats.clone(),
            age: at.elapsed(),
        };
        Ok(reports.iter().map(report).collect())
    }

    async fn retire(&self, gateway: &str) -> Result<(), PresenceError> {
        self.reports.lock().remove(gateway);
        Ok(())
    }

    async fn connected(&self, now: Timestamp) -> Result<u64, PresenceError> {
        let known = self.known.lock();
        let connected = known.people.values().filter(|devices| devices.connected_until(now).is_some());
        Ok(connected.count() as u64)
    }

    async fn connected_people(&self, now: Timestamp) -> Result<Vec<UserId>, PresenceError> {
        let known = self.known.lock();
        let connected = known.people.iter().filter(|(_, devices)| devices.connected_until(now).is_some());
        let mut people: Vec<UserId> = connected.map(|(user, _)| user.clone()).collect();
        people.sort_unstable();
        people.truncate(CONNECTED_MAX);
        Ok(people)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_presence_store_of_one_process_keeps_every_promise() {
        crate::presence_contract::check_all(&MemoryPresence::default()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_is_not_renewed_is_forgotten() {
        let store = MemoryPresence::default();
        store.report("one", &GatewayStats::default()).await.unwrap();
        tokio::time::advance(REPORT_LEASE / 2).await;
        store.report("two", &GatewayStats::default()).await.unwrap();
        assert_eq!(store.reports().await.unwrap().len(), 2);
        tokio::time::advance(REPORT_LEASE / 2).await;
        assert_eq!(store.reports().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn somebody_who_was_not_there_for_long_takes_no_memory() {
        let (store, user): (_, UserId) = (MemoryPresence::default(), "ann".parse().unwrap());
        let state = eventflow_protocol::presence::DeviceState::Gone;
        store
            .record(&[DeviceSignal { user_id: user.clone(), device: "a".into(), state, at: Timestamp(0) }])
            .await
            .unwrap();
        store.judge(std::slice::from_ref(&user), Timestamp(0)).await.unwrap();
        let later = Timestamp(i64::try_from(crate::devices::KEPT.as_millis()).unwrap());
        assert_eq!(store.due(later, 1).await.unwrap(), std::slice::from_ref(&user));
        assert_eq!(store.judge(&[user], later).await.unwrap(), []);
        assert!(store.known.lock().people.is_empty() && store.known.lock().due.is_empty());
    }
}
