//! Who calls a route, as [`crate::http::gate`] found; and how a credential of a request is read.
//!
//! A bearer token is sent on purpose; a cookie is sent by the browser whoever asks. So a write on the strength of a cookie
//! needs the session's `X-CSRF-Token`, and a browser's word that the page is ours.

use crate::csrf;
use crate::http::failure::Failure;
use crate::identity::{self, Identity};
use crate::parts::Edge;
use crate::refusal::Refusal;
use axum::extract::FromRequestParts;
use eventflow_protocol::ErrorCode;
use http::HeaderMap;
use http::request::Parts;

/// Whoever the gate let in.
pub(crate) struct Caller(pub(crate) Identity);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        let identity = parts.extensions.get::<Identity>().cloned();
        Ok(Self(identity.ok_or_else(Refusal::unauthenticated)?))
    }
}

/// How a credential came along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Bearer,
    Cookie,
}

/// Whose credential a request carries, if it holds and was not revoked.
pub(crate) async fn identify(edge: &Edge, headers: &HeaderMap) -> Result<(Identity, Carrier), Refusal> {
    let bearer = identity::bearer(headers).map(|token| (token, Carrier::Bearer));
    let cookie = || identity::cookie(headers).map(|token| (token, Carrier::Cookie));
    let (token, carrier) = bearer.or_else(cookie).ok_or_else(Refusal::unauthenticated)?;
    let identity = edge.tokens.verify(token)?;
    edge.revocations.check(&identity.user, identity.session, identity.issued_at).await?;
    Ok((identity, carrier))
}

/// Refuses a write on the strength of a cookie that a foreign page may have caused.
pub(crate) fn require_csrf(edge: &Edge, headers: &HeaderMap, identity: &Identity) -> Result<(), Refusal> {
    let token = headers.get(csrf::HEADER).and_then(|token| token.to_str().ok());
    if edge.origins.lets_cookie_act(headers)
        && token.is_some_and(|token| edge.csrf.accepts(identity.session, token))
    {
        return Ok(());
    }
    let error = "the write needs the session's X-CSRF-Token and must come from a page of this site";
    Err(Refusal::new(ErrorCode::CsrfFailed, error))
}
