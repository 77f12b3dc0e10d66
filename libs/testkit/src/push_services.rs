//! A stand-in for the push services: Google's (OAuth and FCM HTTP v1) and a browser's (RFC 8030), over HTTP/2
//! with TLS.
//!
//! It believes nothing. The OAuth side checks the assertion's signature, the FCM side the access token.
//! The Web Push side checks the VAPID signature against the key that the browser subscribed with, and
//! decrypts the payload with the browser's keys, by another implementation than the one under test. It
//! answers as the real ones do, or fails in the way that a test asks for.

mod browser;
mod fault;
mod fcm;
mod server;
mod state;
mod web_push;

pub use browser::Browser;
pub use fault::Fault;
pub use state::ReceivedPush;

use anyhow::Context;
use state::{State, lock};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// The running services.
#[derive(Debug)]
pub struct PushServices {
    address: SocketAddr,
    folder: TempDir,
    state: Arc<State>,
    _tasks: TaskTracker,
    _stop: DropGuard,
}

impl PushServices {
    /// Listens on a free port of this machine.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("make a folder")?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (address, state) = server::start(&certificate(&folder), &tasks, stop.clone()).await?;
        Ok(Self { address, folder, state, _tasks: tasks, _stop: stop.drop_guard() })
    }

    /// A file with the certificate that these services prove themselves with.
    pub fn certificate(&self) -> PathBuf {
        certificate(&self.folder)
    }

    /// The settings of a system that pushes to these services: environment variables.
    pub fn settings(&self) -> [(&'static str, String); 4] {
        [
            ("FIREBASE_CREDENTIALS", self.service_account()),
            ("EVENTFLOW_PUSH__FCM_URL", self.fcm_url()),
            ("EVENTFLOW_PUSH__CA_FILE", self.certificate().display().to_string()),
            ("EVENTFLOW_PUSH__ALLOW_PRIVATE_ENDPOINTS", "true".to_owned()),
        ]
    }

    /// The address of FCM, as a setting names it.
    pub fn fcm_url(&self) -> String {
        self.state.origin.clone()
    }

    /// `host:port`, for a test that cuts connections.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A service account as JSON, whose access tokens come from here.
    pub fn service_account(&self) -> String {
        fcm::service_account(&self.state.origin)
    }

    /// A browser that subscribes here with this `applicationServerKey`.
    pub fn subscribe(&self, application_server_key: &str) -> Browser {
        let browser = Browser::new(&self.state.origin, application_server_key);
        lock(&self.state.browsers).insert(browser.id.clone(), browser.clone());
        browser
    }

    /// The next requests for a push go wrong, one each, in this order.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.state.faults).extend(faults);
    }

    /// Lets the answer to each push take this long.
    pub fn answer_after(&self, time: Duration) {
        *lock(&self.state.answers_after) = time;
    }

    /// The next requests for an access token go wrong.
    pub fn fail_tokens(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.state.token_faults).extend(faults);
    }

    /// FCM takes no access token that was given out before.
    pub fn expire_access(&self) {
        lock(&self.state.access).0.clear();
    }

    /// How many access tokens were given out.
    pub fn tokens_given(&self) -> usize {
        lock(&self.state.access).1
    }

    /// How many requests for a push came, refused ones included.
    pub fn asked(&self) -> usize {
        *lock(&self.state.asked)
    }

    /// Every push that was taken, oldest first.
    pub fn received(&self) -> Vec<ReceivedPush> {
        lock(&self.state.received).clone()
    }

    /// Waits until so many pushes were taken, without a moment in between: for a test that kills who sent
    /// them.
    pub async fn has_taken(&self, count: usize) {
        let mut taken = self.state.taken.subscribe();
        // The sender lives as long as these services.
        let _ = taken.wait_for(|taken| *taken >= count).await;
    }

    /// Everything that senders did wrong.
    pub fn complaints(&self) -> Vec<String> {
        lock(&self.state.complaints).clone()
    }
}

fn certificate(folder: &TempDir) -> PathBuf {
    Path::new(folder.path()).join("push-services.pem")
}
