//! Who may start threads, what a large thread costs its readers, and leaving.

use super::{Rig, THREADS};
use crate::{StartWith, ThreadRules};
use eventflow_protocol::command::Command;
use eventflow_protocol::document::PARTICIPANTS_SHOWN_MAX;
use eventflow_protocol::person::Profile;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn crowd(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("u{n:04}")).collect()
}

async fn rig(change: impl FnOnce(&mut ThreadRules)) -> Rig {
    Rig::with(|config| change(&mut config.threads)).await
}

#[tokio::test]
async fn how_large_a_thread_may_be_depends_on_the_role_of_its_creator() {
    let rig = rig(|rules| {
        rules.people_max = 4;
        rules.people_max_by_role = BTreeMap::from([("admin".to_owned(), 50), ("teacher".to_owned(), 10)]);
    })
    .await;
    for (role, most) in [("user", 4), ("teacher", 10), ("admin", 50)] {
        let token = rig.world.token_as("boss", role);
        for (others, status) in [(most - 1, 201), (most, 400)] {
            let body = json!({"participants": crowd(others), "metadata": {"for": role}});
            let call = rig.post(THREADS, &body).header(AUTHORIZATION.as_str(), &format!("Bearer {token}"));
            let reply = call.send().await;
            assert_eq!(reply.status, status, "{role} with {others}: {}", reply.body);
        }
    }
    assert_eq!(rig.world.commands().len(), 3, "what is refused sends no command");
}

#[tokio::test]
async fn new_threads_have_a_budget_and_finding_one_costs_nothing_of_it() {
    let rig = rig(|rules| rules.new_per_hour = 2).await;
    for other in ["bob", "cat"] {
        rig.post(THREADS, &json!({"participants": [other]})).of("ann").send().await.expect(201);
    }
    let third = rig.post(THREADS, &json!({"participants": ["dan"]})).of("ann").send().await;
    third.refused(429, "rate_limited");
    let wait: u64 = third.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1_000..=1_801).contains(&wait), "half an hour for the next one: {wait}");
    rig.post(THREADS, &json!({"participants": ["bob"]})).of("ann").send().await.expect(200);
    rig.post(THREADS, &json!({"participants": ["ann"]})).of("bob").send().await.expect(200);
    rig.post(THREADS, &json!({"participants": ["dan"]})).of("eve").send().await.expect(201);
    for other in ["bob", "cat", "dan"] {
        rig.post(THREADS, &json!({"participants": [other]})).of_admin().send().await.expect(201);
    }
}

#[tokio::test]
async fn with_whom_a_thread_is_started_is_a_setting() {
    let known = rig(|rules| rules.start_with = StartWith::Directory).await;
    let bob =
        Profile { id: "bob".parse().unwrap(), name: "Bob".into(), avatar: None, email: None, role: None };
    known.world.directory.put(bob);
    let start = |other: &str| json!({"participants": [other]});
    known.post(THREADS, &start("bob")).of("ann").send().await.expect(201);
    known.post(THREADS, &start("nobody")).of("ann").send().await.refused(403, "forbidden");
    known.post(THREADS, &start("nobody")).of_admin().send().await.expect(201);

    let admins = rig(|rules| rules.start_with = StartWith::Nobody).await;
    admins.world.store.thread_of(&["ann", "cat"]);
    admins.post(THREADS, &start("bob")).of("ann").send().await.refused(403, "forbidden");
    admins.post(THREADS, &start("cat")).of("ann").send().await.expect(200);
    admins.post(THREADS, &start("bob")).of_admin().send().await.expect(201);
}

#[tokio::test]
async fn a_large_thread_shows_some_of_its_people_and_has_all_of_them_in_pages() {
    let rig = Rig::new().await;
    let people = crowd(180);
    let names: Vec<&str> = people.iter().map(String::as_str).collect();
    let thread = rig.world.store.thread_of(&names);
    let shown = rig.get(&format!("{THREADS}/{thread}")).of("u0179").send().await.expect(200);
    let listed = rig.get(THREADS).of("u0179").send().await.expect(200);
    for thread in [&shown["thread"], &listed["threads"][0]] {
        assert_eq!(thread["participants"], json!(people[..PARTICIPANTS_SHOWN_MAX]));
        assert_eq!(thread["participantCount"], json!(180));
        assert_eq!(thread["participant"]["name"], json!("u0000, u0001, u0002 + 176"));
    }
    let path = format!("{THREADS}/{thread}/participants");
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rig.get(&format!("{path}?limit=80{cursor}")).of("u0000").send().await.expect(200);
        let ids =
            page["participants"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
        all.extend(ids);
        assert_eq!(page["participantCount"], json!(180));
        let Value::String(next) = &page["nextCursor"] else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(all, people);
    rig.get(&path).of("eve").send().await.refused(404, "not_found");
    rig.get(&format!("{path}?cursor=%20")).of("u0000").send().await.refused(400, "invalid");
}

#[tokio::test]
async fn a_process_that_hears_no_events_shows_nothing_to_who_has_left_elsewhere() {
    let mut rig = Rig::new().await;
    rig.world.parts.membership = rig.world.parts.membership.unheard();
    rig.router = crate::http::router(&rig.world.parts).unwrap();
    let thread = rig.world.store.thread_of(&["ann", "bob", "cat"]);
    let path = format!("/api/v2/messages/{thread}");
    rig.post(&path, &json!({"content": "hello"})).of("ann").send().await.expect(201);
    let history = rig.get(&path).of("bob").send().await.expect(200);
    let message = history["messages"][0]["_id"].as_str().unwrap().to_owned();
    rig.get(&format!("{THREADS}/{thread}/participants")).of("bob").send().await.expect(200);
    // Another process carried that out, and this one remembers the people from before.
    rig.world.store.remove(thread, "bob");
    assert!(rig.world.parts.membership.remembered(thread).is_some_and(|people| people.len() == 3));
    for path in [&path, &format!("{THREADS}/{thread}"), &format!("{THREADS}/{thread}/participants")] {
        rig.get(path).of("bob").send().await.refused(404, "not_found");
    }
    let react = format!("/api/v2/messages/{message}/reactions");
    rig.post(&react, &json!({"emoji": "👍"})).of("bob").send().await.refused(404, "not_found");
    rig.get(&path).of("cat").send().await.expect(200);
}

#[tokio::test]
async fn leaving_sends_one_command_and_coming_back_shows_the_thread_as_it_is() {
    let rig = Rig::new().await;
    let body = json!({"participants": ["bob"]});
    let created = rig.post(THREADS, &body).of("ann").send().await.expect(201);
    let thread = created["thread"]["_id"].as_str().unwrap().to_owned();
    rig.post(&format!("/api/v2/messages/{thread}"), &json!({"content": "hello"}))
        .of("ann")
        .send()
        .await
        .expect(201);
    rig.post(&format!("{THREADS}/{thread}/leave"), &json!({})).of("bob").send().await.expect(200);
    let left = rig.world.commands().pop().unwrap();
    assert!(matches!(left, Command::LeaveThread(leave) if leave.user_id.as_str() == "bob"));
    rig.get(&format!("{THREADS}/{thread}")).of("bob").send().await.refused(404, "not_found");
    rig.post(&format!("{THREADS}/{thread}/leave"), &json!({}))
        .of("bob")
        .send()
        .await
        .refused(404, "not_found");
    let back = rig.post(THREADS, &json!({"participants": ["ann"]})).of("bob").send().await.expect(201);
    assert_eq!((&back["thread"]["_id"], &back["thread"]["lastSeq"]), (&json!(thread), &json!(1)));
    assert_eq!(back["thread"]["lastMessage"]["content"], json!("hello"));
}
