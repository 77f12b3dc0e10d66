//! Who calls a route, and whether a write was really asked for by one of our pages.
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
use std::sync::Arc;

/// Somebody who may read.
pub(crate) struct Reader(pub(crate) Identity);

/// Somebody who may write.
pub(crate) struct Writer(pub(crate) Identity);

/// How a credential came along.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Bearer,
    Cookie,
}

impl FromRequestParts<Arc<Edge>> for Reader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, edge: &Arc<Edge>) -> Result<Self, Failure> {
        Ok(Self(identify(edge, &parts.headers)?.0))
    }
}

impl FromRequestParts<Arc<Edge>> for Writer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, edge: &Arc<Edge>) -> Result<Self, Failure> {
        let (identity, carrier) = identify(edge, &parts.headers)?;
        if carrier == Carrier::Cookie && !was_asked_for(edge, &parts.headers, &identity) {
            let error = "the write needs the session's X-CSRF-Token and must come from a page of this site";
            return Err(Refusal::new(ErrorCode::CsrfFailed, error).into());
        }
        Ok(Self(identity))
    }
}

fn identify(edge: &Edge, headers: &HeaderMap) -> Result<(Identity, Carrier), Refusal> {
    let bearer = identity::bearer(headers).map(|token| (token, Carrier::Bearer));
    let cookie = || identity::cookie(headers).map(|token| (token, Carrier::Cookie));
    let (token, carrier) = bearer.or_else(cookie).ok_or_else(Refusal::unauthenticated)?;
    Ok((edge.tokens.verify(token)?, carrier))
}

fn was_asked_for(edge: &Edge, headers: &HeaderMap, identity: &Identity) -> bool {
    let token = headers.get(csrf::HEADER).and_then(|token| token.to_str().ok());
    edge.origins.lets_cookie_act(headers) && token.is_some_and(|token| edge.csrf.accepts(identity.session, token))
}
