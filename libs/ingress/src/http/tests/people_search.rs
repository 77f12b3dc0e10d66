//! Finding people: who finds whom, pages, and queries that are none.

use super::Rig;
use eventflow_protocol::person::{Profile, TokenName};
use serde_json::Value;
use std::sync::atomic::Ordering::SeqCst;

const SEARCH: &str = "/api/v2/users/search";

/// People with these ids and names; Ann and Bob share a thread.
async fn rig(finds_everybody: bool) -> Rig {
    let rig = Rig::with(|config| config.finds_everybody = finds_everybody).await;
    for (id, name) in [("ann", "Ann Lee"), ("bob", "Böb Leeson"), ("cem", "Cem Yılmaz"), ("u4", "王小明")]
    {
        let profile =
            Profile { id: id.parse().unwrap(), name: name.into(), avatar: None, email: None, role: None };
        rig.world.directory.put(profile);
    }
    rig.world.directory.note(TokenName { user_id: "dan".parse().unwrap(), name: "Dan Lee".into() });
    rig.world.store.thread_of(&["ann", "bob"]);
    rig
}

async fn asked(rig: &Rig, who: &str, query: &str) -> Value {
    rig.get(&format!("{SEARCH}?{query}")).of(who).send().await.expect(200)
}

fn found(page: &Value) -> Vec<&str> {
    page["users"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn people_are_found_by_the_beginnings_of_their_names_and_ids() {
    let rig = rig(true).await;
    for (query, expected) in [
        ("q=lee", &["dan", "bob"][..]),
        ("q=LE", &["dan", "bob"]),
        ("q=bob%20lee", &["bob"]),
        ("q=dan%20lee", &["dan"]),
        ("q=%E5%B0%8F", &["u4"]),
        ("q=u4", &["u4"]),
        ("q=yilmaz", &["cem"]),
        ("q=cem", &["cem"]),
        ("q=ann", &[]),
        ("q=ee", &[]),
    ] {
        let page = asked(&rig, "ann", query).await;
        assert_eq!((found(&page), &page["nextCursor"]), (expected.to_vec(), &Value::Null), "{query}");
    }
    let page = asked(&rig, "ann", "q=bob").await;
    assert_eq!(page["users"][0]["name"], "Böb Leeson");
    assert!(page["users"][0].get("email").is_none());
    rig.get(&format!("{SEARCH}?q=lee")).send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn strangers_are_found_only_where_everybody_is() {
    let rig = rig(false).await;
    for (who, query, expected) in [
        ("ann", "q=lee", &["bob"][..]),
        ("ann", "q=dan", &[]),
        ("bob", "q=ann", &["ann"]),
        ("eve", "q=lee", &[]),
        ("eve", "q=ann", &[]),
    ] {
        assert_eq!(found(&asked(&rig, who, query).await), expected, "{who} {query}");
    }
    let reply = rig.get(&format!("{SEARCH}?q=lee")).of_admin().send().await.expect(200);
    assert_eq!(found(&reply), ["ann", "dan", "bob"]);
}

#[tokio::test]
async fn pages_show_everybody_once_and_a_cursor_goes_on_with_its_own_query_only() {
    let rig = rig(true).await;
    for query in ["q=l", "q=ann"] {
        let (mut all, mut cursor): (Vec<String>, String) = Default::default();
        for _ in 0..9 {
            let page =
                rig.get(&format!("{SEARCH}?{query}&limit=1{cursor}")).of("eve").send().await.expect(200);
            assert!(found(&page).len() <= 1);
            all.extend(found(&page).into_iter().map(str::to_owned));
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(all, if query == "q=l" { vec!["ann", "dan", "bob"] } else { vec!["ann"] }, "{query}");
    }
    let page = asked(&rig, "eve", "q=l&limit=1").await;
    let cursor = page["nextCursor"].as_str().unwrap();
    for (who, query) in [("eve", format!("q=le&cursor={cursor}")), ("bob", format!("q=l&cursor={cursor}"))] {
        let refused = rig.get(&format!("{SEARCH}?{query}")).of(who).send().await;
        refused.refused(400, "invalid");
        assert!(refused.body["error"].as_str().unwrap().contains("another query"));
    }
    for bad in ["", "q=", "q=%20", "q=%E2%80%8B", "q=a&limit=0", "q=a&cursor=x", "q=a&cursor=AAAA%2F"] {
        rig.get(&format!("{SEARCH}?{bad}")).of("eve").send().await.refused(400, "invalid");
    }
    let long = "x".repeat(201);
    rig.get(&format!("{SEARCH}?q={long}")).of("eve").send().await.refused(400, "invalid");
}

#[tokio::test]
async fn searches_have_a_budget_and_say_when_the_directory_is_away() {
    let rig = rig(true).await;
    rig.world.directory.is_down.store(true, SeqCst);
    rig.get(&format!("{SEARCH}?q=lee")).of("bob").send().await.refused(503, "unavailable");
    rig.world.directory.is_down.store(false, SeqCst);
    for _ in 0..crate::edge::PEOPLE_SEARCHES_PER_MINUTE {
        asked(&rig, "ann", "q=zzz").await;
    }
    rig.get(&format!("{SEARCH}?q=zzz")).of("ann").send().await.refused(429, "rate_limited");
    asked(&rig, "bob", "q=zzz").await;
}
