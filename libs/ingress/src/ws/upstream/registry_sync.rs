//! Keeps the registry equal to the hub, so that everybody else can find who is connected here.
//!
//! One task makes all calls, one after the other, so an "is here" can never be overtaken by an older "has
//! left". What it reports is read from the hub at that moment, for all users that changed meanwhile at once:
//! repeating it is harmless, and a storm of reconnects becomes a few calls. While the registry is away
//! messages still arrive, because fan-out then asks every gateway. It may be away from this gateway alone: so
//! the gateway tells the fan-out stage before it lets the next client in ([`Unlisted`]). Whatever is stored
//! after a client was let in finds either its entry or this word.

use crate::ws::sockets::hub::Hub;
use async_trait::async_trait;
use eventflow_bus::publish::PublishError;
use eventflow_ports::registry::RENEW_EVERY;
use eventflow_ports::{Registry, RegistryError};
use eventflow_protocol::{GatewayId, UserId};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// Users reported in one call: large enough to be cheap, small enough for one answer within a deadline.
const CHUNK: usize = 1_000;
/// Changes waiting to be reported. A connecting client waits here during a storm, which is the back-pressure.
const CAPACITY: usize = 4_096;
/// How long a connecting client waits until the registry knows its user, or fan-out that it does not: one
/// call that fails and the word to fan-out. If that takes longer, which takes a broker that is away too, the
/// client goes on without and is found later.
const ENTER_PATIENCE: Duration = Duration::from_millis(3_250);
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the word to fan-out may take.
const SAY_TIMEOUT: Duration = Duration::from_secs(1);
/// Time after which fan-out is told again while the registry is away. Its word holds much longer there; a
/// worker that took a shard over meanwhile has not heard it.
const SAY_EVERY: Duration = Duration::from_secs(2);
/// Time after which fan-out is told again if it could not be told. Not at once: clients that come in one
/// after the other would each wait for a broker that is away.
const SAY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// After a failed call everything is reported anew this soon.
const CATCH_UP_AFTER: Duration = Duration::from_secs(2);

/// Tells the fan-out stage that the registry does not know who is connected here.
#[async_trait]
pub(crate) trait Unlisted: Send + Sync {
    /// Says so, and waits until the broker has it.
    async fn say(&self) -> Result<(), PublishError>;
}

/// The way to the task: which users have come or gone.
#[derive(Clone)]
pub(crate) struct RegistrySync {
    changes: mpsc::Sender<UserChange>,
}

struct UserChange {
    user: UserId,
    /// Told when the registry knows.
    reported: Option<oneshot::Sender<()>>,
}

impl RegistrySync {
    /// The user has come. Add them to the hub first. Waits until the registry knows, at most
    /// [`ENTER_PATIENCE`].
    pub(crate) async fn entered(&self, user: UserId) {
        let (reported, known) = oneshot::channel();
        let report = async {
            let sent = self.changes.send(UserChange { user, reported: Some(reported) }).await;
            // Both fail only when the task has ended with its process.
            if sent.is_ok() { known.await.ok() } else { None }
        };
        if timeout(ENTER_PATIENCE, report).await.is_err() {
            tracing::debug!("a user came in before the registry knew");
        }
    }

    /// The user's last socket has gone. Remove it from the hub first.
    pub(crate) async fn left(&self, user: UserId) {
        // Fails only when the task has ended, and then it has reported that nobody is here.
        let _ = self.changes.send(UserChange { user, reported: None }).await;
    }
}

/// The task that makes the calls.
pub(crate) struct RegistrySyncTask<S> {
    hub: Arc<Hub<S>>,
    registry: Arc<dyn Registry>,
    gateway: GatewayId,
    unlisted: Arc<dyn Unlisted>,
    changes: mpsc::Receiver<UserChange>,
    renew_at: Instant,
    is_behind: bool,
    /// From when on fan-out is told again.
    say_at: Instant,
}

/// Keeps `registry` equal to `hub`; the task has to be run.
pub(crate) fn registry_sync<S: Clone + PartialEq>(
    hub: Arc<Hub<S>>,
    registry: Arc<dyn Registry>,
    gateway: GatewayId,
    unlisted: Arc<dyn Unlisted>,
) -> (RegistrySync, RegistrySyncTask<S>) {
    let (sender, changes) = mpsc::channel(CAPACITY);
    let task = RegistrySyncTask {
        hub,
        registry,
        gateway,
        unlisted,
        changes,
        renew_at: Instant::now() + RENEW_EVERY,
        is_behind: false,
        say_at: Instant::now(),
    };
    (RegistrySync { changes: sender }, task)
}

impl<S: Clone + PartialEq> RegistrySyncTask<S> {
    /// Reports until `shutdown`; then that nobody is here any more, those included who are still waiting.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                count = self.changes.recv_many(&mut batch, CHUNK) => {
                    if count == 0 {
                        break;
                    }
                    self.report(batch).await;
                }
                () = sleep_until(self.renew_at) => self.renew().await,
                () = shutdown.cancelled() => break,
            }
        }
        self.leave_all().await;
    }

    /// Reports what is true of these users now.
    async fn report(&mut self, batch: Vec<UserChange>) {
        let (users, waiting): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|change| (change.user, change.reported)).unzip();
        let (here, gone): (Vec<_>, Vec<_>) = users.into_iter().partition(|user| self.hub.has(user));
        self.enter(&here).await;
        self.leave(&gone).await;
        for reported in waiting.into_iter().flatten() {
            // A client that did not wait longer is in already.
            let _ = reported.send(());
        }
    }

    /// Renews the lease of everybody here.
    async fn renew(&mut self) {
        self.is_behind = false;
        self.renew_at = Instant::now() + RENEW_EVERY;
        for chunk in self.hub.users().chunks(CHUNK) {
            self.enter(chunk).await;
            if self.is_behind {
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
            if result.is_err() {
                self.say_unlisted().await;
            }
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

    async fn say_unlisted(&mut self) {
        if Instant::now() < self.say_at {
            return;
        }
        let next = match timeout(SAY_TIMEOUT, self.unlisted.say()).await {
            Ok(Ok(())) => SAY_EVERY,
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "fan-out could not be told of it");
                SAY_AGAIN_AFTER
            }
            Err(_) => {
                tracing::warn!(limit = ?SAY_TIMEOUT, "fan-out could not be told of it in time");
                SAY_AGAIN_AFTER
            }
        };
        self.say_at = Instant::now() + next;
    }

    /// After a failure everything is reported anew soon. Entries that could not be removed end with their
    /// lease.
    fn note(&mut self, result: Result<(), CallError>) {
        let Err(error) = result else { return };
        if !self.is_behind {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the registry could not be told who is connected here"
            );
        }
        self.is_behind = true;
        self.renew_at = self.renew_at.min(Instant::now() + CATCH_UP_AFTER);
    }
}

/// A call of the registry did not succeed.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("call the registry")]
    Failed(#[from] RegistryError),
    #[error("the registry gives no answer in time")]
    TooSlow(#[from] Elapsed),
}

async fn bounded(call: impl Future<Output = Result<(), RegistryError>>) -> Result<(), CallError> {
    Ok(timeout(CALL_TIMEOUT, call).await??)
}

#[cfg(test)]
mod tests {
    use super::*;
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

    /// Counts how often fan-out was told.
    #[derive(Default)]
    struct Said(AtomicUsize);

    #[async_trait]
    impl Unlisted for Said {
        async fn say(&self) -> Result<(), PublishError> {
            self.0.fetch_add(1, SeqCst);
            Ok(())
        }
    }

    struct SyncRig {
        hub: Arc<Hub<u32>>,
        registry: Arc<Switched>,
        said: Arc<Said>,
        sync: RegistrySync,
        shutdown: CancellationToken,
        task: tokio::task::JoinHandle<()>,
    }

    #[allow(clippy::disallowed_methods, reason = "the handle is awaited at the end of each test")]
    fn rig() -> SyncRig {
        let (hub, registry) = (Arc::new(Hub::new()), Arc::new(Switched::default()));
        let said = Arc::new(Said::default());
        let gateway = GatewayId::from("g");
        let (sync, task) = registry_sync(Arc::clone(&hub), registry.clone(), gateway, said.clone());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(task.run(shutdown.clone()));
        SyncRig { hub, registry, said, sync, shutdown, task }
    }

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    async fn end(rig: SyncRig) {
        rig.shutdown.cancel();
        rig.task.await.unwrap();
    }

    async fn is_located(rig: &SyncRig, name: &str) -> bool {
        rig.registry.locate(&[user(name)]).await.unwrap().gateways.contains_key(&user(name))
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_is_known_when_entered_returns_and_gone_after_the_last_socket() {
        let rig = rig();
        rig.hub.add(&user("ann"), 1);
        rig.sync.entered(user("ann")).await;
        assert!(is_located(&rig, "ann").await);
        rig.hub.remove(&user("ann"), &1);
        rig.sync.left(user("ann")).await;
        rig.hub.add(&user("bob"), 2);
        rig.sync.entered(user("bob")).await;
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
        rig.sync.left(user("ann")).await;
        rig.sync.entered(user("ann")).await;
        assert!(is_located(&rig, "ann").await);
        end(rig).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_comes_back_is_told_everything() {
        let rig = rig();
        rig.registry.off.store(true, SeqCst);
        rig.hub.add(&user("ann"), 1);
        rig.sync.entered(user("ann")).await;
        assert!(!is_located(&rig, "ann").await);
        rig.registry.off.store(false, SeqCst);
        tokio::time::advance(CATCH_UP_AFTER * 2).await;
        rig.hub.add(&user("bob"), 2);
        rig.sync.entered(user("bob")).await;
        rig.sync.entered(user("bob")).await;
        assert!(is_located(&rig, "ann").await);
        end(rig).await;
    }

    #[tokio::test(start_paused = true)]
    async fn fanout_knows_before_a_client_is_let_in_whom_the_registry_does_not_know() {
        let rig = rig();
        let said = || rig.said.0.load(SeqCst);
        rig.hub.add(&user("ann"), 1);
        rig.sync.entered(user("ann")).await;
        assert_eq!(said(), 0, "the registry knows her");
        rig.registry.off.store(true, SeqCst);
        for name in ["bob", "cas"] {
            rig.hub.add(&user(name), 2);
            rig.sync.entered(user(name)).await;
            assert_eq!(said(), 1, "{name} is not let in before it, and it is not said for each");
        }
        // sleep: on paused time
        tokio::time::sleep(SAY_EVERY * 3).await;
        assert!((3..=4).contains(&said()), "said again while the registry is away: {}", said());
        end(rig).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_arrivals_becomes_a_few_calls() {
        let rig = rig();
        let arrivals = (0..500_u32).map(|n| {
            let (hub, sync) = (&rig.hub, &rig.sync);
            async move {
                let user = user(&format!("u{n}"));
                hub.add(&user, n);
                sync.entered(user).await;
            }
        });
        futures_util::future::join_all(arrivals).await;
        assert!(rig.registry.calls.load(SeqCst) < 25, "{}", rig.registry.calls.load(SeqCst));
        end(rig).await;
    }
}
