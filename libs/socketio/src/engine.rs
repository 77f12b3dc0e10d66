//! One Engine.IO session as everybody but its own task sees it: an outbound queue, and a way to end it.
//!
//! Anyone may push packets without waiting. The task of the session (WebSocket) or the waiting GET (polling) is woken
//! and takes them. The queue is bounded: a client that lets it fill is cut, since dropping single packets would break
//! the order it relies on. An idle session has nothing allocated here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::id::Id;
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::stats::Stats;

/// Slots an empty queue may keep allocated between two packets.
const SPARE_SLOTS: usize = 8;

/// A session. Shared by its task, its sockets and the server's table.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) id: Id,
    /// The task that drives the session; woken for its queue (WebSocket only) and for its end.
    driver: AtomicWaker,
    state: Mutex<State>,
    bounds: Bounds,
    stats: Arc<Stats>,
}

/// Where a client counts as too slow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) packets: usize,
    pub(crate) bytes: usize,
}

/// What is waiting for a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queued {
    /// Packets.
    pub packets: usize,
    /// Bytes.
    pub bytes: usize,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Packet>,
    bytes: usize,
    /// What a recovery put in beyond the bounds; gone when the queue has been empty once.
    allowance: Queued,
    ending: Option<DisconnectReason>,
    polling: Option<Box<Polling>>,
}

/// The extra state of a session on long-polling.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each set by another request")]
struct Polling {
    /// A GET is waiting.
    waiting: bool,
    waiter: Option<Waker>,
    /// A POST is being handled.
    posting: bool,
    /// When the answer to a ping has to be here.
    pong_due: Option<Instant>,
    /// A WebSocket has probed: polls are sent home at once.
    probed: bool,
    /// The client said `1`.
    client_closed: bool,
    /// The session's task is done: the end may be told.
    closable: bool,
    /// A GET has been told that the session is over.
    told: bool,
}

/// What a waiting GET is answered with.
#[derive(Debug)]
pub(crate) enum Polled {
    /// These packets, at least one.
    Packets(Vec<Packet>),
    /// Nothing, come back (or do not: the transport is another one now).
    Noop,
}

impl Engine {
    pub(crate) fn websocket(bounds: Bounds, stats: Arc<Stats>) -> Arc<Self> {
        Self::new(bounds, stats, None)
    }

    pub(crate) fn polling(bounds: Bounds, stats: Arc<Stats>) -> Arc<Self> {
        Self::new(bounds, stats, Some(Box::default()))
    }

    fn new(bounds: Bounds, stats: Arc<Stats>, polling: Option<Box<Polling>>) -> Arc<Self> {
        let initial =
            State { queue: VecDeque::new(), bytes: 0, allowance: Queued::default(), ending: None, polling };
        Arc::new(Self {
            id: Id::random(),
            driver: AtomicWaker::new(),
            state: Mutex::new(initial),
            bounds,
            stats,
        })
    }

    /// Queues a packet. `false` if the session is ending, be it by this very packet being one too many.
    pub(crate) fn push(&self, packet: Packet) -> bool {
        let mut state = self.state.lock();
        if state.refuses() {
            return false;
        }
        if state.is_full(packet.len(), self.bounds) {
            state.queue = VecDeque::new();
            state.bytes = 0;
            self.end_locked(state, DisconnectReason::SlowClient);
            return false;
        }
        state.bytes += packet.len();
        state.queue.push_back(packet);
        self.wake_for_packets(state);
        true
    }

    /// Queues what a joining socket has to get at once, beyond the bounds if need be: those were kept within bounds
    /// of their own.
    pub(crate) fn push_all(&self, packets: Vec<Packet>) -> bool {
        let mut state = self.state.lock();
        if state.refuses() {
            return false;
        }
        for packet in packets {
            state.bytes += packet.len();
            state.allowance.bytes += packet.len();
            state.allowance.packets += 1;
            state.queue.push_back(packet);
        }
        self.wake_for_packets(state);
        true
    }

    /// Takes the next packet for the WebSocket.
    pub(crate) fn pop(&self) -> Option<Packet> {
        let mut state = self.state.lock();
        let packet = state.queue.pop_front();
        if let Some(packet) = &packet {
            state.bytes -= packet.len();
        } else {
            state.settle();
        }
        packet
    }

    /// What is waiting.
    pub(crate) fn queued(&self) -> Queued {
        let state = self.state.lock();
        Queued { packets: state.queue.len(), bytes: state.bytes }
    }

    /// Ends the session; the first reason counts.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        let state = self.state.lock();
        if state.ending.is_none() {
            self.end_locked(state, reason);
        }
    }

    /// Why the session is ending, if it is.
    pub(crate) fn ending(&self) -> Option<DisconnectReason> {
        self.state.lock().ending
    }

    /// Makes the calling task the one that is woken.
    pub(crate) fn register(&self, waker: &Waker) {
        self.driver.register(waker);
    }

    fn end_locked(&self, mut state: parking_lot::MutexGuard<'_, State>, reason: DisconnectReason) {
        state.ending = Some(reason);
        let waiter = state.polling.as_mut().and_then(|polling| polling.waiter.take());
        drop(state);
        match reason {
            DisconnectReason::SlowClient => self.stats.slow_clients.increment(),
            DisconnectReason::PingTimeout => self.stats.ping_timeouts.increment(),
            DisconnectReason::ProtocolError | DisconnectReason::TooLarge => {
                self.stats.protocol_errors.increment()
            }
            _ => {}
        }
        self.driver.wake();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    fn wake_for_packets(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        let Some(polling) = &mut state.polling else {
            drop(state);
            return self.driver.wake();
        };
        let waiter = polling.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

/// Long-polling.
impl Engine {
    /// Whether the session is still on long-polling and open.
    pub(crate) fn is_polling(&self) -> bool {
        let state = self.state.lock();
        state.polling.is_some() && state.ending.is_none()
    }

    /// Whether a GET makes sense: the session is open, or its end has not been told yet and should be.
    pub(crate) fn accepts_polls(&self) -> bool {
        let state = self.state.lock();
        let Some(polling) = &state.polling else { return false };
        match state.ending {
            None => true,
            Some(reason) => !polling.told && (polling.client_closed || reason.flushes()),
        }
    }

    /// Notes when a pong is due, or that it has come.
    pub(crate) fn expect_pong(&self, due: Option<Instant>) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.pong_due = due;
        }
    }

    /// Ends a session whose pong is overdue. The session's task does so too, but a GET that comes in the very
    /// millisecond must not find the session alive.
    pub(crate) fn check_pong(&self) {
        let state = self.state.lock();
        let Some(polling) = &state.polling else { return };
        let overdue = polling.pong_due.is_some_and(|due| due <= Instant::now());
        if overdue && !polling.posting && state.ending.is_none() {
            self.end_locked(state, DisconnectReason::PingTimeout);
        }
    }

    /// The session's task is done, its end may be told.
    pub(crate) fn let_close(&self) {
        let mut state = self.state.lock();
        let Some(polling) = &mut state.polling else { return };
        polling.closable = true;
        let waiter = polling.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Registers a GET. `false` if another one is waiting, which ends the session, or there is no polling any more.
    pub(crate) fn begin_poll(&self) -> bool {
        let mut state = self.state.lock();
        let Some(polling) = &mut state.polling else { return false };
        if polling.waiting {
            if state.ending.is_none() {
                self.end_locked(state, DisconnectReason::ProtocolError);
            }
            return false;
        }
        polling.waiting = true;
        true
    }

    /// Waits for something to answer the registered GET with.
    pub(crate) fn poll_packets(&self, cx: &mut Context<'_>) -> Poll<Polled> {
        let mut state = self.state.lock();
        let State { queue, ending, polling, .. } = &mut *state;
        let Some(polling) = polling else { return Poll::Ready(Polled::Noop) };
        let over = ending.is_some_and(|reason| !reason.flushes() || polling.closable);
        if queue.is_empty() && !over && !polling.probed {
            polling.waiter = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if over && polling.client_closed || queue.is_empty() && !over {
            polling.told = over;
            drop(state);
            self.driver.wake();
            return Poll::Ready(Polled::Noop);
        }
        // The end goes out by itself: the official client handles it before the events of the same payload, and keeps those back.
        let packets = if queue.is_empty() {
            polling.told = true;
            vec![Packet::control("1")]
        } else {
            queue.drain(..).collect()
        };
        state.bytes = 0;
        state.settle();
        drop(state);
        self.driver.wake();
        Poll::Ready(Polled::Packets(packets))
    }

    /// The GET is answered.
    pub(crate) fn end_poll(&self) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.waiting = false;
            polling.waiter = None;
        }
    }

    /// Registers a POST. `false` if another one is being handled, which ends the session, or there is no polling.
    pub(crate) fn begin_post(&self) -> bool {
        let mut state = self.state.lock();
        let ending = state.ending;
        let Some(polling) = &mut state.polling else { return false };
        if polling.posting {
            if ending.is_none() {
                self.end_locked(state, DisconnectReason::ProtocolError);
            }
            return false;
        }
        polling.posting = true;
        true
    }

    /// The POST is handled.
    pub(crate) fn end_post(&self) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.posting = false;
        }
    }

    /// The client closes the session: a waiting GET is answered with a noop.
    pub(crate) fn end_by_client(&self) {
        let mut state = self.state.lock();
        if let Some(polling) = &mut state.polling {
            polling.client_closed = true;
        }
        if state.ending.is_none() {
            self.end_locked(state, DisconnectReason::ClientClosed);
        }
    }

    /// A WebSocket has probed: from now on no GET waits. `false` if there is no polling to be upgraded, or another
    /// WebSocket is at it.
    pub(crate) fn begin_upgrade(&self) -> bool {
        let mut state = self.state.lock();
        let open = state.ending.is_none();
        let Some(polling) = &mut state.polling else { return false };
        if polling.probed || !open {
            return false;
        }
        polling.probed = true;
        self.wake_for_packets(state);
        true
    }

    /// The upgrade came to nothing: polling goes on.
    pub(crate) fn abandon_upgrade(&self) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.probed = false;
        }
    }

    /// Polling is over, a WebSocket has taken over. `false` if the session has ended meanwhile.
    pub(crate) fn complete_upgrade(&self) -> bool {
        let mut state = self.state.lock();
        let waiter = state.polling.take().and_then(|polling| polling.waiter);
        let open = state.ending.is_none();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        open
    }
}

impl State {
    /// A session that ends in good order still takes the answers to what it was doing.
    fn refuses(&self) -> bool {
        self.ending.is_some_and(|reason| !reason.flushes())
    }

    fn is_full(&self, more: usize, bounds: Bounds) -> bool {
        !self.queue.is_empty()
            && (self.queue.len() >= bounds.packets + self.allowance.packets
                || self.bytes + more > bounds.bytes + self.allowance.bytes)
    }

    /// An empty queue starts afresh, and does not hold on to what a burst made it allocate.
    fn settle(&mut self) {
        self.allowance = Queued::default();
        if self.queue.capacity() > SPARE_SLOTS {
            self.queue.shrink_to(0);
        }
    }
}
