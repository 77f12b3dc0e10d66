//! The table of routes: method, path, who may, and what answers. Nothing else adds a route.
//!
//! [`crate::http::authorize`] checks the login and the role before the endpoint; the endpoint checks
//! membership, since it reads the thread or message anyway. A test makes the matrix of routes and roles from
//! this table and asserts every cell.

use crate::contract::shape::{Shape, shape_of};
use crate::edge::Edge;
use crate::http::attachments::{download, form, own, tus};
use crate::http::{
    blocks, changes, csrf_token, dead_letters, deliveries, devices, drafts, erasures, groups, messages,
    notifications, notify, ops, people_search, pins, preferences, presence, replays, reports, scheduled,
    search, sends, status, suppressions, threads, users,
};
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use std::sync::Arc;

/// A route's handler.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint {
    /// Binds the handler to its method.
    pub(crate) bind: fn(MethodFilter) -> MethodRouter<Arc<Edge>>,
    /// What the handler takes and answers.
    pub(crate) shape: fn() -> Shape,
}

/// The endpoint of a handler.
macro_rules! to {
    ($handler:path) => {
        Endpoint { bind: |at| on(at, $handler), shape: || shape_of($handler) }
    };
}

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
    /// An owner of the group that the path names.
    GroupOwner,
    /// The person whose notification, device, scheduled message or upload the path names.
    Owner,
    /// Who may see the file that the path names: its owner before it is sent, then who may see the message.
    File,
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
    route(Method::GET,    "/v2/csrf-token",                      Needs::Login,   to!(csrf_token::issue)),

    route(Method::POST,   "/v2/messages/threads",                Needs::Login,   to!(threads::create)),
    route(Method::GET,    "/v2/messages/threads",                Needs::Login,   to!(threads::list)).paged(),
    route(Method::GET,    "/v2/messages/threads/{id}",           Needs::Thread,  to!(threads::show)),
    route(Method::DELETE, "/v2/messages/threads/{id}",           Needs::Thread,  to!(threads::archive)),
    route(Method::POST,   "/v2/messages/threads/{id}/unarchive", Needs::Thread,  to!(threads::unarchive)),
    route(Method::POST,   "/v2/messages/threads/{id}/read",      Needs::Thread,  to!(threads::read)),
    route(Method::POST,   "/v2/messages/threads/{id}/unread",    Needs::Thread,  to!(threads::unread)),
    route(Method::POST,   "/v2/messages/threads/{id}/leave",     Needs::Thread,  to!(threads::leave)),
    route(Method::GET,    "/v2/messages/threads/{id}/participants", Needs::Thread, to!(threads::participants)),
    route(Method::PATCH,  "/v2/messages/threads/{id}",           Needs::GroupOwner, to!(groups::describe)),
    route(Method::GET,    "/v2/messages/threads/{id}/members",   Needs::Thread,  to!(groups::list)),
    route(Method::POST,   "/v2/messages/threads/{id}/members",   Needs::GroupOwner, to!(groups::add)),
    route(Method::DELETE, "/v2/messages/threads/{id}/members/{member}", Needs::Thread, to!(groups::remove)),
    route(Method::PATCH,  "/v2/messages/threads/{id}/members/{member}", Needs::GroupOwner, to!(groups::set_role)),
    route(Method::GET,    "/v2/messages/threads/{id}/pins",      Needs::Thread,  to!(pins::list)).paged(),
    route(Method::GET,    "/v2/messages/threads/{id}/draft",     Needs::Thread,  to!(drafts::show)),
    route(Method::PUT,    "/v2/messages/threads/{id}/draft",     Needs::Thread,  to!(drafts::save)),
    route(Method::DELETE, "/v2/messages/threads/{id}/draft",     Needs::Thread,  to!(drafts::delete)),

    route(Method::GET,    "/v2/messages/drafts",                 Needs::Login,   to!(drafts::list)).paged(),
    route(Method::GET,    "/v2/messages/scheduled",              Needs::Login,   to!(scheduled::list)).paged(),
    route(Method::PATCH,  "/v2/messages/scheduled/{id}",         Needs::Owner,   to!(scheduled::change)),
    route(Method::DELETE, "/v2/messages/scheduled/{id}",         Needs::Owner,   to!(scheduled::cancel)),
    route(Method::POST,   "/v2/messages/scheduled/{id}/send",    Needs::Owner,   to!(scheduled::send_now)),
    route(Method::GET,    "/v2/messages/search",                 Needs::Login,   to!(search::search)).paged(),
    route(Method::GET,    "/v2/messages/{id}",                   Needs::Thread,  to!(messages::history)).paged(),
    route(Method::POST,   "/v2/messages/{id}",                   Needs::Thread,  to!(messages::send)),
    route(Method::PUT,    "/v2/messages/{id}",                   Needs::Sender,  to!(changes::edit)),
    route(Method::PATCH,  "/v2/messages/{id}",                   Needs::Sender,  to!(changes::edit)),
    route(Method::DELETE, "/v2/messages/{id}",                   Needs::Sender,  to!(changes::delete)),
    route(Method::POST,   "/v2/messages/{id}/reactions",         Needs::Message, to!(changes::react)),
    route(Method::POST,   "/v2/messages/{id}/read",              Needs::Message, to!(changes::read)),
    route(Method::PUT,    "/v2/messages/{id}/pin",               Needs::Message, to!(pins::pin)),
    route(Method::DELETE, "/v2/messages/{id}/pin",               Needs::Message, to!(pins::unpin)),
    route(Method::POST,   "/v2/messages/{id}/report",            Needs::Message, to!(reports::report)),
    route(Method::GET,    "/v2/messages/{id}/edits",             Needs::Message, to!(changes::edits)).paged(),

    route(Method::POST,   "/v2/attachments",                     Needs::Login,   to!(form::upload)),
    route(Method::POST,   "/v2/attachments/tus",                 Needs::Login,   to!(tus::create)),
    route(Method::HEAD,   "/v2/attachments/tus/{id}",            Needs::Owner,   to!(tus::offset)),
    route(Method::PATCH,  "/v2/attachments/tus/{id}",            Needs::Owner,   to!(tus::append)),
    route(Method::DELETE, "/v2/attachments/tus/{id}",            Needs::Owner,   to!(tus::terminate)),
    route(Method::GET,    "/v2/attachments/{id}",                Needs::File,    to!(download::file)),
    route(Method::GET,    "/v2/attachments/{id}/thumbnail",      Needs::File,    to!(download::thumbnail)),
    route(Method::GET,    "/v2/attachments/{id}/info",           Needs::Owner,   to!(own::info)),
    route(Method::DELETE, "/v2/attachments/{id}",                Needs::Owner,   to!(own::delete)),

    route(Method::GET,    "/v2/presence",                        Needs::Login,   to!(presence::several)),
    route(Method::GET,    "/v2/presence/{id}",                   Needs::Login,   to!(presence::one)),

    route(Method::GET,    "/v2/notifications",                   Needs::Login,   to!(notifications::list)).paged(),
    route(Method::POST,   "/v2/notifications",                   Needs::Admin,   to!(notify::send)),
    route(Method::GET,    "/v2/notifications/sends",             Needs::Admin,   to!(sends::list)).paged(),
    route(Method::GET,    "/v2/notifications/sends/{id}",        Needs::Admin,   to!(sends::show)),
    route(Method::DELETE, "/v2/notifications/sends/{id}",        Needs::Admin,   to!(sends::cancel)),
    route(Method::GET,    "/v2/notifications/unread-count",      Needs::Login,   to!(notifications::unread_count)),
    route(Method::POST,   "/v2/notifications/read-all",          Needs::Login,   to!(notifications::read_all)),
    route(Method::GET,    "/v2/notifications/preferences",       Needs::Login,   to!(preferences::show)),
    route(Method::POST,   "/v2/notifications/preferences",       Needs::Login,   to!(preferences::set)),
    route(Method::PUT,    "/v2/notifications/preferences",       Needs::Login,   to!(preferences::set)),
    route(Method::PATCH,  "/v2/notifications/preferences",       Needs::Login,   to!(preferences::change)),
    route(Method::PUT,    "/v2/notifications/preferences/mutes/{id}", Needs::Thread, to!(preferences::mute)),
    route(Method::DELETE, "/v2/notifications/preferences/mutes/{id}", Needs::Login, to!(preferences::unmute)),
    route(Method::POST,   "/v2/notifications/{id}/read",         Needs::Owner,   to!(notifications::read)),
    route(Method::GET,    "/v2/notifications/{id}/deliveries",   Needs::OwnerOrAdmin, to!(deliveries::of_notification)).paged(),
    route(Method::DELETE, "/v2/notifications/{id}",              Needs::Owner,   to!(notifications::delete)),

    route(Method::GET,    "/v2/email/suppressions",              Needs::Admin,   to!(suppressions::list)),
    route(Method::DELETE, "/v2/email/suppressions/{id}",         Needs::Admin,   to!(suppressions::lift)),
    route(Method::POST,   "/v2/devices",                         Needs::Login,   to!(devices::register)),
    route(Method::GET,    "/v2/devices",                         Needs::Login,   to!(devices::list)),
    route(Method::DELETE, "/v2/devices/{id}",                    Needs::Owner,   to!(devices::remove)),
    route(Method::GET,    "/v2/push/key",                        Needs::Login,   to!(devices::key)),

    route(Method::GET,    "/v2/ops/pipeline",                    Needs::Admin,   to!(ops::pipeline)),
    route(Method::GET,    "/v2/ops/gateways",                    Needs::Admin,   to!(ops::gateways)),
    route(Method::GET,    "/v2/ops/servers",                     Needs::Admin,   to!(ops::servers)),
    route(Method::POST,   "/v2/ops/users/{id}/disconnect",       Needs::Admin,   to!(ops::disconnect)),
    route(Method::GET,    "/v2/ops/outcomes",                    Needs::Admin,   to!(ops::outcomes)),
    route(Method::GET,    "/v2/ops/users",                       Needs::Admin,   to!(ops::users)).paged(),
    route(Method::GET,    "/v2/messaging/status",                Needs::Admin,   to!(status::status)),
    route(Method::GET,    "/v2/users",                           Needs::Login,   to!(users::several)),
    route(Method::GET,    "/v2/users/search",                    Needs::Login,   to!(people_search::search)).paged(),
    route(Method::GET,    "/v2/reports",                         Needs::Admin,   to!(reports::list)).paged(),
    route(Method::PUT,    "/v2/reports/{id}/handled",            Needs::Admin,   to!(reports::handle)),
    route(Method::GET,    "/v2/users/blocks",                    Needs::Login,   to!(blocks::list)).paged(),
    route(Method::PUT,    "/v2/users/{id}/block",                Needs::Login,   to!(blocks::put)),
    route(Method::DELETE, "/v2/users/{id}/block",                Needs::Login,   to!(blocks::delete)),
    route(Method::PUT,    "/v2/users/{id}",                      Needs::Admin,   to!(users::put)),
    route(Method::GET,    "/v2/users/{id}/deliveries",           Needs::Admin,   to!(deliveries::of_user)).paged(),
    route(Method::POST,   "/v2/users/{id}/revoke",               Needs::Admin,   to!(users::revoke)),
    route(Method::GET,    "/v2/users/{id}/export",               Needs::Admin,   to!(erasures::export)),
    route(Method::POST,   "/v2/users/{id}/erase",                Needs::Admin,   to!(erasures::begin)),
    route(Method::GET,    "/v2/users/{id}/erase",                Needs::Admin,   to!(erasures::show)),

    route(Method::GET,    "/v2/ops/dead-letters",                Needs::Admin,   to!(dead_letters::list)).paged(),
    route(Method::GET,    "/v2/ops/dead-letters/groups",         Needs::Admin,   to!(dead_letters::groups)).paged(),
    route(Method::GET,    "/v2/ops/dead-letters/{id}",           Needs::Admin,   to!(dead_letters::show)).paged(),
    route(Method::POST,   "/v2/ops/dead-letters/{id}/reveal",    Needs::Admin,   to!(dead_letters::reveal)).paged(),
    route(Method::PUT,    "/v2/ops/dead-letters/{id}/body",      Needs::Admin,   to!(dead_letters::edit)),
    route(Method::POST,   "/v2/ops/replays",                     Needs::Admin,   to!(replays::begin)),
    route(Method::GET,    "/v2/ops/replays/{id}",                Needs::Admin,   to!(replays::show)),
    route(Method::POST,   "/v2/ops/discards",                    Needs::Admin,   to!(replays::discard)),
    route(Method::GET,    "/v2/ops/audit",                       Needs::Admin,   to!(replays::audit)).paged(),
];
