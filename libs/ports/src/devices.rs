//! Presence rules: what the store knows of one person's devices, and which status follows from it. The rules
//! are the same in every store.
//!
//! Input: signals and times. Output: a status and the next time at which the status may change. Nothing here
//! reads a clock or does I/O. A store keeps a [`Devices`] per person and changes it atomically. Hearing a
//! signal again changes nothing.

pub use crate::contact::Contact;
use crate::presence::{AWAY_AFTER, DEVICE_LEASE, OFFLINE_GRACE};
use eventflow_protocol::presence::{DeviceSignal, DeviceState, Presence, Status};
use eventflow_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Retention: how long a store remembers when a person was last seen. An interface shows "last seen" for up
/// to a week.
pub const KEPT: Duration = Duration::from_hours(7 * 24);
/// Largest number of devices of one person. Nobody has as many, and the record of a person stays below 10 KB.
/// Beyond the limit the store forgets the devices whose leases end first.
pub const DEVICES_MAX: usize = 64;

/// Lost devices that are remembered of one person, and for how long: as long as anything waits to be told.
const LOST_MAX: usize = 4;
const LOST_KEPT: Duration = Duration::from_hours(24);

/// The known devices of one person. All times except [`Device::said`] are by the clock of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    by_name: BTreeMap<String, Device>,
    judged: Option<Status>,
    /// Time of the last status change. A sweeper whose clock is behind must not take that change back.
    judged_at: Timestamp,
    last_seen: Option<Timestamp>,
    heard: Timestamp,
    due: Timestamp,
    /// The last devices whose leases ended although they had not left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lost: Vec<LostDevice>,
}

/// A device whose lease ended although it had not left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LostDevice {
    /// From when on it was here without a gap.
    since: Timestamp,
    /// The end of its lease.
    until: Timestamp,
}

/// One device. The store keeps it for a while after its lease ends, so that an old signal does not bring it
/// back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Device {
    /// Time of the newest signal by the clock of its gateway. It only orders the signals of this device.
    said: Timestamp,
    /// End of the device's lease.
    until: Timestamp,
    /// Time of the user's last activity on this device.
    active: Timestamp,
    wants_away: bool,
    /// Whether the newest signal said that the device left.
    gone: bool,
    /// Whether its line is broken and its session waits for it: nothing that is sent now is seen there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    waits: bool,
    /// From when on it has been here without a gap. A session that waits for its line has no gap: it gets
    /// what it missed. `None` in records that older versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

impl Devices {
    /// Applies a signal that the store heard at `heard`.
    ///
    /// The lease runs from `heard`. Of the activity time only its distance to the signal's own time counts.
    /// So the clocks of gateways may be wrong.
    pub fn hear(&mut self, signal: &DeviceSignal, heard: Timestamp) {
        let known = self.by_name.get(&signal.device);
        if known.is_some_and(|device| device.knows(signal)) {
            return;
        }
        let device = match (&signal.state, known) {
            (DeviceState::Here { parked: true, .. }, Some(known)) if known.gone => {
                known.still_gone(signal.at, heard)
            }
            (DeviceState::Here { active_at, wants_away, parked }, _) => {
                let active = heard.minus(active_at.age_at(signal.at));
                self.last_seen = self.last_seen.max(Some(active));
                Device {
                    said: signal.at,
                    until: heard.plus(DEVICE_LEASE),
                    active,
                    wants_away: *wants_away,
                    gone: false,
                    waits: *parked,
                    since: known.and_then(|known| known.kept_since(heard)).or(Some(heard)),
                }
            }
            (DeviceState::Gone, Some(known)) => known.leaving(signal.at, heard),
            (DeviceState::Gone, None) => Device::gone_before(signal.at, heard),
        };
        self.by_name.insert(signal.device.clone(), device);
        self.heard = self.heard.max(heard);
        self.prune(self.heard);
        self.due =
            // A signal that changes the status makes the person due at once.
            if self.judged == Some(self.status(self.heard)) { self.next(self.heard) } else { self.heard };
    }

    /// Records the status at `now`, and returns whether it differs from the last recorded one. The first call
    /// always returns `true`.
    pub fn judge(&mut self, now: Timestamp) -> bool {
        // The clock of this sweeper may be behind that of the one that recorded the last change.
        let now = now.max(self.judged_at);
        self.prune(now);
        let status = Some(self.status(now));
        let changed = self.judged != status;
        if changed {
            (self.judged, self.judged_at) = (status, now);
        }
        self.due = self.next(now);
        changed
    }

    /// The presence that others see at `now`.
    pub fn presence(&self, user: &UserId, now: Timestamp) -> Presence {
        Presence {
            user_id: user.clone(),
            status: self.status(now.max(self.judged_at)),
            last_seen: self.last_seen,
        }
    }

    /// How likely the person sees at `now` what is sent to their sockets: their status if only devices with a
    /// live line count. `None` if the store has never heard of the person.
    pub fn attention(&self, now: Timestamp) -> Option<Status> {
        let now = now.max(self.judged_at);
        (*self != Self::default()).then(|| self.status_of(now, |device| !device.waits && !device.gone))
    }

    /// From when on one of the active devices with a live line has been here without a gap. `None` if the
    /// attention is not online at `now`, or if nobody can say since when.
    pub fn online_since(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.max(self.judged_at);
        let is_looked_at =
            |device: &&Device| device.counts(now) && device.is_active(now) && !device.waits && !device.gone;
        self.by_name.values().filter(is_looked_at).filter_map(|device| device.since).min()
    }

    /// What is known at `now` of the sessions that were here at the moment `at` and had come by `came_by`.
    /// `None` if there was none, or if they left in order and are forgotten.
    pub fn contact(&self, came_by: Timestamp, at: Timestamp, now: Timestamp) -> Option<Contact> {
        let now = now.max(self.judged_at);
        let was_there =
            |since: Option<Timestamp>, until| since.is_some_and(|since| since <= came_by) && at < until;
        let known = self.by_name.values().filter(|device| was_there(device.since, device.until));
        let known = known.map(|device| device.contact(at, now));
        let lost = self.lost.iter().filter(|lost| was_there(Some(lost.since), lost.until));
        let lost =
            lost.map(|lost| if lost.until.minus(DEVICE_LEASE) > at { Contact::Heard } else { Contact::Lost });
        known.chain(lost).min_by_key(|contact| *contact as u8)
    }

    /// Until when a device counts, if one does at `now`.
    pub fn connected_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.by_name.values().filter(|device| device.counts(now)).map(|device| device.until).max()
    }

    /// The next time at which the status may change without a signal, or at which the record may be deleted.
    pub fn due(&self) -> Timestamp {
        self.due
    }

    /// Whether the store has heard nothing for so long that it may delete the record.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        now >= self.heard.plus(KEPT)
    }

    fn status(&self, now: Timestamp) -> Status {
        self.status_of(now, |_| true)
    }

    fn status_of(&self, now: Timestamp, is_meant: impl Fn(&Device) -> bool) -> Status {
        let mut status = Status::Offline;
        for device in self.by_name.values().filter(|device| device.counts(now) && is_meant(device)) {
            if device.is_active(now) {
                return Status::Online;
            }
            status = Status::Away;
        }
        status
    }

    fn next(&self, now: Timestamp) -> Timestamp {
        let moments =
            self.by_name.values().filter(|device| device.counts(now)).map(|device| device.next(now));
        moments.min().unwrap_or_else(|| self.heard.plus(KEPT))
    }

    fn prune(&mut self, now: Timestamp) {
        let is_over = |device: &Device| now >= device.until.plus(DEVICE_LEASE);
        let over = self.by_name.values().filter(|device| is_over(device) && !device.gone);
        let lost = over.filter_map(|device| Some(LostDevice { since: device.since?, until: device.until }));
        self.lost.extend(lost);
        self.lost.retain(|lost| now < lost.until.plus(LOST_KEPT));
        self.lost.sort_by_key(|lost| lost.until);
        self.lost.drain(..self.lost.len().saturating_sub(LOST_MAX));
        self.by_name.retain(|_, device| !is_over(device));
        while self.by_name.len() > DEVICES_MAX {
            let first = self.by_name.iter().min_by_key(|(_, device)| device.until).map(|(id, _)| id.clone());
            first.and_then(|id| self.by_name.remove(&id));
        }
    }
}

impl Device {
    /// A device that left and of which nothing was known before.
    fn gone_before(said: Timestamp, heard: Timestamp) -> Self {
        Self { said, until: heard, active: heard, wants_away: false, gone: true, waits: false, since: None }
    }

    /// From when on it has been here, if a signal heard now finds it without a gap.
    fn kept_since(&self, heard: Timestamp) -> Option<Timestamp> {
        self.since.filter(|_| !self.gone && self.counts(heard))
    }

    /// The same device after it left. It counts as before until the grace period is over.
    fn leaving(&self, said: Timestamp, heard: Timestamp) -> Self {
        Self { said, until: self.until.min(heard.plus(OFFLINE_GRACE)), gone: true, ..*self }
    }

    /// The same device, which has gone, after a signal of a session that only waits. It is remembered for as
    /// long as such signals come.
    fn still_gone(&self, said: Timestamp, heard: Timestamp) -> Self {
        Self { said, until: self.until.max(heard), ..*self }
    }

    /// Whether the signal brings nothing new. Of several signals in one millisecond, a departure is the last
    /// one.
    fn knows(&self, signal: &DeviceSignal) -> bool {
        let says_the_same = match signal.state {
            DeviceState::Here { wants_away, parked, .. } => {
                self.wants_away == wants_away && self.waits == parked
            }
            DeviceState::Gone => false,
        };
        self.said > signal.at || self.said == signal.at && (self.gone || says_the_same)
    }

    /// What is known at `now` of this device, which was here at `at`.
    fn contact(&self, at: Timestamp, now: Timestamp) -> Contact {
        let lease = if self.gone { OFFLINE_GRACE } else { DEVICE_LEASE };
        if self.until.minus(lease) > at {
            Contact::Heard
        } else if self.counts(now) {
            Contact::Unsure
        } else {
            Contact::Lost
        }
    }

    fn counts(&self, now: Timestamp) -> bool {
        now < self.until
    }

    fn is_active(&self, now: Timestamp) -> bool {
        !self.wants_away && now < self.active.plus(AWAY_AFTER)
    }

    /// The next time at which the device may count differently, if it counts now.
    fn next(&self, now: Timestamp) -> Timestamp {
        if self.is_active(now) { self.until.min(self.active.plus(AWAY_AFTER)) } else { self.until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(device: &str, at: i64, idle_ms: i64) -> DeviceSignal {
        let state =
            DeviceState::Here { active_at: Timestamp(at - idle_ms), wants_away: false, parked: false };
        DeviceSignal { user_id: "ann".parse().unwrap(), device: device.to_owned(), state, at: Timestamp(at) }
    }

    fn millis(duration: Duration) -> i64 {
        i64::try_from(duration.as_millis()).unwrap()
    }

    #[test]
    fn a_gateway_with_a_wrong_clock_gets_the_lease_and_the_activity_of_one_with_a_right_clock() {
        let mut right = Devices::default();
        right.hear(&here("a", 1_000_000, 500), Timestamp(1_000_000));
        for skew in [-60_000, 60_000] {
            let mut wrong = Devices::default();
            wrong.hear(&here("a", 1_000_000 + skew, 500), Timestamp(1_000_000));
            wrong.by_name.get_mut("a").unwrap().said = Timestamp(1_000_000);
            assert_eq!(wrong, right, "{skew}");
        }
    }

    #[test]
    fn the_next_moment_to_judge_is_always_ahead_of_a_judgement() {
        let mut devices = Devices::default();
        devices.hear(&here("a", 0, 0), Timestamp(0));
        devices.hear(&here("b", 0, millis(AWAY_AFTER) - 1_000), Timestamp(0));
        let mut moments = Vec::new();
        let mut now = Timestamp(0);
        while !devices.is_forgotten(now) {
            assert!(devices.due() <= now);
            devices.judge(now);
            moments.push(now.0);
            now = devices.due();
            assert!(now.0 > *moments.last().unwrap());
        }
        assert_eq!(moments, [0, 1_000, millis(DEVICE_LEASE)]);
        assert_eq!(now.0, millis(KEPT));
    }

    #[test]
    fn a_judge_whose_clock_is_behind_does_not_take_a_change_back() {
        let mut devices = Devices::default();
        devices.hear(&here("a", 0, 0), Timestamp(0));
        let end = millis(DEVICE_LEASE);
        assert!(devices.judge(Timestamp(0)));
        assert!(devices.judge(Timestamp(end)));
        assert!(!devices.judge(Timestamp(end - 1)));
    }

    #[test]
    fn a_device_is_here_since_it_came_until_it_leaves_or_its_lease_ends() {
        let (mut devices, lease) = (Devices::default(), millis(DEVICE_LEASE));
        let since = |devices: &Devices, now| devices.online_since(Timestamp(now)).map(|since| since.0);
        devices.hear(&here("a", 1_000, 0), Timestamp(1_000));
        devices.hear(&here("a", 31_000, 0), Timestamp(31_000));
        assert_eq!(since(&devices, 31_000), Some(1_000), "renewed");
        devices.hear(&here("b", 40_000, 0), Timestamp(40_000));
        let gone = |device: &str, at| DeviceSignal { state: DeviceState::Gone, ..here(device, at, 0) };
        devices.hear(&gone("a", 41_000), Timestamp(41_000));
        assert_eq!(since(&devices, 41_000), Some(40_000), "of those that are left");
        devices.hear(&here("a", 42_000, 0), Timestamp(42_000));
        devices.hear(&gone("b", 43_000), Timestamp(43_000));
        assert_eq!(since(&devices, 43_000), Some(42_000), "back after a gap");
        devices.hear(&here("a", 42_001 + lease, 0), Timestamp(42_001 + lease));
        assert_eq!(since(&devices, 42_001 + lease), Some(42_001 + lease), "its lease had ended");
        assert_eq!(since(&devices, 42_001 + lease + millis(AWAY_AFTER)), None, "nobody looks any more");
    }

    #[test]
    fn a_record_of_an_older_version_says_nothing_of_since_when() {
        let mut old = Devices::default();
        old.hear(&here("a", 0, 0), Timestamp(0));
        let mut json = serde_json::to_value(&old).unwrap();
        assert!(json["by_name"]["a"].as_object_mut().unwrap().remove("since").is_some());
        let mut devices: Devices = serde_json::from_value(json).unwrap();
        assert_eq!(devices.online_since(Timestamp(1)), None);
        devices.hear(&here("a", 30_000, 0), Timestamp(30_000));
        assert_eq!(devices.online_since(Timestamp(30_000)), Some(Timestamp(30_000)));
    }

    #[test]
    fn a_session_that_nobody_hears_of_any_more_has_perhaps_told_nothing() {
        let (mut devices, lease) = (Devices::default(), millis(DEVICE_LEASE));
        let contact =
            |devices: &Devices, at, now| devices.contact(Timestamp(at), Timestamp(at), Timestamp(now));
        devices.hear(&here("a", 0, 0), Timestamp(0));
        devices.hear(&here("a", 30_000, 0), Timestamp(30_000));
        assert_eq!(contact(&devices, 20_000, 30_000), Some(Contact::Heard));
        assert_eq!(contact(&devices, 30_000, 40_000), Some(Contact::Unsure), "its gateway may be dead");
        // The client is back elsewhere, after what was sent at 31 s.
        devices.hear(&here("b", 34_000, 0), Timestamp(34_000));
        assert_eq!(contact(&devices, 31_000, 35_000), Some(Contact::Unsure));
        devices.hear(&here("b", 64_000, 0), Timestamp(64_000));
        assert_eq!(contact(&devices, 31_000, 30_000 + lease), Some(Contact::Lost));
        assert_eq!(contact(&devices, 34_000, 64_000), Some(Contact::Heard), "by the other one");
        for n in 3..20 {
            devices.hear(&here("b", n * 30_000, 0), Timestamp(n * 30_000));
        }
        assert_eq!(devices.by_name.len(), 1);
        assert_eq!(contact(&devices, 31_000, 570_000), Some(Contact::Lost), "that is remembered");
        let json = serde_json::to_value(&devices).unwrap();
        assert_eq!(serde_json::from_value::<Devices>(json).unwrap(), devices);
        let end = 570_000 + millis(LOST_KEPT);
        devices.hear(&here("b", end, 0), Timestamp(end));
        assert_eq!(contact(&devices, 31_000, end), None, "for a day");
    }

    #[test]
    fn a_session_that_left_in_order_was_told_what_came_before() {
        let mut devices = Devices::default();
        let contact =
            |devices: &Devices, at, now| devices.contact(Timestamp(at), Timestamp(at), Timestamp(now));
        devices.hear(&here("a", 0, 0), Timestamp(0));
        let gone = DeviceSignal { state: DeviceState::Gone, ..here("a", 10_000, 0) };
        devices.hear(&gone, Timestamp(10_000));
        assert_eq!(contact(&devices, 5_000, 12_000), Some(Contact::Heard));
        assert_eq!(contact(&devices, 14_000, 15_000), None, "it was not there");
        let forgotten = 2 * millis(DEVICE_LEASE);
        devices.judge(Timestamp(forgotten));
        assert_eq!((contact(&devices, 5_000, forgotten), devices.lost.len()), (None, 0));
    }

    #[test]
    fn nobody_fills_the_store_with_devices() {
        let mut devices = Devices::default();
        let count = i64::try_from(DEVICES_MAX).unwrap() * 2;
        for n in 0..count {
            devices.hear(&here(&format!("device {n}"), n, 0), Timestamp(n));
        }
        assert_eq!(devices.by_name.len(), DEVICES_MAX);
        assert!(devices.by_name.contains_key(&format!("device {}", count - 1)));
    }

    #[test]
    fn a_device_is_forgotten_when_no_signal_of_it_can_be_on_its_way_any_more() {
        let mut devices = Devices::default();
        devices.hear(&here("a", 0, 0), Timestamp(0));
        devices.judge(Timestamp(2 * millis(DEVICE_LEASE) - 1));
        assert_eq!(devices.by_name.len(), 1);
        devices.judge(Timestamp(2 * millis(DEVICE_LEASE)));
        assert_eq!(devices.by_name.len(), 0);
        assert_eq!(devices.last_seen, Some(Timestamp(0)));
    }

    #[test]
    fn times_at_the_end_of_the_world_do_not_overflow() {
        let mut devices = Devices::default();
        for at in [i64::MIN, 0, i64::MAX] {
            let state = DeviceState::Here {
                active_at: Timestamp(-at.max(-i64::MAX)),
                wants_away: false,
                parked: false,
            };
            let signal = DeviceSignal {
                user_id: "ann".parse().unwrap(),
                device: "a".into(),
                state,
                at: Timestamp(at),
            };
            devices.hear(&signal, Timestamp(at));
            devices.judge(Timestamp(at));
        }
    }
}
