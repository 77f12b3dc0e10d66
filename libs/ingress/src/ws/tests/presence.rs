//! Presence: what is said of devices, and who hears of whom.

use super::rig::{Rig, new_event, until, user};
use crate::identity::Tokens;
use crate::testing::{NOW, SECRET};
use crate::ws::presence::reconcile::Reconciliation;
use eventflow_ports::PresenceStore as _;
use eventflow_ports::presence::DEVICE_LEASE;
use eventflow_protocol::Timestamp;
use eventflow_protocol::blocks::BlockedPair;
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::presence::{DeviceSignal, DeviceState};
use futures_util::FutureExt as _;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

async fn is_here(rig: &Rig, name: &str) {
    let state = DeviceState::Here { active_at: NOW, wants_away: false, parked: false };
    let signal = DeviceSignal { user_id: user(name), device: "d".into(), state, at: NOW };
    rig.world.presence.record(&[signal]).await.unwrap();
}

async fn has_left(rig: &Rig, name: &str) {
    let signal = DeviceSignal { user_id: user(name), device: "d".into(), state: DeviceState::Gone, at: NOW };
    rig.world.presence.record(&[signal]).await.unwrap();
}

fn change(name: &str) -> GatewayEvent {
    let payload = json!({"userId": name, "status": "away", "lastSeen": NOW}).to_string();
    let mut delivery =
        GatewayEvent::new(new_event(), Audience::Watchers(user(name)), "presence:sync", payload, NOW);
    delivery.ephemeral = true;
    delivery
}

#[tokio::test]
async fn a_device_is_announced_when_it_comes_changes_and_goes() {
    let rig = Rig::new().await;
    let mut ann = rig.client("ann").await;
    until("ann is announced", || !rig.signals().is_empty()).await;
    let came = rig.signals().remove(0);
    assert_eq!(
        (came.user_id, came.state),
        (user("ann"), DeviceState::Here { active_at: NOW, wants_away: false, parked: false })
    );
    assert_eq!(
        ann.ask("presence:update", &json!({"status": "away"})).await,
        json!({"success": true, "status": "away"})
    );
    until("she is away", || {
        rig.signals()
            .last()
            .is_some_and(|last| matches!(last.state, DeviceState::Here { wants_away: true, .. }))
    })
    .await;
    assert_eq!(ann.ask("presence:update", &json!({"status": "online"})).await["success"], true);
    until("she is back", || {
        rig.signals()
            .last()
            .is_some_and(|last| matches!(last.state, DeviceState::Here { wants_away: false, .. }))
    })
    .await;
    for bad in [json!({"status": "gone"}), json!({}), json!({"status": 1})] {
        assert_eq!(ann.ask("presence:update", &bad).await["code"], "invalid");
    }
    ann.send("41").await;
    until("she has gone", || rig.signals().last().is_some_and(|last| last.state == DeviceState::Gone)).await;
    assert!(rig.signals().iter().all(|signal| signal.device == came.device));
}

#[tokio::test]
async fn a_choice_on_one_device_holds_on_the_others_and_they_are_told() {
    let rig = Rig::new().await;
    let (mut phone, mut laptop) = (rig.client("ann").await, rig.client("ann").await);
    phone.ask("presence:update", &json!({"status": "away"})).await;
    let chosen = rig.own_choices();
    assert_eq!(chosen, [(user("ann"), true)], "it is on its way to every gateway");
    let payload = json!({"status": "away", "updatedAt": NOW}).to_string();
    let audience = Audience::User(user("ann"));
    let mut delivery = GatewayEvent::new(new_event(), audience, "presence:chosen", payload, NOW);
    delivery.wants_away = Some(true);
    rig.hand(delivery).await;
    for client in [&mut phone, &mut laptop] {
        assert_eq!(client.event("presence:chosen").await["status"], "away");
    }
    until("both devices are away", || {
        let away = rig
            .signals()
            .into_iter()
            .filter(|signal| matches!(signal.state, DeviceState::Here { wants_away: true, .. }));
        away.map(|signal| signal.device).collect::<std::collections::HashSet<_>>().len() == 2
    })
    .await;
}

/// Those that the next heartbeats speak of.
fn heartbeats(rig: &Rig) -> usize {
    rig.gateway.rooms.presence.heartbeat.heartbeats(&rig.gateway.rooms.sockets.hub.sockets()).len()
}

#[tokio::test]
async fn a_closed_tab_is_gone_at_once_and_no_heartbeat_brings_it_back() {
    let rig = Rig::new().await;
    let mut ann = rig.client("ann").await;
    until("ann is announced", || heartbeats(&rig) == 1 && !rig.signals().is_empty()).await;
    ann.socket.close(None).await.unwrap();
    until("she has gone", || rig.signals().last().is_some_and(|last| last.state == DeviceState::Gone)).await;
    assert_eq!(rig.gateway.rooms.sockets.hub.count(), 1, "her session waits for her");
    assert_eq!(heartbeats(&rig), 0);
}

/// A gateway at which ann's line broke: her session waits for her.
async fn rig_with_a_parked_session() -> Rig {
    let rig = Rig::new().await;
    let ann = rig.client("ann").await;
    until("ann is announced", || !rig.signals().is_empty()).await;
    let stats = rig.gateway.server.stats();
    drop(ann);
    until("she is parked", || stats.parked.get() == 1).await;
    rig
}

#[tokio::test]
async fn a_device_whose_line_broke_is_here_until_its_session_ends() {
    let rig = rig_with_a_parked_session().await;
    assert_eq!(heartbeats(&rig), 1);
    assert!(rig.signals().iter().all(|signal| signal.state != DeviceState::Gone));
}

#[tokio::test]
async fn who_comes_back_to_a_session_after_closing_a_tab_is_here_again() {
    let rig = Rig::new().await;
    let mut ann = rig.open(&[]).await.unwrap();
    let token = rig.world.token("ann");
    let answer = ann.connect(&json!({"token": token})).await;
    let session: serde_json::Value = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
    ann.socket.close(None).await.unwrap();
    until("she has gone", || rig.signals().last().is_some_and(|last| last.state == DeviceState::Gone)).await;
    rig.world.clock.advance(1);
    let mut again = rig.open(&[]).await.unwrap();
    let answer = again.connect(&json!({"token": token, "pid": session["pid"]})).await;
    assert!(answer.contains(session["sid"].as_str().unwrap()), "recovered: {answer}");
    until("she is back", || rig.signals().last().is_some_and(|last| last.state != DeviceState::Gone)).await;
    assert_eq!(heartbeats(&rig), 1);
}

#[tokio::test]
async fn who_comes_back_at_another_gateway_takes_out_the_device_that_was_lost() {
    let rig = Rig::new().await;
    let mut ann = rig.open(&[]).await.unwrap();
    let token = rig.world.token("ann");
    let answer = ann.connect(&json!({"token": token})).await;
    let session: serde_json::Value = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
    until("ann is announced", || !rig.signals().is_empty()).await;
    let lost = rig.signals().remove(0).device;
    let rig = rig.with_another_gateway().await;
    rig.world.clock.advance(1);
    let mut again = rig.open(&[]).await.unwrap();
    again.connect(&json!({"token": token, "pid": session["pid"]})).await;
    let has_gone = |rig: &Rig, device: &str| {
        let signals = rig.signals();
        let newest = signals.iter().rfind(|signal| signal.device == device);
        newest.is_some_and(|signal| signal.state == DeviceState::Gone && signal.user_id == user("ann"))
    };
    until("the lost device has gone", || has_gone(&rig, &lost)).await;
    let own = rig.signals().into_iter().find(|signal| signal.device != lost).unwrap().device;
    let presence = &rig.gateway.rooms.presence;
    let due = presence.heartbeat.heartbeats(&rig.gateway.rooms.sockets.hub.sockets());
    let said: Vec<_> =
        due.iter().map(|signal| (&*signal.device, signal.state == DeviceState::Gone)).collect();
    assert_eq!(said, [(&*own, false), (&*lost, true)], "heartbeats repeat it");
    rig.world.clock.advance(i64::try_from(DEVICE_LEASE.as_millis()).unwrap());
    let later = presence.heartbeat.heartbeats(&rig.gateway.rooms.sockets.hub.sockets());
    assert_eq!(later.len(), 1, "until no lease of it can be left: {later:?}");
    again.socket.close(None).await.unwrap();
    // The other gateway is well in this test, and may meanwhile have said that its device is here.
    until("she has gone", || has_gone(&rig, &own)).await;
}

#[tokio::test]
async fn a_session_that_waits_says_so_in_its_heartbeats() {
    let rig = rig_with_a_parked_session().await;
    let due = rig.gateway.rooms.presence.heartbeat.heartbeats(&rig.gateway.rooms.sockets.hub.sockets());
    assert!(
        matches!(due[..], [DeviceSignal { state: DeviceState::Here { parked: true, .. }, .. }]),
        "{due:?}"
    );
}

#[tokio::test]
async fn no_heartbeat_brings_back_who_has_left_since_the_round_began() {
    let rig = Rig::new().await;
    let mut ann = rig.client("ann").await;
    until("ann is announced", || !rig.signals().is_empty()).await;
    let round = rig.gateway.rooms.sockets.hub.sockets();
    ann.send("41").await;
    until("she has gone", || rig.signals().last().is_some_and(|last| last.state == DeviceState::Gone)).await;
    assert_eq!((round.len(), rig.gateway.rooms.presence.heartbeat.heartbeats(&round)), (1, Vec::new()));
}

#[tokio::test]
async fn activity_after_a_long_silence_is_said_at_once() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    until("ann is announced", || !rig.signals().is_empty()).await;
    rig.world.clock.advance(280_000);
    ann.ask("typing:start", &json!({"threadId": thread})).await;
    let active =
        DeviceState::Here { active_at: Timestamp(NOW.0 + 280_000), wants_away: false, parked: false };
    until("she is active", || rig.signals().iter().any(|signal| signal.state == active)).await;
}

#[tokio::test]
async fn people_one_shares_a_thread_with_are_shown_and_strangers_look_like_nobody() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob"]);
    is_here(&rig, "bob").await;
    is_here(&rig, "eve").await;
    let mut ann = rig.client("ann").await;
    let offline = |name: &str| json!({"userId": name, "status": "offline", "lastSeen": null});
    let bob = json!({"userId": "bob", "status": "online", "lastSeen": NOW.to_iso()});
    let answer = ann.ask("presence:sync", &json!({"userIds": ["bob", "eve", "nobody"]})).await;
    assert_eq!(answer, json!({"success": true, "presence": [bob, offline("eve"), offline("nobody")]}));
    for expected in [bob, offline("eve"), offline("nobody")] {
        assert_eq!(ann.event("presence:sync").await, expected, "one person an event");
    }
    rig.hand(change("eve")).await;
    rig.hand(change("bob")).await;
    assert_eq!(ann.event("presence:sync").await["userId"], "bob", "changes of strangers are not heard");
    assert_eq!(ann.event("presence:update").await["userId"], "bob");
}

/// The announcement of a new thread.
fn created(thread: eventflow_protocol::ThreadId) -> GatewayEvent {
    let payload = json!({"thread": {"_id": thread}}).to_string();
    let mut delivery =
        GatewayEvent::new(new_event(), Audience::Thread(thread), "thread:created", payload, NOW);
    delivery.membership_changed = true;
    delivery
}

#[tokio::test]
async fn who_asked_in_vain_is_shown_somebody_as_soon_as_they_share_a_thread() {
    let rig = Rig::new().await;
    is_here(&rig, "bob").await;
    let mut ann = rig.client("ann").await;
    let asked = ann.ask("presence:sync", &json!({"userIds": ["bob", "eve"]})).await;
    assert_eq!(asked["presence"][0]["status"], "offline", "nobody she may see");
    for _ in 0..2 {
        assert_eq!(ann.event("presence:sync").await["status"], "offline");
    }
    rig.hand(created(rig.world.store.thread_of(&["ann", "bob"]))).await;
    let shown = ann.event("presence:sync").await;
    assert_eq!((&shown["userId"], &shown["status"]), (&json!("bob"), &json!("online")));
    rig.hand(change("eve")).await;
    rig.hand(change("bob")).await;
    let changed = ann.event("presence:sync").await;
    assert_eq!((&changed["userId"], &changed["status"]), (&json!("bob"), &json!("away")), "and followed");
    let again = ann.ask("presence:sync", &json!({"userIds": ["bob"]})).await;
    assert_eq!(again["presence"][0]["status"], "online", "at once, although she asked a moment ago");
}

#[tokio::test]
async fn who_asked_in_vain_is_shown_somebody_also_if_a_block_ended_meanwhile() {
    let rig = Rig::new().await;
    is_here(&rig, "bob").await;
    let mut ann = rig.client("ann").await;
    ann.ask("presence:sync", &json!({"userIds": ["bob"]})).await;
    assert_eq!(ann.event("presence:sync").await["status"], "offline", "nobody she may see");
    let mut ended = GatewayEvent::new(
        new_event(),
        Audience::User(user("ann")),
        "block:updated",
        json!({"isBlocked": false}).to_string(),
        NOW,
    );
    ended.block = Some(BlockedPair {
        user_id: user("ann"),
        other: user("bob"),
        is_blocked: false,
        threads: Vec::new(),
    });
    rig.hand(ended).await;
    assert_eq!(ann.event("block:updated").await["isBlocked"], false);
    rig.hand(created(rig.world.store.thread_of(&["ann", "bob"]))).await;
    let shown = ann.event("presence:sync").await;
    assert_eq!((&shown["userId"], &shown["status"]), (&json!("bob"), &json!("online")));
}

#[tokio::test]
async fn administrators_see_everybody() {
    let rig = Rig::new().await;
    is_here(&rig, "bob").await;
    let tokens = Tokens::new(SECRET, rig.world.clock.clone()).unwrap();
    let mut root = rig.open(&[]).await.unwrap();
    root.connect(&json!({"token": tokens.mint_as(&user("root"), "Root", "admin", 3_600)})).await;
    let answer = root.ask("presence:sync", &json!({"userIds": ["bob"]})).await;
    assert_eq!(answer["presence"][0]["status"], "online");
}

#[tokio::test]
async fn who_has_a_thread_open_hears_of_the_others_until_it_is_closed() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, mut eve) = (rig.client("ann").await, rig.client("eve").await);
    assert_eq!(ann.ask("thread:join", &json!({"threadId": thread})).await["success"], true);
    assert_eq!(ann.event("presence:update").await["status"], "offline");
    assert_eq!(eve.ask("thread:join", &json!({"threadId": thread})).await["code"], "not_found");
    rig.hand(change("bob")).await;
    assert_eq!(ann.event("presence:update").await["status"], "away");
    assert_eq!(ann.ask("thread:leave", &json!({"threadId": thread})).await["success"], true);
    rig.hand(change("bob")).await;
    for client in [&mut ann, &mut eve] {
        client.send("429[\"thread:leave\",{}]").await;
        assert!(client.frame().await.starts_with("439["), "nothing was heard in between");
    }
}

#[tokio::test]
async fn who_opens_a_thread_is_told_of_the_others_at_once_and_never_of_themselves() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    is_here(&rig, "ann").await;
    is_here(&rig, "bob").await;
    let mut ann = rig.client("ann").await;
    ann.ask("thread:join", &json!({"threadId": thread})).await;
    let bob = json!({"userId": "bob", "status": "online", "lastSeen": NOW.to_iso()});
    assert_eq!((ann.event("presence:sync").await, ann.event("presence:update").await), (bob.clone(), bob));
    rig.hand(change("ann")).await;
    rig.hand(change("bob")).await;
    assert_eq!(ann.event("presence:sync").await["userId"], "bob", "her own change is not told");
}

#[tokio::test]
async fn who_types_in_a_thread_looks_at_it() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    is_here(&rig, "bob").await;
    let mut ann = rig.client("ann").await;
    ann.emit("typing:start", &json!({"threadId": thread})).await;
    assert_eq!(ann.event("presence:sync").await["status"], "online");
    ann.ask("typing:start", &json!({"threadId": thread})).await;
    rig.hand(change("bob")).await;
    assert_eq!(
        ann.event("presence:sync").await["status"],
        "away",
        "told once of how it was, then of the change"
    );
}

#[tokio::test]
async fn who_comes_back_to_a_session_is_told_how_those_are_whom_they_look_at() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.open(&[]).await.unwrap();
    let token = rig.world.token("ann");
    let answer = ann.connect(&json!({"token": token})).await;
    let session: serde_json::Value = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
    ann.ask("thread:join", &json!({"threadId": thread})).await;
    assert_eq!(ann.event("presence:sync").await["status"], "offline");
    let stats = rig.gateway.server.stats();
    drop(ann);
    until("she is parked", || stats.parked.get() == 1).await;
    is_here(&rig, "bob").await;
    let mut again = rig.open(&[]).await.unwrap();
    again.connect(&json!({"token": token, "pid": session["pid"]})).await;
    assert_eq!(again.event("presence:sync").await["status"], "online", "he came while she was away");
}

/// Compares what was announced with the store, at once.
async fn reconcile(rig: &Rig) {
    let presence = &rig.gateway.rooms.presence;
    let reconciliation = Reconciliation {
        statuses: Arc::clone(&presence.statuses),
        subscriptions: Arc::clone(&presence.subscriptions),
        hub: Arc::clone(&rig.gateway.rooms.sockets.hub),
    };
    reconciliation.reconcile(Duration::ZERO).await.unwrap();
}

/// Ann looks at Bob, who is there and of whom the store then forgets.
async fn ann_looks_at_bob(rig: &Rig) -> super::rig::Client {
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    is_here(rig, "ann").await;
    is_here(rig, "bob").await;
    let mut ann = rig.client("ann").await;
    ann.ask("thread:join", &json!({"threadId": thread})).await;
    assert_eq!(ann.event("presence:update").await["status"], "online");
    ann
}

#[tokio::test]
async fn a_departure_that_nobody_told_of_is_found() {
    let rig = Rig::new().await;
    let mut ann = ann_looks_at_bob(&rig).await;
    has_left(&rig, "bob").await;
    for _ in 0..2 {
        reconcile(&rig).await;
    }
    assert_eq!(ann.event("presence:sync").await["status"], "offline");
    assert_eq!(ann.event("presence:update").await["status"], "offline");
    ann.send("429[\"thread:leave\",{}]").await;
    assert!(ann.frame().await.starts_with("439["), "told once");
}

#[tokio::test]
async fn a_store_that_does_not_know_who_is_connected_here_says_nothing_of_others() {
    let rig = Rig::new().await;
    let mut ann = ann_looks_at_bob(&rig).await;
    has_left(&rig, "bob").await;
    has_left(&rig, "ann").await;
    reconcile(&rig).await;
    ann.send("429[\"thread:leave\",{}]").await;
    assert!(ann.frame().await.starts_with("439["), "nobody has gone because nobody tells the store");
}

#[tokio::test]
async fn a_presence_store_that_is_away_is_said_without_internals() {
    let rig = Rig::new().await;
    rig.world.store.thread_of(&["ann", "bob"]);
    let mut ann = rig.client("ann").await;
    for (bad, code) in [
        (json!({}), "invalid"),
        (json!({"userIds": "bob"}), "invalid"),
        (json!({"userIds": [{"$ne": 1}]}), "invalid"),
        (json!({"userIds": vec!["bob"; 201]}), "invalid"),
    ] {
        assert_eq!(ann.ask("presence:sync", &bad).await["code"], code, "{bad}");
    }
    rig.world.presence.is_down.store(true, SeqCst);
    let refused = ann.ask("presence:sync", &json!({"userIds": ["bob"]})).await;
    assert_eq!(refused["code"], "unavailable");
    assert!(!refused.to_string().contains("secret-host"));
}

#[tokio::test]
async fn a_gateway_says_how_much_is_going_on() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let (mut ann, bob) = (rig.client("ann").await, rig.client("bob").await);
    ann.ask("thread:join", &json!({"threadId": thread})).await;
    ann.ask("typing:start", &json!({"threadId": thread})).await;
    let stats = crate::ws::tasks::stats(&rig.gateway.server, &rig.gateway.rooms);
    assert_eq!((stats.connected_clients, stats.typing_users, stats.rooms), (2, 1, 1));
    drop(bob);
    let server = rig.gateway.server.stats();
    until("bob is parked", || server.parked.get() == 1).await;
    let stats = crate::ws::tasks::stats(&rig.gateway.server, &rig.gateway.rooms);
    assert_eq!(stats.connected_clients, 1, "whose session waits is not connected");
    let reports = || rig.world.presence.reports().now_or_never().unwrap().unwrap();
    until("the first report is made at once", || reports().len() == 1).await;
}

#[tokio::test]
async fn devices_that_are_still_here_at_the_end_are_gone() {
    let rig = Rig::new().await;
    let _ann = rig.client("ann").await;
    rig.gateway.drain(Duration::ZERO).await;
    rig.shutdown.cancel();
    until("ann has gone", || rig.signals().last().is_some_and(|last| last.state == DeviceState::Gone)).await;
}
