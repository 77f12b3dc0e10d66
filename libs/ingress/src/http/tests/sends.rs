//! Sends to many people, by REST. Who may is in the matrix of routes and roles.

use super::Rig;
use eventflow_protocol::command::Command;
use eventflow_protocol::person::Profile;
use eventflow_protocol::sends::{Recipients, SEND_AHEAD_MAX};
use http::Method;
use serde_json::{Value, json};

const NOTIFICATIONS: &str = "/api/v2/notifications";
const SENDS: &str = "/api/v2/notifications/sends";

fn driver(rig: &Rig, name: &str) {
    let role = Some("driver".to_owned());
    let profile =
        Profile { id: name.parse().unwrap(), name: name.to_owned(), avatar: None, email: None, role };
    rig.world.directory.put(profile);
}

#[tokio::test]
async fn a_send_is_kept_shown_and_stopped() {
    let rig = Rig::new().await;
    driver(&rig, "bob");
    let later = crate::testing::NOW.plus(SEND_AHEAD_MAX).to_iso();
    let body = json!({
        "to": {"role": "driver"}, "sendAt": later, "type": "news", "title": "Strike", "data": {"b": 1, "a": 2},
        "channels": ["push"], "priority": "critical",
    });
    let made = rig.post(NOTIFICATIONS, &body).of_admin().send().await.expect(201);
    let send = &made["send"];
    assert_eq!((&send["state"], &send["to"]), (&json!("scheduled"), &json!({"role": "driver"})));
    assert_eq!((&send["total"], &send["sent"], &send["sendAt"]), (&Value::Null, &json!(0), &json!(later)));
    let Some(Command::AddSend(new)) = rig.world.commands().pop() else { panic!("a send") };
    assert_eq!(new.to, Recipients::Role("driver".to_owned()));
    let data = json!({"a": 2, "b": 1, "deliverBy": ["push"], "priority": "critical"});
    assert_eq!(Value::Object(new.content.data), data);
    let path = format!("{SENDS}/{}", send["_id"].as_str().unwrap());
    assert_eq!(rig.get(&path).of_admin().send().await.expect(200)["send"], *send);
    for _ in 0..2 {
        let stopped = rig.call(Method::DELETE, &path).of_admin().send().await.expect(200);
        assert_eq!(stopped["send"]["state"], json!("cancelled"));
    }
    let unknown = format!("{SENDS}/{}", "0".repeat(24));
    rig.get(&unknown).of_admin().send().await.refused(404, "not_found");
    rig.call(Method::DELETE, &unknown).of_admin().send().await.refused(404, "not_found");
}

#[tokio::test]
async fn the_same_key_is_the_same_send_also_when_its_time_has_passed() {
    let rig = Rig::new().await;
    let body = |title: &str| {
        let at = crate::testing::NOW.plus(std::time::Duration::from_mins(1)).to_iso();
        json!({"to": ["ann", "bob"], "title": title, "sendAt": at, "clientNotificationId": "k"})
    };
    let first = rig.post(NOTIFICATIONS, &body("t")).of_admin().send().await.expect(201);
    assert_eq!(first["send"]["total"], json!(2));
    rig.world.clock.advance(61_000);
    let again = rig.post(NOTIFICATIONS, &body("t")).of_admin().send().await.expect(200);
    assert_eq!((&again["deduplicated"], &again["send"]["_id"]), (&json!(true), &first["send"]["_id"]));
    rig.post(NOTIFICATIONS, &body("other")).of_admin().send().await.refused(422, "key_reused");
}

#[tokio::test]
async fn a_template_says_what_is_sent_and_a_wrong_one_is_named() {
    let mut templates = crate::NotificationTemplates::default();
    let source =
        "type = 'order'\ntitle = 'Order {{ order }}'\n[translations.de]\ntitle = 'Bestellung {{ order }}'";
    templates.add("shipped", source).unwrap();
    let rig = Rig::with(|config| config.templates = templates.into()).await;
    let body = json!({
        "userIds": ["ann"], "template": "shipped", "data": {"order": 7}, "clientNotificationId": "k",
    });
    let made = rig.post(NOTIFICATIONS, &body).of_admin().send().await.expect(201);
    let shown = ["type", "title", "template"].map(|field| made["send"][field].clone());
    assert_eq!(shown, ["order", "Order 7", "shipped"].map(|text| json!(text)));
    let Some(Command::AddSend(new)) = rig.world.commands().pop() else { panic!("a send") };
    assert_eq!(new.content.translations["de"].title, "Bestellung 7");
    rig.post(NOTIFICATIONS, &body).of_admin().send().await.expect(200);
    for (fields, message) in [
        (json!({"template": "shiped"}), "template: there is no template shiped"),
        (json!({"data": {}}), "data.order is missing: the template shipped needs it"),
        (json!({"title": "t"}), "template and title (or message) exclude each other"),
    ] {
        let mut wrong = body.clone();
        wrong.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let refused = rig.post(NOTIFICATIONS, &wrong).of_admin().send().await;
        assert_eq!((refused.status, &refused.body["error"]), (400_u16, &json!(message)));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_send_is_named() {
    let rig = Rig::new().await;
    driver(&rig, "bob");
    let past = crate::testing::NOW.minus(std::time::Duration::from_secs(1)).to_iso();
    for (fields, named) in [
        (json!({"to": {"role": "pilot"}}), "pilot"),
        (json!({"to": {"team": "x"}}), "team"),
        (json!({"to": "ann", "channels": ["sms"]}), "channels[0]"),
        (json!({"to": "ann", "priority": "high"}), "priority"),
        (json!({"to": "ann", "sendAt": past}), "sendAt"),
        (json!({"to": "ann", "sendAt": "tomorrow"}), "sendAt"),
        (json!({"to": "ann", "userId": "bob"}), "userId"),
        (json!({"sendAt": crate::testing::NOW.to_iso()}), "userId, userIds or to must name somebody"),
    ] {
        let mut body = json!({"title": "t"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let refused = rig.post(NOTIFICATIONS, &body).of_admin().send().await;
        let error = refused.body["error"].as_str().unwrap_or_default().to_owned();
        assert!(refused.status == 400 && error.contains(named), "{body}: {}", refused.body);
    }
    assert_eq!(rig.world.commands(), []);
}

#[tokio::test]
async fn pages_of_sends_show_the_newest_first() {
    let rig = Rig::new().await;
    for title in ["one", "two", "three"] {
        rig.post(NOTIFICATIONS, &json!({"to": "ann", "title": title})).of_admin().send().await.expect(201);
        rig.world.clock.advance(1);
    }
    let first = rig.get(&format!("{SENDS}?limit=2")).of_admin().send().await.expect(200);
    let titles = |page: &Value| -> Vec<String> {
        let sends = page["sends"].as_array().unwrap();
        sends.iter().map(|send| send["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles(&first), ["three", "two"]);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = rig.get(&format!("{SENDS}?limit=2&cursor={cursor}")).of_admin().send().await.expect(200);
    assert_eq!((titles(&second), &second["nextCursor"]), (vec!["one".to_owned()], &Value::Null));
}
