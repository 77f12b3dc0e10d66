//! The caller of a route: how a request's credential is read, and what [`crate::http::authorize`] hands to
//! the handler.
//!
//! A program sends a bearer token on purpose; a browser sends a cookie whichever page asks. So a write that
//! only a cookie proves needs the session's `X-CSRF-Token`, and the browser's word that the page is ours.

use crate::csrf;
use crate::edge::Edge;
use crate::identity::{self, Identity};
use crate::refusal::Refusal;
use axum::extract::FromRequestParts;
use eventflow_protocol::ErrorCode;
use http::request::Parts;
use http::{HeaderMap, Uri};

/// The identity that [`crate::http::authorize`] let through.
pub(crate) struct Caller(pub(crate) Identity);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let identity = parts.extensions.get::<Identity>().cloned();
        Ok(Self(identity.ok_or_else(Refusal::unauthenticated)?))
    }
}

/// How a credential came with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Bearer,
    Cookie,
}

/// The identity that the first of a request's credentials proves that holds and was not revoked. If none
/// does, the refusal is that of the first one.
pub(crate) async fn identify(
    edge: &Edge,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(Identity, Carrier), Refusal> {
    let bearer = identity::bearer(headers).map(|token| (token, Carrier::Bearer));
    let cookies = identity::cookies(headers).map(|token| (token, Carrier::Cookie));
    let mut refused = None;
    for (token, carrier) in bearer.into_iter().chain(cookies) {
        match edge.authenticate(token).await {
            Ok(identity) => return Ok((identity, carrier)),
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    let without = || {
        if identity::has_token_in_url(uri) { Refusal::token_in_url() } else { Refusal::unauthenticated() }
    };
    Err(refused.unwrap_or_else(without))
}

/// Refuses a write that a cookie alone proves, if a foreign page may have caused it.
pub(crate) fn require_csrf(edge: &Edge, headers: &HeaderMap, identity: &Identity) -> Result<(), Refusal> {
    let token = headers.get(csrf::HEADER).and_then(|token| token.to_str().ok());
    if edge.origins.allows_cookie_auth(headers)
        && token.is_some_and(|token| edge.csrf.accepts(identity.session, token))
    {
        return Ok(());
    }
    let error = "the write needs the session's X-CSRF-Token and must come from a page of this site";
    Err(Refusal::new(ErrorCode::CsrfFailed, error))
}
