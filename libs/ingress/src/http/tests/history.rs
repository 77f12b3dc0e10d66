//! The history of a thread: pages by `seq`, by time and by what changed.

use super::{Rig, THREADS};
use eventflow_protocol::command::SendMessage;
use eventflow_protocol::content::Content;
use eventflow_protocol::{CommandId, ThreadId, Timestamp};
use serde_json::{Value, json};

/// Answers to a question and to its cursors, until none is left.
async fn pages(rig: &Rig, path: &str, query: &str) -> Vec<Value> {
    let (mut found, mut ask) = (Vec::new(), query.to_owned());
    loop {
        let page = rig.get(&format!("{path}?limit=7&{ask}")).of("bob").send().await.expect(200);
        let next = page["nextCursor"].as_str().map(|cursor| format!("cursor={cursor}"));
        found.push(page);
        let Some(next) = next else { return found };
        assert!(found.len() < 100, "it ends");
        ask = next;
    }
}

fn seqs(page: &Value) -> Vec<u64> {
    page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

fn path(thread: ThreadId) -> String {
    format!("/api/v2/messages/{thread}")
}

#[tokio::test]
async fn history_is_paged_by_seq() {
    let rig = Rig::new().await;
    let path = path(rig.world.store.thread_of(&["ann", "bob"]));
    for n in 0..5 {
        assert_eq!(rig.post(&path, &json!({"content": format!("m{n}")})).of("ann").send().await.status, 201);
    }
    for (query, seqs) in [
        ("", vec![1, 2, 3, 4, 5]),
        ("?limit=2", vec![4, 5]),
        ("?limit=2&before=4", vec![2, 3]),
        ("?limit=2&after=1", vec![2, 3]),
        ("?after=5", vec![]),
    ] {
        let page = rig.get(&format!("{path}{query}")).of("bob").send().await;
        let got: Vec<u64> =
            page.body["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        assert_eq!(got, seqs, "{query}");
    }
    for bad in [
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?before=-1",
        "?before=1&after=1",
        "?after=%FF",
        "?cursor=x",
        "?cursor=after.1&after=1",
        "?changesAfter=1&after=1",
        "?changesAfter=x",
    ] {
        rig.get(&format!("{path}{bad}")).of("bob").send().await.refused(400, "invalid");
    }
}

/// 60 messages within 4 ms, whose times are not in the order of their places.
fn burst(rig: &Rig) -> ThreadId {
    let thread_id = rig.world.store.thread_of(&["ann", "bob"]);
    for n in 0..60 {
        let send = SendMessage {
            thread_id,
            sender_id: "ann".parse().unwrap(),
            content: Content::parse("x").unwrap(),
            attachments: Vec::new(),
            client_message_id: None,
            pairing: None,
            typed: None,
            reply_to: None,
            repeat_only: false,
            mentions: Vec::new(),
            at: Timestamp(1_800_000_000_000 + n * 7 % 4),
        };
        rig.world.store.append(CommandId::new(), send);
    }
    thread_id
}

#[tokio::test]
async fn pages_by_time_have_cursors_that_lose_no_message_of_a_millisecond() {
    let rig = Rig::new().await;
    let path = path(burst(&rig));
    for query in [
        "afterTime=2026-01-01T00:00:00.000Z",
        "after=2026-01-01T00:00:00Z",
        "beforeTime=2030-01-01T00:00:00.000Z",
        "after=0",
        "",
    ] {
        let pages = pages(&rig, &path, query).await;
        assert!(pages.iter().all(|page| seqs(page).is_sorted()), "{query}: a page ascends");
        let mut seen: Vec<u64> = pages.iter().flat_map(seqs).collect();
        seen.sort_unstable();
        assert_eq!(seen, (1..=60).collect::<Vec<_>>(), "{query}");
    }
}

#[tokio::test]
async fn the_last_page_has_no_cursor() {
    let rig = Rig::new().await;
    let path = path(burst(&rig));
    for last in ["limit=7&before=8", "limit=7&before=5", "limit=7&after=54", "limit=60&changesAfter=0"] {
        let page = rig.get(&format!("{path}?{last}")).of("bob").send().await.expect(200);
        assert_eq!(page["nextCursor"], Value::Null, "{last}");
    }
}

#[tokio::test]
async fn what_changed_after_a_number_is_a_page_of_its_own() {
    let rig = Rig::new().await;
    let thread = burst(&rig);
    let path = path(thread);
    let first = rig.get(&format!("{path}?limit=50")).of("bob").send().await.expect(200);
    assert_eq!(
        (&first["lastChange"], &first["gap"], &first["cursors"]),
        (&json!(0), &Value::Null, &Value::Null)
    );
    let ids: Vec<&str> = first["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["_id"].as_str().unwrap())
        .collect();
    for id in &ids[..10] {
        let body = json!({"emoji": "👍"});
        rig.post(&format!("/api/v2/messages/{id}/reactions"), &body).of("ann").send().await.expect(200);
    }
    let read = rig.post(&format!("{THREADS}/{thread}/read"), &json!({})).of("ann").send().await;
    assert_eq!(read.status, 200, "{}", read.body);
    let pages = pages(&rig, &path, "changesAfter=0").await;
    assert_eq!(pages.iter().map(seqs).collect::<Vec<_>>(), [(11..=17).collect::<Vec<_>>(), vec![18, 19, 20]]);
    assert_eq!(pages[0]["messages"][0]["reactions"][0]["userId"], "ann");
    let last = &pages[1];
    assert_eq!((&last["lastChange"], &last["gap"]), (&json!(10), &json!(false)));
    assert_eq!(last["cursors"][0]["userId"], "ann");
    let newest = rig.get(&path).of("bob").send().await.expect(200);
    assert_eq!(newest["lastChange"], 10);
    let ahead = rig.get(&format!("{path}?changesAfter=11")).of("bob").send().await.expect(200);
    assert_eq!((&ahead["gap"], &ahead["lastChange"]), (&json!(true), &json!(10)));
    rig.get(&format!("{path}?changesAfter=0")).of("eve").send().await.refused(404, "not_found");
}
