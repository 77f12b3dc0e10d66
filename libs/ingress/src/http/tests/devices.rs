//! Devices that pushes go to, by REST.

use super::Rig;
use http::Method;
use serde_json::{Value, json};

const DEVICES: &str = "/api/v2/devices";
/// The keys of RFC 8291, appendix A.
const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn browser(endpoint: &str) -> Value {
    let keys = json!({"p256dh": P256DH, "auth": AUTH});
    json!({"subscription": {"endpoint": endpoint, "expirationTime": null, "keys": keys}, "name": "Firefox"})
}

impl Rig {
    async fn devices(&self, user: &str) -> Vec<Value> {
        let list = self.get(DEVICES).of(user).send().await.expect(200);
        list["devices"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_device_is_registered_listed_and_removed_and_its_address_is_shown_to_nobody() {
    let rig = Rig::new().await;
    let made = rig.post(DEVICES, &browser("https://push.example/canary")).of("ann").send().await.expect(201);
    rig.world.clock.advance(1);
    let phone = json!({"fcmToken": "canary-token"});
    let phone = rig.post(DEVICES, &phone).of("ann").send().await.expect(201);
    let devices = rig.devices("ann").await;
    assert_eq!(devices, [phone["device"].clone(), made["device"].clone()]);
    assert_eq!((&devices[1]["kind"], &devices[1]["name"]), (&json!("webpush"), &json!("Firefox")));
    assert!(!format!("{devices:?}").contains("canary"));
    let id = made["device"]["_id"].as_str().unwrap();
    let remove = || rig.call(Method::DELETE, &format!("{DEVICES}/{id}"));
    remove().of("bob").send().await.refused(404, "not_found");
    remove().of("ann").send().await.expect(200);
    remove().of("ann").send().await.refused(404, "not_found");
    assert_eq!(rig.devices("ann").await.len(), 1);
}

#[tokio::test]
async fn registering_again_renews_a_device_and_takes_it_from_whoever_had_it() {
    let rig = Rig::new().await;
    let body = browser("https://push.example/shared");
    let first = rig.post(DEVICES, &body).of("ann").send().await.expect(201);
    rig.world.clock.advance(1_000);
    let again = rig.post(DEVICES, &body).of("ann").send().await.expect(201);
    assert_eq!(first["device"]["_id"], again["device"]["_id"]);
    assert_ne!(first["device"]["registeredAt"], again["device"]["registeredAt"]);
    rig.world.clock.advance(1_000);
    rig.post(DEVICES, &body).of("bob").send().await.expect(201);
    assert_eq!((rig.devices("ann").await.len(), rig.devices("bob").await.len()), (0, 1));
}

#[tokio::test]
async fn a_device_of_a_time_in_which_a_clock_was_ahead_changes_hands_and_is_removed() {
    let rig = Rig::new().await;
    rig.world.clock.advance(3_600_000);
    let tablet = json!({"fcmToken": "tablet"});
    rig.post(DEVICES, &tablet).of("bob").send().await.expect(201);
    let phone = rig.post(DEVICES, &json!({"fcmToken": "phone"})).of("bob").send().await.expect(201);
    rig.world.clock.advance(-3_600_000);
    rig.post(DEVICES, &tablet).of("dora").send().await.expect(201);
    assert_eq!((rig.devices("bob").await.len(), rig.devices("dora").await.len()), (1, 1));
    let other = rig.post(DEVICES, &json!({"fcmToken": "other"})).of("bob").send().await.expect(201);
    let (newest, before) = (&other["device"]["registeredAt"], &phone["device"]["registeredAt"]);
    assert!(newest.as_str() > before.as_str(), "it is the newest one: {newest} {before}");
    let id = phone["device"]["_id"].as_str().unwrap();
    rig.call(Method::DELETE, &format!("{DEVICES}/{id}")).of("bob").send().await.expect(200);
    assert_eq!(rig.devices("bob").await, [other["device"].clone()]);
}

#[tokio::test]
async fn what_names_no_device_is_refused_with_its_field() {
    let rig = Rig::new().await;
    let mut both = browser("https://push.example/x");
    both["fcmToken"] = json!("token");
    let mut short = browser("https://push.example/x");
    short["subscription"]["keys"]["auth"] = json!("AAAA");
    for (body, field) in [
        (json!({}), "fcmToken"),
        (both, "fcmToken"),
        (json!({"fcmToken": "a b"}), "fcmToken"),
        (json!({"fcmToken": 5}), "fcmToken"),
        (browser("http://push.example/x"), "subscription.endpoint"),
        (browser("https://user@push.example/x"), "subscription.endpoint"),
        (short, "subscription.keys.auth"),
    ] {
        let reply = rig.post(DEVICES, &body).of("ann").send().await;
        reply.refused(400, "invalid");
        assert!(reply.body["error"].as_str().unwrap().contains(field), "{field}: {}", reply.body);
    }
    assert_eq!(rig.devices("ann").await.len(), 0);
}

#[tokio::test]
async fn the_key_that_browsers_subscribe_with_is_told_or_null() {
    let rig = Rig::new().await;
    let path = "/api/v2/push/key";
    assert_eq!(rig.get(path).of("ann").send().await.expect(200)["publicKey"], json!(null));
    let rig = Rig::with(|config| config.push_key = Some("BKey".to_owned())).await;
    assert_eq!(rig.get(path).of("ann").send().await.expect(200)["publicKey"], json!("BKey"));
}
