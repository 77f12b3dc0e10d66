//! `auth {userId?, token?}`: a token proves who it is, a user id alone is compared with what was proved
//! before.
//!
//! A socket never changes hands: the first credential makes it that user's, later ones of the same user renew
//! it.

use crate::identity::Identity;
use crate::refusal::Refusal;
use crate::ws::events::reply::Reply;
use crate::ws::rooms::Rooms;
use crate::ws::sockets::handle::ClientSocket;
use crate::ws::sockets::join_queue::{Closed, JoinTurn};
use eventflow_protocol::ErrorCode;
use eventflow_protocol::client::requests::AuthEvent;
use std::sync::Arc;

/// Handles `auth`.
pub(super) async fn authenticate(
    rooms: &Arc<Rooms>,
    socket: &ClientSocket,
    request: AuthEvent,
) -> Result<Reply, Refusal> {
    let proved = match request.token {
        Some(token) => Some(rooms.connection.credentials.verify(&token).await?),
        None => None,
    };
    let proved_user = proved.as_ref().map(|identity| &identity.user).or(socket.state().user());
    let user = proved_user.cloned().ok_or_else(Refusal::unauthenticated)?;
    if request.user_id.is_some_and(|claimed| claimed != user.as_str()) {
        return Err(Refusal::new(ErrorCode::Forbidden, "the user id is not that of the credential"));
    }
    if let Some(identity) = proved {
        accept(rooms, socket, &identity).await?;
    }
    Ok(Reply::Authenticated(user))
}

/// Takes a credential on.
async fn accept(rooms: &Arc<Rooms>, socket: &ClientSocket, identity: &Identity) -> Result<(), Refusal> {
    let is_first = socket.state().user().is_none();
    if is_first {
        socket.state().claim_permit_for(&identity.user)?;
        // Signing in late costs as much as joining with a token.
        let joins = &rooms.connection.joins;
        let held = joins.hold(&identity.user, JoinTurn::default()).await;
        held.map_err(|Closed| Refusal::unavailable())?;
    }
    if !socket.state().authenticate(identity) {
        return Err(Refusal::new(ErrorCode::Forbidden, "the connection belongs to another user"));
    }
    if is_first {
        tracing::info!(socket = %socket.id(), user = %identity.user, "a client signed in");
        // The session is theirs from now on: without their token nobody continues it.
        socket.set_identity(&socket.state().recovery_identity());
        rooms.register(&identity.user, socket).await;
        if !rooms.connection.expiry.end_unless_valid(socket, &identity.user).await {
            return Err(Refusal::unauthenticated());
        }
    }
    Ok(())
}
