//! How many events a user and an address may send over all their sockets, and how a refusal says so.

use super::rig::{Client, Rig, until};
use crate::TrustedProxies;
use eventflow_metrics::{EventOutcome, Label};
use serde_json::{Value, json};

/// The label of names that the protocol does not have.
#[derive(Clone, Copy)]
struct Unknown;

impl Label for Unknown {
    const ALL: &'static [Self] = &[Self];

    fn as_str(self) -> &'static str {
        "unknown"
    }
}

fn from(address: &str) -> [(&'static str, String); 1] {
    [("x-forwarded-for", address.to_owned())]
}

/// Asks so often, and counts what was done.
async fn count(client: &mut Client, times: u32, name: &str, body: &Value) -> (u32, Option<Value>) {
    let (mut done, mut refused) = (0, None);
    for _ in 0..times {
        let answer = client.ask(name, body).await;
        if answer["success"] == true {
            done += 1;
        } else {
            refused = Some(answer);
        }
    }
    (done, refused)
}

#[tokio::test]
async fn a_new_connection_does_not_begin_with_a_new_budget() {
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (10, 30)).await;
    let thread = json!({"threadId": rig.world.store.thread_of(&["ann", "bob"])});
    let mut done = 0;
    let mut last = None;
    for _ in 0..10 {
        let mut socket = rig.client("ann").await;
        let (more, refused) = count(&mut socket, 11, "thread:join", &thread).await;
        assert!(more <= 10, "the limit of the socket is exact: {more}");
        done += more;
        last = refused.or(last);
    }
    // The budget refills evenly: one in two seconds.
    assert!((30..40).contains(&done), "{done}");
    let refused = last.unwrap();
    assert_eq!(refused["code"], "rate_limited", "{refused}");
    assert!(refused["retryAfterMs"].as_u64().is_some_and(|ms| (1..=60_000).contains(&ms)), "{refused}");
    assert_eq!(
        count(&mut rig.client("bob").await, 5, "thread:join", &thread).await.0,
        5,
        "nobody else waits"
    );
}

#[tokio::test]
async fn what_a_socket_is_refused_costs_its_user_nothing_and_the_other_way_round() {
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (5, 12)).await;
    let thread = json!({"threadId": rig.world.store.thread_of(&["ann", "bob"])});
    let mut first = rig.client("ann").await;
    let (done, refused) = count(&mut first, 40, "thread:join", &thread).await;
    assert_eq!(done, 5);
    let wait = refused.unwrap()["retryAfterMs"].as_u64().unwrap();
    assert!((50_000..=60_000).contains(&wait), "until the oldest is a minute old: {wait}");
    let mut second = rig.client("ann").await;
    assert_eq!(count(&mut second, 5, "thread:join", &thread).await.0, 5);
    let mut third = rig.client("ann").await;
    assert!((2..5).contains(&count(&mut third, 5, "thread:join", &thread).await.0));
}

#[tokio::test]
async fn typing_and_unknown_names_cost_no_message_and_have_budgets_too() {
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (20, 20)).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    let (typed, refused) = count(&mut ann, 200, "typing:start", &json!({"threadId": thread})).await;
    assert!((80..200).contains(&typed), "four times as many keys as events: {typed}");
    assert_eq!(refused.unwrap()["code"], "rate_limited");
    assert_eq!(ann.ask("made:up", &json!({})).await["code"], "unknown");
    let message = json!({"threadId": thread, "content": "hello"});
    assert_eq!(count(&mut ann, 20, "message:send", &message).await.0, 20);
}

#[tokio::test]
async fn an_address_has_a_budget_for_those_who_have_not_signed_in() {
    let rig = Rig::with(|config| {
        (config.rest_per_minute_ip, config.proxies.proxies) = (5, TrustedProxies::Hops(1));
    })
    .await;
    let guess = json!({"token": "guessed"});
    let mut codes = Vec::new();
    for _ in 0..4 {
        let mut nobody = rig.open(&from("192.0.2.1")).await.unwrap();
        nobody.connect(&json!({})).await;
        for _ in 0..2 {
            codes.push(nobody.ask("auth", &guess).await["code"].clone());
        }
    }
    assert_eq!(codes[..5], ["unauthenticated"; 5]);
    assert_eq!(codes[5..], ["rate_limited"; 3]);
    let mut other = rig.open(&from("192.0.2.2")).await.unwrap();
    other.connect(&json!({})).await;
    assert_eq!(other.ask("auth", &json!({"token": rig.world.token("ann")})).await["success"], true);
}

#[tokio::test]
async fn a_refusal_names_the_event_that_is_meant() {
    let rig = Rig::new().await;
    let mut ann = rig.client("ann").await;
    let unknown = ann.ask("message:explode", &json!({})).await;
    assert_eq!(unknown["error"], "there is no such event: message:explode");
    let long = "x".repeat(500);
    ann.emit(&long, &json!({})).await;
    let heard = ann.event("error").await;
    assert_eq!((heard["code"].as_str(), heard["event"].as_str()), (Some("unknown"), Some(&long[..64])));
    for (argument, said) in [
        (json!("{\"threadId\":\"1\"}"), "came with a text"),
        (json!(["a"]), "came with a list"),
        (json!(5), "came with a number"),
        (Value::Null, "came with null"),
    ] {
        let refused = ann.ask("message:send", &argument).await;
        let error = refused["error"].as_str().unwrap();
        assert!(error.starts_with("message:send needs one object") && error.ends_with(said), "{error}");
    }
    ann.send("4277[\"thread:join\"]").await;
    let answer = loop {
        let frame = ann.frame().await;
        if frame.starts_with("4377") {
            break frame;
        }
    };
    assert!(answer.contains("thread:join needs one object as its argument, and came without"), "{answer}");
}

#[tokio::test]
async fn a_refused_handshake_says_when_to_come_back_and_pages_can_read_it() {
    let rig =
        Rig::with(|config| (config.sockets_per_ip, config.proxies.proxies) = (1, TrustedProxies::Hops(1)))
            .await;
    let origin = format!("http://{}", rig.address);
    let headers = [("x-forwarded-for", "192.0.2.1".to_owned()), ("origin", origin.clone())];
    let _first = rig.open(&headers).await.unwrap();
    let Err(tokio_tungstenite::tungstenite::Error::Http(refused)) = rig.open(&headers).await else {
        panic!("one too many was let in")
    };
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "10");
    assert_eq!(refused.headers()["access-control-allow-origin"], origin.as_str());
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "the tasks end with the runtime of the test")]
async fn a_flood_that_is_refused_is_read_slowly_and_nobody_else_waits() {
    let rig = Rig::with(|config| (config.events_per_minute, config.events_per_minute_user) = (10, 0)).await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let started = std::time::Instant::now();
    let mut floods = Vec::new();
    for _ in 0..20 {
        let mut eve = rig.client("eve").await;
        floods.push(tokio::spawn(async move {
            // Until the gateway, which does not read on, is behind by what the connection holds.
            for n in 0..2_000 {
                eve.emit(&format!("garbage{n}"), &json!({})).await;
            }
            eve
        }));
    }
    let mut ann = rig.client("ann").await;
    for n in 0..10 {
        let sent = ann.ask("message:send", &json!({"threadId": thread, "content": n.to_string()})).await;
        assert_eq!(sent["success"], true, "{sent}");
    }
    let limited = || rig.world.parts.metrics.edge.events(Unknown, EventOutcome::Limited).get();
    until("all are past their second budget", || limited() >= 20 * 20).await;
    let most = 20 * (10 + u64::try_from(started.elapsed().as_millis()).unwrap() / 50 + 1);
    assert!(limited() <= most, "{} of 40,000 were read, at most {most}", limited());
}
