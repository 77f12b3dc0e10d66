//! Credentials of a handshake: the token in `auth.token`, in the bearer header or in the cookie, in this
//! order.
//!
//! A token that was presented on purpose and does not hold refuses the connection with a code, so that the
//! client can fetch another one; so does one in the URL, which is not read. A cookie comes along by itself:
//! without a good one the client gets in, unauthenticated, and hears `auth:error` when it asks, which is what
//! the published page listens for. A cookie counts only for our own pages.

use crate::edge::Edge;
use crate::identity::{self, Identity};
use crate::refusal::Refusal;
use eventflow_metrics::RefusalReason;
use eventflow_protocol::ErrorCode;
use eventflow_protocol::client;
use eventflow_protocol::client::events::ConnectErrorData;
use eventflow_protocol::client::requests::HandshakeAuth;
use eventflow_socketio::{ConnectError, Handshake, RequestRefusal};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use serde_json::value::RawValue;

/// Checks what connections and `auth` events present.
pub(crate) struct Credentials {
    edge: Edge,
}

impl Credentials {
    /// With the checks that sockets and REST share.
    pub(crate) fn new(edge: Edge) -> Self {
        Self { edge }
    }

    /// Refuses requests of foreign pages.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.edge.origins.admits(headers) {
            return Ok(());
        }
        self.edge.metrics.edge.refused.of(RefusalReason::Origin).inc();
        Err(Refusal::new(ErrorCode::Forbidden, "this origin is not allowed"))
    }

    /// Who connects; `None` if nobody has said so in a way that holds.
    pub(crate) async fn identify(
        &self,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Option<Identity>, ConnectError> {
        match self.identify_by_any(handshake, auth).await {
            Ok(identity) => Ok(identity),
            Err(refusal) => {
                self.edge.metrics.edge.refused.of(RefusalReason::Credentials).inc();
                Err(connect_error(&refusal))
            }
        }
    }

    /// Whose token it is, if it holds and was not taken back. The word `Bearer` may stand in front of it.
    pub(crate) async fn verify(&self, presented: &str) -> Result<Identity, Refusal> {
        self.edge.authenticate(identity::bare(presented)).await
    }

    async fn identify_by_any(
        &self,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Option<Identity>, Refusal> {
        if let Some(identity) = self.identify_by_token(&handshake.headers, auth).await? {
            return Ok(Some(identity));
        }
        let identity = self.identify_by_cookie(&handshake.headers).await;
        if identity.is_none() && identity::has_token_in_url(&handshake.uri) {
            return Err(Refusal::token_in_url());
        }
        Ok(identity)
    }

    /// Who presents a token on purpose; `None` if there is no such token.
    async fn identify_by_token(
        &self,
        headers: &HeaderMap,
        auth: Option<&RawValue>,
    ) -> Result<Option<Identity>, Refusal> {
        let presented = token_of(auth)?;
        match presented.as_deref().or_else(|| identity::bearer(headers)) {
            Some(token) => self.verify(token).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whose cookie came along with a request of one of our pages.
    async fn identify_by_cookie(&self, headers: &HeaderMap) -> Option<Identity> {
        if !self.edge.origins.allows_cookie_auth(headers) {
            return None;
        }
        let token = identity::cookie(headers)?;
        self.verify(token).await.ok()
    }
}

/// The token in the `auth` object of a CONNECT packet.
fn token_of(auth: Option<&RawValue>) -> Result<Option<String>, Refusal> {
    let Some(auth) = auth else { return Ok(None) };
    let auth: HandshakeAuth = client::parse_field(auth.get().as_bytes(), "auth")?;
    Ok(auth.token)
}

/// A refusal as the answer to an HTTP request. A page reads it only if its origin is one of ours.
pub(crate) fn turned_away(refusal: &Refusal) -> RequestRefusal {
    RequestRefusal {
        status: StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::FORBIDDEN),
        body: json!(refusal.body()),
        retry_after: refusal.retry_after(),
        is_readable: refusal.code != ErrorCode::Forbidden,
    }
}

/// A refusal as the answer to a CONNECT packet.
pub(crate) fn connect_error(refusal: &Refusal) -> ConnectError {
    let error = ConnectError::new(refusal.error.clone());
    let data = serde_json::value::to_raw_value(&ConnectErrorData {
        code: refusal.code,
        retry_after_ms: refusal.body().retry_after_ms,
    });
    match data {
        Ok(data) => error.with_data(data),
        Err(_) => error,
    }
}
