//! Who may do what, made from the table of routes: every route with every role, and every write with every
//! kind of forgery.

use super::{Call, Rig};
use crate::http::routes::{Needs, ROUTES, Route};
use crate::identity::Tokens;
use eventflow_protocol::ThreadId;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN};
use serde_json::{Value, json};

/// Somebody who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// In the thread, a group, and its owner; wrote the message; owns the notification and the device.
    Participant,
    /// In the thread.
    OtherParticipant,
    /// Was in the thread.
    Former,
    Stranger,
    Admin,
    Anonymous,
    Expired,
    /// A token of the participant, signed with another secret.
    Forged,
    /// A token of the participant that says it needs no signature.
    Unsigned,
}

/// Somebody who is being erased.
const ERASED: &str = "gone";

const ROLES: [Role; 9] = [
    Role::Participant,
    Role::OtherParticipant,
    Role::Former,
    Role::Stranger,
    Role::Admin,
    Role::Anonymous,
    Role::Expired,
    Role::Forged,
    Role::Unsigned,
];

/// What a route answers to a role; `None`: what was asked for.
fn refusal(needs: Needs, role: Role) -> Option<(u16, &'static str)> {
    let is_inside = matches!(role, Role::Participant | Role::OtherParticipant);
    match (role, needs) {
        (Role::Expired, _) => Some((401, "token_expired")),
        (Role::Anonymous | Role::Forged | Role::Unsigned, _) => Some((401, "unauthenticated")),
        (_, Needs::Login)
        | (Role::Admin, Needs::Admin | Needs::OwnerOrAdmin)
        | (Role::Participant, Needs::Owner | Needs::OwnerOrAdmin | Needs::Sender | Needs::GroupOwner) => None,
        (_, Needs::Admin) | (Role::OtherParticipant, Needs::Sender | Needs::GroupOwner) => {
            Some((403, "forbidden"))
        }
        (_, Needs::Thread | Needs::Message | Needs::File) if is_inside => None,
        (
            _,
            Needs::Thread
            | Needs::Message
            | Needs::Sender
            | Needs::GroupOwner
            | Needs::Owner
            | Needs::File
            | Needs::OwnerOrAdmin,
        ) => Some((404, "not_found")),
    }
}

/// A system with one thing of each kind that a path can name.
struct Stage {
    rig: Rig,
    thread: ThreadId,
    message: String,
    notification: String,
    device: String,
    send: String,
    scheduled: String,
    letter: String,
    replay: String,
    report: String,
    files: Files,
}

/// Files of ann: one that a message has, one that none has, and one that is not whole.
struct Files {
    sent: String,
    unsent: String,
    begun: String,
}

impl Stage {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let thread = rig.world.store.group_of(&["ann", "bob", "zed"]);
        let posted = rig
            .post(&format!("/api/v2/messages/{thread}"), &json!({"content": "hello"}))
            .of("ann")
            .send()
            .await;
        let message = posted.expect(201)["message"]["_id"].as_str().unwrap().to_owned();
        let told = rig
            .post("/api/v2/notifications", &json!({"userId": "ann", "title": "t"}))
            .of_admin()
            .send()
            .await;
        let notification = told.expect(201)["notification"]["_id"].as_str().unwrap().to_owned();
        let phone = rig.post("/api/v2/devices", &json!({"fcmToken": "phone"})).of("ann").send().await;
        let device = phone.expect(201)["device"]["_id"].as_str().unwrap().to_owned();
        let wanted = json!({"to": "ann", "title": "t"});
        let kept = rig.post("/api/v2/notifications", &wanted).of_admin().send().await;
        let send = kept.expect(201)["send"]["_id"].as_str().unwrap().to_owned();
        let later = json!({"content": "later", "sendAt": crate::testing::NOW.0 + 3_600_000});
        let planned = rig.post(&format!("/api/v2/messages/{thread}"), &later).of("ann").send().await;
        let scheduled = planned.expect(201)["scheduled"]["_id"].as_str().unwrap().to_owned();
        let letter = super::dead_letters::dead(&rig, 1).await.to_string();
        let wanted = json!({"ids": [letter], "why": "w"});
        let begun = rig.post("/api/v2/ops/replays", &wanted).of_admin().send().await;
        let replay = begun.expect(201)["replay"]["_id"].as_str().unwrap().to_owned();
        let report = json!({"reason": "spam"});
        let reported =
            rig.post(&format!("/api/v2/messages/{message}/report"), &report).of("bob").send().await;
        let report = reported.expect(201)["report"]["id"].as_str().unwrap().to_owned();
        let erase = json!({"userId": ERASED, "why": "they asked for it"});
        rig.post(&format!("/api/v2/users/{ERASED}/erase"), &erase).of_admin().send().await.expect(201);
        let files = Files::new(&rig, thread).await;
        rig.world.store.remove(thread, "zed");
        rig.world.parts.membership.forget(thread);
        Self { rig, thread, message, notification, device, send, scheduled, letter, replay, report, files }
    }

    /// A request that this route answers if its sender may.
    fn call(&self, route: &Route) -> Call<'_> {
        let id = match (route.needs, route.path.contains("/users/") || route.path.contains("/presence/")) {
            // Nobody can block themselves.
            (_, true) if route.path.ends_with("/block") => "gus".to_owned(),
            (_, true) if route.path.ends_with("/erase") => ERASED.to_owned(),
            (_, true) => "bob".to_owned(),
            _ if route.path.contains("/attachments/tus/") => self.files.begun.clone(),
            (Needs::File, _) => self.files.sent.clone(),
            _ if route.path.contains("/attachments/") => self.files.unsent.clone(),
            _ if route.path.contains("/suppressions/") => "bob@example.com".to_owned(),
            _ if route.path.contains("/sends/") => self.send.clone(),
            _ if route.path.contains("/scheduled/") => self.scheduled.clone(),
            _ if route.path.contains("/dead-letters/") => self.letter.clone(),
            _ if route.path.contains("/replays/") => self.replay.clone(),
            _ if route.path.contains("/reports/") => self.report.clone(),
            (Needs::Thread | Needs::GroupOwner, _) => self.thread.to_string(),
            (Needs::Message | Needs::Sender, _) => self.message.clone(),
            (Needs::Owner, _) if route.path.contains("/devices/") => self.device.clone(),
            _ => self.notification.clone(),
        };
        let is_list = route.path.ends_with("/presence") || route.path.ends_with("/users");
        let query = match is_list {
            true => "?userIds=bob",
            false if route.path.ends_with("/search") => "?q=hello",
            false => "",
        };
        let path = format!("/api{}{query}", route.path.replace("{id}", &id).replace("{member}", "bob"));
        let call = self.rig.call(route.method.clone(), &path);
        if carries_files(route) {
            return with_file(call, route);
        }
        if route.method.is_safe() {
            return call;
        }
        call.header(CONTENT_TYPE.as_str(), "application/json").body(self.body(route).to_string())
    }

    fn body(&self, route: &Route) -> Value {
        let mut body = body(route);
        if is_direct(route) {
            body["ids"] = json!([self.letter]);
            body["body"] = super::dead_letters::work(1);
        }
        body
    }

    fn of<'a>(&self, call: Call<'a>, role: Role) -> Call<'a> {
        let token = match role {
            Role::Participant | Role::Expired => self.rig.world.token("ann"),
            Role::OtherParticipant => self.rig.world.token("bob"),
            Role::Former => self.rig.world.token("zed"),
            Role::Stranger => self.rig.world.token("eve"),
            Role::Admin => self.rig.world.token_as("root", "admin"),
            Role::Anonymous => return call,
            Role::Forged => {
                let tokens =
                    Tokens::new(b"another secret, of another system", self.rig.world.clock.clone()).unwrap();
                tokens.mint_as(&"ann".parse().unwrap(), "ann", "admin", 3_600)
            }
            Role::Unsigned => {
                let signed = self.rig.world.token("ann");
                let claims = signed.split('.').nth(1).unwrap();
                // {"alg":"none","typ":"JWT"}
                format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
            }
        };
        call.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }
}

/// Whether a write goes to the store and not to a worker: whoever mends a stage must not need that stage.
fn is_direct(route: &Route) -> bool {
    route.path.starts_with("/v2/ops/") || carries_files(route)
}

/// Whether a route has bytes of files, and headers instead of JSON.
fn carries_files(route: &Route) -> bool {
    route.path.starts_with("/v2/attachments")
}

/// What a request of a file has, by its route.
fn with_file<'a>(call: Call<'a>, route: &Route) -> Call<'a> {
    let call = if route.path.contains("/tus") { call.header("tus-resumable", "1.0.0") } else { call };
    match (route.method.as_str(), route.path.contains("/tus")) {
        ("POST", true) => call.header("upload-length", "3"),
        ("PATCH", true) => {
            let call = call.header(CONTENT_TYPE.as_str(), "application/offset+octet-stream");
            call.header("upload-offset", "0").body("abc")
        }
        ("POST", false) => {
            let call = call.header(CONTENT_TYPE.as_str(), "multipart/form-data; boundary=----x");
            call.body(super::attachments::form("a.txt", b"abc"))
        }
        _ => call,
    }
}

impl Files {
    async fn new(rig: &Rig, thread: ThreadId) -> Self {
        let png = super::attachments::png(640, 1);
        let sent = super::attachments::upload(rig, "ann", "a.png", &png).await;
        let message = super::attachments::send_file(rig, thread, "ann", &sent).await;
        message.expect(201);
        let unsent = super::attachments::upload(rig, "ann", "b.txt", b"abc").await;
        let id = |file: &Value| file["id"].as_str().unwrap().to_owned();
        let begun = super::attachments::resumable::begin(rig, "ann", 3).await;
        Self { sent: id(&sent), unsent: id(&unsent), begun }
    }
}

/// One body that suits every write but that of preferences, which take no fields of other routes.
fn body(route: &Route) -> Value {
    if route.path.ends_with("/preferences") {
        return json!({ "channels": {} });
    }
    if route.path.contains("/mutes/") {
        return json!({});
    }
    let mut body = json!({
        "content": "new", "participants": ["bob", "eve"], "emoji": "👍", "userId": "bob", "title": "t", "name": "Bob", "channels": {}, "fcmToken": "new",
        "why": "repaired", "version": 1, "reason": "spam",
    });
    if route.path.ends_with("/notifications") {
        body["channels"] = json!(["email"]);
    }
    if route.path.contains("/members") {
        body["userIds"] = json!(["eve"]);
        body["role"] = json!("owner");
    }
    if route.path.ends_with("/erase") {
        body["userId"] = json!(ERASED);
    }
    if route.path.ends_with("/revoke") {
        body["session"] = json!("0".repeat(64));
    }
    body
}

#[tokio::test]
async fn every_route_answers_every_role_as_its_line_in_the_table_says() {
    for route in ROUTES {
        for role in ROLES {
            let stage = Stage::new().await;
            let before = stage.rig.world.commands().len();
            let call = stage.of(stage.call(route), role);
            if role == Role::Expired {
                stage.rig.world.clock.advance(3_661_000);
            }
            let reply = call.send().await;
            let place = format!("{} {} as {role:?}: {}", route.method, route.path, reply.body);
            let asked = stage.rig.world.commands().len() - before;
            match refusal(route.needs, role) {
                None => {
                    assert!(matches!(reply.status, 200 | 201 | 204), "{place}");
                    let is_json =
                        !(carries_files(route) || route.path.ends_with("/export")) || reply.body.is_object();
                    assert!(!is_json || reply.body["success"] == json!(true), "{place}");
                    assert_eq!(asked, usize::from(!route.method.is_safe() && !is_direct(route)), "{place}");
                }
                Some((status, code)) => {
                    // The answer to HEAD has no body.
                    let code = (route.method != Method::HEAD).then_some(code);
                    assert_eq!((reply.status, reply.body["code"].as_str()), (status, code), "{place}");
                    // Whether somebody is the sender, or owns the group, is decided behind the broker.
                    let is_behind = matches!(route.needs, Needs::Sender | Needs::GroupOwner);
                    assert_eq!(asked, usize::from(is_behind && status == 403), "{place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_write_on_the_strength_of_a_cookie_needs_the_token_of_its_session_and_a_page_of_ours() {
    for route in ROUTES.iter().filter(|route| !route.method.is_safe()) {
        let stage = Stage::new().await;
        let before = stage.rig.world.commands().len();
        let (user, role) = if route.needs == Needs::Admin { ("root", "admin") } else { ("ann", "user") };
        let cookie = |()| format!("token={}", stage.rig.world.token_as(user, role));
        let mine = cookie(());
        let other_login = cookie(());
        let csrf = async |cookie: &str| {
            let issued = stage.rig.get("/api/v2/csrf-token").header(COOKIE.as_str(), cookie).send().await;
            issued.expect(200)["csrfToken"].as_str().unwrap().to_owned()
        };
        let token = csrf(&mine).await;
        let foreign_token = csrf(&other_login).await;
        let write = |headers: &[(&'static str, &str)]| {
            let call = stage.call(route).header(COOKIE.as_str(), &mine);
            headers.iter().fold(call, |call, (name, value)| call.header(name, value)).send()
        };
        let ours = (ORIGIN.as_str(), "https://chat.test");
        for (headers, code) in [
            (&[ours][..], "csrf_failed"),
            (&[ours, ("x-csrf-token", &foreign_token)], "csrf_failed"),
            (&[ours, ("x-csrf-token", "made up")], "csrf_failed"),
            (&[("x-csrf-token", &token)], "csrf_failed"),
            (&[("x-csrf-token", &token), ("sec-fetch-site", "cross-site")], "csrf_failed"),
            (&[("x-csrf-token", &token), (ORIGIN.as_str(), "https://evil.test")], "forbidden"),
            (&[("x-csrf-token", &token), (ORIGIN.as_str(), "null")], "forbidden"),
        ] {
            let reply = write(headers).await;
            assert_eq!(
                (reply.status, reply.body["code"].as_str()),
                (403, Some(code)),
                "{} {headers:?}",
                route.path
            );
        }
        assert_eq!(stage.rig.world.commands().len(), before, "{}: nothing went on", route.path);
        let reply = write(&[ours, ("x-csrf-token", &token)]).await;
        assert!(reply.status <= 204, "{} {}: {}", route.method, route.path, reply.body);
    }
}

#[tokio::test]
async fn ids_that_are_none_and_objects_where_texts_belong_are_refused_on_every_route() {
    let stage = Stage::new().await;
    for route in ROUTES
        .iter()
        .filter(|route| route.path.contains("{id}") && !matches!(route.needs, Needs::Admin | Needs::Login))
    {
        for id in
            ["x", "%00", "%2e%2e%2f", "%FF", "{\"$ne\":1}", "0123456789abcdef0123456", &"a".repeat(5_000)]
        {
            let path =
                format!("/api{}", route.path.replace("{id}", &urlencode(id)).replace("{member}", "bob"));
            let call =
                stage.rig.call(route.method.clone(), &path).header(CONTENT_TYPE.as_str(), "application/json");
            let reply = call.body(body(route).to_string()).of("ann").send().await;
            assert_eq!(reply.status, 404, "{} {path}: {}", route.method, reply.body);
        }
    }
    let operator = json!({"$gt": ""});
    let wrong = json!({
        "content": operator, "participants": operator, "emoji": operator, "userId": operator, "title": operator, "name": operator,
        "channels": [operator], "session": operator, "fcmToken": operator, "why": operator, "ids": operator, "until": operator,
        "userIds": operator, "role": operator, "reason": operator, "note": operator,
    });
    let has_fields = |route: &&Route| {
        !route.method.is_safe() && route.method != Method::DELETE && !route.path.contains("/tus")
    };
    for route in ROUTES.iter().filter(has_fields) {
        // A stage for each, since one of them leaves the thread.
        let stage = Stage::new().await;
        let bodiless = ["/read", "/unread", "/read-all", "/unarchive", "/leave", "/pin", "/block", "/send"]
            .iter()
            .any(|end| route.path.ends_with(end));
        let role = if route.needs == Needs::Admin { Role::Admin } else { Role::Participant };
        let reply = stage.of(stage.call(route).body(wrong.to_string()), role).send().await;
        assert_eq!(
            reply.status,
            if bodiless { 200 } else { 400 },
            "{} {}: {}",
            route.method,
            route.path,
            reply.body
        );
    }
}

fn urlencode(text: &str) -> String {
    text.replace('{', "%7B").replace('}', "%7D").replace('"', "%22")
}

#[test]
fn the_table_has_no_line_twice() {
    for (index, route) in ROUTES.iter().enumerate() {
        let same = |other: &&Route| other.method == route.method && other.path == route.path;
        assert_eq!(ROUTES[index..].iter().filter(same).count(), 1, "{} {}", route.method, route.path);
    }
}
