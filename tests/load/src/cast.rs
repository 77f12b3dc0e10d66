//! Cast: sets a run up and clears it away. It creates threads over REST and all sockets, with one task per
//! client. At the end it collects every client's record and every thread's history.

use crate::{
    error::LoadError,
    member::{Member, Record, Shared},
    outbox::{Outbox, Source},
    rest::Stored,
    socket::Socket,
    verdict::{ThreadEnd, Verdict},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::task::TaskTracker;

/// Limit of concurrent REST calls.
const CALLS_AT_ONCE: usize = 16;
/// Limit of concurrent handshakes.
const HANDSHAKES_AT_ONCE: usize = 64;
/// Time for which a REST call is repeated before the run is given up. A system that was just killed may be
/// starting.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// Pause between two attempts.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// All clients and threads of a run.
pub struct Cast {
    shared: Arc<Shared>,
    threads: Vec<Arc<str>>,
    members_per_thread: u32,
    first_user: u32,
    tracker: TaskTracker,
    clients: Vec<JoinHandle<Record>>,
}

impl Cast {
    /// Creates `threads` threads of `members` users each, numbered from `first_user`. Nobody is connected
    /// yet.
    pub async fn assemble(
        shared: Arc<Shared>,
        threads: u32,
        members: u32,
        first_user: u32,
    ) -> Result<Self, LoadError> {
        let create = |thread: u32| {
            let shared = Arc::clone(&shared);
            async move {
                let first = first_user + thread * members;
                let target = &shared.target;
                let others: Vec<String> =
                    (first + 1..first + members).map(|user| target.user(user)).collect();
                let token = target.founder_token(first);
                insist(|| target.rest.create_thread(&token, &others, &target.run)).await.map(Arc::from)
            }
        };
        let threads = stream::iter((0..threads).map(create)).buffered(CALLS_AT_ONCE).try_collect().await?;
        Ok(Self::new(shared, threads, members, first_user))
    }

    /// Creates a thread of one user and of guests. If guests connect at all, another part of the run connects
    /// them.
    pub async fn with_guests(shared: Arc<Shared>, user: u32, guests: &[u32]) -> Result<Self, LoadError> {
        let target = &shared.target;
        let (token, others) =
            (target.founder_token(user), guests.iter().map(|guest| target.user(*guest)).collect::<Vec<_>>());
        let thread = insist(|| target.rest.create_thread(&token, &others, &target.run)).await?;
        Ok(Self::new(Arc::clone(&shared), vec![Arc::from(thread)], 1, user))
    }

    /// Creates `members` users without any thread.
    pub fn bystanders(shared: Arc<Shared>, members: u32, first_user: u32) -> Self {
        Self::new(shared, vec![Arc::from("")], members, first_user)
    }

    fn new(shared: Arc<Shared>, threads: Vec<Arc<str>>, members_per_thread: u32, first_user: u32) -> Self {
        Self {
            shared,
            threads,
            members_per_thread,
            first_user,
            tracker: TaskTracker::new(),
            clients: Vec::new(),
        }
    }

    /// Connects everybody, at most `rate` per second if given. `source` says what the client at a place
    /// (thread, member) sends.
    pub async fn connect(
        &mut self,
        rate: Option<f64>,
        source: impl Fn(u32, u32) -> Source,
    ) -> Result<(), LoadError> {
        let start = Instant::now();
        let members = (0_u32..)
            .zip(&self.threads)
            .flat_map(|(t, id)| (0..self.members_per_thread).map(move |m| (t, m, id)));
        let connects = members.map(|(thread, member, id)| {
            let place = thread * self.members_per_thread + member;
            let user = self.first_user + place;
            let outbox = Outbox::new(user, source(thread, member));
            let client = Member::new(Arc::clone(&self.shared), user, Arc::clone(id), outbox);
            let due =
                start + rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(f64::from(place) / rate));
            let (shared, tracker) = (Arc::clone(&self.shared), self.tracker.clone());
            async move {
                sleep_until(due).await;
                let socket = Socket::open(&shared.target, user, 0, None).await?;
                Ok::<_, LoadError>(tracker.spawn(client.live(socket)))
            }
        });
        self.clients = stream::iter(connects).buffered(HANDSHAKES_AT_ONCE).try_collect().await?;
        Ok(())
    }

    /// Disconnects everybody and returns their records.
    pub async fn dismiss(&mut self) -> Vec<Record> {
        self.shared.stage.close.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        let mut records = Vec::with_capacity(self.clients.len());
        for client in self.clients.drain(..) {
            records.push(client.await.expect("a client neither panics nor is aborted"));
        }
        records
    }

    /// Disconnects everybody, reads all history, and lets the ledger judge.
    pub async fn judge(mut self) -> Result<Verdict, LoadError> {
        let records = self.dismiss().await;
        let ends = stream::iter(
            (0_u32..).zip(&self.threads).map(|(number, thread)| self.thread_end(number, thread)),
        );
        let ends: Vec<ThreadEnd> = ends.buffered(CALLS_AT_ONCE).try_collect().await?;
        Ok(Verdict::of(&ends, &records))
    }

    async fn thread_end(&self, number: u32, thread: &Arc<str>) -> Result<ThreadEnd, LoadError> {
        let first = number * self.members_per_thread;
        let history = self.history(self.first_user + first, thread).await?;
        let members = first as usize..(first + self.members_per_thread) as usize;
        Ok(ThreadEnd { id: thread.to_string(), members, history })
    }

    async fn history(&self, user: u32, thread: &str) -> Result<Vec<Stored>, LoadError> {
        let target = &self.shared.target;
        let token = target.token(user);
        insist(|| target.rest.history(&token, &target.run, thread, 0)).await
    }
}

/// Repeats a call until it succeeds, fails for good, or the time is up.
async fn insist<T, F: Future<Output = Result<T, LoadError>>>(call: impl Fn() -> F) -> Result<T, LoadError> {
    let give_up = Instant::now() + ANSWER_WITHIN;
    loop {
        match call().await {
            Err(error) if error.may_pass() && Instant::now() < give_up => sleep(AGAIN_AFTER).await,
            result => return result,
        }
    }
}
