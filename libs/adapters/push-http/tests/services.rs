//! Pushes over HTTP/2 to a stand-in of the push services that checks every signature and decrypts every
//! payload: what devices get, and how each answer is taken.

use eventflow_ports::pusher::{Accepted, Push, PushAct, PushError, Urgency};
use eventflow_ports::{Pusher, SystemClock};
use eventflow_protocol::ThreadId;
use eventflow_protocol::push::{PushTarget, Subscription};
use eventflow_push_http::{PushHttp, PushSettings, Reach, Roots, ServiceAccount, VapidKey};
use eventflow_testkit::push_services::{Browser, Fault, PushServices};
use std::sync::Arc;
use std::time::Duration;

/// The services, and what sends to them.
struct Rig {
    services: PushServices,
    pusher: PushHttp,
    key: VapidKey,
}

impl Rig {
    async fn new() -> Self {
        Self::reaching(Reach::Anywhere).await
    }

    async fn reaching(reach: Reach) -> Self {
        let services = PushServices::start().await.expect("the stand-in can be set up");
        let key = VapidKey::parse(&VapidKey::generate(), "mailto:ops@chat.example")
            .expect("the stand-in can be set up");
        let settings = PushSettings {
            service_account: Some(
                ServiceAccount::parse(&services.service_account()).expect("the stand-in can be set up"),
            ),
            fcm_url: services.fcm_url(),
            vapid: Some(key.clone()),
            reach,
            roots: Roots::with_file(&services.certificate()).expect("the stand-in can be set up"),
        };
        Self { services, pusher: PushHttp::new(settings, Arc::new(SystemClock)), key }
    }

    fn browser(&self) -> Browser {
        self.services.subscribe(self.key.public())
    }

    async fn to_browser(&self, browser: &Browser) -> Result<Accepted, PushError> {
        self.pusher.push(&target(browser, &browser.endpoint), &push()).await
    }

    async fn to_app(&self) -> Result<Accepted, PushError> {
        self.pusher.push(&PushTarget::Fcm { token: "app-1".to_owned() }, &push()).await
    }
}

fn target(browser: &Browser, endpoint: &str) -> PushTarget {
    let (p256dh, auth) = (browser.p256dh(), browser.auth());
    PushTarget::WebPush(Subscription { endpoint: endpoint.to_owned(), p256dh, auth })
}

fn thread() -> ThreadId {
    ThreadId::from_bytes([0xab; 12])
}

fn push() -> Push {
    Push {
        user_id: "ann".parse().expect("a user id"),
        tag: thread().to_string(),
        act: PushAct::Show {
            title: "Ann <b>".to_owned(),
            text: "„Grüße“ 👋".to_owned(),
            thread_id: Some(thread()),
        },
        badge: 3,
        ttl: Duration::from_hours(1),
        urgency: Urgency::High,
    }
}

#[tokio::test]
async fn a_browser_decrypts_what_was_sent_and_its_service_knows_who_sent_it() {
    let rig = Rig::new().await;
    let browser = rig.browser();
    let accepted = rig.to_browser(&browser).await.unwrap();
    assert_eq!((accepted.provider, accepted.answer.as_str()), ("webpush", "201"));
    let received = rig.services.received();
    assert_eq!((received.len(), rig.services.complaints()), (1, vec![]));
    assert_eq!(format!("{:?}", received[0].version), "HTTP/2.0");
    assert_eq!(received[0].to, browser.id);
    let shown = &received[0].payload;
    assert_eq!(shown["act"], "show");
    assert_eq!(shown["title"], "Ann <b>");
    assert_eq!(shown["text"], "„Grüße“ 👋");
    assert_eq!(shown["badge"], 3);
    assert_eq!(shown["threadId"], thread().to_string());
    let headers = &received[0].headers;
    assert_eq!((headers["ttl"].as_str(), headers["urgency"].as_str()), ("3600", "high"));
    let topic = &received[0].headers["topic"];
    assert!(topic.len() <= 32 && !topic.contains("abab"), "the service learns no thread: {topic}");
}

#[tokio::test]
async fn an_app_gets_a_message_that_replaces_the_one_before_and_a_silent_one_when_it_was_read() {
    let rig = Rig::new().await;
    rig.to_app().await.unwrap();
    let clear = Push { act: PushAct::Clear, badge: 0, urgency: Urgency::Normal, ..push() };
    rig.pusher.push(&PushTarget::Fcm { token: "app-1".to_owned() }, &clear).await.unwrap();
    let received = rig.services.received();
    assert_eq!((received.len(), rig.services.complaints()), (2, vec![]));
    let (shown, cleared) = (&received[0].payload, &received[1].payload);
    let tag = thread().to_string();
    assert_eq!(shown["token"], "app-1");
    assert_eq!(shown["notification"]["title"], "Ann <b>");
    assert_eq!(shown["data"]["threadId"], tag);
    assert_eq!(shown["android"]["collapse_key"], tag);
    assert_eq!(shown["android"]["ttl"], "3600s");
    assert_eq!(shown["apns"]["headers"]["apns-collapse-id"], tag);
    assert_eq!(shown["apns"]["payload"]["aps"]["badge"], 3);
    assert!(cleared["notification"].is_null(), "nothing is shown for it");
    assert_eq!(cleared["data"]["act"], "clear");
    assert_eq!(cleared["apns"]["headers"]["apns-push-type"], "background");
    assert_eq!(rig.services.tokens_given(), 1, "the access token is kept");
}

/// How an answer is taken, for the table.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    Sent,
    Gone,
    Never,
    Later(Option<u64>),
    Again(Option<u64>),
}

fn taken(result: &Result<Accepted, PushError>) -> Taken {
    let seconds = |after: Option<Duration>| after.map(|after| after.as_secs());
    match result {
        Ok(_) => Taken::Sent,
        Err(PushError::Gone { .. }) => Taken::Gone,
        Err(PushError::Refused { .. }) => Taken::Never,
        Err(PushError::Limited { after, .. }) => Taken::Later(seconds(*after)),
        Err(PushError::Failed { after, .. }) => Taken::Again(seconds(*after)),
        Err(PushError::NoProvider { provider }) => panic!("{provider} is configured"),
    }
}

#[tokio::test]
async fn every_answer_of_a_browsers_service_is_taken_as_it_is_meant() {
    let rig = Rig::new().await;
    let browser = rig.browser();
    for (fault, expected) in [
        (Fault::Status(200), Taken::Sent),
        (Fault::Status(201), Taken::Sent),
        (Fault::Status(400), Taken::Never),
        (Fault::Status(401), Taken::Never),
        (Fault::Status(403), Taken::Never),
        (Fault::Status(404), Taken::Gone),
        (Fault::Status(410), Taken::Gone),
        (Fault::Status(413), Taken::Never),
        (Fault::Status(429), Taken::Later(None)),
        (Fault::RetryAfter(429, 77), Taken::Later(Some(77))),
        (Fault::Status(500), Taken::Again(None)),
        (Fault::RetryAfter(503, 5), Taken::Again(Some(5))),
        (Fault::Unreadable, Taken::Sent),
        (Fault::Endless(500), Taken::Again(None)),
        (Fault::Endless(400), Taken::Never),
        (Fault::Redirect("https://localhost/".to_owned()), Taken::Never),
        (Fault::Hang, Taken::Again(None)),
    ] {
        let name = format!("{fault:?}");
        rig.services.fail([fault]);
        assert_eq!(taken(&rig.to_browser(&browser).await), expected, "{name}");
    }
    assert_eq!(rig.services.received().len(), 0);
    assert_eq!(taken(&rig.to_browser(&browser).await), Taken::Sent, "it goes on after all that");
}

#[tokio::test]
async fn every_answer_of_fcm_is_taken_as_it_is_meant() {
    let rig = Rig::new().await;
    for (fault, expected) in [
        (Fault::Code(400, "INVALID_ARGUMENT"), Taken::Never),
        (Fault::Code(403, "SENDER_ID_MISMATCH"), Taken::Gone),
        (Fault::Status(403), Taken::Never),
        (Fault::Code(404, "UNREGISTERED"), Taken::Gone),
        (Fault::Code(400, "UNREGISTERED"), Taken::Gone),
        (Fault::Status(410), Taken::Gone),
        (Fault::Status(413), Taken::Never),
        (Fault::Code(429, "QUOTA_EXCEEDED"), Taken::Later(None)),
        (Fault::RetryAfter(429, 60), Taken::Later(Some(60))),
        (Fault::Code(500, "INTERNAL"), Taken::Again(None)),
        (Fault::RetryAfter(503, 30), Taken::Again(Some(30))),
        (Fault::Unreadable, Taken::Again(None)),
        (Fault::Endless(500), Taken::Again(None)),
        (Fault::Hang, Taken::Again(None)),
    ] {
        let name = format!("{fault:?}");
        rig.services.fail([fault]);
        assert_eq!(taken(&rig.to_app().await), expected, "{name}");
    }
    assert_eq!(taken(&rig.to_app().await), Taken::Sent, "it goes on after all that");
}

#[tokio::test]
async fn an_access_token_that_is_refused_is_renewed_once() {
    let rig = Rig::new().await;
    rig.to_app().await.unwrap();
    rig.services.expire_access();
    rig.to_app().await.unwrap();
    assert_eq!((rig.services.tokens_given(), rig.services.received().len()), (2, 2));
    let asked = rig.services.asked();
    rig.services.fail([Fault::Status(401), Fault::Status(401)]);
    assert_eq!(taken(&rig.to_app().await), Taken::Again(None));
    assert_eq!((rig.services.asked() - asked, rig.services.tokens_given()), (2, 3), "once, not for ever");
    rig.services.expire_access();
    rig.services.fail_tokens([Fault::Status(503), Fault::Status(400), Fault::Unreadable]);
    for _ in 0..3 {
        assert_eq!(taken(&rig.to_app().await), Taken::Again(None), "the operator can mend it");
    }
    assert_eq!(taken(&rig.to_app().await), Taken::Sent);
    assert_eq!(rig.services.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_subscription_cannot_lead_into_this_network() {
    let rig = Rig::reaching(Reach::Public).await;
    let browser = rig.browser();
    let port = rig.services.address().port();
    // What a name leads to may change, so its device stays and is asked again.
    for (host, expected) in [
        ("localhost", Taken::Again(None)),
        ("127.0.0.1", Taken::Never),
        ("[::1]", Taken::Never),
        ("[::ffff:127.0.0.1]", Taken::Never),
        ("2130706433", Taken::Never),
        ("0x7f000001", Taken::Never),
        ("127.1", Taken::Never),
        ("169.254.169.254", Taken::Never),
        ("10.0.0.1", Taken::Never),
        ("0.0.0.0", Taken::Never),
    ] {
        let endpoint = format!("https://{host}:{port}/push/{}", browser.id);
        let answer = rig.pusher.push(&target(&browser, &endpoint), &push()).await;
        assert_eq!(taken(&answer), expected, "{host}");
    }
    let plain = format!("http://localhost:{port}/push/{}", browser.id);
    let answer = rig.pusher.push(&target(&browser, &plain), &push()).await;
    assert!(matches!(answer, Err(PushError::Failed { .. } | PushError::Gone { .. })), "{answer:?}");
    assert_eq!(rig.services.asked(), 0, "nobody was asked");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let rig = Rig::new().await;
    let (browser, other) = (rig.browser(), rig.browser());
    rig.services.fail([Fault::Redirect(other.endpoint.clone())]);
    assert_eq!(taken(&rig.to_browser(&browser).await), Taken::Never);
    assert_eq!((rig.services.asked(), rig.services.received().len()), (1, 0));
}

#[tokio::test]
async fn errors_and_answers_hold_no_address_and_no_content() {
    let rig = Rig::new().await;
    let browser = rig.browser();
    for fault in [Fault::Status(500), Fault::Status(410), Fault::Status(400), Fault::Hang] {
        rig.services.fail([fault]);
        let error = format!("{0:?} {0}", rig.to_browser(&browser).await.unwrap_err());
        assert!(!error.contains(&browser.id) && !error.contains("Ann") && !error.contains("Gr"), "{error}");
    }
    let shown = format!("{:?} {:?}", push(), target(&browser, &browser.endpoint));
    assert!(!shown.contains(&browser.id) && !shown.contains("Ann"), "{shown}");
}

#[tokio::test]
async fn without_credentials_there_is_no_provider() {
    let settings = PushSettings {
        service_account: None,
        fcm_url: String::new(),
        vapid: None,
        reach: Reach::Public,
        roots: Roots::default(),
    };
    let pusher = PushHttp::new(settings, Arc::new(SystemClock));
    let answer = pusher.push(&PushTarget::Fcm { token: "t".to_owned() }, &push()).await;
    assert_eq!(answer, Err(PushError::NoProvider { provider: "fcm" }));
}
