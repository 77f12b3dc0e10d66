//! Which credential counts, what a refused one is told, and who may continue a session.

use super::rig::{Client, Rig};
use serde_json::{Value, json};

/// The error of a refused CONNECT packet.
fn refused(answer: &str) -> Value {
    serde_json::from_str(answer.strip_prefix("44").unwrap_or_else(|| panic!("{answer}"))).unwrap()
}

fn joined(answer: &str) -> Value {
    serde_json::from_str(answer.strip_prefix("40").unwrap_or_else(|| panic!("{answer}"))).unwrap()
}

async fn who(client: &mut Client, user: &str) -> Value {
    client.ask("auth", &json!({ "userId": user })).await
}

#[tokio::test]
async fn the_first_credential_that_holds_signs_the_socket_in() {
    let rig = Rig::new().await;
    let stale = rig.world.token("bob");
    rig.world.clock.advance(3_661_000);
    let good = rig.world.token("ann");
    let origin = ("origin", format!("http://{}", rig.address));
    let cookies = |value: String| vec![("cookie", value), origin.clone()];
    for (headers, auth) in [
        (cookies(format!("token={stale}; token=forged; token={good}")), json!({})),
        (cookies(format!("token={good}")), json!({ "token": stale })),
        (vec![("authorization", format!("Bearer {good}"))], json!({ "token": "forged" })),
        (vec![("authorization", format!("Bearer {stale}"))], json!({ "token": good })),
    ] {
        let mut client = rig.open(&headers).await.unwrap();
        joined(&client.connect(&auth).await);
        assert_eq!(who(&mut client, "ann").await["success"], true, "{headers:?} {auth}");
    }
    // A cookie that does not hold refuses nobody; a token that was presented on purpose does.
    let mut client = rig.open(&cookies("token=forged".into())).await.unwrap();
    joined(&client.connect(&json!({})).await);
    let mut client = rig.open(&cookies("token=forged".into())).await.unwrap();
    assert_eq!(refused(&client.connect(&json!({ "token": stale })).await)["data"]["code"], "token_expired");
}

#[tokio::test]
async fn a_refused_token_is_told_which_rule_it_breaks() {
    let rig = Rig::new().await;
    let mut client = rig.open(&[]).await.unwrap();
    let said = refused(&client.connect(&json!({ "token": "x" })).await)["message"].to_string();
    assert!(said.contains("it is no JWT"), "{said}");
}

#[tokio::test]
async fn a_session_that_signed_in_by_an_event_goes_on_only_with_the_token() {
    let rig = Rig::new().await;
    let thread = rig.world.store.thread_of(&["ann", "bob"]);
    let token = rig.world.token("ann");
    let mut client = rig.open(&[]).await.unwrap();
    let session = joined(&client.connect(&json!({})).await);
    assert_eq!(client.ask("auth", &json!({ "token": token })).await["success"], true);
    let presented = json!({ "pid": session["pid"], "offset": null });
    drop(client);

    let mut stranger = rig.open(&[]).await.unwrap();
    let fresh = joined(&stranger.connect(&presented).await);
    assert_ne!(fresh["sid"], session["sid"], "the secret of a session is no credential");
    assert_eq!(who(&mut stranger, "ann").await["code"], "unauthenticated");
    let send = json!({ "threadId": thread, "content": "as ann" });
    assert_eq!(stranger.ask("message:send", &send).await["code"], "unauthenticated");

    let mut ann = rig.open(&[]).await.unwrap();
    let with_token = json!({ "pid": session["pid"], "offset": null, "token": token });
    let again = joined(&ann.connect(&with_token).await);
    assert_eq!(again["sid"], session["sid"], "with the token the session goes on");
    assert_eq!(who(&mut ann, "ann").await["success"], true);
}
