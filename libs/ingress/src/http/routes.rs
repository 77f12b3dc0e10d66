//! The table of routes: method, path, who may, and what answers. Nothing else adds a route.
//!
//! [`Needs`] is checked by [`crate::http::gate`] before the handler; membership is checked by the handler, which reads the thread or
//! message anyway. A test makes the matrix of routes and roles from this table and asserts every cell.

use crate::http::{changes, csrf_token, messages, notifications, preferences, presence, status, threads, users};
use crate::parts::Edge;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use http::Method;
use std::sync::Arc;

/// One route.
pub(crate) struct Route {
    /// Also in the handler; here for whoever reads the table.
    pub(crate) method: Method,
    /// Under `/api`.
    pub(crate) path: &'static str,
    /// Who may.
    pub(crate) needs: Needs,
    /// What answers.
    pub(crate) handler: fn() -> MethodRouter<Arc<Edge>>,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Anybody who is signed in; it concerns themselves.
    Login,
    /// A participant of the thread that the path names.
    Thread,
    /// A participant of the thread of the message that the path names.
    Message,
    /// The sender of the message that the path names.
    Sender,
    /// Whose notification the path names.
    Owner,
    /// An administrator.
    Admin,
}

const fn route(method: Method, path: &'static str, needs: Needs, handler: fn() -> MethodRouter<Arc<Edge>>) -> Route {
    Route { method, path, needs, handler }
}

/// Every route there is.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route] = &[
    route(Method::GET,    "/v2/csrf-token",                      Needs::Login,   || get(csrf_token)),

    route(Method::POST,   "/v2/messages/threads",                Needs::Login,   || post(threads::create)),
    route(Method::GET,    "/v2/messages/threads",                Needs::Login,   || get(threads::list)),
    route(Method::GET,    "/v2/messages/threads/{id}",           Needs::Thread,  || get(threads::show)),
    route(Method::DELETE, "/v2/messages/threads/{id}",           Needs::Thread,  || delete(threads::archive)),
    route(Method::POST,   "/v2/messages/threads/{id}/unarchive", Needs::Thread,  || post(threads::unarchive)),
    route(Method::POST,   "/v2/messages/threads/{id}/read",      Needs::Thread,  || post(threads::read)),

    route(Method::GET,    "/v2/messages/{id}",                   Needs::Thread,  || get(messages::history)),
    route(Method::POST,   "/v2/messages/{id}",                   Needs::Thread,  || post(messages::send)),
    route(Method::PUT,    "/v2/messages/{id}",                   Needs::Sender,  || put(changes::edit)),
    route(Method::PATCH,  "/v2/messages/{id}",                   Needs::Sender,  || patch(changes::edit)),
    route(Method::DELETE, "/v2/messages/{id}",                   Needs::Sender,  || delete(changes::delete)),
    route(Method::POST,   "/v2/messages/{id}/reactions",         Needs::Message, || post(changes::react)),
    route(Method::POST,   "/v2/messages/{id}/read",              Needs::Message, || post(changes::read)),

    route(Method::GET,    "/v2/presence",                        Needs::Login,   || get(presence::several)),
    route(Method::GET,    "/v2/presence/{id}",                   Needs::Login,   || get(presence::one)),

    route(Method::GET,    "/v2/notifications",                   Needs::Login,   || get(notifications::list)),
    route(Method::POST,   "/v2/notifications",                   Needs::Admin,   || post(notifications::send)),
    route(Method::GET,    "/v2/notifications/unread-count",      Needs::Login,   || get(notifications::unread_count)),
    route(Method::POST,   "/v2/notifications/read-all",          Needs::Login,   || post(notifications::read_all)),
    route(Method::GET,    "/v2/notifications/preferences",       Needs::Login,   || get(preferences::show)),
    route(Method::POST,   "/v2/notifications/preferences",       Needs::Login,   || post(preferences::set)),
    route(Method::PUT,    "/v2/notifications/preferences",       Needs::Login,   || put(preferences::set)),
    route(Method::POST,   "/v2/notifications/{id}/read",         Needs::Owner,   || post(notifications::read)),
    route(Method::DELETE, "/v2/notifications/{id}",              Needs::Owner,   || delete(notifications::delete)),

    route(Method::GET,    "/v2/messaging/status",                Needs::Admin,   || get(status::status)),
    route(Method::PUT,    "/v2/users/{id}",                      Needs::Admin,   || put(users::put)),
    route(Method::POST,   "/v2/users/{id}/revoke",               Needs::Admin,   || post(users::revoke)),
];
