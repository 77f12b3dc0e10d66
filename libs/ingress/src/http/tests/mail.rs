//! The routes of e-mail: the unsubscribe link, the provider's webhook, the suppression list.

use super::Rig;
use axum::body::{Body, to_bytes};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use eventflow_protocol::command::Command;
use eventflow_protocol::unsubscribe::{Unsubscribe, VALIDITY};
use eventflow_protocol::{Timestamp, UserId};
use http::{HeaderMap, Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const WEBHOOK: &str = "/api/v2/email/webhook";
const LIST: &str = "/api/v2/email/suppressions";
const WEBHOOK_SECRET: &str = "a secret of the webhook";

/// A page as text, with its status and headers.
async fn page(rig: &Rig, method: Method, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let body = "List-Unsubscribe=One-Click";
    let answer = rig.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let headers = answer.headers().clone();
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, headers, String::from_utf8(bytes.to_vec()).unwrap())
}

fn link(user: &str, at: Timestamp) -> String {
    let user: UserId = user.parse().unwrap();
    format!("/api/v2/unsubscribe/{}", Unsubscribe::new(crate::testing::SECRET).token(&user, at))
}

async fn wants_mail(rig: &Rig, user: &str) -> Value {
    let shown = rig.get("/api/v2/notifications/preferences").of(user).send().await.expect(200);
    shown["preferences"]["channels"]["email"].clone()
}

#[tokio::test]
async fn the_link_of_a_mail_shows_a_page_and_only_its_button_acts() {
    let rig = Rig::new().await;
    let link = link("ann", crate::testing::NOW);
    for method in [Method::GET, Method::HEAD] {
        let (status, headers, html) = page(&rig, method.clone(), &link, &[]).await;
        assert_eq!((status, rig.world.commands().len()), (200, 0), "{method} never acts");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        // With `no-referrer` a browser would send the button's request with the origin `null`.
        assert_eq!(headers["referrer-policy"], "same-origin");
        assert!(
            method == Method::HEAD || html.contains("<form method=\"post\"><button>Unsubscribe"),
            "{html}"
        );
    }
    let (_, _, german) =
        page(&rig, Method::GET, &link, &[("accept-language", "de-DE,de;q=0.9,en;q=0.5")]).await;
    assert!(german.contains("Abbestellen?"), "{german}");
    assert_eq!(wants_mail(&rig, "ann").await, json!(true));
    let kinds =
        json!({"channels": {"push": true}, "types": {"news": {"inApp": true, "email": true, "push": false}}});
    rig.post("/api/v2/notifications/preferences", &kinds).of("ann").send().await.expect(200);
    let form = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "https://chat.test"),
        ("host", "chat.test"),
    ];
    let (status, _, html) = page(&rig, Method::POST, &link, &form).await;
    assert_eq!((status, html.contains("You are unsubscribed")), (200, true), "{html}");
    let shown = rig.get("/api/v2/notifications/preferences").of("ann").send().await.expect(200);
    assert_eq!(shown["preferences"]["channels"], json!({"inApp": true, "email": false, "push": true}));
    assert_eq!(shown["preferences"]["types"]["news"], json!({"inApp": true, "email": false, "push": false}));
    assert_eq!(wants_mail(&rig, "ben").await, json!(true), "it is for one person");
    // A mail client sends the same without a cookie, an origin or a language (RFC 8058).
    let (status, ..) =
        page(&rig, Method::POST, &link, &[("content-type", "multipart/form-data; boundary=x")]).await;
    let again = rig.get("/api/v2/notifications/preferences").of("ann").send().await.expect(200);
    assert_eq!((status, again), (200, shown), "repeating it changes nothing");
}

#[tokio::test]
async fn unsubscribing_loses_no_change_that_is_made_at_the_same_moment() {
    let rig = Rig::new().await;
    let (settings, link) = ("/api/v2/notifications/preferences", link("ann", crate::testing::NOW));
    let patch = rig.call(Method::PATCH, settings).of("ann").header("content-type", "application/json");
    let patch = patch.body(json!({"types": {"news": {"push": false}}, "locale": "de"}).to_string()).send();
    let (changed, (status, ..)) = tokio::join!(patch, page(&rig, Method::POST, &link, &[]));
    changed.expect(200);
    assert_eq!(status, 200);
    let stored = rig.get(settings).of("ann").send().await.expect(200)["preferences"].clone();
    assert_eq!((&stored["channels"]["email"], &stored["locale"]), (&json!(false), &json!("de")), "{stored}");
    assert_eq!(stored["types"]["news"]["push"], json!(false), "{stored}");
    let is_change = |command: &Command| matches!(command, Command::ChangePreferences(_));
    assert!(rig.world.commands().iter().all(is_change), "the changes alone travel");
}

#[tokio::test]
async fn a_link_that_is_not_ours_or_too_old_does_nothing() {
    let rig = Rig::new().await;
    let now = crate::testing::NOW;
    let other = Unsubscribe::new(b"another secret, of another system").token(&"ann".parse().unwrap(), now);
    let good = link("ann", now);
    let old = link("ann", now.minus(VALIDITY).minus(std::time::Duration::from_secs(1)));
    for (path, expected) in [
        (format!("/api/v2/unsubscribe/{other}"), 404),
        (format!("{good}x"), 404),
        (good[..good.len() - 1].to_owned(), 404),
        ("/api/v2/unsubscribe/ann".to_owned(), 404),
        ("/api/v2/unsubscribe/%3Cscript%3E".to_owned(), 404),
        (old, 410),
    ] {
        for method in [Method::GET, Method::POST] {
            let (status, _, html) = page(&rig, method, &path, &[]).await;
            assert_eq!(status, expected, "{path}");
            assert!(!html.contains("<script>") && !html.contains("<button>"), "{html}");
        }
    }
    assert_eq!(rig.world.commands(), []);
    let (status, ..) =
        page(&rig, Method::POST, &good, &[("origin", "https://evil.test"), ("host", "chat.test")]).await;
    assert_eq!((status, rig.world.commands().len()), (403, 0), "a page of another site");
    rig.world.disconnect_broker();
    let (status, _, html) = page(&rig, Method::POST, &good, &[]).await;
    assert_eq!((status, html.contains("try again")), (503, true), "{html}");
}

async fn rig_with_webhook() -> Rig {
    Rig::with(|config| config.webhook_secret = Some(WEBHOOK_SECRET.into())).await
}

#[tokio::test]
async fn bounces_and_complaints_fill_the_suppression_list_and_admins_clear_it() {
    let rig = rig_with_webhook().await;
    let report = |body: &Value| rig.post(WEBHOOK, body).header("x-webhook-secret", WEBHOOK_SECRET).send();
    for body in [
        json!({"RecordType": "Bounce", "Type": "HardBounce", "Email": "Gone@example.com", "Inactive": true, "Description": "no such user", "ID": 42}),
        json!({"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": "angry@example.com", "MessageStream": "outbound"}),
        json!({"RecordType": "SubscriptionChange", "Recipient": "manual@example.com", "SuppressSending": true, "SuppressionReason": "ManualSuppression"}),
        json!({"RecordType": "Bounce", "Type": "HardBounce", "Email": "gone@example.com"}),
    ] {
        report(&body).await.expect(200);
    }
    let before = rig.world.commands().len();
    for body in [
        json!({"RecordType": "Bounce", "Type": "Transient", "Email": "full@example.com", "Inactive": false}),
        json!({"RecordType": "Bounce", "Type": "Blocked", "Email": "isp@example.com", "Inactive": false}),
        json!({"RecordType": "Bounce", "Type": "SpamNotification", "Email": "spam@example.com", "Inactive": false}),
        json!({"RecordType": "Delivery", "Recipient": "x@example.com"}),
        json!({"RecordType": "Bounce", "Type": "HardBounce", "Email": "no address"}),
        json!({"RecordType": "SomethingNew", "Anything": [1, {"x": null}]}),
        json!({"RecordType": "SubscriptionChange", "Recipient": "ann@example.com", "SuppressSending": true, "MessageStream": "broadcast"}),
        json!({"RecordType": "SubscriptionChange", "Recipient": "manual@example.com", "SuppressSending": false, "MessageStream": "broadcast"}),
        json!({"RecordType": "Bounce", "Type": "HardBounce", "Email": "ann@example.com", "MessageStream": "broadcast"}),
        json!({}),
    ] {
        report(&body).await.expect(200);
    }
    assert_eq!(rig.world.commands().len(), before, "these say nothing about an address for our mails");
    let listed = rig.get(LIST).of_admin().send().await.expect(200);
    let listed: Vec<(&str, &str)> = listed["suppressions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["address"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        listed,
        [
            ("angry@example.com", "complaint"),
            ("Gone@example.com", "bounce"),
            ("manual@example.com", "provider")
        ]
    );
    let first = rig.get(&format!("{LIST}?limit=2")).of_admin().send().await.expect(200);
    assert_eq!(first["nextCursor"], "Gone@example.com");
    let second =
        rig.get(&format!("{LIST}?limit=2&cursor=Gone@example.com")).of_admin().send().await.expect(200);
    assert_eq!((second["suppressions"].as_array().unwrap().len(), &second["nextCursor"]), (1, &Value::Null));
    rig.get(&format!("{LIST}?cursor=x")).of_admin().send().await.refused(400, "invalid");
    let lift = |address: &str| rig.call(Method::DELETE, &format!("{LIST}/{address}")).of_admin().send();
    assert_eq!(lift("gone%40example.com").await.expect(200)["count"], json!(1));
    assert_eq!(
        lift("gone@example.com").await.expect(200)["count"],
        json!(0),
        "lifting it again changes nothing"
    );
    lift("no-address").await.refused(400, "invalid");
    report(&json!({"RecordType": "SubscriptionChange", "Recipient": "manual@example.com", "SuppressSending": false, "SuppressionReason": null, "Description": null})).await.expect(200);
    assert_eq!(
        rig.get(LIST).of_admin().send().await.expect(200)["suppressions"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn the_webhook_takes_reports_only_with_its_secret() {
    let rig = rig_with_webhook().await;
    let body = json!({"RecordType": "SpamComplaint", "Email": "ann@example.com"});
    let basic = |pair: &str| format!("Basic {}", BASE64.encode(pair));
    for header in [
        None,
        Some(("x-webhook-secret", "wrong".to_owned())),
        Some(("x-webhook-secret", format!("{WEBHOOK_SECRET}x"))),
        Some(("authorization", basic("user:wrong"))),
        Some(("authorization", basic(WEBHOOK_SECRET))),
        Some(("authorization", format!("Bearer {WEBHOOK_SECRET}"))),
        Some(("authorization", "Basic %%%".to_owned())),
    ] {
        let call = rig.post(WEBHOOK, &body);
        let call = match &header {
            Some((name, value)) => call.header(name, value),
            None => call,
        };
        call.send().await.refused(401, "unauthenticated");
    }
    rig.post(WEBHOOK, &body).of_admin().send().await.refused(401, "unauthenticated");
    assert_eq!(rig.world.commands(), []);
    let pair = basic(&format!("postmark:{WEBHOOK_SECRET}"));
    rig.post(WEBHOOK, &body).header("authorization", &pair).send().await.expect(200);
    assert!(matches!(rig.world.commands()[..], [Command::ChangeSuppression(_)]));
    let broken = rig.call(Method::POST, WEBHOOK).header("content-type", "application/json").body("{");
    broken.header("x-webhook-secret", WEBHOOK_SECRET).send().await.refused(400, "invalid");
    rig.world.disconnect_broker();
    rig.post(WEBHOOK, &body).header("authorization", &pair).send().await.refused(503, "unavailable");
    let without = Rig::new().await;
    without.post(WEBHOOK, &body).header("x-webhook-secret", "").send().await.refused(404, "unknown");
}
