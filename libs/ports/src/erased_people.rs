//! Who is erased, as a process remembers it, so that no command costs a question to the store.
//!
//! Marks are only added. So what is remembered holds, and what may be missing is asked for whenever the last
//! answer is older than [`FRESH`]. That a mark is known so late at the latest is what
//! [`eventflow_protocol::erasure::SETTLE`] counts on.

use crate::erasures::{Erasures, Mark};
use crate::store::StoreError;
use eventflow_protocol::{Timestamp, UserId};
use parking_lot::RwLock;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer of the store is taken for the present state.
pub const FRESH: Duration = Duration::from_secs(2);
/// How far before the newest known mark the next question begins: marks have the times of gateways, whose
/// clocks differ.
const CLOCKS_DIFFER: Duration = Duration::from_mins(10);
/// Marks that one question asks for.
const PAGE: u32 = 1_000;

/// Remembers who is erased. Cheap to clone; clones share what they remember. It takes some 100 bytes for each
/// person who was ever erased.
#[derive(Clone)]
pub struct ErasedPeople {
    erasures: Arc<dyn Erasures>,
    people: Arc<RwLock<HashSet<UserId>>>,
    asked: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    /// When the store answered last.
    at: Option<Instant>,
    /// The time of the newest mark that is known.
    newest: Timestamp,
}

impl ErasedPeople {
    /// Over the store; nobody is known yet.
    pub fn new(erasures: Arc<dyn Erasures>) -> Self {
        Self { erasures, people: Arc::default(), asked: Arc::default() }
    }

    /// Asks the store for what is new, unless it has answered just now. To be called before
    /// [`ErasedPeople::includes`] is believed.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let mut asked = self.asked.lock().await;
        if asked.at.is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(());
        }
        let began = Instant::now();
        // Before the first id of that time.
        let start: UserId = "!".parse().expect("a sign is an id");
        let mut after = Mark { at: asked.newest.minus(CLOCKS_DIFFER), user: start };
        loop {
            let marks = self.erasures.marks_after(&after, PAGE).await?;
            let is_last = marks.len() < PAGE as usize;
            if let Some(last) = marks.last() {
                asked.newest = asked.newest.max(last.at);
                after = last.clone();
            }
            self.people.write().extend(marks.into_iter().map(|mark| mark.user));
            if is_last {
                break;
            }
        }
        asked.at = Some(began);
        Ok(())
    }

    /// Whether a person is known to be erased.
    pub fn includes(&self, user: &UserId) -> bool {
        self.people.read().contains(user)
    }

    /// Whether nobody is known to be erased.
    pub fn is_empty(&self) -> bool {
        self.people.read().is_empty()
    }

    /// Takes note of a person whose mark is stored.
    pub fn note(&self, user: &UserId) {
        self.people.write().insert(user.clone());
    }
}
