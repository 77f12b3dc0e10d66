//! Sources of keys that are good, bad and away.

use super::*;
use axum::Router;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A key of RFC 8037, appendix A.2.
const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn set() -> String {
    format!(r#"{{"keys":[{ED25519}]}}"#)
}

fn config(url: &str, file: &Path) -> Config {
    let mut config = eventflow_config::defaults();
    config.auth.jwks_url = url.to_owned();
    config.auth.jwks_file = file.display().to_string();
    config
}

/// A provider on a free port; counts the looks.
async fn provider(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[allow(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn url_source(url: &str) -> Source {
    let origin =
        Origin::Url { uri: url.parse().unwrap(), client: Box::new(HttpClient::new(LIMITS).unwrap()) };
    Source { setting: "auth.jwks_url (JWKS_URL)", origin, kept: None, is_failing: false }
}

#[test]
fn a_file_of_keys_is_there_before_anybody_asks_and_a_bad_one_is_refused_by_the_name_of_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let refused = || {
        let error = Keeper::open(&config("", &path)).err().expect("it is refused");
        format!("{error:#}")
    };
    assert!(refused().contains("auth.jwks_file (JWKS_FILE)"), "{}", refused());
    for bad in ["", "{}", r#"{"keys":[]}"#, &" ".repeat(LIMITS.bytes + 1)] {
        std::fs::write(&path, bad).unwrap();
        assert!(refused().contains("auth.jwks_file (JWKS_FILE)"), "{}", refused());
    }
    std::fs::write(&path, set()).unwrap();
    let keeper = Keeper::open(&config("", &path)).unwrap().unwrap();
    assert_eq!(keeper.keys.count(), 1);
    assert!(Keeper::open(&config("", Path::new(""))).unwrap().is_none());
}

#[tokio::test]
async fn keys_of_an_address_are_taken_only_from_a_whole_good_answer_of_that_address() {
    let bodies = Router::new()
        .route("/good", get(|| async { set() }))
        .route("/moved", get(|| async { Redirect::permanent("/good") }))
        .route("/away", get(|| async { (StatusCode::BAD_GATEWAY, set()).into_response() }))
        .route("/page", get(|| async { "<html>sign in</html>" }))
        .route("/none", get(|| async { r#"{"keys":[]}"# }))
        .route("/huge", get(|| async { format!("{}{}", set(), " ".repeat(LIMITS.bytes)) }));
    let provider = provider(bodies).await;
    let mut good = url_source(&format!("{provider}/good"));
    assert!(good.look().await);
    assert_eq!(good.kept.as_ref().map(|kept| kept.keys.len()), Some(1));
    for bad in ["moved", "away", "page", "none", "huge", "missing"] {
        let mut source = url_source(&format!("{provider}/{bad}"));
        assert!(!source.look().await && source.kept.is_none(), "{bad}");
        // What was there before stays.
        source.kept = good.kept.take();
        assert!(!source.look().await && source.kept.is_some(), "{bad}");
        good.kept = source.kept;
    }
}

#[tokio::test]
async fn an_operator_is_told_how_many_keys_there_are_or_why_there_are_none() {
    let none = Path::new("");
    let provider = provider(Router::new().route("/good", get(|| async { set() }))).await;
    assert!(ask(&config("", none)).await.is_none());
    let good = ask(&config(&format!("{provider}/good"), none)).await.unwrap();
    assert_eq!(good.unwrap(), 1);
    let bad = ask(&config(&format!("{provider}/none"), none)).await.unwrap().unwrap_err();
    assert!(format!("{bad:#}").contains("auth.jwks_url (JWKS_URL): the answer is 404"), "{bad:#}");
}

#[tokio::test(start_paused = true)]
async fn keys_count_while_their_provider_is_away_and_not_for_ever() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut source = url_source(&format!("http://{}/", listener.local_addr().unwrap()));
    drop(listener);
    let keys = KeySet::parse(set().as_bytes()).unwrap();
    source.kept = Some(Kept { keys, at: Instant::now() });
    tokio::time::advance(KEPT / 2).await;
    assert!(!source.look().await && source.kept.is_some());
    tokio::time::advance(KEPT).await;
    assert!(!source.look().await && source.kept.is_none());
}

#[tokio::test]
async fn the_keys_of_a_file_and_of_an_address_count_together_and_a_look_follows_a_look_after_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, set()).unwrap();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let answer = move || {
        counted.fetch_add(1, Relaxed);
        async { set().replace(r#""a""#, r#""b""#) }
    };
    let provider = provider(Router::new().route("/", get(answer))).await;
    let keeper = Keeper::open(&config(&format!("{provider}/"), &path)).unwrap().unwrap();
    let (keys, stop) = (keeper.keys.clone(), CancellationToken::new());
    assert_eq!(keys.count(), 1, "the file's");
    let until_known = async {
        while keys.count() < 2 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    tokio::join!(keeper.run(stop.clone()), until_known);
    assert_eq!(looks.load(Relaxed), 1);
}
