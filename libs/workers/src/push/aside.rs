//! Who is not asked for a while: browsers whose push services are late or fail, their hosts, and people who
//! have made this stage wait too long.
//!
//! Users name the services of browsers, so a service that never answers may be an accident or a weapon. Each
//! late or failed answer in a row doubles the pause of its device. A host that fails several people in a row
//! is paused for everybody, and then one push decides. Whoever has many late devices is asked for only at
//! hosts that answer others. What is put aside costs no request and no waiting. Apps are left out: their
//! service is the operator's ([`super::breaker`]).
//!
//! This is the memory of one process: another process, or the next one, asks once before it knows.

use eventflow_protocol::push::{PushDevice, PushTarget};
use eventflow_protocol::{PushDeviceId, Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// An answer is late after this time: services answer in well under one second.
const LATE: Duration = Duration::from_secs(2);
/// Failures of a device in a row that cost nothing but the ladder's waits, if they come quickly.
const QUICK_FAILURES: u32 = 2;
/// First pause of a device, and the longest: it doubles with each failure, and the tenth is past an hour.
const DEVICE_PAUSE: Duration = Duration::from_secs(30);
const DEVICE_PAUSE_MAX: Duration = Duration::from_hours(6);
/// People in a row whose devices a host fails, before it is paused for everybody: one person with many
/// devices must not be able to pause the host of others.
const HOST_PEOPLE: usize = 5;
/// First pause of a host, and the longest: a large service that was down shall be asked soon.
const HOST_PAUSE: Duration = Duration::from_secs(15);
const HOST_PAUSE_MAX: Duration = Duration::from_mins(10);
/// How long the one push that decides about a paused host may take, before another one is let through.
const TRIAL: Duration = Duration::from_secs(6);
/// How long a host counts as answering after a quick answer.
const FINE_FOR: Duration = Duration::from_hours(1);
/// Requests at the same time to a host that has not answered yet: this server must be no weapon against it.
const UNKNOWN_AT_ONCE: u32 = 32;
/// How long what finds no room at such a host waits.
const NO_ROOM: Duration = Duration::from_secs(1);
/// Time that one person's late devices may cost before they are asked at answering hosts only, and how fast
/// it comes back: a second in ten.
const PATIENCE: Duration = Duration::from_secs(20);
const PATIENCE_BACK: u32 = 10;
/// Entries of each kind that are remembered: a few megabytes. Beyond that those that are over are forgotten,
/// then all.
const KNOWN_MAX: usize = 20_000;

/// Who is not asked for a while.
#[derive(Debug, Default)]
pub(super) struct Aside(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    devices: HashMap<PushDeviceId, Pause>,
    hosts: HashMap<String, Host>,
    /// When each person has all their patience again.
    people: HashMap<UserId, Timestamp>,
}

/// Failures in a row, and until when nobody asks.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    failures: u32,
    until: Timestamp,
}

#[derive(Clone, Debug, Default)]
struct Host {
    pause: Pause,
    /// Whose devices it has failed since its last quick answer, each once.
    failed: Vec<UserId>,
    trial_until: Timestamp,
    fine_until: Timestamp,
    asked_now: u32,
}

impl Pause {
    /// One more failure. What was on its way when the pause began does not lengthen it.
    fn fail(&mut self, now: Timestamp, free: u32, first: Duration, longest: Duration) {
        if now < self.until {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(doublings) = self.failures.checked_sub(free + 1) {
            let pause = first.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(longest);
            self.until = now.plus(pause);
        }
    }
}

impl Aside {
    /// Whether this device may be asked now; else until when not. Whoever may must tell the answer to
    /// [`Aside::answered`].
    pub(super) fn ask(&self, device: &PushDevice, now: Timestamp) -> Result<(), Timestamp> {
        let Some(host) = host_of(&device.target) else { return Ok(()) };
        let mut state = self.0.lock();
        if let Some(pause) = state.devices.get(&device.id).filter(|pause| now < pause.until) {
            return Err(pause.until);
        }
        let patient_at = state.people.get(&device.user_id).copied().unwrap_or_default();
        make_room(&mut state.hosts, |known| now < known.pause.until || known.asked_now > 0);
        let known = state.hosts.entry(host).or_default();
        if now < known.pause.until {
            return Err(known.pause.until);
        }
        let is_fine = now < known.fine_until;
        if !is_fine && known.asked_now >= UNKNOWN_AT_ONCE {
            return Err(now.plus(NO_ROOM));
        }
        let asked_again_at = patient_at.minus(PATIENCE * PATIENCE_BACK);
        if !is_fine && now < asked_again_at {
            return Err(asked_again_at);
        }
        if known.failed.len() >= HOST_PEOPLE {
            if now < known.trial_until {
                return Err(known.trial_until);
            }
            known.trial_until = now.plus(TRIAL);
        }
        known.asked_now += 1;
        Ok(())
    }

    /// A device was asked: how long it took, and whether its service failed.
    pub(super) fn answered(&self, device: &PushDevice, took: Duration, has_failed: bool, now: Timestamp) {
        let Some(host) = host_of(&device.target) else { return };
        let mut state = self.0.lock();
        let is_late = took >= LATE;
        let known = state.hosts.entry(host).or_default();
        known.asked_now = known.asked_now.saturating_sub(1);
        if !is_late && !has_failed {
            *known = Host { asked_now: known.asked_now, fine_until: now.plus(FINE_FOR), ..Host::default() };
            state.devices.remove(&device.id);
            return;
        }
        if known.failed.len() < HOST_PEOPLE && !known.failed.contains(&device.user_id) {
            known.failed.push(device.user_id.clone());
        }
        if known.failed.len() >= HOST_PEOPLE {
            known.fine_until = Timestamp::default();
            known.pause.fail(now, 0, HOST_PAUSE, HOST_PAUSE_MAX);
        }
        make_room(&mut state.devices, |pause| now < pause.until);
        let free = if is_late { 0 } else { QUICK_FAILURES };
        let pause = state.devices.entry(device.id).or_default();
        pause.fail(now, free, DEVICE_PAUSE, DEVICE_PAUSE_MAX);
        if is_late {
            make_room(&mut state.people, |patient_at| now < *patient_at);
            let patient_at = state.people.entry(device.user_id.clone()).or_default();
            let cost = took.saturating_mul(PATIENCE_BACK);
            *patient_at = (*patient_at).max(now).plus(cost);
        }
    }
}

/// Makes room for one more entry.
fn make_room<K: Eq + Hash, V>(known: &mut HashMap<K, V>, mut is_needed: impl FnMut(&V) -> bool) {
    if known.len() >= KNOWN_MAX {
        known.retain(|_, value| is_needed(value));
    }
    if known.len() >= KNOWN_MAX {
        known.clear();
    }
}

/// What a browser's pushes are put aside by; `None` for apps. Users write the addresses, and another spelling
/// must not be another host. Another port is: whoever makes one fail must not pause the service at the usual
/// one. An address that is no URL is a host of its own.
pub(super) fn host_of(target: &PushTarget) -> Option<String> {
    let PushTarget::WebPush(subscription) = target else { return None };
    Some(subscription.host().unwrap_or_else(|| subscription.endpoint.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::push::Subscription;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(1_000_000_000 + seconds * 1_000)
    }

    fn device(user: &str, endpoint: &str) -> PushDevice {
        let endpoint = format!("https://{endpoint}");
        let (p256dh, auth) = (String::new(), String::new());
        let target = PushTarget::WebPush(Subscription { endpoint, p256dh, auth });
        PushDevice::new(user.parse().unwrap(), target, String::new(), at(0))
    }

    const HANGS: Duration = Duration::from_secs(5);
    const QUICK: Duration = Duration::from_millis(80);

    #[test]
    fn a_late_device_is_left_alone_for_longer_and_longer_until_it_answers_in_time() {
        let (aside, one) = (Aside::default(), device("ann", "a.example/1"));
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..14 {
            aside.ask(&one, at(now)).unwrap();
            aside.answered(&one, HANGS, true, at(now));
            let until = aside.ask(&one, at(now)).expect_err("it is put aside");
            pauses.push(at(now).age_at(until).as_secs());
            now += i64::try_from(at(now).age_at(until).as_secs()).unwrap();
        }
        assert_eq!(pauses[..4], [30, 60, 120, 240]);
        assert_eq!(pauses.last(), Some(&(6 * 3_600)));
        aside.ask(&one, at(now)).unwrap();
        aside.answered(&one, QUICK, false, at(now));
        assert_eq!(aside.ask(&one, at(now)), Ok(()));
    }

    #[test]
    fn a_quick_failure_or_two_are_the_ladders_business() {
        let (aside, one) = (Aside::default(), device("ann", "a.example/1"));
        for _ in 0..QUICK_FAILURES {
            aside.ask(&one, at(0)).unwrap();
            aside.answered(&one, QUICK, true, at(0));
        }
        aside.ask(&one, at(0)).unwrap();
        aside.answered(&one, QUICK, true, at(0));
        assert_eq!(aside.ask(&one, at(0)), Err(at(30)));
    }

    #[test]
    fn a_host_that_fails_again_and_again_is_paused_for_everybody_and_one_push_decides() {
        let aside = Aside::default();
        for n in 0..HOST_PEOPLE {
            let one = device(&format!("u{n}"), &format!("a.example/{n}"));
            aside.ask(&one, at(0)).unwrap();
            aside.answered(&one, QUICK, true, at(0));
        }
        let (other, third) = (device("zoe", "a.example/z"), device("yan", "a.example/y"));
        assert_eq!(aside.ask(&other, at(0)), Err(at(15)));
        assert_eq!(aside.ask(&device("zoe", "b.example/z"), at(0)), Ok(()), "another host");
        aside.ask(&other, at(15)).unwrap();
        assert!(aside.ask(&third, at(15)).is_err(), "one decides");
        aside.answered(&other, QUICK, true, at(15));
        assert_eq!(aside.ask(&third, at(15)), Err(at(45)), "for twice as long");
        aside.ask(&third, at(45)).unwrap();
        aside.answered(&third, QUICK, false, at(45));
        assert_eq!(aside.ask(&other, at(45)), Ok(()));
    }

    #[test]
    fn one_persons_devices_do_not_pause_the_host_of_others() {
        let aside = Aside::default();
        let bens = device("ben", "a.example/ben");
        aside.ask(&bens, at(0)).unwrap();
        aside.answered(&bens, QUICK, false, at(0));
        let devices: Vec<_> = (0..100).map(|n| device("eve", &format!("a.example/{n}"))).collect();
        for one in &devices {
            aside.ask(one, at(0)).unwrap();
        }
        assert_eq!(aside.ask(&bens, at(0)), Ok(()), "while hers are on their way");
        for one in &devices {
            aside.answered(one, HANGS, true, at(5));
        }
        assert_eq!(aside.ask(&bens, at(5)), Ok(()), "and when they were late");
    }

    #[test]
    fn whoever_registers_late_devices_again_and_again_runs_out_of_patience() {
        let aside = Aside::default();
        let mut asked = 0;
        for n in 0..60 {
            let fresh = device("eve", &format!("h{n}.example/x"));
            if aside.ask(&fresh, at(n)).is_ok() {
                asked += 1;
                aside.answered(&fresh, HANGS, true, at(n));
            }
        }
        assert!(asked <= 7, "{asked}");
        let (good, bens) = (device("eve", "good.example/1"), device("ben", "good.example/2"));
        assert!(aside.ask(&good, at(60)).is_err(), "nobody knows this host");
        aside.ask(&bens, at(60)).unwrap();
        aside.answered(&bens, QUICK, false, at(60));
        assert_eq!(aside.ask(&good, at(60)), Ok(()), "it answers others");
    }

    #[test]
    fn a_host_that_nobody_knows_gets_a_few_requests_at_a_time() {
        let aside = Aside::default();
        let devices: Vec<_> = (0..100).map(|n| device(&format!("u{n}"), &format!("a.example/{n}"))).collect();
        let asked = devices.iter().filter(|one| aside.ask(one, at(0)).is_ok()).count();
        assert_eq!(asked, UNKNOWN_AT_ONCE as usize);
        aside.answered(&devices[0], QUICK, false, at(0));
        assert!(devices.iter().all(|one| aside.ask(one, at(0)).is_ok()), "now it is known");
    }

    #[test]
    fn another_spelling_of_a_host_is_not_another_host() {
        let aside = Aside::default();
        let written = ["a.example/1", "A.Example/2", "a.example./3", "a.example:443/4", "A.EXAMPLE.:0443/5"];
        for (n, endpoint) in (0..).zip(written) {
            let one = device(&format!("u{n}"), endpoint);
            aside.ask(&one, at(0)).unwrap();
            aside.answered(&one, QUICK, true, at(0));
        }
        assert_eq!(aside.ask(&device("zoe", "a.example/z"), at(0)), Err(at(15)));
        assert_eq!(aside.ask(&device("zoe", "a.example:8443/z"), at(0)), Ok(()), "another port");
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let aside = Aside::default();
        for n in 0..KNOWN_MAX + 10 {
            let one = device(&format!("u{n}"), &format!("h{n}.example/x"));
            let _ = aside.ask(&one, at(0));
            aside.answered(&one, HANGS, true, at(0));
        }
        let state = aside.0.lock();
        assert!(state.devices.len() <= KNOWN_MAX && state.hosts.len() <= KNOWN_MAX);
        assert!(state.people.len() <= KNOWN_MAX);
    }
}
