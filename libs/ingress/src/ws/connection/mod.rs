//! Connections: who may come in ([`credentials`], and the limits of the ground floor), and when a connection
//! has to end ([`expiry`]).

mod auth_error;
pub(crate) mod credentials;
pub(crate) mod expiry;

pub(crate) use auth_error::emit_auth_error;

use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::ws::sockets::join_queue::JoinQueue;
use crate::ws::sockets::limits::{ConnectionLimits, ConnectionPermit, opens_a_session};
use credentials::{Credentials, connect_error, turned_away};
use eventflow_protocol::{ErrorCode, UserId};
use eventflow_socketio::{ConnectError, Handshake, RequestRefusal};
use expiry::Expiry;
use http::request::Parts as RequestHead;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// The checks at the door, and the end of connections whose credential ended.
pub(crate) struct Connection {
    pub(crate) credentials: Credentials,
    pub(crate) expiry: Arc<Expiry>,
    limits: Arc<ConnectionLimits>,
    pub(crate) joins: JoinQueue,
    /// Whether events can reach sockets here.
    is_open: AtomicBool,
}

impl Connection {
    /// Nobody is let in until [`Connection::open`].
    pub(crate) fn new(
        credentials: Credentials,
        expiry: Arc<Expiry>,
        limits: Arc<ConnectionLimits>,
        joins: JoinQueue,
    ) -> Self {
        Self { credentials, expiry, limits, joins, is_open: AtomicBool::new(false) }
    }

    /// Lets connections in from now on. `false` if they were let in already.
    pub(crate) fn open(&self) -> bool {
        !self.is_open.swap(true, SeqCst)
    }

    /// Decides on a request for the endpoint before anything else happens to it.
    pub(crate) fn admit(&self, head: &RequestHead) -> Result<(), RequestRefusal> {
        self.check(head).map_err(|refusal| turned_away(&refusal))
    }

    /// Decides on a request that costs more than it proves; see [`ConnectionLimits::check_costly`].
    pub(crate) fn admit_costly(&self, head: &RequestHead) -> Result<(), RequestRefusal> {
        self.limits.check_costly(head).map_err(|refusal| turned_away(&refusal))
    }

    fn check(&self, head: &RequestHead) -> Result<(), Refusal> {
        // First, since a page of another origin may read no other refusal either.
        self.credentials.check_origin(&head.headers)?;
        if !self.is_open.load(SeqCst) {
            return Err(Refusal::new(ErrorCode::Unavailable, "the gateway is starting"));
        }
        if opens_a_session(head) {
            self.joins.check_room()?;
        }
        self.limits.check_handshake(head)
    }

    /// Who connects; see [`Credentials::identify`].
    pub(crate) async fn identify(
        &self,
        handshake: &Handshake,
        auth: Option<&RawValue>,
    ) -> Result<Option<Identity>, ConnectError> {
        self.credentials.identify(handshake, auth).await
    }

    /// A permit for the connection, of `user` if they are known already.
    pub(crate) fn permit(
        &self,
        handshake: &Handshake,
        user: Option<&UserId>,
    ) -> Result<ConnectionPermit, ConnectError> {
        self.limits.permit(handshake, user).map_err(|refusal| connect_error(&refusal))
    }

    /// How many permits users have.
    #[cfg(test)]
    pub(crate) fn users_connected(&self) -> u32 {
        self.limits.users_connected()
    }
}
