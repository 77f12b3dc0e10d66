//! Who is there, what people are called, who may no longer come in, how often one may ask, and how the
//! service is doing.

use super::{Rig, THREADS};
use crate::TrustedProxies;
use crate::testing::NOW;
use axum::extract::ConnectInfo;
use eventflow_ports::presence::GatewayStats;
use eventflow_ports::{Directory as _, PresenceStore as _};
use eventflow_protocol::person::TokenName;
use eventflow_protocol::presence::{DeviceSignal, DeviceState};
use http::Method;
use http::header::RETRY_AFTER;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::time::timeout;

impl Rig {
    pub(super) async fn is_here(&self, user: &str) {
        let at = crate::testing::NOW;
        let state = DeviceState::Here { active_at: at, wants_away: false, parked: false };
        let signal = DeviceSignal { user_id: user.parse().unwrap(), device: "d".into(), state, at };
        self.world.presence.record(&[signal]).await.unwrap();
    }

    pub(super) async fn put_name(&self, user: &str, name: &str) {
        let put = self.call(Method::PUT, &format!("/api/v2/users/{user}"));
        let put = put.header("content-type", "application/json").body(json!({ "name": name }).to_string());
        put.of_admin().send().await.expect(200);
    }

    async fn presence(&self, viewer: &str, user: &str) -> Value {
        let reply = self.get(&format!("/api/v2/presence/{user}")).of(viewer).send().await.expect(200);
        reply["presence"].clone()
    }
}

#[tokio::test]
async fn presence_is_for_people_who_share_a_thread_and_strangers_look_never_seen() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob", "cat"]);
    rig.is_here("bob").await;
    assert_eq!(rig.presence("ann", "bob").await["status"], json!("online"));
    assert!(rig.presence("ann", "bob").await["lastSeen"].is_string());
    let stranger = rig.presence("eve", "bob").await;
    let nobody = rig.presence("eve", "nobody").await;
    assert_eq!(stranger, json!({"userId": "bob", "status": "offline", "lastSeen": null}));
    assert_eq!(nobody, json!({"userId": "nobody", "status": "offline", "lastSeen": null}));
    let by_admin = rig.get("/api/v2/presence/bob").of_admin().send().await.expect(200);
    assert_eq!(by_admin["presence"]["status"], json!("online"));
    rig.is_here("eve").await;
    assert_eq!(rig.presence("eve", "eve").await["status"], json!("online"), "oneself");
}

#[tokio::test]
async fn whoever_signs_in_is_one_of_everybody_also_without_a_name_and_a_stored_name_stays() {
    let rig = Rig::new().await;
    let ann = TokenName { user_id: "ann".parse().unwrap(), name: "Ann".to_owned() };
    rig.world.directory.note(ann);
    for user in ["ann", "eve"] {
        rig.get("/api/v2/presence/eve").of(user).send().await.expect(200);
    }
    let name = async |user: &str| rig.world.directory.token_name(&user.parse().unwrap()).await.unwrap();
    // Nobody waits for the note.
    let noted = async {
        while name("eve").await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), noted).await.expect("eve is noted");
    assert_eq!((name("ann").await.as_deref(), name("eve").await.as_deref()), (Some("Ann"), Some("eve")));
}

#[tokio::test]
async fn several_people_are_asked_about_at_once_in_order() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob"]);
    rig.is_here("bob").await;
    rig.is_here("eve").await;
    let reply = rig.get("/api/v2/presence?userIds=eve,bob,%20ann,").of("ann").send().await.expect(200);
    let seen = reply["presence"].as_array().unwrap().iter();
    let seen = seen
        .map(|one| (one["userId"].as_str().unwrap(), one["status"].as_str().unwrap()))
        .collect::<Vec<_>>();
    assert_eq!(seen, [("eve", "offline"), ("bob", "online"), ("ann", "offline")]);
    let many = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>().join(",");
    rig.get(&format!("/api/v2/presence?userIds={}", many(200))).of("ann").send().await.expect(200);
    for bad in
        [format!("?userIds={}", many(201)), String::new(), "?userIds=a%00b".into(), "?userIds=..".into()]
    {
        rig.get(&format!("/api/v2/presence{bad}")).of("ann").send().await.refused(400, "invalid");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_thread_shows_its_people_to_each_other_within_seconds() {
    let rig = Rig::new().await;
    rig.is_here("bob").await;
    assert_eq!(rig.presence("ann", "bob").await["status"], json!("offline"));
    rig.world.store.thread_of(&["ann", "bob"]);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(rig.presence("ann", "bob").await["status"], json!("online"));
}

#[tokio::test]
async fn a_person_of_two_listed_threads_has_their_name_in_both() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob"]);
    rig.world.store.thread_of(&["ann", "bob", "cat"]);
    rig.put_name("bob", "Bob").await;
    for _ in 0..2 {
        let listed = rig.get(THREADS).of("ann").send().await.expect(200);
        let threads = listed["threads"].as_array().unwrap().iter();
        let names: Vec<_> = threads.map(|thread| &thread["participant"]["name"]).collect();
        assert!(names.contains(&&json!("Bob")) && names.contains(&&json!("Bob, cat")), "{names:?}");
    }
}

#[tokio::test]
async fn names_can_be_had_of_people_who_share_a_thread() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob", "cat"]);
    for (user, name) in [("bob", "Bob <b>"), ("eve", "Eve")] {
        rig.put_name(user, name).await;
    }
    let asked = "/api/v2/users?userIds=cat,bob&userIds=eve&userIds=bob";
    let users = rig.get(asked).of("ann").send().await.expect(200)["users"].clone();
    let person = |id: &str, name: &str| json!({"id": id, "name": name, "avatar": "/assets/avatar.svg"});
    let bob = person("bob", "Bob <\u{2060}b>");
    assert_eq!(
        users,
        json!([person("cat", "cat"), bob, person("eve", "eve"), bob]),
        "a stranger has no name"
    );
    let by_admin = rig.get("/api/v2/users?userIds=eve").of_admin().send().await.expect(200);
    assert_eq!(by_admin["users"], json!([person("eve", "Eve")]));
    rig.get("/api/v2/users").of("ann").send().await.refused(400, "invalid");
}

#[tokio::test]
async fn the_name_of_a_token_is_shown_to_others_where_the_directory_has_none() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob"]);
    let tokens = crate::identity::Tokens::new(crate::testing::SECRET, rig.world.clock.clone()).unwrap();
    let token = |name: &str| tokens.mint(&"bob".parse().unwrap(), name, 3_600);
    let ask = |token: String| {
        let call = rig.get("/api/v2/notifications/unread-count");
        call.header("authorization", &format!("Bearer {token}"))
    };
    let shown = async || {
        let listed = rig.get(THREADS).of("ann").send().await.expect(200);
        listed["threads"][0]["participant"]["name"].clone()
    };
    let noted = async |count: usize| {
        let arrived = async {
            while rig.world.commands().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), arrived).await.expect("the command arrives");
        rig.world.parts.people.forget(&"bob".parse().unwrap());
    };
    for _ in 0..3 {
        ask(token("Bob  <b>")).send().await.expect(200);
    }
    noted(1).await;
    assert_eq!(shown().await, json!("Bob <\u{2060}b>"));
    assert_eq!(rig.world.commands().len(), 1, "noted once");
    ask(token("Robert")).send().await.expect(200);
    noted(2).await;
    assert_eq!(shown().await, json!("Robert"));
    rig.put_name("bob", "Dr. B.").await;
    ask(token("Rob")).send().await.expect(200);
    noted(4).await;
    assert_eq!(shown().await, json!("Dr. B."), "the directory wins");
}

#[tokio::test]
async fn an_administrator_names_people_and_others_see_it_in_their_threads() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob"]);
    let name =
        async || rig.get(THREADS).of("ann").send().await.expect(200)["threads"][0]["participant"].clone();
    assert_eq!(name().await, json!({"id": "bob", "name": "bob", "avatar": "/assets/avatar.svg"}));
    let profile = json!({"name": "Bob <the> Baker", "avatar": "https://p.example.com/b.png", "email": "bob@example.com"});
    let put = rig
        .call(Method::PUT, "/api/v2/users/bob")
        .header("content-type", "application/json")
        .body(profile.to_string());
    put.of_admin().send().await.expect(200);
    assert_eq!(
        name().await,
        json!({"id": "bob", "name": "Bob <\u{2060}the> Baker", "avatar": "https://p.example.com/b.png"})
    );
    rig.world.directory.is_down.store(true, SeqCst);
    assert_eq!(name().await["name"], json!("Bob <\u{2060}the> Baker"), "remembered");
}

#[tokio::test]
async fn a_revoked_login_is_refused_and_others_go_on() {
    let rig = Rig::new().await;
    let old = rig.world.token("ann");
    let bob = rig.world.token("bob");
    let ask =
        async |token: &str| rig.get(THREADS).header("authorization", &format!("Bearer {token}")).send().await;
    ask(&old).await.expect(200);
    rig.world.clock.advance(5_000);
    rig.call(Method::POST, "/api/v2/users/ann/revoke").of_admin().send().await.expect(200);
    ask(&old).await.refused(401, "unauthenticated");
    ask(&bob).await.expect(200);
    rig.world.clock.advance(5_000);
    ask(&rig.world.token("ann")).await.expect(200);
    for bad in ["x", "zz"] {
        rig.post("/api/v2/users/ann/revoke", &json!({ "session": bad }))
            .of_admin()
            .send()
            .await
            .refused(400, "invalid");
    }
}

#[tokio::test]
async fn who_asks_too_often_waits_and_nobody_else_does() {
    let rig = Rig::with(|config| config.rest_per_minute_user = 3).await;
    for _ in 0..3 {
        rig.get(THREADS).of("ann").send().await.expect(200);
    }
    let refused = rig.get(THREADS).of("ann").send().await;
    refused.refused(429, "rate_limited");
    let wait: u64 = refused.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    rig.get(THREADS).of("bob").send().await.expect(200);
}

#[tokio::test]
async fn guessing_tokens_from_one_address_comes_to_an_end() {
    let rig = Rig::with(|config| {
        config.rest_per_minute_ip = 3;
        config.proxies.proxies = TrustedProxies::Hops(1);
    })
    .await;
    let guess = async |client: &str| {
        let mut call =
            rig.get(THREADS).header("authorization", "Bearer guessed").header("x-forwarded-for", client);
        call.request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 5))));
        call.send().await
    };
    for _ in 0..3 {
        guess("9.9.9.9, 1.2.3.4").await.refused(401, "unauthenticated");
    }
    guess("8.8.8.8, 1.2.3.4").await.refused(429, "rate_limited");
    guess("5.6.7.8").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn the_status_sums_over_gateways_and_says_what_is_down() {
    let rig = Rig::new().await;
    for (gateway, clients, age) in [("g1", 2, 1), ("g2", 3, 4)] {
        let stats = GatewayStats { connected_clients: clients, typing_users: 0, rooms: 4 };
        rig.world.presence.report_of_age(gateway, &stats, Duration::from_secs(age));
    }
    let signal = |name: &str, state| DeviceSignal {
        user_id: name.parse().unwrap(),
        device: "d".into(),
        state,
        at: NOW,
    };
    let here = |wants_away| DeviceState::Here { active_at: NOW, wants_away, parked: false };
    let signals = [signal("ann", here(false)), signal("bob", here(true)), signal("eve", DeviceState::Gone)];
    rig.world.presence.record(&signals).await.unwrap();
    let status = async || rig.get("/api/v2/messaging/status").of_admin().send().await.expect(200);
    let healthy = status().await;
    assert_eq!((&healthy["status"], &healthy["unavailable"]), (&json!("healthy"), &json!([])));
    assert_eq!(
        healthy["stats"],
        json!({"connectedClients": 5, "onlineUsers": 2, "typingUsers": 0, "rooms": 8})
    );
    assert_eq!((&healthy["gateways"], &healthy["statsAgeMs"]), (&json!(2), &json!(4_000)));
    assert_eq!(healthy["timestamp"], json!("2027-01-15T08:00:00.000Z"));
    rig.world.presence.report_of_age("g2", &GatewayStats::default(), Duration::from_secs(11));
    let overdue = status().await;
    assert_eq!((&overdue["status"], &overdue["unavailable"]), (&json!("degraded"), &json!(["gateway"])));
    rig.world.store.is_down.store(true, SeqCst);
    rig.world.presence.is_down.store(true, SeqCst);
    rig.world.disconnect_broker();
    let degraded = status().await;
    assert_eq!(
        (&degraded["status"], &degraded["unavailable"]),
        (&json!("degraded"), &json!(["broker", "store", "presence"]))
    );
    assert!(!degraded.to_string().contains("secret-host"));
}

#[tokio::test]
async fn the_first_credential_that_holds_says_who_asks_and_the_first_one_why_none_does() {
    let rig = Rig::new().await;
    let stale = rig.world.token("bob");
    rig.world.clock.advance(3_661_000);
    let good = rig.world.token("ann");
    let ask = async |headers: &[(&'static str, String)]| {
        let call = headers.iter().fold(rig.get(THREADS), |call, (name, value)| call.header(name, value));
        call.send().await
    };
    let cookies = format!("token={stale}; token=forged; token={good}");
    ask(&[("cookie", cookies)]).await.expect(200);
    ask(&[("cookie", format!("token={stale}")), ("cookie", format!("token={good}"))]).await.expect(200);
    ask(&[("authorization", "Bearer forged".into()), ("cookie", format!("token={good}"))]).await.expect(200);
    ask(&[("authorization", format!("Bearer {good}")), ("cookie", "token=forged".into())]).await.expect(200);
    let expired =
        ask(&[("authorization", format!("Bearer {stale}")), ("cookie", "token=forged".into())]).await;
    expired.refused(401, "token_expired");
    let forged = ask(&[("cookie", format!("token=forged; token={stale}"))]).await;
    forged.refused(401, "unauthenticated");
    assert!(forged.body["error"].as_str().unwrap().contains("it is no JWT"), "{}", forged.body);
}
