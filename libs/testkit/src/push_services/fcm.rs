//! Google's side: access tokens for signed assertions (RFC 7523), and FCM HTTP v1.

use super::fault::Fault;
use super::state::{ReceivedPush, State as Services, lock};
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A key that was made for this file and opens nothing.
const KEY: &str = include_str!("service-account.pem");
const PROJECT: &str = "eventflow-test";
const EMAIL: &str = "push@eventflow-test.iam.gserviceaccount.com";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// Longest message that FCM takes.
const MESSAGE_MAX_BYTES: usize = 4_096;

/// The file that the Firebase console would give.
pub(super) fn service_account(origin: &str) -> String {
    json!({
        "type": "service_account", "project_id": PROJECT, "private_key_id": "1", "private_key": KEY,
        "client_email": EMAIL, "token_uri": format!("{origin}/token"),
    })
    .to_string()
}

/// `POST /token`
pub(super) async fn token(State(services): State<Arc<Services>>, body: String) -> Response {
    let fault = lock(&services.token_faults).pop_front();
    if let Some(fault) = fault {
        return fault.into_response().await;
    }
    let granted =
        body.strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant%2Dtype%3Ajwt%2Dbearer&assertion=");
    if let Err(wrong) = granted.ok_or("no assertion").and_then(|assertion| check(assertion, &services.origin))
    {
        services.complain(wrong);
        return (StatusCode::BAD_REQUEST, json!({"error": "invalid_grant"}).to_string()).into_response();
    }
    let mut access = lock(&services.access);
    access.1 += 1;
    access.0 = format!("ya29.test-{}", access.1);
    let granted = json!({"access_token": access.0, "expires_in": 3_599, "token_type": "Bearer"});
    granted.to_string().into_response()
}

fn check(assertion: &str, origin: &str) -> Result<(), &'static str> {
    let (content, signature) = assertion.rsplit_once('.').ok_or("the assertion has no signature")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the signature is no base64url")?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).map_err(|_| "no key")?;
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| "no key")?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    public.verify(content.as_bytes(), &signature).map_err(|_| "the assertion has a wrong signature")?;
    let claims = claims(content).ok_or("the claims cannot be read")?;
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    if claims["iss"] != EMAIL || claims["scope"] != SCOPE || claims["aud"] != format!("{origin}/token") {
        return Err("the assertion is for somebody else");
    }
    if life.is_none_or(|life| !(1..=3_600).contains(&life)) {
        return Err("the assertion lives too long");
    }
    Ok(())
}

/// The claims of a token.
pub(super) fn claims(content: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(content.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// `POST /v1/projects/{project}/messages:send`
pub(super) async fn send(
    State(services): State<Arc<Services>>,
    Path((project, act)): Path<(String, String)>,
    request: Request,
) -> Response {
    let fault = services.next_fault();
    let is_without_answer = matches!(fault, Some(Fault::TakenWithoutAnswer));
    if let Some(fault) = fault.filter(|_| !is_without_answer) {
        return fault.into_response().await;
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let access = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let current = lock(&services.access).0.clone();
    if current.is_empty() || access != format!("Bearer {current}") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let message = serde_json::from_slice::<Value>(&body).ok().map(|mut body| body["message"].take());
    let Some(message) = message.filter(|message| is_sound(&services, &project, &act, message, &body)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let to = message["token"].as_str().unwrap_or_default().to_owned();
    let push = ReceivedPush { to, payload: message, headers: BTreeMap::new(), version: parts.version };
    let number = services.take(push);
    services.think().await;
    if is_without_answer {
        return Fault::TakenWithoutAnswer.into_response().await;
    }
    json!({"name": format!("projects/{project}/messages/{number}")}).to_string().into_response()
}

/// Whether the message is one that FCM takes: texts in `data`, a token, not too long.
fn is_sound(services: &Services, project: &str, act: &str, message: &Value, body: &Bytes) -> bool {
    let is_data_text = message["data"].as_object().is_none_or(|data| data.values().all(Value::is_string));
    let has_token = message["token"].as_str().is_some_and(|token| !token.is_empty());
    let is_sound = project == PROJECT
        && act == "messages:send"
        && is_data_text
        && has_token
        && body.len() <= MESSAGE_MAX_BYTES;
    if !is_sound {
        services.complain(format!("FCM cannot take this message: {message}"));
    }
    is_sound
}
