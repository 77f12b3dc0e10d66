//! Where a token may stand in a request.

use super::{Rig, THREADS};

#[tokio::test]
async fn a_token_is_understood_with_the_word_bearer_and_without_and_never_in_the_url() {
    let rig = Rig::new().await;
    let token = rig.world.token("ann");
    for header in [token.clone(), format!("Bearer {token}"), format!("bearer  {token} ")] {
        rig.get(THREADS).header("authorization", &header).send().await.expect(200);
    }
    for name in ["token", "access_token"] {
        let reply = rig.get(&format!("{THREADS}?{name}={token}")).send().await;
        reply.refused(401, "unauthenticated");
        let error = reply.body["error"].as_str().unwrap();
        assert!(error.contains("Authorization") && !error.contains(&token), "{error}");
    }
}
