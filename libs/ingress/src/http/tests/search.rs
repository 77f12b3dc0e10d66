//! Search: who finds what, cursors, and queries that are none.

use super::Rig;
use eventflow_protocol::ThreadId;
use serde_json::{Value, json};

const SEARCH: &str = "/api/v2/messages/search";

async fn said(rig: &Rig, thread: ThreadId, who: &str, content: &str) -> String {
    let sent =
        rig.post(&format!("/api/v2/messages/{thread}"), &json!({"content": content})).of(who).send().await;
    sent.expect(201)["message"]["_id"].as_str().unwrap().to_owned()
}

async fn asked(rig: &Rig, who: &str, query: &str) -> Value {
    rig.get(&format!("{SEARCH}?{query}")).of(who).send().await.expect(200)
}

fn found(page: &Value) -> Vec<&str> {
    page["hits"].as_array().unwrap().iter().map(|hit| hit["message"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_message_is_found_by_whoever_is_in_its_thread_with_its_places() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let other = rig.world.store.thread_of(&["ann", "cat"]);
    let first = said(&rig, thread, "ann", "😀 Grüße, GRUSSE").await;
    let second = said(&rig, other, "cat", "viele grüße").await;
    let page = asked(&rig, "ann", "q=GR%C3%9CSSE").await;
    let mut all = [first.as_str(), second.as_str()];
    all.sort_unstable();
    let mut hits = found(&page);
    hits.sort_unstable();
    assert_eq!((hits, &page["complete"], &page["nextCursor"]), (all.to_vec(), &json!(true), &Value::Null));
    let page = asked(&rig, "bob", "q=grusse").await;
    assert_eq!(found(&page), [first.as_str()]);
    assert_eq!(page["hits"][0]["highlights"], json!([{"start": 3, "end": 8}, {"start": 10, "end": 16}]));
    for (who, query, hits) in [
        ("eve", "q=grusse", 0),
        ("root", "q=grusse", 0),
        ("ann", "q=grusse&sender=cat", 1),
        ("ann", "q=grusse&sender=eve", 0),
        ("ann", "q=grusse&hasAttachment=true", 0),
        ("ann", "q=grusse&to=2020-01-01T00:00:00Z", 0),
        ("ann", "q=grusse&from=2020-01-01T00:00:00Z", 2),
        ("ann", &format!("q=grusse&threadId={thread}"), 1),
    ] {
        assert_eq!(asked(&rig, who, query).await["hits"].as_array().unwrap().len(), hits, "{who} {query}");
    }
    for (who, named) in [("cat", thread.to_string()), ("eve", thread.to_string()), ("ann", "x".repeat(24))] {
        let refused = rig.get(&format!("{SEARCH}?q=grusse&threadId={named}")).of(who).send().await;
        refused.refused(404, "not_found");
    }
    rig.get(&format!("{SEARCH}?q=grusse")).send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_hit_has_its_quote_and_is_not_found_by_it() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let asked_for = said(&rig, thread, "ann", "shall we meet at the harbour?").await;
    let reply = json!({"content": "gladly", "replyTo": asked_for});
    let sent = rig.post(&format!("/api/v2/messages/{thread}"), &reply).of("bob").send().await;
    let reply = sent.expect(201)["message"]["_id"].as_str().unwrap().to_owned();
    let page = asked(&rig, "ann", "q=gladly").await;
    assert_eq!(found(&page), [reply.as_str()]);
    let quoted = &page["hits"][0]["message"]["replyTo"];
    assert_eq!(quoted["messageId"], json!(asked_for));
    assert_eq!(quoted["quote"]["content"], json!("shall we meet at the harbour?"));
    assert_eq!(found(&asked(&rig, "ann", "q=harbour").await), [asked_for.as_str()], "not the reply");
}

#[tokio::test]
async fn a_cursor_goes_on_with_its_own_query_only() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let mut sent = Vec::new();
    for n in 0..5 {
        sent.push(said(&rig, thread, "ann", &format!("needle {n}")).await);
        rig.world.clock.advance(1_000);
    }
    sent.reverse();
    let (mut all, mut ask) = (Vec::new(), "q=needle&limit=2".to_owned());
    let mut first = None;
    loop {
        let page = asked(&rig, "bob", &ask).await;
        all.extend(found(&page).into_iter().map(str::to_owned));
        let Some(next) = page["nextCursor"].as_str() else { break };
        first.get_or_insert_with(|| next.to_owned());
        ask = format!("q=NEEDLE&limit=2&cursor={next}");
    }
    assert_eq!(all, sent);
    let cursor = first.unwrap();
    for (who, query) in [
        ("bob", "q=needles"),
        ("bob", "q=needle&sender=ann"),
        ("bob", "q=needle&hasAttachment=true"),
        ("bob", "q=needle&from=2020-01-01T00:00:00Z"),
        ("ann", "q=needle"),
    ] {
        let refused = rig.get(&format!("{SEARCH}?{query}&cursor={cursor}")).of(who).send().await;
        refused.refused(400, "invalid");
        assert!(refused.body["error"].as_str().unwrap().contains("another query"), "{query}");
    }
    for foreign in ["x", "1.2", "AAAA", "after.1", &"A".repeat(38), &"A".repeat(500)] {
        let refused = rig.get(&format!("{SEARCH}?q=needle&cursor={foreign}")).of("bob").send().await;
        refused.refused(400, "invalid");
    }
}

#[tokio::test]
async fn a_page_ends_where_it_would_become_too_large() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    for n in 0..40 {
        said(&rig, thread, "ann", &format!("big {n} {}", "❤".repeat(9_900))).await;
        rig.world.clock.advance(1);
    }
    let mut all = std::collections::BTreeSet::new();
    let (mut pages, mut ask) = (0, "q=big".to_owned());
    loop {
        let page = asked(&rig, "bob", &ask).await;
        all.extend(found(&page).into_iter().map(str::to_owned));
        pages += 1;
        let Some(next) = page["nextCursor"].as_str() else { break };
        ask = format!("q=big&cursor={next}");
    }
    assert_eq!(all.len(), 40);
    assert!(pages > 1, "{pages}");
}

#[tokio::test]
async fn what_is_no_query_is_refused_and_hostile_text_is_text() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    said(&rig, thread, "ann", "say \"hello\" OR NEAR(x) AND NOT * -- '; DROP {$ne: 1} .* RTL שלום").await;
    let many: Vec<String> = (0..11).map(|n| format!("word{n}")).collect();
    for bad in [
        "",
        "q=",
        "q=a",
        "q=%00",
        "q=%22",
        "q=%E2%80%8B%E2%80%8B",
        &format!("q={}", "x".repeat(201)),
        &format!("q={}", "x".repeat(10_000)),
        &format!("q={}", many.join("+")),
        "q=hello&limit=0",
        "q=hello&limit=101",
        "q=hello&from=x",
        "q=hello&to=-1",
        "q=hello&hasAttachment=maybe",
        "q=hello&sender=a%00b",
    ] {
        let refused = rig.get(&format!("{SEARCH}?{bad}")).of("bob").send().await;
        assert!(refused.status == 400 && refused.body["code"] == "invalid", "{bad}: {}", refused.body);
    }
    for (query, hits) in [
        ("%22hello%22", 1),
        ("hello*", 1),
        ("hello+OR+goodbye", 0),
        ("near(x)", 1),
        ("hel%00lo", 1),
        ("%7B%24ne", 1),
        ("%27%3B+drop", 1),
        ("%E2%80%AEhello", 1),
        ("%D7%A9%D7%9C%D7%95%D7%9D", 1),
        ("%25hello%25", 1),
        ("%F0%9F%98%80", 0),
        ("%ED%A0%BD%ED%B8%80%FF", 0),
    ] {
        assert_eq!(
            asked(&rig, "bob", &format!("q={query}")).await["hits"].as_array().unwrap().len(),
            hits,
            "{query}"
        );
    }
}
