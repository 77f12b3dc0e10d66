//! Replies: in memory, straight from whoever answers to whoever asked, at most once.

use bytes::Bytes;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use uuid::Uuid;

/// The inboxes of those who wait, by address. An address names the run of the process too: one that was
/// stored in a message before a restart must not reach somebody else after it.
pub(super) struct ReplyInboxes {
    run: String,
    opened: AtomicU64,
    inboxes: RwLock<HashMap<String, mpsc::Sender<Bytes>>>,
}

/// An address that lasts as long as this value.
pub(super) struct Address {
    pub(super) text: String,
    replies: Arc<ReplyInboxes>,
}

impl ReplyInboxes {
    pub(super) fn new() -> Arc<Self> {
        let run = Uuid::now_v7().simple().to_string();
        Arc::new(Self { run, opened: AtomicU64::new(0), inboxes: RwLock::default() })
    }

    /// Opens an address whose answers go to `inbox`.
    pub(super) fn open(self: &Arc<Self>, inbox: mpsc::Sender<Bytes>) -> Address {
        let text = format!("{}.{}", self.run, self.opened.fetch_add(1, Ordering::Relaxed));
        self.inboxes.write().insert(text.clone(), inbox);
        Address { text, replies: Arc::clone(self) }
    }

    /// Sends a reply. A receiver that is gone or has a full inbox misses it, as the port allows.
    pub(super) fn send(&self, address: &str, payload: Bytes) {
        let sent = self.inboxes.read().get(address).is_some_and(|inbox| inbox.try_send(payload).is_ok());
        if !sent {
            tracing::debug!(address, "nobody took the reply");
        }
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        self.replies.inboxes.write().remove(&self.text);
    }
}
