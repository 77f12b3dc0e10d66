//! Dead letters, by REST. Who may is in the matrix of routes and roles.

use super::{Reply, Rig};
use crate::testing::NOW;
use bytes::Bytes;
use eventflow_ports::DeadLetters as _;
use eventflow_protocol::codec;
use eventflow_protocol::command::Command;
use eventflow_protocol::dead_letters::{Arrival, AuditAction, Carried, Cause, DeadLetterId, LetterState};
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use uuid::Uuid;

const LETTERS: &str = "/api/v2/ops/dead-letters";
const REPLAYS: &str = "/api/v2/ops/replays";
const AUDIT: &str = "/api/v2/ops/audit";
const SECRET: &str = "meet me at the bridge";

/// What the dead letter of this number carries.
pub(super) fn work(number: u32) -> Value {
    json!({
        "kind": "send_message", "thread_id": "0123456789abcdef01234567", "sender_id": "ann",
        "content": format!("{SECRET} {number}"), "attachments": [], "client_message_id": null, "pairing": null,
        "typed": null, "at": "2026-01-13T22:40:00.000Z",
    })
}

/// Keeps a dead letter of this number.
pub(super) async fn dead(rig: &Rig, number: u32) -> DeadLetterId {
    let command: Command = serde_json::from_value(work(number)).unwrap();
    keep(rig, number, Some("send_message"), codec::encode(&command).unwrap()).await
}

async fn keep(rig: &Rig, number: u32, kind: Option<&str>, body: Bytes) -> DeadLetterId {
    let id = DeadLetterId::of_envelope(Carried::Command, Uuid::from_u128(number.into()));
    let arrival = Arrival {
        id,
        queue: "persist.0".to_owned(),
        origin: "persist.0".to_owned(),
        kind: kind.map(str::to_owned),
        cause: if kind.is_some() { Cause::GaveUp } else { Cause::Unreadable },
        reason: "the store said no".to_owned(),
        attempts: 7,
        body,
        at: NOW.minus(std::time::Duration::from_secs(u64::from(number))),
    };
    rig.world.letters.keep_letters(&[arrival]).await.unwrap();
    id
}

async fn get(rig: &Rig, path: &str) -> Value {
    rig.get(path).of_admin().send().await.expect(200)
}

async fn post(rig: &Rig, path: &str, body: &Value) -> Reply {
    rig.post(path, body).of_admin().send().await
}

#[tokio::test]
async fn letters_are_listed_grouped_and_shown_without_what_people_typed() {
    let rig = Rig::new().await;
    for number in 1..=3 {
        dead(&rig, number).await;
    }
    let unreadable = keep(&rig, 4, None, Bytes::from_static(SECRET.as_bytes())).await;
    let first = get(&rig, &format!("{LETTERS}?limit=3")).await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = get(&rig, &format!("{LETTERS}?limit=3&cursor={cursor}")).await;
    assert_eq!((first["letters"].as_array().unwrap().len(), &second["nextCursor"]), (3, &Value::Null));
    assert_eq!(second["letters"][0]["_id"], json!(unreadable));
    let of = |query: &str| format!("{LETTERS}?{query}");
    assert_eq!(get(&rig, &of("cause=unreadable")).await["letters"].as_array().unwrap().len(), 1);
    assert_eq!(get(&rig, &of("state=discarded")).await["letters"], json!([]));
    assert_eq!(
        get(&rig, &of("kind=send_message&queue=persist.0&state=any")).await["letters"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let groups = get(&rig, &format!("{LETTERS}/groups")).await;
    assert_eq!(
        (&groups["groups"][0]["count"], &groups["groups"][0]["cause"]),
        (&json!(3), &json!("gave_up"))
    );
    let shown =
        get(&rig, &first["letters"][0]["_id"].as_str().map(|id| format!("{LETTERS}/{id}")).unwrap()).await;
    assert_eq!((&shown["body"]["content"], &shown["body"]["sender_id"]), (&json!("•••"), &json!("ann")));
    assert_eq!((&shown["revealed"], &shown["history"][0]["event"]), (&json!(false), &json!("failed")));
    let broken = get(&rig, &format!("{LETTERS}/{unreadable}")).await;
    assert_eq!((&broken["body"], &broken["raw"]), (&Value::Null, &Value::Null));
    assert!(broken["bodyError"].is_string());
    for answer in [first, second, groups, shown, broken] {
        assert!(!answer.to_string().contains("bridge"), "{answer}");
    }
    for (query, named) in
        [("state=x", "state"), ("cause=x", "cause"), ("from=x", "from"), ("limit=0", "limit")]
    {
        let refused = rig.get(&of(query)).of_admin().send().await;
        assert!(refused.status == 400 && refused.body["error"].as_str().unwrap().contains(named), "{query}");
    }
}

#[tokio::test]
async fn a_reveal_is_recorded_and_needs_a_reason() {
    let rig = Rig::new().await;
    let id = dead(&rig, 1).await;
    let path = format!("{LETTERS}/{id}/reveal");
    for bad in [json!({}), json!({"why": " "}), json!({"why": "x".repeat(501)})] {
        post(&rig, &path, &bad).await.refused(400, "invalid");
    }
    assert_eq!(rig.world.letters.recorded(), []);
    let shown = post(&rig, &path, &json!({"why": "a user asked"})).await.expect(200);
    assert_eq!((&shown["body"], &shown["revealed"]), (&work(1), &json!(true)));
    let recorded = rig.world.letters.recorded();
    assert_eq!((recorded[0].action, recorded[0].letter), (AuditAction::Reveal, Some(id)));
    assert_eq!((recorded[0].by.as_str(), recorded[0].why.as_str()), ("root", "a user asked"));
    let audit = get(&rig, &format!("{AUDIT}?letter={id}")).await;
    assert_eq!(
        (&audit["entries"][0]["action"], audit["entries"].as_array().unwrap().len()),
        (&json!("reveal"), 1)
    );
    let broken = keep(&rig, 2, None, Bytes::from_static(b"junk")).await;
    let shown = post(&rig, &format!("{LETTERS}/{broken}/reveal"), &json!({"why": "w"})).await.expect(200);
    assert_eq!((&shown["body"], &shown["raw"]), (&Value::Null, &json!("anVuaw==")));
    post(&rig, &path, &json!({"why": "w", "version": 2})).await.refused(404, "not_found");
    let unknown = format!("{LETTERS}/command-{}", Uuid::nil());
    post(&rig, &format!("{unknown}/reveal"), &json!({"why": "w"})).await.refused(404, "not_found");
    rig.get(&unknown).of_admin().send().await.refused(404, "not_found");
}

#[tokio::test]
async fn an_edit_makes_a_version_of_the_same_work() {
    let rig = Rig::new().await;
    let id = dead(&rig, 1).await;
    let path = format!("{LETTERS}/{id}/body");
    let put = async |body: Value, version: u32| {
        let body = json!({"body": body, "version": version, "why": "a typo"});
        let call = rig.call(Method::PUT, &path).header(CONTENT_TYPE.as_str(), "application/json");
        call.body(body.to_string()).of_admin().send().await
    };
    let changed = |field: &str, value: Value| {
        let mut body = work(1);
        body[field] = value;
        body
    };
    for (body, named) in [
        (json!({"kind": "send_message"}), "thread_id"),
        (changed("content", json!(7)), "body"),
        (changed("thread_id", json!("f".repeat(24))), "thread"),
        (
            json!({"kind": "leave_thread", "thread_id": "0123456789abcdef01234567", "user_id": "ann", "at": "2026-01-13T22:40:00.000Z"}),
            "kind",
        ),
    ] {
        let refused = put(body, 1).await;
        let error = refused.body["error"].as_str().unwrap_or_default().to_owned();
        assert!(refused.status == 400 && error.contains(named), "{named}: {}", refused.body);
    }
    assert_eq!(rig.world.letters.recorded(), []);
    let edited = put(changed("content", json!("hello")), 1).await.expect(200);
    assert_eq!(edited["letter"]["version"], json!(2));
    put(changed("content", json!("hello")), 1).await.refused(409, "too_late");
    assert_eq!(rig.world.letters.recorded()[0].action, AuditAction::Edit);
    for (version, content) in [(1, format!("{SECRET} 1")), (2, "hello".to_owned())] {
        let reveal = json!({"why": "w", "version": version});
        let shown = post(&rig, &format!("{LETTERS}/{id}/reveal"), &reveal).await.expect(200);
        assert_eq!(shown["body"]["content"], json!(content));
    }
}

#[tokio::test]
async fn a_dry_run_tells_what_a_replay_would_do_and_changes_nothing() {
    let rig = Rig::new().await;
    for number in 1..=3 {
        dead(&rig, number).await;
    }
    let broken = keep(&rig, 4, None, Bytes::from_static(b"junk")).await;
    let body = json!({"filter": {}, "dryRun": true, "why": "w"});
    let told = post(&rig, REPLAYS, &body).await.expect(200);
    let run = &told["dryRun"];
    assert_eq!((&run["total"], &run["looked"], &run["replayable"]), (&json!(4), &json!(4), &json!(3)));
    assert_eq!((&run["refused"][0]["_id"], &run["queues"][0]["count"]), (&json!(broken), &json!(3)));
    assert_eq!(rig.world.letters.recorded(), []);
}

#[tokio::test]
async fn a_replay_is_kept_with_its_reason_and_bounds() {
    let rig = Rig::new().await;
    let id = dead(&rig, 1).await;
    for (body, named) in [
        (json!({"why": "w"}), "ids or filter"),
        (json!({"ids": [], "why": "w"}), "ids or filter"),
        (json!({"ids": [id], "filter": {}, "why": "w"}), "exclude"),
        (json!({"ids": ["x"], "why": "w"}), "ids[0]"),
        (json!({"filter": {"state": "discarded"}, "why": "w"}), "state"),
        (json!({"ids": [id], "perSecond": 51, "why": "w"}), "perSecond"),
        (json!({"ids": [id], "perSecond": 0, "why": "w"}), "perSecond"),
    ] {
        let refused = post(&rig, REPLAYS, &body).await;
        let error = refused.body["error"].as_str().unwrap_or_default().to_owned();
        assert!(refused.status == 400 && error.contains(named), "{body}: {}", refused.body);
    }
    let unknown = DeadLetterId::of_envelope(Carried::Command, Uuid::from_u128(99));
    let body = json!({"ids": [id, unknown], "perSecond": 5, "why": "repaired"});
    let begun = post(&rig, REPLAYS, &body).await.expect(201);
    let replay = &begun["replay"];
    assert_eq!(
        (&replay["total"], &replay["perSecond"], &replay["state"]),
        (&json!(1), &json!(5), &json!("running"))
    );
    let path = format!("{REPLAYS}/{}", replay["_id"].as_str().unwrap());
    assert_eq!(get(&rig, &path).await["replay"]["why"], json!("repaired"));
    let recorded = rig.world.letters.recorded();
    assert_eq!(
        (recorded.len(), recorded[0].action, recorded[0].by.as_str()),
        (1, AuditAction::Replay, "root")
    );
    rig.get(&format!("{REPLAYS}/{}", Uuid::nil())).of_admin().send().await.refused(404, "not_found");
}

#[tokio::test]
async fn what_is_discarded_is_recorded_and_counts_no_more() {
    let rig = Rig::new().await;
    let ids = [dead(&rig, 1).await, dead(&rig, 2).await, dead(&rig, 3).await];
    let body = json!({"ids": [ids[0]], "why": "spam"});
    for discarded in [1, 0] {
        let answer = post(&rig, "/api/v2/ops/discards", &body).await.expect(200);
        assert_eq!((&answer["discarded"], &answer["left"]), (&json!(discarded), &json!(0)));
    }
    let body = json!({"filter": {"kind": "send_message"}, "why": "old"});
    let answer = post(&rig, "/api/v2/ops/discards", &body).await.expect(200);
    assert_eq!((&answer["discarded"], &answer["left"]), (&json!(2), &json!(0)));
    assert_eq!(get(&rig, LETTERS).await["letters"], json!([]));
    let letter = rig.world.letters.dead_letter(ids[0]).await.unwrap().unwrap();
    assert_eq!(letter.state, LetterState::Discarded);
    let actions: Vec<AuditAction> = rig.world.letters.recorded().iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [AuditAction::Discard; 3]);
}
