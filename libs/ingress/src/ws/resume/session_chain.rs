//! The chain of sessions, from the one that a client left last back to the one in which it was last up to
//! date.
//!
//! A session that began with a catch-up tells only of what it was sent itself, until its gateway's journal
//! says that it joined those who hear everything. For all other threads the session before it is asked, and
//! so on.

use crate::ws::resume::journal_index::{JournalIndex, JournalIndexes, ResumePoint};
use crate::ws::sockets::resume_token::{LeftSession, LeftSessions};
use eventflow_protocol::{ThreadId, Timestamp};
use std::sync::Arc;
use tokio::time::Instant;

/// Sessions of one client with what their gateways' journals tell, newest first; at least one.
pub(crate) struct SessionChain {
    links: Vec<SessionLink>,
}

struct SessionLink {
    index: Arc<JournalIndex>,
    left: LeftSession,
    /// The position after which it heard what everybody heard; `None` if it never came so far.
    live_from: Option<u64>,
}

impl SessionChain {
    /// Reads as many journals as it takes; `None` if that of the last session tells nothing.
    pub(crate) async fn read(indexes: &JournalIndexes, left: &LeftSessions, came: Instant) -> Option<Self> {
        let mut links: Vec<SessionLink> = Vec::new();
        for (position, session) in left.sessions.iter().enumerate() {
            let Some(index) = indexes.of(&session.token.gateway, came).await else { break };
            let is_oldest = position + 1 == left.sessions.len();
            let live_from = if is_oldest {
                // It began without a catch-up: it heard everything from its start on.
                Some(session.token.start.position())
            } else {
                index.joined(&session.token)
            };
            links.push(SessionLink { index, left: session.clone(), live_from });
            if live_from.is_some() {
                break;
            }
        }
        if links.is_empty() { None } else { Some(Self { links }) }
    }

    /// From when on something may be missing.
    pub(crate) fn since(&self) -> Timestamp {
        let began = self.links.iter().map(|link| link.index.since().max(link.left.token.since));
        began.min().unwrap_or(Timestamp(0))
    }

    /// The point in the thread behind which the client has nothing; `None` if no journal tells.
    pub(crate) fn point(&self, thread: ThreadId) -> Option<ResumePoint> {
        self.links.iter().find_map(|link| link.index.point(thread, &link.left, link.live_from))
    }
}
