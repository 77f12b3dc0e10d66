//! Catch-up: what a client missed of messages is read from the store and sent to its new socket, each message
//! once and in order.
//!
//! Meanwhile messages that arrive live wait at the socket's gate: only their place is noted, and they are
//! read from the store in order like the others. What makes it safe to repeat: a message at or below a
//! thread's floor is never emitted to this socket again. The session is a new one (`socket.recovered` is
//! false): changes of older messages are not sent again.

use crate::seen_receipts;
use crate::ws::resume::handover::Handover;
use crate::ws::resume::journal::JournalWriter;
use crate::ws::resume::journal_index::{JournalIndexes, ResumePoint};
use crate::ws::resume::session_chain::SessionChain;
use crate::ws::sockets::Sockets;
use crate::ws::sockets::handle::ClientSocket;
use crate::ws::sockets::live_gate::LiveGate;
use crate::ws::sockets::resume_token::LeftSessions;
use crate::ws::upstream::receipts::Receipts;
use eventflow_metrics::{EdgeMetrics, ResumeOutcome};
use eventflow_ports::journal::Entry;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Apart, Membership, MessagePage, Place, Store, StoreError, ThreadPage};
use eventflow_protocol::change::RECEIPT_PARTICIPANTS_MAX;
use eventflow_protocol::client::events::{MessageReceived, ServerEvent as _};
use eventflow_protocol::document::{Message, ThreadStatus, ThreadView};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use eventflow_socketio::Packet;
use serde_json::value::to_raw_value;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

/// Pause before looking what was missed: by then fan-out sends to this gateway, and a stored message shows in
/// its thread (within 20 ms on an ordinary day).
const SETTLE: Duration = Duration::from_millis(500);
/// Clients read for at the same time; the others wait, so that a storm of reconnects is no storm of queries.
/// None of them waits for a client that reads slowly.
pub(crate) const READS_MAX: usize = 32;
/// Pages of threads looked through: the 1,000 most recently active ones.
const THREAD_PAGES_MAX: usize = 10;
/// Milliseconds by which clocks may differ: threads that were active this long before anything can be missing
/// are looked at too.
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);
/// Packets waiting for the client past which it is given time: most of a page. It would be cut at 4,096.
const QUEUED_PACKETS_MAX: usize = 64;
/// Bytes waiting for it past which it is given time: a quarter of what would cut it, and the largest message
/// is far below the rest.
const QUEUED_BYTES_MAX: usize = 256 * 1024;
/// How often a client that was given time is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Pause after the store could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The socket is gone for good, or nothing may be emitted to it any more.
struct Gone;

/// What catching up needs.
pub(crate) struct CatchUp {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) membership: Membership,
    pub(crate) apart: Apart,
    pub(crate) sockets: Sockets,
    pub(crate) receipts: Arc<Receipts>,
    pub(crate) journal: Arc<JournalWriter>,
    pub(crate) handover: Arc<Handover>,
    pub(crate) indexes: JournalIndexes,
    /// Lets so many clients be read for at the same time.
    pub(crate) reads: Arc<Semaphore>,
    pub(crate) metrics: EdgeMetrics,
}

/// One client being caught up.
struct ClientCatchUp<'a> {
    room: &'a CatchUp,
    socket: &'a ClientSocket,
    user: &'a UserId,
    left: LeftSessions,
    chain: Option<SessionChain>,
}

impl CatchUp {
    /// Catches up a socket that came at `came` with everything its client missed since it left these
    /// sessions.
    pub(crate) async fn run(&self, socket: &ClientSocket, left: LeftSessions, came: Instant) {
        let Some(user) = socket.state().user() else { return };
        sleep(SETTLE).await;
        let permit = self.read_permit().await;
        let chain = SessionChain::read(&self.indexes, &left, came).await;
        drop(permit);
        let outcome = if chain.is_some() { ResumeOutcome::Resumed } else { ResumeOutcome::Unknown };
        let client = ClientCatchUp { room: self, socket, user, left, chain };
        if client.run().await.is_ok() {
            self.metrics.resumed.of(outcome).inc();
        }
    }

    /// Waits until one more client may be read for. The permit is to be given back before anything else is
    /// waited for.
    async fn read_permit(&self) -> Option<SemaphorePermit<'_>> {
        // Fails only when the semaphore is closed, which it never is.
        self.reads.acquire().await.ok()
    }
}

impl ClientCatchUp<'_> {
    async fn run(&self) -> Result<(), Gone> {
        let mut threads = self.threads().await?;
        loop {
            for thread in threads {
                self.thread(thread).await?;
            }
            // Under this lock no batch is under way: either a message waits by now, or the socket hears it
            // live.
            let mut caught_up = self.room.handover.lock().await;
            threads = self.gate(LiveGate::waiting).unwrap_or_default();
            if threads.is_empty() {
                caught_up.add(self.socket);
                return Ok(());
            }
        }
    }

    /// Threads of the user in which something may be missing.
    async fn threads(&self) -> Result<Vec<ThreadId>, Gone> {
        let Some(chain) = &self.chain else { return Ok(Vec::new()) };
        let from = chain.since().minus(CLOCKS_DIFFER);
        let mut found = HashSet::new();
        for status in [ThreadStatus::Active, ThreadStatus::Archived] {
            self.add_threads(status, from, &mut found).await?;
        }
        Ok(found.into_iter().collect())
    }

    /// Adds the threads of this status that were active at `from` or later.
    async fn add_threads(
        &self,
        status: ThreadStatus,
        from: Timestamp,
        found: &mut HashSet<ThreadId>,
    ) -> Result<(), Gone> {
        let mut after = None;
        for _ in 0..THREAD_PAGES_MAX {
            let page = self.threads_page(ThreadPage { status, after, skip: 0, limit: PAGE_MAX }).await?;
            let activity = |view: &ThreadView| {
                (view.thread.last_message_at.unwrap_or(view.thread.created_at), view.thread.id)
            };
            let active = page.iter().map(activity).filter(|(at, _)| *at >= from);
            found.extend(active.map(|(_, thread)| thread));
            after = page.last().map(activity);
            if page.len() < PAGE_MAX as usize || after.is_none_or(|(at, _)| at < from) {
                break;
            }
        }
        Ok(())
    }

    /// Sends everything of one thread that the client does not have.
    async fn thread(&self, thread: ThreadId) -> Result<(), Gone> {
        let progress = self.gate(|gate| gate.progress(thread)).unwrap_or_default();
        let from = match progress.floor {
            Some(floor) => Some(floor),
            None => self.start(thread, progress.waiting.map(|waiting| waiting.first)).await?,
        };
        let Some(mut from) = from else { return Ok(()) };
        self.gate(|gate| gate.reached(thread, from));
        loop {
            let page = MessagePage { before: None, after: Some(Place::Seq(from)), since: 0, limit: PAGE_MAX };
            let page = self.messages(thread, page).await?;
            let Some(last) = page.last().map(|message| message.seq) else { break };
            // Asked after the page was read: whoever is in the thread then may see what stands in it after
            // their place.
            let Some(since) = self.seen_from(thread).await? else { break };
            from = last;
            let seen = page.partition_point(|message| message.seq <= since);
            self.send(thread, &page[seen..]).await?;
            if page.len() < PAGE_MAX as usize {
                break;
            }
        }
        // What waited at the beginning is sent by now, or is not there to be sent.
        if let Some(waiting) = progress.waiting {
            self.gate(|gate| gate.reached(thread, waiting.newest));
        }
        Ok(())
    }

    /// The message after which some are missing; `first_waiting` is one of the missing ones.
    async fn start(&self, thread: ThreadId, first_waiting: Option<u64>) -> Result<Option<u64>, Gone> {
        let before_waiting = first_waiting.map(|first| first.saturating_sub(1));
        let (than, behind) = match self.chain.as_ref().and_then(|chain| chain.point(thread)) {
            None => return Ok(before_waiting),
            Some(ResumePoint::Seq(seq)) => return Ok(Some(seq)),
            Some(ResumePoint::Young { than, behind }) => (than, behind),
        };
        let first_young = self.first_seq_after(thread, than).await?;
        let before_young = first_young.map(|seq| seq.saturating_sub(1).max(behind));
        Ok(before_young.into_iter().chain(before_waiting).min())
    }

    /// Writes the messages to the journal, then emits them.
    async fn send(&self, thread: ThreadId, messages: &[Message]) -> Result<(), Gone> {
        let mut packets = Vec::with_capacity(messages.len());
        let mut entries = Vec::with_capacity(messages.len());
        for message in messages {
            let packet = match self.packet(message) {
                Ok(packet) => packet,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a message cannot be written as JSON"
                    );
                    continue;
                }
            };
            if let Some(offset) = packet.offset() {
                entries.push(Entry { position: offset.position(), thread, seq: message.seq });
            }
            packets.push((message.seq, packet));
        }
        self.room.journal.write_alone(self.left.tag, entries).await;
        for (seq, packet) in packets {
            self.wait_for_client().await?;
            self.gate(|gate| gate.reached(thread, seq));
            self.socket.emit_apart(&packet);
        }
        self.note_receipt(thread, messages).await;
        Ok(())
    }

    fn packet(&self, message: &Message) -> Result<Packet, serde_json::Error> {
        let payload = to_raw_value(&MessageReceived::of(message))?;
        Ok(self.room.sockets.encoder.event_raw(MessageReceived::NAME, &[&payload]))
    }

    /// Waits until the client has taken most of what waits for it.
    async fn wait_for_client(&self) -> Result<(), Gone> {
        loop {
            // Whoever writes to the client gets a chance to.
            yield_now().await;
            let queued = self.socket.queued();
            if queued.packets < QUEUED_PACKETS_MAX && queued.bytes < QUEUED_BYTES_MAX {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        // Looked at after the journal was written: what an older generation is sent must not be in the
        // journal of the next.
        let is_current = self.room.sockets.generation.includes(self.socket.state());
        if self.socket.is_gone() || !is_current { Err(Gone) } else { Ok(()) }
    }

    async fn note_receipt(&self, thread: ThreadId, messages: &[Message]) {
        let newest = messages.iter().rev().find(|message| message.sender_id != *self.user);
        let Some(newest) = newest.filter(|_| self.socket.is_connected()) else { return };
        // Who is in the thread was asked a moment ago; without an answer the next message brings the receipt.
        if let Ok(Some(people)) = self.room.membership.of(thread).await
            && people.stored().len() <= RECEIPT_PARTICIPANTS_MAX
        {
            self.room.receipts.note(thread, self.user, newest.seq);
        }
    }

    fn gate<R>(&self, act: impl FnOnce(&mut LiveGate) -> R) -> Option<R> {
        self.socket.state().gate(act)
    }

    async fn threads_page(&self, page: ThreadPage) -> Result<Vec<ThreadView>, Gone> {
        self.ask(|| self.room.store.threads_of(self.user, page)).await
    }

    /// A page with the receipts that the person may see.
    async fn messages(&self, thread: ThreadId, page: MessagePage) -> Result<Vec<Message>, Gone> {
        let read = async || {
            let mut page = self.room.store.messages(thread, page).await?;
            seen_receipts::hide(&self.room.apart, self.user, page.iter_mut().collect()).await?;
            Ok(page)
        };
        self.ask(read).await
    }

    async fn seen_from(&self, thread: ThreadId) -> Result<Option<u64>, Gone> {
        self.ask(|| self.room.store.seen_from(thread, self.user)).await
    }

    async fn first_seq_after(&self, thread: ThreadId, at: Timestamp) -> Result<Option<u64>, Gone> {
        self.ask(|| self.room.store.first_seq_after(thread, at)).await
    }

    /// Asks the store until it answers or the socket is gone.
    async fn ask<T, F>(&self, question: impl Fn() -> F) -> Result<T, Gone>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            let permit = self.room.read_permit().await;
            let answer = question().await;
            drop(permit);
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => self.pause(&error).await?,
            }
        }
    }

    /// Waits before the store is asked again.
    async fn pause(&self, error: &StoreError) -> Result<(), Gone> {
        tracing::warn!(error = error as &dyn std::error::Error, "what a client missed cannot be read yet");
        sleep(RETRY_AFTER).await;
        self.wait_for_client().await
    }
}
