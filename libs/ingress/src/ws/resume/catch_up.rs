//! A client comes with a session of another gateway: what it had missed of messages is read from the store and sent to it, each once.
//!
//! The client says which packet it got last, the other gateway's journal says which messages lie before that packet, and the store has
//! the rest. Meanwhile messages that arrive live wait their turn: only that they exist is noted, and they are read from the store in
//! order like the others. What is safe to repeat: a message at or below a thread's floor is never emitted to this socket again.
//! Should this gateway be lost before it is done, the next one goes on from both journals: see [`Trail`] and [`Joining`].
//! The session is a new one (`socket.recovered` is false): changes of older messages are not sent again.

mod joining;
mod note;
mod past;
mod trail;
mod turn;

pub(crate) use joining::Joining;
pub(crate) use note::{Note, Resumable, Tag};
pub(crate) use past::Pasts;
pub(crate) use turn::{Turn, Turns};

use crate::ws::application::Shared;
use crate::ws::member::Member;
use eventflow_metrics::ResumeOutcome;
use eventflow_ports::journal::Entry;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{MessagePage, Place, StoreError, ThreadPage};
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::document::{Message, ThreadStatus, ThreadView};
use eventflow_protocol::event;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use eventflow_socketio::{Packet, Socket};
use past::After;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::SemaphorePermit;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};
use trail::Trail;

/// How long to wait before looking what was missed: by then fan-out sends to this gateway, and a stored message shows in its thread
/// (within 20 ms on an ordinary day).
const SETTLE: Duration = Duration::from_millis(500);
/// Clients read for at the same time; the others wait, so that a storm of reconnects is no storm of queries. None of them waits for a client
/// that reads slowly.
pub(crate) const AT_ONCE: usize = 32;
/// Pages of threads looked through: the 1,000 most recently active ones.
const THREAD_PAGES_MAX: usize = 10;
/// Threads that were active this much earlier than anything can be missing are looked at too: clocks differ.
const CLOCKS_DIFFER_MS: i64 = 60_000;
/// Packets waiting for the client past which it is given time: most of a page. It would be cut at 4,096.
const WAITING_MAX: usize = 64;
/// Bytes waiting for it past which it is given time: a quarter of what would cut it, and the largest message is far below the rest.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// How often it is looked whether the client has taken some.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Pause after the store could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The socket is gone for good, or nothing may be emitted to it any more.
struct Gone;

/// One client being caught up.
struct Resume<'a> {
    shared: &'a Shared,
    socket: &'a Socket<Member>,
    user: &'a UserId,
    wanted: Resumable,
    trail: Option<Trail>,
}

impl Shared {
    /// Sends the socket what it missed, in a task of its own, if it waits for that.
    pub(crate) fn resume(self: &Arc<Self>, socket: &Socket<Member>) {
        let Some(wanted) = socket.state().turns(Turns::start).flatten() else { return };
        let (shared, socket, came) = (Arc::clone(self), socket.clone(), Instant::now());
        self.tasks.spawn(async move {
            tokio::select! {
                () = catch_up(&shared, &socket, wanted, came) => {}
                () = shared.shutdown.cancelled() => {}
            }
        });
    }
}

async fn catch_up(shared: &Shared, socket: &Socket<Member>, wanted: Resumable, came: Instant) {
    let Some(user) = socket.state().user() else { return };
    sleep(SETTLE).await;
    let permit = shared.permit().await;
    let trail = Trail::read(&shared.pasts, &wanted, came).await;
    drop(permit);
    let outcome = if trail.is_some() { ResumeOutcome::Resumed } else { ResumeOutcome::Unknown };
    let resume = Resume { shared, socket, user, wanted, trail };
    if resume.run().await.is_ok() {
        shared.edge.metrics.edge.resumed.of(outcome).inc();
    }
}

impl Shared {
    /// Waits until one more may be read for; to be given back before anything else is waited for.
    async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // Fails only when it is closed, which it never is.
        self.resumes.acquire().await.ok()
    }
}

impl Resume<'_> {
    async fn run(&self) -> Result<(), Gone> {
        let mut threads = self.threads().await?;
        loop {
            for thread in threads {
                self.thread(thread).await?;
            }
            let mut caught = self.shared.joining.lock().await;
            threads = self.turns(Turns::waiting).unwrap_or_default();
            if threads.is_empty() {
                caught.add(self.socket);
                return Ok(());
            }
        }
    }

    /// Threads of the user in which something may be missing.
    async fn threads(&self) -> Result<Vec<ThreadId>, Gone> {
        let Some(trail) = &self.trail else { return Ok(Vec::new()) };
        let from = Timestamp(trail.since().0 - CLOCKS_DIFFER_MS);
        let mut found = HashSet::new();
        for status in [ThreadStatus::Active, ThreadStatus::Archived] {
            let mut after = None;
            for _ in 0..THREAD_PAGES_MAX {
                let page = self.threads_page(ThreadPage { status, after, skip: 0, limit: PAGE_MAX }).await?;
                let activity = |view: &ThreadView| {
                    (view.thread.last_message_at.unwrap_or(view.thread.created_at), view.thread.id)
                };
                found.extend(
                    page.iter().map(activity).filter(|(at, _)| *at >= from).map(|(_, thread)| thread),
                );
                after = page.last().map(activity);
                if page.len() < PAGE_MAX as usize || after.is_none_or(|(at, _)| at < from) {
                    break;
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Everything of one thread that the client does not have.
    async fn thread(&self, thread: ThreadId) -> Result<(), Gone> {
        let (floor, waiting) = self.turns(|turns| turns.place(thread)).unwrap_or_default();
        let from = match floor {
            Some(floor) => Some(floor),
            None => self.place(thread, waiting.map(|(first, _)| first)).await?,
        };
        let Some(mut from) = from else { return Ok(()) };
        self.turns(|turns| turns.reached(thread, from));
        loop {
            let page = MessagePage { before: None, after: Some(Place::Seq(from)), limit: PAGE_MAX };
            let page = self.messages(thread, page).await?;
            from = page.last().map_or(from, |message| message.seq);
            self.send(thread, &page).await?;
            if page.len() < PAGE_MAX as usize {
                break;
            }
        }
        // What waited then is sent now, or is not there to be sent.
        waiting.map(|(_, newest)| self.turns(|turns| turns.reached(thread, newest)));
        Ok(())
    }

    /// The message after which some are missing; `first_waiting` is one of them.
    async fn place(&self, thread: ThreadId, first_waiting: Option<u64>) -> Result<Option<u64>, Gone> {
        let before_waiting = first_waiting.map(|first| first.saturating_sub(1));
        let (than, behind) = match self.trail.as_ref().and_then(|trail| trail.place(thread)) {
            None => return Ok(before_waiting),
            Some(After::Seq(seq)) => return Ok(Some(seq)),
            Some(After::Young { than, behind }) => (than, behind),
        };
        let young = MessagePage { before: None, after: Some(Place::Time(than)), limit: 1 };
        let first_young = self.messages(thread, young).await?;
        let before_young = first_young.first().map(|message| message.seq.saturating_sub(1).max(behind));
        Ok(before_young.into_iter().chain(before_waiting).min())
    }

    async fn send(&self, thread: ThreadId, messages: &[Message]) -> Result<(), Gone> {
        let mut packets = Vec::with_capacity(messages.len());
        for message in messages {
            match self.packet(message) {
                Ok(packet) => packets.push((message.seq, packet)),
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a message cannot be written as JSON"
                ),
            }
        }
        let entries = packets.iter().filter_map(|(seq, packet)| {
            Some(Entry { position: packet.offset()?.position(), thread, seq: *seq })
        });
        self.shared.journal.write_alone(self.wanted.tag, entries.collect()).await;
        for (seq, packet) in packets {
            self.room().await?;
            self.turns(|turns| turns.reached(thread, seq));
            self.socket.emit_apart(&packet);
        }
        self.note_receipt(thread, messages).await;
        Ok(())
    }

    fn packet(&self, message: &Message) -> Result<Packet, serde_json::Error> {
        let (name, payload) = event::received(message)?;
        Ok(self.shared.encoder.event_raw(name, &[serde_json::from_str::<&RawValue>(&payload)?]))
    }

    /// Waits until not too much is waiting for the client.
    async fn room(&self) -> Result<(), Gone> {
        loop {
            // Whoever writes to the client gets a chance to.
            yield_now().await;
            let queued = self.socket.queued();
            if queued.packets < WAITING_MAX && queued.bytes < WAITING_BYTES_MAX {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        // Looked at after the journal was written: what an older generation is sent must not be in the journal of the next.
        if self.socket.is_gone() || !self.shared.is_current(self.socket.state()) { Err(Gone) } else { Ok(()) }
    }

    async fn note_receipt(&self, thread: ThreadId, messages: &[Message]) {
        let newest =
            messages.iter().rev().find(|message| message.sender_id != *self.user).map(|message| message.seq);
        let Some(newest) = newest.filter(|_| self.socket.is_connected()) else { return };
        // Who is in the thread was asked a moment ago; without an answer the next message brings the receipt.
        if let Ok(Some(people)) = self.shared.membership.of(thread).await
            && people.len() <= RECEIPT_PARTICIPANTS_MAX
        {
            self.shared.receipts.note(thread, self.user, newest);
        }
    }

    fn turns<R>(&self, act: impl FnOnce(&mut Turns) -> R) -> Option<R> {
        self.socket.state().turns(act)
    }

    async fn threads_page(&self, page: ThreadPage) -> Result<Vec<ThreadView>, Gone> {
        loop {
            let permit = self.shared.permit().await;
            let threads = self.shared.edge.store.threads_of(self.user, page).await;
            drop(permit);
            match threads {
                Ok(threads) => return Ok(threads),
                Err(error) => self.pause(&error).await?,
            }
        }
    }

    async fn messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, Gone> {
        loop {
            let permit = self.shared.permit().await;
            let messages = self.shared.edge.store.messages(thread, page).await;
            drop(permit);
            match messages {
                Ok(messages) => return Ok(messages),
                Err(error) => self.pause(&error).await?,
            }
        }
    }

    /// The store is asked until it answers or the socket is gone.
    async fn pause(&self, error: &StoreError) -> Result<(), Gone> {
        tracing::warn!(error = error as &dyn std::error::Error, "what a client missed cannot be read yet");
        sleep(RETRY_AFTER).await;
        self.room().await
    }
}
