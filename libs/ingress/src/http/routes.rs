//! The table of routes: method, path, who may, and what answers. Nothing else adds a route.
//!
//! [`crate::http::authorize`] checks the login and the role before the endpoint; the endpoint checks
//! membership, since it reads the thread or message anyway. A test makes the matrix of routes and roles from
//! this table and asserts every cell.

use crate::edge::Edge;
use crate::http::{
    changes, csrf_token, dead_letters, deliveries, devices, messages, notifications, notify, ops,
    preferences, presence, replays, sends, status, suppressions, threads, users,
};
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use std::sync::Arc;

/// Binds a route's handler to its method.
type Endpoint = fn(MethodFilter) -> MethodRouter<Arc<Edge>>;

/// One line of the table.
pub(crate) struct Route {
    /// A GET route answers HEAD too.
    pub(crate) method: Method,
    /// The pattern, under `/api`.
    pub(crate) path: &'static str,
    /// Who may use it.
    pub(crate) needs: Needs,
    /// How large the answer may be.
    pub(crate) answers: AnswerSize,
    /// The handler that answers requests of this method.
    pub(crate) endpoint: Endpoint,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Anybody who is signed in: the route concerns only themselves.
    Login,
    /// A participant of the thread that the path names.
    Thread,
    /// A participant of the thread of the message that the path names.
    Message,
    /// The sender of the message that the path names.
    Sender,
    /// The person whose notification or device the path names.
    Owner,
    /// The person whose notification the path names, and administrators.
    OwnerOrAdmin,
    /// An administrator.
    Admin,
}

/// How large the answer of a route may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerSize {
    /// A document, or less.
    Small,
    /// A page of documents: it needs room among the answers in flight.
    Page,
}

const fn route(method: Method, path: &'static str, needs: Needs, endpoint: Endpoint) -> Route {
    Route { method, path, needs, answers: AnswerSize::Small, endpoint }
}

impl Route {
    /// The same route, which answers with a page.
    const fn paged(mut self) -> Self {
        self.answers = AnswerSize::Page;
        self
    }
}

/// All routes.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route] = &[
    route(Method::GET,    "/v2/csrf-token",                      Needs::Login,   |at| on(at, csrf_token::issue)),

    route(Method::POST,   "/v2/messages/threads",                Needs::Login,   |at| on(at, threads::create)),
    route(Method::GET,    "/v2/messages/threads",                Needs::Login,   |at| on(at, threads::list)).paged(),
    route(Method::GET,    "/v2/messages/threads/{id}",           Needs::Thread,  |at| on(at, threads::show)),
    route(Method::DELETE, "/v2/messages/threads/{id}",           Needs::Thread,  |at| on(at, threads::archive)),
    route(Method::POST,   "/v2/messages/threads/{id}/unarchive", Needs::Thread,  |at| on(at, threads::unarchive)),
    route(Method::POST,   "/v2/messages/threads/{id}/read",      Needs::Thread,  |at| on(at, threads::read)),
    route(Method::POST,   "/v2/messages/threads/{id}/leave",     Needs::Thread,  |at| on(at, threads::leave)),
    route(Method::GET,    "/v2/messages/threads/{id}/participants", Needs::Thread, |at| on(at, threads::participants)),

    route(Method::GET,    "/v2/messages/{id}",                   Needs::Thread,  |at| on(at, messages::history)).paged(),
    route(Method::POST,   "/v2/messages/{id}",                   Needs::Thread,  |at| on(at, messages::send)),
    route(Method::PUT,    "/v2/messages/{id}",                   Needs::Sender,  |at| on(at, changes::edit)),
    route(Method::PATCH,  "/v2/messages/{id}",                   Needs::Sender,  |at| on(at, changes::edit)),
    route(Method::DELETE, "/v2/messages/{id}",                   Needs::Sender,  |at| on(at, changes::delete)),
    route(Method::POST,   "/v2/messages/{id}/reactions",         Needs::Message, |at| on(at, changes::react)),
    route(Method::POST,   "/v2/messages/{id}/read",              Needs::Message, |at| on(at, changes::read)),

    route(Method::GET,    "/v2/presence",                        Needs::Login,   |at| on(at, presence::several)),
    route(Method::GET,    "/v2/presence/{id}",                   Needs::Login,   |at| on(at, presence::one)),

    route(Method::GET,    "/v2/notifications",                   Needs::Login,   |at| on(at, notifications::list)).paged(),
    route(Method::POST,   "/v2/notifications",                   Needs::Admin,   |at| on(at, notify::send)),
    route(Method::GET,    "/v2/notifications/sends",             Needs::Admin,   |at| on(at, sends::list)).paged(),
    route(Method::GET,    "/v2/notifications/sends/{id}",        Needs::Admin,   |at| on(at, sends::show)),
    route(Method::DELETE, "/v2/notifications/sends/{id}",        Needs::Admin,   |at| on(at, sends::cancel)),
    route(Method::GET,    "/v2/notifications/unread-count",      Needs::Login,   |at| on(at, notifications::unread_count)),
    route(Method::POST,   "/v2/notifications/read-all",          Needs::Login,   |at| on(at, notifications::read_all)),
    route(Method::GET,    "/v2/notifications/preferences",       Needs::Login,   |at| on(at, preferences::show)),
    route(Method::POST,   "/v2/notifications/preferences",       Needs::Login,   |at| on(at, preferences::set)),
    route(Method::PUT,    "/v2/notifications/preferences",       Needs::Login,   |at| on(at, preferences::set)),
    route(Method::PATCH,  "/v2/notifications/preferences",       Needs::Login,   |at| on(at, preferences::change)),
    route(Method::PUT,    "/v2/notifications/preferences/mutes/{id}", Needs::Thread, |at| on(at, preferences::mute)),
    route(Method::DELETE, "/v2/notifications/preferences/mutes/{id}", Needs::Login, |at| on(at, preferences::unmute)),
    route(Method::POST,   "/v2/notifications/{id}/read",         Needs::Owner,   |at| on(at, notifications::read)),
    route(Method::GET,    "/v2/notifications/{id}/deliveries",   Needs::OwnerOrAdmin, |at| on(at, deliveries::of_notification)).paged(),
    route(Method::DELETE, "/v2/notifications/{id}",              Needs::Owner,   |at| on(at, notifications::delete)),

    route(Method::GET,    "/v2/email/suppressions",              Needs::Admin,   |at| on(at, suppressions::list)),
    route(Method::DELETE, "/v2/email/suppressions/{id}",         Needs::Admin,   |at| on(at, suppressions::lift)),
    route(Method::POST,   "/v2/devices",                         Needs::Login,   |at| on(at, devices::register)),
    route(Method::GET,    "/v2/devices",                         Needs::Login,   |at| on(at, devices::list)),
    route(Method::DELETE, "/v2/devices/{id}",                    Needs::Owner,   |at| on(at, devices::remove)),
    route(Method::GET,    "/v2/push/key",                        Needs::Login,   |at| on(at, devices::key)),

    route(Method::GET,    "/v2/ops/pipeline",                    Needs::Admin,   |at| on(at, ops::pipeline)),
    route(Method::GET,    "/v2/ops/gateways",                    Needs::Admin,   |at| on(at, ops::gateways)),
    route(Method::GET,    "/v2/ops/servers",                     Needs::Admin,   |at| on(at, ops::servers)),
    route(Method::POST,   "/v2/ops/users/{id}/disconnect",       Needs::Admin,   |at| on(at, ops::disconnect)),
    route(Method::GET,    "/v2/ops/outcomes",                    Needs::Admin,   |at| on(at, ops::outcomes)),
    route(Method::GET,    "/v2/ops/users",                       Needs::Admin,   |at| on(at, ops::users)).paged(),
    route(Method::GET,    "/v2/messaging/status",                Needs::Admin,   |at| on(at, status::status)),
    route(Method::GET,    "/v2/users",                           Needs::Login,   |at| on(at, users::several)),
    route(Method::PUT,    "/v2/users/{id}",                      Needs::Admin,   |at| on(at, users::put)),
    route(Method::GET,    "/v2/users/{id}/deliveries",           Needs::Admin,   |at| on(at, deliveries::of_user)).paged(),
    route(Method::POST,   "/v2/users/{id}/revoke",               Needs::Admin,   |at| on(at, users::revoke)),

    route(Method::GET,    "/v2/ops/dead-letters",                Needs::Admin,   |at| on(at, dead_letters::list)).paged(),
    route(Method::GET,    "/v2/ops/dead-letters/groups",         Needs::Admin,   |at| on(at, dead_letters::groups)).paged(),
    route(Method::GET,    "/v2/ops/dead-letters/{id}",           Needs::Admin,   |at| on(at, dead_letters::show)).paged(),
    route(Method::POST,   "/v2/ops/dead-letters/{id}/reveal",    Needs::Admin,   |at| on(at, dead_letters::reveal)).paged(),
    route(Method::PUT,    "/v2/ops/dead-letters/{id}/body",      Needs::Admin,   |at| on(at, dead_letters::edit)),
    route(Method::POST,   "/v2/ops/replays",                     Needs::Admin,   |at| on(at, replays::begin)),
    route(Method::GET,    "/v2/ops/replays/{id}",                Needs::Admin,   |at| on(at, replays::show)),
    route(Method::POST,   "/v2/ops/discards",                    Needs::Admin,   |at| on(at, replays::discard)),
    route(Method::GET,    "/v2/ops/audit",                       Needs::Admin,   |at| on(at, replays::audit)).paged(),
];
