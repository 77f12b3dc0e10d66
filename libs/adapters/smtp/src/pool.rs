//! The pool: a few sessions that are used again, and a limit for how many there are.
//!
//! A session is in the pool or with one mail, never both. Whoever takes one gives it back only if it is in
//! order, so that a server that hangs costs its sessions and no more.

use crate::session::Session;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Connections to the mail server. Providers count more than a few from one address as abuse, and four carry
/// tens of mails a second.
pub const CONNECTIONS_MAX: usize = 4;

/// Sessions that wait for a mail.
pub(crate) struct Pool {
    room: Semaphore,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    pub(crate) fn new() -> Self {
        Self { room: Semaphore::new(CONNECTIONS_MAX), idle: Mutex::new(Vec::new()) }
    }

    /// Waits until there may be one more session in use.
    pub(crate) async fn enter(&self) -> SemaphorePermit<'_> {
        self.room.acquire().await.expect("the pool closes with its mailer")
    }

    /// A session that was used before; `None` if there is none that may be used again.
    pub(crate) fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock();
        idle.retain(Session::is_fresh);
        idle.pop()
    }

    /// Keeps a session for the next mail.
    pub(crate) fn give_back(&self, session: Session) {
        if session.is_fresh() {
            self.idle.lock().push(session);
        }
    }
}
