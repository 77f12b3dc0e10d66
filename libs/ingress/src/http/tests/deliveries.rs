//! The delivery log, and preferences that are changed in part.

use super::Rig;
use eventflow_protocol::NotificationId;
use eventflow_protocol::Timestamp;
use eventflow_protocol::command::Command;
use eventflow_protocol::outbound::{About, Channel, DeliveryEntry, DeliveryOutcome, Reason, WaitsFor};
use http::Method;
use serde_json::{Value, json};

/// Tells ann something, and gives the id of the notification.
async fn told(rig: &Rig) -> NotificationId {
    let told =
        rig.post("/api/v2/notifications", &json!({"userId": "ann", "title": "t"})).of_admin().send().await;
    told.expect(201)["notification"]["_id"].as_str().unwrap().parse().unwrap()
}

fn row(id: NotificationId, channel: Channel, outcome: DeliveryOutcome, at: i64) -> DeliveryEntry {
    let about = About::Notification { notification_id: id };
    DeliveryEntry::new("ann".parse().unwrap(), channel, about, None, outcome, Timestamp(at))
}

#[tokio::test]
async fn the_log_says_what_became_of_a_notification_and_why_it_was_not_sent() {
    let rig = Rig::new().await;
    let id = told(&rig).await;
    let rows = [
        row(
            id,
            Channel::Email,
            DeliveryOutcome::Held {
                until: Timestamp(9),
                waits_for: Some(WaitsFor::QuietHours),
                answer: None,
            },
            1,
        ),
        row(id, Channel::Push, DeliveryOutcome::Suppressed { reason: Reason::NoDevice }, 2),
        row(
            id,
            Channel::Email,
            DeliveryOutcome::Sent { provider: "smtp".into(), answer: "250 ok".into() },
            3,
        ),
    ];
    rig.world.parts.outbound.log_deliveries(&rows).await.unwrap();
    let path = format!("/api/v2/notifications/{id}/deliveries");
    let owner = rig.get(&path).of("ann").send().await;
    let listed = owner.expect(200)["deliveries"].clone();
    let base = |channel: &str, at: i64| {
        json!({
            "userId": "ann", "notificationId": id, "channel": channel, "at": Timestamp(at).to_iso(),
            "type": "notification",
        })
    };
    let with = |mut base: Value, more: Value| {
        base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        base
    };
    let expected = json!([
        with(base("email", 3), json!({"outcome": "sent", "provider": "smtp", "answer": "250 ok"})),
        with(base("push", 2), json!({"outcome": "suppressed", "reason": "no_device"})),
        with(
            base("email", 1),
            json!({"outcome": "held", "until": Timestamp(9).to_iso(), "waitsFor": "quiet_hours"})
        ),
    ]);
    assert_eq!(listed, expected);
    let admin = rig.get(&path).of_admin().send().await;
    assert_eq!(admin.expect(200)["deliveries"], expected);
    let by_user = rig.get("/api/v2/users/ann/deliveries?limit=2").of_admin().send().await;
    let first = by_user.expect(200);
    let cursor = first["nextCursor"].as_str().unwrap();
    let rest = rig.get(&format!("/api/v2/users/ann/deliveries?cursor={cursor}")).of_admin().send().await;
    let both = [
        first["deliveries"].as_array().unwrap().clone(),
        rest.expect(200)["deliveries"].as_array().unwrap().clone(),
    ];
    assert_eq!(Value::from(both.concat()), expected);
}

#[tokio::test]
async fn preferences_are_changed_in_part_and_refused_by_field() {
    let rig = Rig::new().await;
    let patch = |body: Value| {
        let call = rig.call(Method::PATCH, "/api/v2/notifications/preferences").of("ann");
        call.header("content-type", "application/json").body(body.to_string()).send()
    };
    let first =
        patch(json!({"timeZone": "Europe/Berlin", "quietHours": {"from": "23:00"}, "email": false})).await;
    assert_eq!(first.expect(200)["preferences"]["channels"]["email"], json!(false));
    let second = patch(json!({"digest": {"every": "1h"}})).await;
    let kept = &second.expect(200)["preferences"];
    assert_eq!(kept["quietHours"], json!({"enabled": true, "from": "23:00", "until": "07:00"}));
    assert_eq!((&kept["timeZone"], &kept["digest"]["every"]), (&json!("Europe/Berlin"), &json!("1h")));
    assert_eq!(kept["channels"]["email"], json!(false));
    let refused = patch(json!({"timeZone": "Mars/Base"})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.to_string().contains("timeZone"), "{}", refused.body);
    let put = rig.call(Method::PUT, "/api/v2/notifications/preferences").of("ann");
    let put = put.header("content-type", "application/json").body("{}".to_owned()).send().await;
    assert_eq!(put.expect(200)["preferences"]["timeZone"], json!("UTC"), "a whole one replaces");
}

#[tokio::test]
async fn changes_of_preferences_at_the_same_moment_both_count_and_the_worker_says_what_is_stored() {
    let rig = Rig::new().await;
    let settings = "/api/v2/notifications/preferences";
    let patch = |body: Value| {
        let call = rig.call(Method::PATCH, settings).of("ann");
        call.header("content-type", "application/json").body(body.to_string()).send()
    };
    let (one, other) = tokio::join!(
        patch(json!({"types": {"order_update": {"email": false}}})),
        patch(json!({"digest": {"every": "1h"}})),
    );
    let times = [one, other].map(|answer| answer.expect(200)["preferences"]["updatedAt"].clone());
    assert_ne!(times[0], times[1], "a page can tell which of two answers is the newer one");
    let stored = rig.get(settings).of("ann").send().await.expect(200)["preferences"].clone();
    assert_eq!(stored["types"]["order_update"]["email"], json!(false), "{stored}");
    assert_eq!((&stored["digest"]["every"], stored["updatedAt"].is_string()), (&json!("1h"), true));
    for command in rig.world.commands() {
        assert!(matches!(command, Command::ChangePreferences(_)), "the change alone travels: {command:?}");
    }
    // The stored hours end at seven.
    patch(json!({"quietHours": {"from": "07:00"}})).await.refused(400, "invalid");
    assert_eq!(rig.get(settings).of("ann").send().await.expect(200)["preferences"], stored);
    let sent = rig.world.commands().len();
    patch(json!({"quietHours": {"from": "07:00", "until": "07:00"}})).await.refused(400, "invalid");
    assert_eq!(rig.world.commands().len(), sent, "it fits no stored preferences at all");
}
