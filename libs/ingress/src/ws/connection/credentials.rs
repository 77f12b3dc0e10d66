//! Credentials of a handshake: the token in `auth.token`, in the bearer header or in a cookie. In this order,
//! the first that holds counts.
//!
//! If none holds, a token that was presented on purpose refuses the connection with a code, so that the
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
        let refused = &self.edge.metrics.edge.refused;
        self.edge.check_origin(headers).inspect_err(|_| refused.of(RefusalReason::Origin).inc())
    }

    /// Who connects; `None` if nobody has said so in a way that holds.
    pub(crate) async fn identify(
        &self,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Option<Identity>, ConnectError> {
        let found = self.first_that_holds(handshake, auth).await;
        found.map_err(|refusal| {
            self.edge.metrics.edge.refused.of(RefusalReason::Credentials).inc();
            // Nobody can say now whose token it is. A `connect_error` would keep the official client away.
            if refusal.code == ErrorCode::Unavailable {
                return ConnectError::come_back("unavailable");
            }
            connect_error(&refusal)
        })
    }

    /// Whose token it is, if it holds and was not taken back. The word `Bearer` may stand in front of it.
    pub(crate) async fn verify(&self, presented: &str) -> Result<Identity, Refusal> {
        self.edge.authenticate(identity::bare(presented)).await
    }

    /// Whose token or cookie holds; `None` if there is none, or only a cookie that does not.
    async fn first_that_holds(
        &self,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Option<Identity>, Refusal> {
        let headers = &handshake.headers;
        let given = token_of(auth)?;
        let mut refused = None;
        for token in given.as_deref().into_iter().chain(identity::bearer(headers)) {
            match self.verify(token).await {
                Ok(identity) => return Ok(Some(identity)),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        if let Some(identity) = self.identify_by_cookie(headers).await {
            return Ok(Some(identity));
        }
        let in_url = || identity::has_token_in_url(&handshake.uri).then(Refusal::token_in_url);
        refused.or_else(in_url).map_or(Ok(None), Err)
    }

    /// Whose cookie came along with a request of one of our pages.
    async fn identify_by_cookie(&self, headers: &HeaderMap) -> Option<Identity> {
        if !self.edge.origins.allows_cookie_auth(headers) {
            return None;
        }
        for token in identity::cookies(headers) {
            if let Ok(identity) = self.verify(token).await {
                return Some(identity);
            }
        }
        None
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
