//! Keeps the registry equal to the hub: who is connected here, told to everybody who has to find them.
//!
//! One task does all the telling, one call after the other, so an "is here" can never be overtaken by an older "has left". What is
//! told is read from the hub at that moment, for all users that changed meanwhile at once: repeating it is harmless, and a
//! storm of reconnects becomes a few calls. While the registry is away messages still arrive (fan-out asks every gateway).

use crate::ws::hub::Hub;
use eventflow_ports::registry::RENEW_EVERY;
use eventflow_ports::{Registry, RegistryError};
use eventflow_protocol::{GatewayId, UserId};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// Users told in one call: large enough to be cheap, small enough for one answer within a deadline.
const CHUNK: usize = 1_000;
/// Changes waiting to be told. A connecting client waits here during a storm, which is the back-pressure.
const CAPACITY: usize = 4_096;
/// How long a connecting client waits for the registry to know it. Without it, it is found as soon as the registry is told.
const ENTER_PATIENCE: Duration = Duration::from_millis(250);
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// After a failed call everything is told anew this soon.
const CATCH_UP_AFTER: Duration = Duration::from_secs(2);

/// Tells the task which users changed.
#[derive(Clone)]
pub(crate) struct Roster {
    changes: mpsc::Sender<Change>,
}

struct Change {
    user: UserId,
    told: Option<oneshot::Sender<()>>,
}

impl Roster {
    /// The user has come; waits until the registry knows, or a moment if it does not answer. Add to the hub first.
    pub(crate) async fn entered(&self, user: UserId) {
        let (told, known) = oneshot::channel();
        let tell = async {
            let sent = self.changes.send(Change { user, told: Some(told) }).await;
            // Both fail only when the task has ended with its process.
            if sent.is_ok() { known.await.ok() } else { None }
        };
        if timeout(ENTER_PATIENCE, tell).await.is_err() {
            tracing::debug!("a user came in before the registry knew");
        }
    }

    /// The user's last socket has gone. Remove it from the hub first.
    pub(crate) async fn left(&self, user: UserId) {
        // Fails only when the task has ended, and then it has told of everybody.
        let _ = self.changes.send(Change { user, told: None }).await;
    }
}

/// The task.
pub(crate) struct RosterTask<S> {
    hub: Arc<Hub<S>>,
    registry: Arc<dyn Registry>,
    gateway: GatewayId,
    changes: mpsc::Receiver<Change>,
    renew_at: Instant,
    behind: bool,
}

/// A roster over `hub` and the task that does its telling.
pub(crate) fn roster<S: Clone + PartialEq>(
    hub: Arc<Hub<S>>,
    registry: Arc<dyn Registry>,
    gateway: GatewayId,
) -> (Roster, RosterTask<S>) {
    let (sender, changes) = mpsc::channel(CAPACITY);
    let task =
        RosterTask { hub, registry, gateway, changes, renew_at: Instant::now() + RENEW_EVERY, behind: false };
    (Roster { changes: sender }, task)
}

impl<S: Clone + PartialEq> RosterTask<S> {
    /// Tells until `shutdown`; then of everything that is still waiting, and that nobody is here any more.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                count = self.changes.recv_many(&mut batch, CHUNK) => {
                    if count == 0 {
                        break;
                    }
                    self.settle(batch).await;
                }
                () = sleep_until(self.renew_at) => self.renew().await,
                () = shutdown.cancelled() => break,
            }
        }
        self.leave_all().await;
    }

    /// Tells what is true of these users now.
    async fn settle(&mut self, batch: Vec<Change>) {
        let (users, waiting): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|change| (change.user, change.told)).unzip();
        let (here, gone): (Vec<_>, Vec<_>) = users.into_iter().partition(|user| self.hub.has(user));
        self.enter(&here).await;
        self.leave(&gone).await;
        for told in waiting.into_iter().flatten() {
            // A client that did not wait longer is in already.
            let _ = told.send(());
        }
    }

    /// Renews the lease of everybody here.
    async fn renew(&mut self) {
        self.behind = false;
        self.renew_at = Instant::now() + RENEW_EVERY;
        for chunk in self.hub.users().chunks(CHUNK) {
            self.enter(chunk).await;
            if self.behind {
                return;
            }
        }
    }

    async fn leave_all(&mut self) {
        self.changes.close();
        let mut gone = self.hub.users();
        while let Some(change) = self.changes.recv().await {
            gone.push(change.user);
        }
        for chunk in gone.chunks(CHUNK) {
            self.leave(chunk).await;
        }
    }

    async fn enter(&mut self, users: &[UserId]) {
        if !users.is_empty() {
            let call = self.registry.enter(&self.gateway, users);
            let result = bounded(call).await;
            self.note(result);
        }
    }

    async fn leave(&mut self, users: &[UserId]) {
        if !users.is_empty() {
            let call = self.registry.leave(&self.gateway, users);
            let result = bounded(call).await;
            self.note(result);
        }
    }

    /// After a failure everything is told anew soon. Entries that could not be removed end with their lease.
    fn note(&mut self, result: Result<(), String>) {
        let Err(reason) = result else { return };
        if !self.behind {
            tracing::warn!(reason, "the registry could not be told who is here");
        }
        self.behind = true;
        self.renew_at = self.renew_at.min(Instant::now() + CATCH_UP_AFTER);
    }
}

async fn bounded(call: impl Future<Output = Result<(), RegistryError>>) -> Result<(), String> {
    match timeout(CALL_TIMEOUT, call).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("{error}: {}", error.source)),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use eventflow_ports::{Located, MemoryRegistry};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

    /// A registry that can be switched off and counts calls.
    #[derive(Default)]
    struct Switched {
        inner: MemoryRegistry,
        off: AtomicBool,
        calls: AtomicUsize,
    }

    impl Switched {
        fn check(&self) -> Result<(), RegistryError> {
            self.calls.fetch_add(1, SeqCst);
            if self.off.load(SeqCst) {
                return Err(RegistryError { what: "test", source: "switched off".into() });
            }
            Ok(())
        }
    }

    #[async_trait]
    impl Registry for Switched {
        async fn enter(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError> {
            self.check()?;
            self.inner.enter(gateway, users).await
        }
        async fn leave(&self, gateway: &GatewayId, users: &[UserId]) -> Result<(), RegistryError> {
            self.check()?;
            self.inner.leave(gateway, users).await
        }
        async fn locate(&self, users: &[UserId]) -> Result<Located, RegistryError> {
            self.inner.locate(users).await
        }
        async fn gateways(&self) -> Result<Vec<GatewayId>, RegistryError> {
            self.inner.gateways().await
        }
    }

    struct Rig {
        hub: Arc<Hub<u32>>,
        registry: Arc<Switched>,
        roster: Roster,
        shutdown: CancellationToken,
        task: tokio::task::JoinHandle<()>,
    }

    #[allow(clippy::disallowed_methods, reason = "the handle is awaited at the end of each test")]
    fn rig() -> Rig {
        let (hub, registry) = (Arc::new(Hub::new()), Arc::new(Switched::default()));
        let (roster, task) = roster(Arc::clone(&hub), registry.clone(), GatewayId::from("g"));
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(task.run(shutdown.clone()));
        Rig { hub, registry, roster, shutdown, task }
    }

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    async fn end(rig: Rig) {
        rig.shutdown.cancel();
        rig.task.await.unwrap();
    }

    async fn is_located(rig: &Rig, name: &str) -> bool {
        rig.registry.locate(&[user(name)]).await.unwrap().gateways.contains_key(&user(name))
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_is_known_when_entered_returns_and_gone_after_the_last_socket() {
        let rig = rig();
        rig.hub.add(&user("ann"), 1);
        rig.roster.entered(user("ann")).await;
        assert!(is_located(&rig, "ann").await);
        rig.hub.remove(&user("ann"), &1);
        rig.roster.left(user("ann")).await;
        rig.hub.add(&user("bob"), 2);
        rig.roster.entered(user("bob")).await;
        assert!(!is_located(&rig, "ann").await);
        let registry = Arc::clone(&rig.registry);
        end(rig).await;
        let located = registry.locate(&[user("bob")]).await.unwrap();
        assert!(located.gateways.is_empty(), "nobody is here after the end");
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_goodbye_does_not_hide_a_user_who_is_back() {
        let rig = rig();
        rig.hub.add(&user("ann"), 1);
        rig.roster.left(user("ann")).await;
        rig.roster.entered(user("ann")).await;
        assert!(is_located(&rig, "ann").await);
        end(rig).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_comes_back_is_told_everything() {
        let rig = rig();
        rig.registry.off.store(true, SeqCst);
        rig.hub.add(&user("ann"), 1);
        rig.roster.entered(user("ann")).await;
        assert!(!is_located(&rig, "ann").await);
        rig.registry.off.store(false, SeqCst);
        tokio::time::advance(CATCH_UP_AFTER * 2).await;
        rig.hub.add(&user("bob"), 2);
        rig.roster.entered(user("bob")).await;
        rig.roster.entered(user("bob")).await;
        assert!(is_located(&rig, "ann").await);
        end(rig).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_arrivals_becomes_a_few_calls() {
        let rig = rig();
        let arrivals = (0..500_u32).map(|n| {
            let (hub, roster) = (&rig.hub, &rig.roster);
            async move {
                let user = user(&format!("u{n}"));
                hub.add(&user, n);
                roster.entered(user).await;
            }
        });
        futures_util::future::join_all(arrivals).await;
        assert!(rig.registry.calls.load(SeqCst) < 25, "{}", rig.registry.calls.load(SeqCst));
        end(rig).await;
    }
}
