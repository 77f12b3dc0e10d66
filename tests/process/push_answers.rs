//! Each answer of a push service, from the answer to its end: what the delivery log says, how often
//! the service was asked, and whether the device stays. Nothing of it tells anybody's token, address or text
//! (S14), and no subscription leads into this machine's own network (S11).

use super::push_stage::PushStage;
use crate::backends::Own;
use eventflow_testkit::eventually;
use eventflow_testkit::push_services::{Browser, Fault};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// A word that stands in tokens and texts, and must stand nowhere else.
const CANARY: &str = "kestrel";
/// Times that a push that is to be asked again may take: the device of a browser that was late waits 30 s.
const PATIENCE: Duration = Duration::from_mins(2);

/// An answer, and what becomes of the push.
struct Case {
    is_app: bool,
    faults: Vec<Fault>,
    /// What the log says in the end.
    outcome: &'static str,
    /// What it says with it: the answer, or the reason.
    says: &'static str,
    /// Whether it said before that the provider put it off.
    is_put_off: bool,
    /// Requests for it, refused ones included.
    requests: usize,
    keeps_device: bool,
}

fn case(is_app: bool, faults: Vec<Fault>) -> Case {
    let (outcome, says) = ("sent", "1 device");
    Case { is_app, faults, outcome, says, is_put_off: false, requests: 1, keeps_device: true }
}

fn browser(fault: Fault) -> Case {
    case(false, vec![fault])
}

fn app(fault: Fault) -> Case {
    case(true, vec![fault])
}

impl Case {
    /// It is asked again, and takes it then.
    fn again(self) -> Self {
        Self { is_put_off: true, requests: 2, ..self }
    }

    /// It never takes it, and the log has this answer.
    fn never(self, says: &'static str) -> Self {
        Self { outcome: "failed", says, ..self }
    }

    /// The device is gone.
    fn gone(self) -> Self {
        Self { outcome: "suppressed", says: "no_device", keeps_device: false, ..self }
    }
}

fn cases() -> Vec<Case> {
    vec![
        browser(Fault::Status(201)),
        browser(Fault::Status(400)).never("400"),
        browser(Fault::Status(401)).never("401"),
        browser(Fault::Status(403)).never("403"),
        browser(Fault::Status(404)).gone(),
        browser(Fault::Status(410)).gone(),
        browser(Fault::Status(413)).never("413"),
        browser(Fault::RetryAfter(429, 1)).again(),
        browser(Fault::Status(500)).again(),
        browser(Fault::RetryAfter(503, 1)).again(),
        browser(Fault::Endless(500)).again(),
        browser(Fault::Redirect("https://localhost/".to_owned())).never("307"),
        browser(Fault::Hang).again(),
        app(Fault::Code(400, "INVALID_ARGUMENT")).never("400 INVALID_ARGUMENT"),
        Case { requests: 2, ..app(Fault::Status(401)) },
        app(Fault::Status(403)).never("403"),
        app(Fault::Code(403, "SENDER_ID_MISMATCH")).gone(),
        app(Fault::Code(404, "UNREGISTERED")).gone(),
        app(Fault::Status(410)).gone(),
        app(Fault::Status(413)).never("413"),
        app(Fault::RetryAfter(429, 1)).again(),
        app(Fault::Code(500, "INTERNAL")).again(),
        app(Fault::RetryAfter(503, 1)).again(),
        app(Fault::Unreadable).again(),
        app(Fault::Hang).again(),
    ]
}

const SETTINGS: [(&str, &str); 4] = [
    ("PUSH_GRACE_S", "0"),
    ("REST_PER_MINUTE_USER", "0"),
    ("LOG_LEVEL", "debug"),
    // A contact of this machine, as push services want one.
    ("VAPID_SUBJECT", "mailto:ops@example.com"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_a_push_service_ends_in_one_process_as_the_table_says() {
    every_answer_ends_as_the_table_says(PushStage::new(None, &SETTINGS).await).await;
}

/// A key of VAPID: the private one of the example in RFC 8291, which opens nothing.
const VAPID: (&str, &str) = ("VAPID_PRIVATE_KEY", "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_a_push_service_ends_in_a_fleet_as_the_table_says() {
    let own = Own::create("push-answers").await.unwrap();
    let settings: Vec<_> = SETTINGS.into_iter().chain([VAPID]).collect();
    every_answer_ends_as_the_table_says(PushStage::new(Some(&own), &settings).await).await;
    own.delete().await.unwrap();
}

#[allow(clippy::print_stdout, reason = "a run shows the table")]
async fn every_answer_ends_as_the_table_says(stage: PushStage) {
    let root = stage.system.token_as("root", "admin").await.unwrap();
    let mut secrets = vec![CANARY.to_owned()];
    for (number, case) in cases().into_iter().enumerate() {
        let person = format!("person-{number}");
        let token = stage.system.token(&person).await.unwrap();
        if case.is_app {
            stage.app(&token, &format!("{CANARY}-{number}")).await;
        } else {
            let browser = subscribe(&stage, &token).await;
            secrets.extend([browser.id.clone(), browser.p256dh(), browser.auth()]);
        }
        let (asked, name) = (stage.services.asked(), format!("{:?} to {}", case.faults, case.kind()));
        stage.services.fail(case.faults.clone());
        let told = json!({"userIds": [person], "title": format!("{CANARY} title"), "message": format!("{CANARY} text")});
        stage.call(&root, Method::POST, "/notifications", told).await;
        let rows = ended(&stage, &root, &person, &name).await;
        let says = rows[0]["answer"].as_str().or(rows[0]["reason"].as_str()).unwrap_or_default();
        let is_put_off = rows.iter().any(|row| row["outcome"] == "held" && row["waitsFor"] == "provider");
        let devices = stage.call(&token, Method::GET, "/devices", Value::Null).await;
        let keeps_device = !devices["devices"].as_array().unwrap().is_empty();
        let requests = stage.services.asked() - asked;
        println!(
            "{name:62} {:10} {says:34} requests {requests} device kept {keeps_device}",
            rows[0]["outcome"]
        );
        assert_eq!(rows[0]["outcome"], case.outcome, "{name}: {rows:?}");
        assert!(says.contains(case.says), "{name}: {says}");
        assert_eq!(
            (is_put_off, requests, keeps_device),
            (case.is_put_off, case.requests, case.keeps_device),
            "{name}"
        );
    }
    assert_eq!(stage.services.complaints(), [""; 0]);
    let letters = stage.call(&root, Method::GET, "/ops/dead-letters", Value::Null).await;
    assert_eq!(letters["letters"], json!([]));
    tells_nothing(stage, &secrets).await;
}

impl Case {
    fn kind(&self) -> &'static str {
        if self.is_app { "an app" } else { "a browser" }
    }
}

async fn subscribe(stage: &PushStage, token: &str) -> Browser {
    let key = stage.call(token, Method::GET, "/push/key", Value::Null).await;
    let browser = stage.services.subscribe(key["publicKey"].as_str().expect("the system has a key"));
    stage.call(token, Method::POST, "/devices", json!({"subscription": browser.to_json()})).await;
    browser
}

/// The rows of somebody's log once one of them says how it ended, the last first.
async fn ended(stage: &PushStage, root: &str, person: &str, name: &str) -> Vec<Value> {
    let (begun, what) = (std::time::Instant::now(), format!("{name} ends"));
    loop {
        let is_end = |row: &Value| row["outcome"] != "held" && row["outcome"] != "folded";
        let found = eventually(&what, async || {
            let rows = stage.rows(root, person).await;
            rows.first().is_some_and(is_end).then_some(rows)
        });
        match found.await {
            Ok(rows) => return rows,
            Err(error) if begun.elapsed() > PATIENCE => panic!("{error}"),
            Err(_) => {}
        }
    }
}

/// Logs at debug and metrics of every process.
async fn tells_nothing(mut stage: PushStage, secrets: &[String]) {
    let mut said = String::new();
    for role in stage.system.roles() {
        let metrics = stage.http.get(stage.system.admin(role, "/metrics")).send().await.unwrap();
        said += &metrics.text().await.unwrap();
        said += &stage.system.process(role).log();
    }
    assert!(said.contains("DEBUG") && said.contains("eventflow_push_pushes_total"), "they say much");
    for secret in secrets {
        let at = said.find(secret.as_str());
        assert_eq!(at, None, "{secret}: {}", at.map_or("", |at| &said[at.saturating_sub(200)..at + 40]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_subscription_makes_the_system_ask_its_own_network() {
    let only_public = [("EVENTFLOW_PUSH__ALLOW_PRIVATE_ENDPOINTS", "false")];
    let settings: Vec<_> = SETTINGS.into_iter().chain(only_public).collect();
    let stage = PushStage::new(None, &settings).await;
    let root = stage.system.token_as("root", "admin").await.unwrap();
    let port = stage.services.address().port();
    let key = stage.call(&root, Method::GET, "/push/key", Value::Null).await;
    let hosts = [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "169.254.169.254",
        "10.0.0.1",
        "0.0.0.0",
    ];
    for (number, host) in hosts.into_iter().enumerate() {
        let person = format!("person-{number}");
        let token = stage.system.token(&person).await.unwrap();
        let browser = stage.services.subscribe(key["publicKey"].as_str().unwrap());
        let mut subscription = browser.to_json();
        subscription["endpoint"] = json!(format!("https://{host}:{port}/push/{}", browser.id));
        let url = stage.system.url("/api/v2/devices");
        let body = json!({ "subscription": subscription });
        let registered = stage.http.post(url).bearer_auth(&token).json(&body).send().await.unwrap();
        // Refused at once, or kept and never asked.
        if registered.status() == 400 {
            continue;
        }
        let told = json!({"userIds": [person], "title": "x"});
        stage.call(&root, Method::POST, "/notifications", told).await;
        let what = format!("{host} is judged");
        let answered = eventually(&what, async || {
            stage.rows(&root, &person).await.into_iter().find(|row| row["answer"].is_string())
        });
        let row = answered.await.unwrap();
        assert!(row["outcome"] == "failed" || row["outcome"] == "held", "{host}: {row}");
    }
    assert_eq!(stage.services.asked(), 0, "nobody was asked");
}
