//! Who connects, and whether there is a seat for them: the credential of a handshake, from `auth.token`, the bearer header or the
//! cookie, in this order.
//!
//! A token that was presented on purpose and does not hold refuses the connection with a code, so that the client can fetch
//! another. A cookie comes along by itself: without a good one the client gets in, unauthenticated, and hears
//! `auth:error` when it asks, which is what the published page listens for. A cookie counts only for our own pages.

use crate::edge::Edge;
use crate::fields;
use crate::identity::{self, Identity};
use crate::refusal::Refusal;
use crate::ws::caps::{Caps, Seat};
use eventflow_metrics::RefusalReason;
use eventflow_protocol::UserId;
use eventflow_socketio::{ConnectError, Handshake};
use http::StatusCode;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Who is there; `None` if nobody has said so in a way that holds.
pub(crate) async fn identify(
    edge: &Edge,
    handshake: &Handshake,
    auth: Option<&RawValue>,
) -> Result<Option<Identity>, ConnectError> {
    let headers = &handshake.headers;
    let presented =
        presented(auth).map(|token| token.or_else(|| identity::bearer(headers).map(str::to_owned)));
    match presented {
        Ok(Some(token)) => {
            verify(edge, &token).await.map(Some).map_err(|refusal| bad_credential(edge, &refusal))
        }
        Ok(None) if edge.origins.allows_cookie_auth(headers) => match identity::cookie(headers) {
            Some(token) => Ok(verify(edge, token).await.ok()),
            None => Ok(None),
        },
        Ok(None) => Ok(None),
        Err(refusal) => Err(bad_credential(edge, &refusal)),
    }
}

/// Whose token it is, if it holds and was not taken back.
pub(crate) async fn verify(edge: &Edge, token: &str) -> Result<Identity, Refusal> {
    let identity = edge.tokens.verify(token)?;
    edge.revocations.check(&identity.user, identity.session, identity.issued_at).await?;
    Ok(identity)
}

/// The token of the CONNECT packet's `auth` object.
fn presented(auth: Option<&RawValue>) -> Result<Option<String>, Refusal> {
    let Some(auth) = auth else { return Ok(None) };
    fields::optional_text(&mut fields::parse(auth.get().as_bytes())?, "token", "auth.token")
}

/// A seat for the connection, of `user` if they are known already.
pub(crate) fn seat(
    caps: &Arc<Caps>,
    handshake: &Handshake,
    user: Option<&UserId>,
) -> Result<Seat, ConnectError> {
    caps.seat(handshake, user).map_err(|refusal| connect_error(&refusal))
}

/// A refusal as the answer to a request.
pub(crate) fn turned_away(refusal: &Refusal) -> eventflow_socketio::RequestRefusal {
    let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::FORBIDDEN);
    eventflow_socketio::RequestRefusal { status, body: serde_json::json!(refusal.body()) }
}

fn bad_credential(edge: &Edge, refusal: &Refusal) -> ConnectError {
    edge.metrics.edge.refused.of(RefusalReason::Credentials).inc();
    connect_error(refusal)
}

fn connect_error(refusal: &Refusal) -> ConnectError {
    let error = ConnectError::new(refusal.error.clone());
    let data = serde_json::value::to_raw_value(&serde_json::json!({ "code": refusal.code }));
    match data {
        Ok(data) => error.with_data(data),
        Err(_) => error,
    }
}
