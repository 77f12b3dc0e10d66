//! What the services know, and what they have received.

use super::browser::Browser;
use super::fault::Fault;
use axum::http::Version;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A push as a device would read it.
#[derive(Clone, Debug)]
pub struct ReceivedPush {
    /// The registration token, or the id of the browser.
    pub to: String,
    /// The decrypted payload of a browser, or the whole message of an app.
    pub payload: Value,
    /// `ttl`, `urgency` and `topic` of a push to a browser.
    pub headers: BTreeMap<String, String>,
    /// The version of HTTP that brought it.
    pub version: Version,
}

/// What the services know.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) origin: String,
    pub(super) browsers: Mutex<HashMap<String, Browser>>,
    pub(super) received: Mutex<Vec<ReceivedPush>>,
    /// How many were taken, for whoever waits for it.
    pub(super) taken: watch::Sender<usize>,
    /// What goes wrong with the next requests, one each.
    pub(super) faults: Mutex<VecDeque<Fault>>,
    /// How long the answer to a push takes.
    pub(super) answers_after: Mutex<Duration>,
    /// Requests for a push, refused ones included.
    pub(super) asked: Mutex<usize>,
    /// What senders did wrong: they are answered with a refusal, and the test asserts that there is nothing.
    pub(super) complaints: Mutex<Vec<String>>,
    /// The access token that FCM takes, and how many were given out.
    pub(super) access: Mutex<(String, usize)>,
    /// What goes wrong with the next requests for an access token, one each.
    pub(super) token_faults: Mutex<VecDeque<Fault>>,
}

impl State {
    /// Notes a push, and says how many there are now.
    pub(super) fn take(&self, push: ReceivedPush) -> usize {
        let mut received = lock(&self.received);
        received.push(push);
        self.taken.send_replace(received.len());
        received.len()
    }

    /// Takes its time, as a real service does.
    pub(super) async fn think(&self) {
        let answers_after = *lock(&self.answers_after);
        if !answers_after.is_zero() {
            // sleep: how long the service takes is what a test is about.
            tokio::time::sleep(answers_after).await;
        }
    }

    pub(super) fn complain(&self, what: impl Into<String>) {
        lock(&self.complaints).push(what.into());
    }
}

/// The lock of a part; a test that panicked has done no harm to it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
