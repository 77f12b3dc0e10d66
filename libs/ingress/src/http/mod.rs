//! REST: every route behind the same layers and the same authorization, as [`routes`] lists them.
//!
//! Read in this order: [`routes`] (the table), [`layers`] (around every request), [`authorize`] (who may),
//! then the routes themselves. Routes read the store directly, and turn writes into commands. Every answer is
//! JSON with `success`; every error is `{success:false, error, code}`. No route sets a cookie: the token's
//! cookie belongs to the host application.
//!
//! | module | tells |
//! |---|---|
//! | [`routes`] | the table: method, path, who may, which endpoint |
//! | [`layers`], [`rate_limits`] | around every request: origin, CORS, budgets, timeout, headers, metrics |
//! | [`authorize`], [`caller`] | before every endpoint: identity, role, CSRF |
//! | [`path`], [`query`], [`body`] | what endpoints read |
//! | [`answer`], [`refusal_response`] | the two ways they answer |
//! | [`page_bytes`], [`answers_in_flight`] | how large a page may be, and all of them together |
//! | [`threads`], [`listed_threads`], [`changes`], [`cursors`] | conversations |
//! | [`messages`], [`history_cursor`] | the history of a conversation, and sending |
//! | [`drafts`], [`scheduled`] | what the caller has begun to write, and what is to be sent later |
//! | [`attachments`] | files that clients upload and get |
//! | [`search`], [`search_cursor`] | finding messages in all conversations |
//! | [`notifications`], [`notify`], [`sends`], [`preferences`] | the inbox |
//! | [`open_routes`], [`unsubscribe`], [`webhook`], [`suppressions`] | e-mail |
//! | [`devices`] | where pushes go |
//! | [`after_clocks`] | changes that count also after a clock was ahead |
//! | [`ops`] | the running system, for operators |
//! | [`dead_letters`], [`replays`] | what could not be handled, and the audit log |
//! | [`people_search`] | finding people by name |
//! | [`erasures`] | what is kept of a person: taken out, and erased |
//! | [`presence`], [`users`], [`status`], [`csrf_token`] | people and operation |

mod after_clocks;
pub(crate) mod answer;
mod answers_in_flight;
pub(crate) mod attachments;
mod authorize;
mod blocks;
pub(crate) mod body;
pub(crate) mod caller;
mod changes;
mod csrf_token;
mod cursors;
pub(crate) mod dead_letters;
mod deliveries;
mod devices;
mod drafts;
pub(crate) mod erasures;
mod groups;
mod history_cursor;
mod layers;
mod listed_threads;
mod messages;
mod notifications;
mod notify;
mod open_routes;
mod ops;
mod page_bytes;
pub(crate) mod path;
pub(crate) mod people_search;
mod pins;
mod preferences;
mod presence;
pub(crate) mod query;
mod rate_limits;
mod refusal_response;
mod replays;
mod reports;
pub(crate) mod routes;
mod scheduled;
mod search;
mod search_cursor;
mod sends;
mod status;
mod suppressions;
mod threads;
mod unsubscribe;
mod users;
pub(crate) mod webhook;

use crate::client_address::ProxyTrust;
use crate::edge::Edge;
use crate::parts::IngressParts;
use crate::settings::SetupError;
use answers_in_flight::AnswersInFlight;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use rate_limits::RateLimits;
use std::sync::Arc;

/// Largest request body: the frame limit of sockets, so that what can be sent one way can be sent the other.
pub const BODY_MAX_BYTES: usize = 256 * 1024;

/// All routes, under `/api`. Unknown paths under it are answered here too, as JSON.
///
/// Limits per client address need a listener that provides `ConnectInfo<SocketAddr>`.
pub fn router(parts: &IngressParts) -> Result<Router, SetupError> {
    let edge = Arc::new(Edge::new(parts)?);
    let limits = Arc::new(RateLimits::new(&parts.config));
    let answers = AnswersInFlight::new(parts.config.rest_answers_kb, parts.metrics.http.clone());
    let mut api = Router::new();
    for route in routes::ROUTES {
        let endpoint = authorize::protect(route, &edge, &limits, &answers);
        // Some clients and frameworks put a slash at the end of every path.
        api = api.route(&format!("{}/", route.path), endpoint.clone()).route(route.path, endpoint);
    }
    let api = api
        .merge(open_routes::router())
        .merge(crate::contract::router())
        .fallback(refusal_response::unknown_route)
        .method_not_allowed_fallback(refusal_response::wrong_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES));
    let api = layers::around(api, &edge, limits).with_state(edge);
    Ok(Router::new().nest("/api", api))
}

/// Puts a limit by client address around routes that are not of the table, in the words of those that are: so
/// many requests a minute, 0 for no limit. It needs a listener that provides `ConnectInfo<SocketAddr>`.
pub fn limit_by_address(router: Router, per_minute: u32, proxies: ProxyTrust) -> Router {
    let limits = Arc::new(RateLimits::of_addresses(per_minute, proxies));
    router.layer(from_fn_with_state(limits, layers::limit_address))
}

#[cfg(test)]
mod tests;
