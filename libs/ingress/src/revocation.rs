//! Revocation: whether a credential was taken back. REST asks on each request and sockets when they sign in,
//! both after [`crate::identity`] has found that the credential holds.
//!
//! The answer for a user is remembered for a few seconds. So a revocation works everywhere within [`FRESH`],
//! and at once in the process where [`Revocations::forget`] hears of it. While the directory is away, what
//! was known goes on holding and everybody else passes, with a warning: an outage of the store must not sign
//! everybody out, and open sockets are told of a revocation by its event anyway.

use crate::identity::Session;
use crate::refusal::Refusal;
use eventflow_ports::directory::Directory;
use eventflow_protocol::person::Revocation;
use eventflow_protocol::{ErrorCode, Timestamp, UserId};
use moka::sync::Cache;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long an answer of the directory is taken for the present state.
pub const FRESH: Duration = Duration::from_secs(3);
/// How long an old answer is kept for the case that the directory is away.
const KEPT: Duration = Duration::from_mins(10);
/// Most users remembered: a few MB, since hardly anybody has an entry.
const USERS_REMEMBERED: u64 = 50_000;
/// A directory that takes longer counts as away: each request waits for this.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
/// A directory that was away is not asked again before this has passed, so that an outage does not slow every
/// request down.
const PAUSE: Duration = Duration::from_secs(1);

/// Knows which credentials were revoked. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub struct Revocations {
    directory: Arc<dyn Directory>,
    remembered: Cache<UserId, Remembered>,
    /// The directory was away; it is not asked before this.
    ask_again: Arc<Mutex<Option<Instant>>>,
    /// How often [`Revocations::forget`] was called, so that an answer which was on its way meanwhile is not
    /// remembered.
    changes: Arc<AtomicU64>,
}

/// What the directory said of one user, and when.
#[derive(Clone)]
struct Remembered {
    entries: Arc<[Revocation]>,
    since: Instant,
}

impl Revocations {
    /// Asks `directory`; nothing is remembered yet.
    pub fn new(directory: Arc<dyn Directory>) -> Self {
        let remembered = Cache::builder().max_capacity(USERS_REMEMBERED).time_to_live(KEPT).build();
        Self { directory, remembered, ask_again: Arc::default(), changes: Arc::default() }
    }

    /// Whether this credential still stands. Refuses with [`ErrorCode::Unauthenticated`] if its session was
    /// ended, or if all tokens of the user issued before a moment were and this one was, or does not say when
    /// it was issued.
    pub async fn check(
        &self,
        user: &UserId,
        session: Session,
        issued_at: Option<Timestamp>,
    ) -> Result<(), Refusal> {
        let entries = self.entries(user).await;
        if entries.iter().any(|entry| is_revoked_by(entry, session, issued_at)) {
            return Err(Refusal::new(ErrorCode::Unauthenticated, "the token was revoked"));
        }
        Ok(())
    }

    /// Forgets a user whose credentials have changed: the next check asks the directory.
    pub fn forget(&self, user: &UserId) {
        self.changes.fetch_add(1, SeqCst);
        self.remembered.invalidate(user);
    }

    async fn entries(&self, user: &UserId) -> Arc<[Revocation]> {
        let remembered = self.remembered.get(user);
        if let Some(fresh) = remembered.as_ref().filter(|remembered| remembered.since.elapsed() < FRESH) {
            return Arc::clone(&fresh.entries);
        }
        let changes = self.changes.load(SeqCst);
        match self.ask(user).await {
            Some(entries) => {
                // An answer that was on its way while something changed may be the old one.
                if self.changes.load(SeqCst) == changes {
                    let remembered = Remembered { entries: Arc::clone(&entries), since: Instant::now() };
                    self.remembered.insert(user.clone(), remembered);
                }
                entries
            }
            None => remembered.map(|old| old.entries).unwrap_or_default(),
        }
    }

    /// What the directory says of a user; `None` if it is away.
    async fn ask(&self, user: &UserId) -> Option<Arc<[Revocation]>> {
        if self.ask_again.lock().is_some_and(|again| Instant::now() < again) {
            return None;
        }
        match timeout(ANSWER_LIMIT, self.directory.revocations(user)).await {
            Ok(Ok(entries)) => return Some(entries.into()),
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "credentials pass without a look for revocations"
                );
            }
            Err(_) => {
                tracing::warn!(limit = ?ANSWER_LIMIT, "credentials pass without a look for revocations: no answer in time");
            }
        }
        *self.ask_again.lock() = Some(Instant::now() + PAUSE);
        None
    }
}

/// Whether `entry` takes back a credential of the same user: of this login, issued then. `iat` counts whole
/// seconds (RFC 7519), so a token issued in the very second of a revocation counts as old: issue the next one
/// a second later.
pub(crate) fn is_revoked_by(entry: &Revocation, session: Session, issued_at: Option<Timestamp>) -> bool {
    match &entry.session {
        Some(named) => named.eq_ignore_ascii_case(&session.to_string()),
        None => issued_at.is_none_or(|issued| issued < entry.at),
    }
}

#[cfg(test)]
mod tests;
