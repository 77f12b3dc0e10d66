//! The contract of every [`PushDevices`], as checks that an adapter's tests call. Each check creates people
//! and devices of its own.

use crate::push_devices::{PushDevices, Shown};
use crate::store_contract::fixtures::{at, fresh_people};
use async_trait::async_trait;
use eventflow_protocol::push::{
    DEVICES_PER_USER_MAX, PushDevice, PushTarget, RemovePushDevice, Subscription,
};
use eventflow_protocol::{CommandId, PushDeviceId, UserId};
use std::sync::Arc;

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn PushDevices>;
}

/// Devices of both kinds are read as they were registered, the newest first, by their owner only.
pub async fn a_device_is_found_as_it_was_registered(harness: &dyn Harness) {
    let devices = harness.open().await;
    let people = fresh_people(2);
    let subscription = Subscription {
        endpoint: format!("https://push.example/{}?a=b%20c", CommandId::new()),
        p256dh: "BCVxsr7N".to_owned(),
        auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
    };
    let browser = PushTarget::WebPush(subscription);
    let browser = PushDevice::new(people[0].clone(), browser, "Firefox „am Rad“".to_owned(), at(2));
    let phone = device(&people[0], 1);
    for device in [&browser, &phone, &browser] {
        devices.register_device(device).await.expect("register");
    }
    let other = harness.open().await;
    assert_eq!(other.devices_of(&people[0]).await.expect("read"), [browser, phone]);
    assert_eq!(other.devices_of(&people[1]).await.expect("read"), []);
}

/// The same address is one device: a later registration replaces the earlier one, also that of another person
/// and whichever arrives last.
pub async fn a_device_belongs_to_whoever_registered_it_last(harness: &dyn Harness) {
    let devices = harness.open().await;
    let people = fresh_people(2);
    let first = device(&people[0], 1);
    let second =
        PushDevice { user_id: people[1].clone(), name: "Other".to_owned(), at: at(2), ..first.clone() };
    for device in [&first, &second, &first] {
        devices.register_device(device).await.expect("register");
    }
    let other = harness.open().await;
    assert_eq!(other.devices_of(&people[0]).await.expect("read"), []);
    assert_eq!(other.devices_of(&people[1]).await.expect("read"), std::slice::from_ref(&second));
    assert_eq!(other.device_changed_at(second.id).await.expect("read"), Some(at(2)), "whoever asks");
    assert_eq!(other.device_changed_at(device(&people[0], 1).id).await.expect("read"), None);
    let owners = other.owners_among(&people).await.expect("read");
    assert_eq!(owners, [people[1].clone()].into());
    let stolen = removal(&people[0], second.id, 3);
    assert!(!devices.remove_device(&stolen).await.expect("remove"), "it is not theirs any more");
    assert_eq!(devices.devices_of(&people[1]).await.expect("read").len(), 1);
}

/// A removed device stays removed when its registration arrives again, and comes back when its owner
/// registers it later.
pub async fn a_removed_device_comes_back_only_by_a_later_registration(harness: &dyn Harness) {
    let devices = harness.open().await;
    let user = fresh_people(1).remove(0);
    let known = device(&user, 2);
    devices.register_device(&known).await.expect("register");
    assert!(!devices.remove_device(&removal(&user, known.id, 1)).await.expect("remove"), "it came later");
    assert_eq!(devices.devices_of(&user).await.expect("read").len(), 1);
    assert!(devices.remove_device(&removal(&user, known.id, 3)).await.expect("remove"));
    let owners = devices.owners_among(std::slice::from_ref(&user)).await.expect("read");
    assert!(owners.is_empty(), "a removed device has no owner");
    assert_eq!(devices.device_changed_at(known.id).await.expect("read"), Some(at(3)), "also a removed one");
    for _ in 0..2 {
        let again = harness.open().await;
        assert!(!again.remove_device(&removal(&user, known.id, 3)).await.expect("remove"), "it is gone");
        again.register_device(&known).await.expect("register");
        assert_eq!(again.devices_of(&user).await.expect("read"), []);
    }
    let renewed = PushDevice { at: at(4), ..known };
    devices.register_device(&renewed).await.expect("register");
    assert_eq!(harness.open().await.devices_of(&user).await.expect("read"), [renewed]);
}

/// A person has so many devices, and those that were registered last.
pub async fn the_oldest_registration_gives_way(harness: &dyn Harness) {
    let devices = harness.open().await;
    let user = fresh_people(1).remove(0);
    let most = i64::try_from(DEVICES_PER_USER_MAX).expect("a small number");
    for seconds in 0..most + 2 {
        devices.register_device(&device(&user, seconds)).await.expect("register");
    }
    let known = harness.open().await.devices_of(&user).await.expect("read");
    let times: Vec<_> = known.iter().map(|device| device.at).collect();
    assert_eq!(times, (2..most + 2).rev().map(at).collect::<Vec<_>>());
}

/// What a device shows is remembered by tag; a push with older messages does not replace it.
pub async fn what_a_device_shows_is_the_newest_push_of_its_tag(harness: &dyn Harness) {
    let devices = harness.open().await;
    let user = fresh_people(1).remove(0);
    let (one, two) = (device(&user, 1), device(&user, 2));
    devices.register_device(&one).await.expect("register");
    devices.register_device(&two).await.expect("register");
    let first = shown(&one, "thread", "push 1", 5);
    let newer = shown(&one, "thread", "push 2", 7);
    let elsewhere = shown(&two, "other", "push 3", 1);
    devices.note_shown(&[]).await.expect("note nothing");
    for _ in 0..2 {
        devices.note_shown(&[first.clone(), elsewhere.clone()]).await.expect("note");
        devices.note_shown(std::slice::from_ref(&newer)).await.expect("note");
    }
    let other = harness.open().await;
    assert_eq!(other.shown(&user, "thread").await.expect("read"), std::slice::from_ref(&newer));
    assert_eq!(other.shown(&user, "other").await.expect("read"), [elsewhere]);
    assert_eq!(other.shown_tags(&user, "t").await.expect("read"), ["thread"]);
    let mut tags = other.shown_tags(&user, "").await.expect("read");
    tags.sort();
    assert_eq!(tags, ["other", "thread"], "each once");
    other.forget_shown(&[one.id, two.id], "thread", 6).await.expect("forget");
    assert_eq!(devices.shown(&user, "thread").await.expect("read"), [newer], "it tells of message 7");
    for _ in 0..2 {
        other.forget_shown(&[one.id, two.id], "thread", 7).await.expect("forget");
        assert_eq!(devices.shown(&user, "thread").await.expect("read"), []);
    }
    assert_eq!(devices.shown(&user, "other").await.expect("read").len(), 1);
}

/// A device that was removed, or that belongs to another person now, shows nothing of its owner before.
pub async fn a_device_of_somebody_else_shows_nothing_of_its_owner_before(harness: &dyn Harness) {
    let devices = harness.open().await;
    let people = fresh_people(2);
    let known = device(&people[0], 1);
    devices.register_device(&known).await.expect("register");
    devices.note_shown(&[shown(&known, "thread", "push", 1)]).await.expect("note");
    let next = PushDevice { user_id: people[1].clone(), at: at(2), ..known.clone() };
    devices.register_device(&next).await.expect("register");
    assert_eq!(devices.shown(&people[0], "thread").await.expect("read"), []);
    assert_eq!(devices.shown(&people[1], "thread").await.expect("read"), []);
    assert_eq!(devices.shown_tags(&people[1], "").await.expect("read"), [] as [String; 0]);
    devices.note_shown(&[shown(&next, "thread", "push", 1)]).await.expect("note");
    assert_eq!(devices.shown(&people[1], "thread").await.expect("read").len(), 1);
    devices.remove_device(&removal(&people[1], next.id, 3)).await.expect("remove");
    assert_eq!(harness.open().await.shown(&people[1], "thread").await.expect("read"), []);
}

/// A device of its own for each call.
fn device(user: &UserId, seconds: i64) -> PushDevice {
    let target = PushTarget::Fcm { token: format!("{user}-{seconds}-{}", CommandId::new()) };
    PushDevice::new(user.clone(), target, "Phone".to_owned(), at(seconds))
}

fn removal(user: &UserId, device_id: PushDeviceId, seconds: i64) -> RemovePushDevice {
    RemovePushDevice { device_id, user_id: user.clone(), at: at(seconds) }
}

fn shown(device: &PushDevice, tag: &str, push: &str, seq: u64) -> Shown {
    Shown {
        device_id: device.id,
        user_id: device.user_id.clone(),
        tag: tag.to_owned(),
        push: push.to_owned(),
        seq,
        at: at(9),
    }
}
