//! The demo sign-in: a token for one of three demo people, without a password. They know each other, and have
//! a conversation open ([`story`]).
//!
//! Whoever gets such a token is in, so it must not be had from elsewhere. The mode `auto` answers only people
//! at this machine: a proxy on the same machine makes all of its visitors look like that, and is known by
//! what it adds or changes. `demo.mode = "on"` answers everybody.

mod story;

use crate::backends::Backends;
use crate::secret;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use eventflow_bus::request::Requests;
use eventflow_config::{Config, DemoReach, is_this_machine};
use eventflow_ingress::identity::Tokens;
use eventflow_ports::{Clock, Directory};
use eventflow_protocol::person::Profile;
use eventflow_protocol::{ErrorBody, ErrorCode, UserId};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use story::Story;

/// A demo person.
#[derive(Clone, Copy)]
struct Person {
    id: &'static str,
    name: &'static str,
    /// The path of their picture, which the page has.
    picture: &'static str,
}

/// The demo people.
const PEOPLE: [Person; 3] = [
    Person { id: "ann", name: "Ann Berger", picture: "/assets/ann.svg" },
    Person { id: "ben", name: "Ben Okafor", picture: "/assets/ben.svg" },
    Person { id: "mei", name: "Mei Lin", picture: "/assets/mei.svg" },
];
/// Domain of the demo people's addresses, which gets no mail (RFC 2606, section 3).
const DOMAIN: &str = "example.com";
/// Validity of a demo sign-in, in seconds: a working day.
const DEMO_TOKEN_LIFE_S: i64 = 12 * 3_600;
/// The path of the list of demo people, which is always there.
const PEOPLE_PATH: &str = "/demo/people";
/// Headers that proxies add, beside all that begin with `x-forwarded-`.
const ADDED_BY_PROXIES: [&str; 5] = ["forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip"];

/// What a sign-in needs.
struct Desk {
    tokens: Tokens,
    directory: Arc<dyn Directory>,
    /// None where the secret is one of a host application.
    story: Option<Story>,
}

impl Desk {
    /// Enters the demo people into the directory: by their names and pictures others find them, and by an
    /// address the outbox shows what they would be mailed. Whoever has an address stays as they are. The demo
    /// works without a directory too.
    async fn introduce(&self) {
        let people: Vec<UserId> = PEOPLE.iter().map(user).collect();
        let Ok(known) = self.directory.profiles(&people).await else { return };
        for person in &PEOPLE {
            let id = user(person);
            if known.get(&id).is_some_and(|profile| profile.email.is_some()) {
                continue;
            }
            let (email, avatar) = (Some(format!("{id}@{DOMAIN}")), Some(person.picture.to_owned()));
            let profile = Profile { id, name: person.name.to_owned(), avatar, email, role: None };
            if let Err(error) = self.directory.put_profile(&profile).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a demo person is not in the directory"
                );
            }
        }
    }
}

fn user(person: &Person) -> UserId {
    person.id.parse().expect("demo people have valid ids")
}

/// The demo's routes as the configuration says. Nobody's demo has an empty list of people. `requests` carries
/// what the demo people have said.
pub fn router(config: &Config, backends: &Backends, requests: Requests) -> anyhow::Result<Router> {
    // Whoever gave the secret has users of their own, and gets no made-up conversations beside theirs.
    let is_ours = config.auth.jwt_secret.is_empty();
    let story =
        is_ours.then(|| Story::new(requests, Arc::clone(&backends.store), Arc::clone(&backends.clock)));
    routes(config, Arc::clone(&backends.clock), Arc::clone(&backends.directory), story)
}

fn routes(
    config: &Config,
    clock: Arc<dyn Clock>,
    directory: Arc<dyn Directory>,
    story: Option<Story>,
) -> anyhow::Result<Router> {
    let reach = config.demo_reach();
    if reach == DemoReach::Nobody {
        return Ok(Router::new().route(PEOPLE_PATH, get(nobody)));
    }
    let desk = Arc::new(Desk { tokens: secret::tokens(config, clock)?, directory, story });
    let demo = Router::new()
        .route(PEOPLE_PATH, get(people))
        .route("/demo/sign-in/{person}", post(sign_in))
        .with_state(desk);
    Ok(match reach {
        DemoReach::ThisMachine => {
            demo.layer(middleware::from_fn_with_state(Arc::<AtomicBool>::default(), only_this_machine))
        }
        DemoReach::Everybody | DemoReach::Nobody => demo,
    })
}

/// Lets through who asks at this machine. To others there are no demo people.
pub(crate) async fn only_this_machine(
    State(told): State<Arc<AtomicBool>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(sign) = sign_of_elsewhere(&request) else { return next.run(request).await };
    if request.uri().path() == PEOPLE_PATH {
        return nobody().await.into_response();
    }
    if !told.swap(true, Relaxed) {
        tracing::warn!(
            sign,
            "a page of the demo was asked for from elsewhere and refused; DEMO=on would allow the sign-in to everybody \
             (said once)"
        );
    }
    let error = "the demo is for people at the server's own machine";
    (StatusCode::FORBIDDEN, Json(ErrorBody::new(ErrorCode::Forbidden, error))).into_response()
}

/// What says that the request does not come from a browser at this machine.
fn sign_of_elsewhere(request: &Request<Body>) -> Option<&'static str> {
    let headers = request.headers();
    let is_added = |name: &str| name.starts_with("x-forwarded-") || ADDED_BY_PROXIES.contains(&name);
    // nginx speaks HTTP/1.0 to the servers behind it unless told otherwise; browsers do not speak it at all.
    if request.version() == Version::HTTP_10 {
        return Some("HTTP/1.0");
    }
    if headers.keys().any(|name| is_added(name.as_str())) {
        return Some("a header of a proxy");
    }
    let Some(host) = text(headers, &header::HOST).filter(|host| is_this_machine(host)) else {
        return Some("the host that was asked");
    };
    let origin = text(headers, &header::ORIGIN);
    let is_own = origin.is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    (!is_own || (origin.is_none() && headers.contains_key(header::ORIGIN)))
        .then_some("the origin of the page")
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

async fn nobody() -> Json<serde_json::Value> {
    Json(json!({"people": []}))
}

async fn people() -> Json<serde_json::Value> {
    let people =
        PEOPLE.map(|Person { id, name, picture }| json!({"id": id, "name": name, "avatar": picture}));
    Json(json!({"people": people}))
}

async fn sign_in(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Response {
    let Some(person) = PEOPLE.iter().find(|person| person.id == id) else {
        let error = ErrorBody::new(ErrorCode::NotFound, "there is no such demo person");
        return (StatusCode::NOT_FOUND, Json(error)).into_response();
    };
    desk.introduce().await;
    let mut thread = None;
    if let Some(story) = &desk.story {
        story.tell().await;
        thread = story::opened_by(person.id);
    }
    let token = desk.tokens.mint(&user(person), person.name, DEMO_TOKEN_LIFE_S);
    let shown = json!({"id": person.id, "name": person.name});
    Json(json!({"success": true, "token": token, "user": shown, "threadId": thread})).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use axum::body::to_bytes;
    use eventflow_config::DemoMode;
    use eventflow_ports::{NameEntry, Segment, StoreError, SystemClock};
    use eventflow_protocol::person::{Revocation, TokenName};
    use std::collections::HashMap;
    use tower::ServiceExt as _;

    /// A directory that is away: the demo works without it.
    struct Strangers;

    #[async_trait]
    impl Directory for Strangers {
        async fn profiles(&self, _users: &[UserId]) -> Result<HashMap<UserId, Profile>, StoreError> {
            Err(away())
        }
        async fn people(
            &self,
            _segment: &Segment,
            _after: Option<&UserId>,
            _limit: u32,
        ) -> Result<Vec<UserId>, StoreError> {
            Err(away())
        }
        async fn names(
            &self,
            _beginning: &str,
            _after: Option<&NameEntry>,
            _limit: u32,
        ) -> Result<Vec<NameEntry>, StoreError> {
            Err(away())
        }
        async fn put_profile(&self, _profile: &Profile) -> Result<(), StoreError> {
            Err(away())
        }
        async fn note_token_name(&self, _name: &TokenName) -> Result<(), StoreError> {
            Err(away())
        }
        async fn token_name(&self, _user: &UserId) -> Result<Option<String>, StoreError> {
            Err(away())
        }
        async fn revoke(&self, _revocation: &Revocation) -> Result<(), StoreError> {
            Err(away())
        }
        async fn revocations(&self, _user: &UserId) -> Result<Vec<Revocation>, StoreError> {
            Err(away())
        }
    }

    fn away() -> StoreError {
        StoreError::Unavailable { what: "ask", source: Box::new(std::io::Error::other("away")) }
    }

    fn config() -> (Config, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = eventflow_config::defaults();
        config.data.dir = folder.path().to_owned();
        (config, folder)
    }

    async fn ask(config: &Config, version: Version, headers: &[(&str, &str)]) -> (u16, usize) {
        let router = routes(config, Arc::new(SystemClock), Arc::new(Strangers), None).unwrap();
        let request = |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path).version(version);
            let with = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            with.body(Body::empty()).unwrap()
        };
        let signed_in = router.clone().oneshot(request("POST", "/demo/sign-in/ann")).await.unwrap();
        let people = router.oneshot(request("GET", PEOPLE_PATH)).await.unwrap();
        let body = to_bytes(people.into_body(), 1_000).await.unwrap();
        let people: serde_json::Value = serde_json::from_slice(&body).unwrap();
        (signed_in.status().as_u16(), people["people"].as_array().unwrap().len())
    }

    #[tokio::test]
    async fn a_demo_person_is_had_at_this_machine_and_not_through_a_proxy() {
        let (config, _folder) = config();
        let host = ("host", "127.0.0.1:8080");
        for headers in [&[host][..], &[host, ("origin", "http://127.0.0.1:8080")], &[("host", "localhost")]] {
            assert_eq!(ask(&config, Version::HTTP_11, headers).await, (200, 3), "{headers:?}");
        }
        for headers in [
            &[host, ("x-forwarded-for", "203.0.113.9")][..],
            &[host, ("x-forwarded-proto", "https")],
            &[host, ("forwarded", "for=203.0.113.9")],
            &[host, ("x-real-ip", "203.0.113.9")],
            &[host, ("via", "1.1 proxy")],
            &[host, ("origin", "https://chat.example.com")],
            &[host, ("origin", "http://localhost:3000")],
            &[host, ("origin", "null")],
            &[("host", "chat.example.com")],
            &[("host", "10.0.0.5:8080")],
            &[],
        ] {
            assert_eq!(ask(&config, Version::HTTP_11, headers).await, (403, 0), "{headers:?}");
        }
        assert_eq!(ask(&config, Version::HTTP_10, &[host]).await, (403, 0), "nginx as it comes");
    }

    #[tokio::test]
    async fn an_operator_can_open_the_demo_to_everybody_and_close_it() {
        let (mut config, _folder) = config();
        let proxied = [("host", "demo.example.com"), ("x-forwarded-for", "203.0.113.9")];
        config.demo.mode = DemoMode::On;
        assert_eq!(ask(&config, Version::HTTP_11, &proxied).await, (200, 3));
        config.demo.mode = DemoMode::Off;
        assert_eq!(ask(&config, Version::HTTP_11, &[("host", "localhost")]).await, (404, 0));
    }
}
