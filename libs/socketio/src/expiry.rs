//! The end of a session for good: nothing is kept of it, and the application forgets it.

use crate::application::Application;
use crate::guard::guarded;
use crate::shared::ServerShared;
use crate::socket::Socket;

/// Ends a session. Call it once, for a session that no table of waiting sessions has any more.
pub(crate) async fn expire<A: Application>(shared: &ServerShared<A>, socket: &Socket<A::State>) {
    shared.sessions.remove(socket);
    socket.set_gone();
    guarded(&shared.stats, shared.app.expired(socket)).await;
}
