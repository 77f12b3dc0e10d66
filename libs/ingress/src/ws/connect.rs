//! Who connects: the credential of a handshake, from `auth.token`, the bearer header or the cookie, in this order.
//!
//! A token that was presented on purpose and does not hold refuses the connection with a code, so that the client can fetch
//! another. A cookie comes along by itself: without a good one the client gets in, unauthenticated, and hears
//! `auth:error` when it asks, which is what the published page listens for. A cookie counts only for our own pages.

use crate::fields;
use crate::identity::{self, Identity};
use crate::parts::Edge;
use crate::refusal::Refusal;
use eventflow_socketio::{ConnectError, Handshake};
use serde_json::value::RawValue;

/// Who is there; `None` if nobody has said so in a way that holds.
pub(crate) fn identify(edge: &Edge, handshake: &Handshake, auth: Option<&RawValue>) -> Result<Option<Identity>, ConnectError> {
    let headers = &handshake.headers;
    let presented = presented(auth).map(|token| token.or_else(|| identity::bearer(headers).map(str::to_owned)));
    match presented.and_then(|token| token.map(|token| edge.tokens.verify(&token)).transpose()) {
        Ok(Some(identity)) => Ok(Some(identity)),
        Ok(None) if edge.origins.lets_cookie_act(headers) => {
            Ok(identity::cookie(headers).and_then(|token| edge.tokens.verify(token).ok()))
        }
        Ok(None) => Ok(None),
        Err(refusal) => Err(connect_error(edge, &refusal)),
    }
}

/// The token of the CONNECT packet's `auth` object.
fn presented(auth: Option<&RawValue>) -> Result<Option<String>, Refusal> {
    let Some(auth) = auth else { return Ok(None) };
    fields::optional_text(&mut fields::parse(auth.get().as_bytes())?, "token", "auth.token")
}

fn connect_error(edge: &Edge, refusal: &Refusal) -> ConnectError {
    edge.metrics.edge.refused.with_label_values(&["credentials"]).inc();
    let error = ConnectError::new(refusal.error.clone());
    let data = serde_json::value::to_raw_value(&serde_json::json!({ "code": refusal.code }));
    match data {
        Ok(data) => error.with_data(data),
        Err(_) => error,
    }
}
