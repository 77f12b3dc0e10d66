//! What operators see of the running system, by REST. Who may is in the matrix of routes and roles.

use super::Rig;
use crate::testing::NOW;
use eventflow_ports::Registry as _;
use eventflow_ports::presence::GatewayStats;
use eventflow_protocol::event::{Audience, GatewayEvent};
use eventflow_protocol::{GatewayId, codec};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

async fn get(rig: &Rig, path: &str) -> Value {
    rig.get(&format!("/api/v2/ops/{path}")).of_admin().send().await.expect(200)
}

#[tokio::test]
async fn the_pipeline_shows_every_queue_and_says_what_nobody_can_know() {
    let rig = Rig::new().await;
    let pipeline = get(&rig, "pipeline").await;
    assert_eq!(pipeline["shards"], 2);
    let hops = pipeline["hops"].as_array().unwrap();
    let hop = hops.iter().find(|hop| hop["queue"] == "persist.1").unwrap();
    assert_eq!((&hop["stage"], &hop["shard"], &hop["messages"]), (&json!("persist"), &json!(1), &json!(0)));
    for field in ["owner", "spare", "inPerSecond", "outPerSecond", "isConsumed", "oldestAgeMs"] {
        assert_eq!(hop[field], Value::Null, "{field} is not known, and not 0");
    }
    let unknown = pipeline["unknown"].as_object().unwrap();
    for field in ["owner", "inPerSecond", "outPerSecond"] {
        assert!(unknown[field].as_str().is_some_and(|why| !why.is_empty()), "{field}: {unknown:?}");
    }
    assert_eq!(pipeline["retry"].as_array().unwrap().len(), 6);
    assert!(pipeline["dead"].as_array().unwrap().iter().all(|dead| dead["problem"].is_null()));
}

#[tokio::test]
async fn gateways_are_those_that_report_and_those_that_may_still_have_people() {
    let rig = Rig::new().await;
    let stats = GatewayStats { connected_clients: 7, typing_users: 1, rooms: 3 };
    rig.world.presence.report_of_age("alive", &stats, Duration::from_secs(2));
    let silent = GatewayId::from("silent");
    rig.world.registry.enter(&silent, &["ann".parse().unwrap()]).await.unwrap();
    let found = get(&rig, "gateways").await;
    let gateways = found["gateways"].as_array().unwrap();
    let shown: Vec<_> = gateways
        .iter()
        .map(|gateway| (&gateway["id"], &gateway["sockets"], &gateway["reportAgeMs"]))
        .collect();
    let expected = [(json!("alive"), json!(7), json!(2_000)), (json!("silent"), Value::Null, Value::Null)];
    assert_eq!(shown, expected.iter().map(|(id, sockets, age)| (id, sockets, age)).collect::<Vec<_>>());
    rig.world.presence.is_down.store(true, SeqCst);
    let found = get(&rig, "gateways").await;
    assert_eq!(found["gateways"].as_array().unwrap().len(), 1, "the registry still answers");
    assert!(found["unknown"]["sockets"].as_str().is_some_and(|why| !why.contains("secret-host")), "{found}");
}

#[tokio::test]
async fn servers_are_up_down_and_blocked_as_this_process_finds_them() {
    let rig = Rig::new().await;
    let states = async || {
        let servers = get(&rig, "servers").await["servers"].clone();
        servers.as_array().unwrap().iter().map(|server| server["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["up", "up", "up"]);
    rig.world.disconnect_broker();
    rig.world.presence.is_down.store(true, SeqCst);
    assert_eq!(states().await, ["down", "up", "down"]);
    rig.world.reconnect_broker();
}

#[tokio::test]
async fn people_who_are_connected_are_found_by_a_part_of_their_id_or_name_page_by_page() {
    let rig = Rig::new().await;
    for user in ["ann", "bob", "cat", "dan"] {
        rig.is_here(user).await;
    }
    rig.put_name("cat", "Catherine Bobson").await;
    let ids = |found: &Value| -> Vec<String> {
        let users = found["users"].as_array().unwrap();
        users.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
    };
    let found = get(&rig, "users?search=BOB").await;
    assert_eq!((ids(&found), &found["connected"]), (vec!["bob".to_owned(), "cat".to_owned()], &json!(4)));
    assert_eq!(found["users"][1]["name"], "Catherine Bobson");
    let first = get(&rig, "users?limit=3").await;
    assert_eq!(
        (ids(&first), &first["nextCursor"]),
        (vec!["ann".into(), "bob".into(), "cat".into()], &json!("cat"))
    );
    let last = get(&rig, "users?limit=3&cursor=cat").await;
    assert_eq!((ids(&last), &last["nextCursor"]), (vec!["dan".to_owned()], &Value::Null));
    assert_eq!(ids(&get(&rig, "users?search=nobody").await), [""; 0]);
    let long = "x".repeat(129);
    rig.get(&format!("/api/v2/ops/users?search={long}")).of_admin().send().await.refused(400, "invalid");
}

#[tokio::test]
async fn a_disconnection_is_recorded_before_every_gateway_is_told() {
    let rig = Rig::new().await;
    let wanted = json!({"why": "  floods\u{202e} the lobby "});
    rig.post("/api/v2/ops/users/ann/disconnect", &wanted).of_admin().send().await.expect(200);
    let (_, envelope) = rig.world.published().pop().unwrap();
    let event: GatewayEvent = codec::decode(&envelope.body).unwrap();
    assert_eq!((event.audience, event.accepted_at), (Audience::Gateways, NOW));
    let disconnection = event.disconnection.unwrap();
    assert_eq!((disconnection.user_id.as_str(), disconnection.why.as_str()), ("ann", "floods the lobby"));
    let audit = get(&rig, "audit").await;
    let entry = &audit["entries"][0];
    assert_eq!(
        (&entry["action"], &entry["by"], &entry["why"], &entry["detail"]),
        (&json!("disconnect"), &json!("root"), &json!("floods the lobby"), &json!("ann"))
    );
    let told = rig.world.published().len();
    rig.post("/api/v2/ops/users/ann/disconnect", &json!({"why": " "}))
        .of_admin()
        .send()
        .await
        .refused(400, "invalid");
    assert_eq!(rig.world.published().len(), told);
}
