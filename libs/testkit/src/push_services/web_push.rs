//! The browser vendor's side: takes a push (RFC 8030), checks who sends it (RFC 8292), and decrypts it as the
//! browser would (RFC 8291).

use super::browser::Browser;
use super::fault::Fault;
use super::fcm::claims;
use super::state::{ReceivedPush, State as Services, lock};
use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest body that a push service has to take.
const BODY_MAX_BYTES: usize = 4_096;
/// Longest life of a signature in seconds (RFC 8292, 2).
const LIFE_MAX: u64 = 24 * 60 * 60;

/// `POST /push/{id}`
pub(super) async fn take(
    State(services): State<Arc<Services>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let fault = services.next_fault();
    let is_without_answer = matches!(fault, Some(Fault::TakenWithoutAnswer));
    if let Some(fault) = fault.filter(|_| !is_without_answer) {
        return fault.into_response().await;
    }
    let browser = lock(&services.browsers).get(&id).cloned();
    let Some(browser) = browser else { return StatusCode::NOT_FOUND.into_response() };
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    if body.len() > BODY_MAX_BYTES {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    if let Err(wrong) = check_sender(&parts.headers, &services.origin, &browser) {
        services.complain(wrong);
        return StatusCode::FORBIDDEN.into_response();
    }
    let given = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let payload = browser.decrypt(body.to_vec()).and_then(|payload| serde_json::from_slice(&payload).ok());
    let is_encoded = given(CONTENT_ENCODING.as_str()).as_deref() == Some("aes128gcm");
    let Some(payload) = payload.filter(|_| is_encoded && given("ttl").is_some()) else {
        services.complain("the push cannot be decrypted, or has no TTL");
        return StatusCode::BAD_REQUEST.into_response();
    };
    let named = ["ttl", "urgency", "topic"].map(|name| given(name).map(|value| (name.to_owned(), value)));
    let headers = named.into_iter().flatten().collect();
    services.take(ReceivedPush { to: id, payload, headers, version: parts.version });
    services.think().await;
    if is_without_answer {
        return Fault::TakenWithoutAnswer.into_response().await;
    }
    (StatusCode::CREATED, [(LOCATION, format!("{}/message/1", services.origin))]).into_response()
}

fn check_sender(headers: &HeaderMap, origin: &str, browser: &Browser) -> Result<(), &'static str> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or("no authorization")?;
    let rest = value.strip_prefix("vapid ").ok_or("the scheme is not vapid")?;
    let part = |name: &str| rest.split(',').find_map(|part| part.trim().strip_prefix(name));
    let (token, key) = part("t=").zip(part("k=")).ok_or("the authorization has no t or no k")?;
    if key != browser.application_server_key {
        return Err("the browser subscribed with another key");
    }
    let (content, signature) = token.rsplit_once('.').ok_or("the token has no signature")?;
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "no base64url");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decode(key)?)
        .verify(content.as_bytes(), &decode(signature)?)
        .map_err(|_| "the token has a wrong signature")?;
    let claims = claims(content).ok_or("the claims cannot be read")?;
    let left = claims["exp"].as_u64().and_then(|exp| exp.checked_sub(now()));
    let is_contact =
        claims["sub"].as_str().is_some_and(|sub| sub.starts_with("mailto:") || sub.starts_with("https:"));
    if claims["aud"] != *origin || left.is_none_or(|left| left > LIFE_MAX) || !is_contact {
        return Err("the claims are wrong");
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the push service has a clock of its own")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
