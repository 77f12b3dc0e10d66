//! Notifications and preferences, by REST.

use super::Rig;
use http::Method;
use serde_json::json;

const NOTIFICATIONS: &str = "/api/v2/notifications";

impl Rig {
    async fn tell(&self, user: &str, title: &str) -> String {
        let body = json!({"userId": user, "type": "order_update", "title": title, "message": "m", "data": {"order": 7}});
        let told = self.post(NOTIFICATIONS, &body).of_admin().send().await.expect(201);
        self.world.clock.advance(1);
        told["notification"]["_id"].as_str().unwrap().to_owned()
    }

    async fn unread(&self, user: &str) -> u64 {
        let reply = self.get(&format!("{NOTIFICATIONS}/unread-count")).of(user).send().await.expect(200);
        reply["unreadCount"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn what_was_accepted_while_a_clock_was_ahead_is_read_and_replaced_when_it_is_right() {
    let rig = Rig::new().await;
    rig.world.clock.advance(3_600_000);
    rig.tell("ann", "one").await;
    let preferences = format!("{NOTIFICATIONS}/preferences");
    rig.post(&preferences, &json!({"locale": "de"})).of("ann").send().await.expect(200);
    rig.world.clock.advance(-3_600_000);
    let all = rig.call(Method::POST, &format!("{NOTIFICATIONS}/read-all")).of("ann").send().await.expect(200);
    assert_eq!((&all["count"], rig.unread("ann").await), (&json!(1), 0));
    let kept = rig.post(&preferences, &json!({"email": false})).of("ann").send().await.expect(200);
    let kept = &kept["preferences"];
    assert_eq!((&kept["channels"]["email"], &kept["locale"]), (&json!(false), &json!("")));
}

#[tokio::test]
async fn a_notification_is_told_listed_read_and_deleted() {
    let rig = Rig::new().await;
    let first = rig.tell("ann", "<b>one</b>").await;
    let second = rig.tell("ann", "two").await;
    rig.tell("bob", "other").await;
    let list = rig.get(NOTIFICATIONS).of("ann").send().await.expect(200);
    let ids: Vec<_> =
        list["notifications"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(
        (ids, &list["unreadCount"], &list["nextCursor"]),
        (vec![&*second, &*first], &json!(2), &json!(null))
    );
    let shown = &list["notifications"][1];
    assert_eq!(
        (&shown["title"], &shown["type"], &shown["isRead"]),
        (&json!("<\u{2060}b>one<\u{2060}/b>"), &json!("order_update"), &json!(false))
    );
    for count in [1, 0] {
        let read = rig
            .call(Method::POST, &format!("{NOTIFICATIONS}/{first}/read"))
            .of("ann")
            .send()
            .await
            .expect(200);
        assert_eq!(read["count"], json!(count));
    }
    assert_eq!(rig.unread("ann").await, 1);
    let unread = rig.get(&format!("{NOTIFICATIONS}?unread=true")).of("ann").send().await.expect(200);
    assert_eq!(unread["notifications"].as_array().unwrap().len(), 1);
    let all = rig.call(Method::POST, &format!("{NOTIFICATIONS}/read-all")).of("ann").send().await.expect(200);
    assert_eq!((&all["count"], rig.unread("ann").await, rig.unread("bob").await), (&json!(1), 0, 1));
    rig.call(Method::DELETE, &format!("{NOTIFICATIONS}/{first}")).of("ann").send().await.expect(200);
    rig.call(Method::DELETE, &format!("{NOTIFICATIONS}/{first}"))
        .of("ann")
        .send()
        .await
        .refused(404, "not_found");
    rig.call(Method::DELETE, &format!("{NOTIFICATIONS}/{second}"))
        .of("bob")
        .send()
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn notifications_are_paged_by_cursor_and_by_skip() {
    let rig = Rig::new().await;
    for n in 0..5 {
        rig.tell("ann", &format!("n{n}")).await;
    }
    let titles = async |query: &str| {
        let page = rig.get(&format!("{NOTIFICATIONS}?{query}")).of("ann").send().await.expect(200);
        let titles: Vec<String> = page["notifications"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["title"].as_str().unwrap().to_owned())
            .collect();
        (titles.join(" "), page["nextCursor"].as_str().map(str::to_owned))
    };
    let (first, next) = titles("limit=2").await;
    let (second, _) = titles(&format!("limit=2&cursor={}", next.unwrap())).await;
    let (last, end) = titles("limit=2&skip=4").await;
    assert_eq!((first.as_str(), second.as_str(), last.as_str(), end), ("n4 n3", "n2 n1", "n0", None));
    for bad in ["limit=0", "cursor=x", "skip=10001", "unread=maybe"] {
        rig.get(&format!("{NOTIFICATIONS}?{bad}")).of("ann").send().await.refused(400, "invalid");
    }
}

#[tokio::test]
async fn up_to_a_thousand_people_are_told_at_once_and_a_failure_is_said() {
    let rig = Rig::new().await;
    let people: Vec<String> = (0..1_000).map(|n| format!("u{n}")).collect();
    let told = rig
        .post(NOTIFICATIONS, &json!({"userIds": people, "title": "t"}))
        .of_admin()
        .send()
        .await
        .expect(201);
    assert_eq!((told["notifications"].as_array().unwrap().len(), &told["failed"]), (1_000, &json!([])));
    assert_eq!(rig.unread("u999").await, 1);
    let more: Vec<String> = (0..1_001).map(|n| format!("u{n}")).collect();
    rig.post(NOTIFICATIONS, &json!({"userIds": more, "title": "t"}))
        .of_admin()
        .send()
        .await
        .refused(400, "invalid");
    rig.world.disconnect_broker();
    rig.post(NOTIFICATIONS, &json!({"userIds": ["ann"], "title": "t"}))
        .of_admin()
        .send()
        .await
        .refused(503, "unavailable");
}

#[tokio::test]
async fn a_notification_under_the_same_key_is_the_same_and_another_body_is_refused() {
    let rig = Rig::new().await;
    let body = json!({"userId": "ann", "title": "shipped", "clientNotificationId": "order-7"});
    let first = rig.post(NOTIFICATIONS, &body).of_admin().send().await.expect(201);
    assert_eq!(first.get("deduplicated"), None);
    rig.world.clock.advance(1);
    let plain = json!({"userId": "ann", "title": "shipped"});
    for again in [
        rig.post(NOTIFICATIONS, &body),
        rig.post(NOTIFICATIONS, &plain).header("Idempotency-Key", "\"order-7\""),
    ] {
        let again = again.of_admin().send().await.expect(200);
        assert_eq!((&again["notification"], &again["deduplicated"]), (&first["notification"], &json!(true)));
    }
    let other = json!({"userId": "ann", "title": "delivered", "clientNotificationId": "order-7"});
    rig.post(NOTIFICATIONS, &other).of_admin().send().await.refused(422, "key_reused");
    let both = json!({"userIds": ["ann", "ben"], "title": "shipped", "clientNotificationId": "order-7"});
    let both = rig.post(NOTIFICATIONS, &both).of_admin().send().await.expect(201);
    assert_eq!(both["notifications"].as_array().unwrap().len(), 2, "to ben it is new");
    assert_eq!((rig.unread("ann").await, rig.unread("ben").await), (1, 1));
    let clash = rig.post(NOTIFICATIONS, &body).header("Idempotency-Key", "order-8").of_admin();
    clash.send().await.refused(400, "invalid");
}

#[tokio::test]
async fn preferences_have_defaults_and_are_replaced() {
    let rig = Rig::new().await;
    let path = format!("{NOTIFICATIONS}/preferences");
    let defaults = rig.get(&path).of("ann").send().await.expect(200);
    assert_eq!(defaults["preferences"]["channels"], json!({"inApp": true, "email": true, "push": true}));
    let wanted = json!({"channels": {"email": false}, "types": {"news": {"inApp": false, "email": false, "push": false}}});
    rig.post(&path, &wanted).of("ann").send().await.expect(200);
    let kept = rig.get(&path).of("ann").send().await.expect(200)["preferences"].clone();
    assert_eq!(kept["channels"], json!({"inApp": true, "email": false, "push": true}));
    assert_eq!((&kept["types"], kept["updatedAt"].is_string()), (&wanted["types"], true));
    assert_eq!(rig.get(&path).of("bob").send().await.expect(200)["preferences"], defaults["preferences"]);
    rig.post(&path, &json!({"channels": {"email": "no"}})).of("ann").send().await.refused(400, "invalid");
}
