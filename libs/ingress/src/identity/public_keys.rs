//! The public keys that tokens are checked with now, and the wish for newer ones.
//!
//! The keys are in memory, and checking a token asks nobody. Whoever fetches keys ([`PublicKeys::replace`])
//! also hears when a token names a key that is not there ([`PublicKeys::wanted`]). Such a token waits for one
//! look; the next look is allowed only after a pause, so that invented key ids cannot make this server ask
//! its provider all the time.

use super::jwks::KeySet;
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

/// How long a token waits for a look at its provider. A look has a limit of its own, below this.
const LOOK_LIMIT: Duration = Duration::from_secs(6);

/// The keys that are known now. Clones share them.
#[derive(Clone)]
pub struct PublicKeys(Arc<Shared>);

struct Shared {
    known: RwLock<Arc<KeySet>>,
    wanted: Notify,
    /// When the next look is allowed; `None` before the first one has ended.
    next_look: watch::Sender<Option<Instant>>,
}

impl Default for PublicKeys {
    fn default() -> Self {
        let (next_look, _) = watch::channel(None);
        Self(Arc::new(Shared { known: RwLock::default(), wanted: Notify::new(), next_look }))
    }
}

impl PublicKeys {
    /// These keys count from now on, and no others. An empty set: no keys are known.
    pub fn replace(&self, keys: KeySet) {
        *self.0.known.write() = Arc::new(keys);
    }

    /// A look at the provider has ended, whatever it found. The next one is allowed at this time.
    pub fn looked(&self, next: Instant) {
        self.0.next_look.send_replace(Some(next));
    }

    /// Resolves when somebody came with a key that is not known. Safe to cancel.
    pub async fn wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// How many keys are known.
    pub fn count(&self) -> usize {
        self.known().len()
    }

    /// The keys that are known.
    pub(super) fn known(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.known.read())
    }

    /// Asks for a look and waits for its end, if one is allowed now.
    pub(super) async fn look_again(&self) {
        let mut looks = self.0.next_look.subscribe();
        let is_early = looks.borrow_and_update().is_some_and(|next| Instant::now() < next);
        if is_early {
            return;
        }
        self.0.wanted.notify_one();
        if timeout(LOOK_LIMIT, looks.changed()).await.is_err() {
            tracing::debug!("nobody looked for new keys in time");
        }
    }
}
