//! One Engine.IO session as everybody but its own task sees it: an outbound queue, and a way to end the
//! session.
//!
//! Any task may push packets without waiting. The push wakes the task of the session (WebSocket) or the
//! waiting GET (long-polling), which takes them. Bound: a client that lets the queue fill is cut, since
//! dropping single packets would break the order that it relies on. An idle session has nothing allocated
//! here.

mod polling;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::id::Id;
use crate::packet::Packet;
use crate::reason::DisconnectReason;
use crate::stats::Stats;

/// Memory: slots that an empty queue may keep allocated between two packets.
const SPARE_SLOTS: usize = 8;

/// An Engine.IO session. Its task, its sockets and the server's table share it.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) id: Id,
    /// Wakes the task that drives the session: for its queue (WebSocket only) and for its end.
    driver: AtomicWaker,
    state: Mutex<EngineState>,
    bounds: Bounds,
    stats: Arc<Stats>,
}

/// Beyond this much waiting, a client counts as too slow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) packets: usize,
    pub(crate) bytes: usize,
}

/// How much is waiting for a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queued {
    /// Number of packets.
    pub packets: usize,
    /// Their size in bytes.
    pub bytes: usize,
}

#[derive(Debug)]
struct EngineState {
    queue: VecDeque<Packet>,
    bytes: usize,
    /// What a recovery queued beyond the bounds. Reset once the queue has been empty.
    allowance: Queued,
    ending: Option<DisconnectReason>,
    polling: Option<Box<PollingState>>,
}

/// The extra state of a session on long-polling.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each set by another request")]
struct PollingState {
    /// A GET waits for packets.
    waiting: bool,
    waiter: Option<Waker>,
    /// A POST is being handled.
    posting: bool,
    /// Deadline for the pong.
    pong_due: Option<Instant>,
    /// A WebSocket is taking the session over, or tries to.
    upgrading: bool,
    /// The waiting GET is answered with a noop, so that the client can let go of polling.
    released: bool,
    /// The client has sent `1` (close).
    client_closed: bool,
    /// The session's task is done, so a GET may be told of the end.
    closable: bool,
    /// A GET has been told that the session is over.
    told: bool,
}

/// The answer to a waiting GET.
#[derive(Debug)]
pub(crate) enum Polled {
    /// These packets, at least one.
    Packets(Vec<Packet>),
    /// A noop: the client polls again, or goes on with its WebSocket.
    Noop,
    /// The session goes on over a WebSocket.
    Upgraded,
}

/// When a GET came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollStart {
    /// The session was on polling alone.
    Polling,
    /// A WebSocket was about to take the session over.
    Upgrading,
}

impl Engine {
    pub(crate) fn websocket(bounds: Bounds, stats: Arc<Stats>) -> Arc<Self> {
        Self::new(bounds, stats, None)
    }

    pub(crate) fn polling(bounds: Bounds, stats: Arc<Stats>) -> Arc<Self> {
        Self::new(bounds, stats, Some(Box::default()))
    }

    fn new(bounds: Bounds, stats: Arc<Stats>, polling: Option<Box<PollingState>>) -> Arc<Self> {
        let initial = EngineState {
            queue: VecDeque::new(),
            bytes: 0,
            allowance: Queued::default(),
            ending: None,
            polling,
        };
        Arc::new(Self {
            id: Id::random(),
            driver: AtomicWaker::new(),
            state: Mutex::new(initial),
            bounds,
            stats,
        })
    }

    /// Queues a packet. `false` if the session is ending, also if this very packet was one too many.
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

    /// Queues the packets of a joining socket, beyond the bounds if need be: they were kept within bounds of
    /// their own.
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

    /// How much is waiting.
    pub(crate) fn queued(&self) -> Queued {
        let state = self.state.lock();
        Queued { packets: state.queue.len(), bytes: state.bytes }
    }

    /// Ends the session. The first reason counts.
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

    /// Makes the calling task the one that drives the session.
    pub(crate) fn register(&self, waker: &Waker) {
        self.driver.register(waker);
    }

    fn end_locked(&self, mut state: parking_lot::MutexGuard<'_, EngineState>, reason: DisconnectReason) {
        state.ending = Some(reason);
        let waiter = state.polling.as_mut().and_then(|polling| polling.waiter.take());
        drop(state);
        match reason {
            DisconnectReason::SlowClient => self.stats.slow_clients.increment(),
            DisconnectReason::PingTimeout => self.stats.ping_timeouts.increment(),
            DisconnectReason::ProtocolError | DisconnectReason::TooLarge => {
                self.stats.protocol_errors.increment();
            }
            _ => {}
        }
        self.driver.wake();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    fn wake_for_packets(&self, mut state: parking_lot::MutexGuard<'_, EngineState>) {
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

impl EngineState {
    /// Whether the queue takes no more packets. A session that ends in good order still takes answers to
    /// earlier events.
    fn refuses(&self) -> bool {
        self.ending.is_some_and(|reason| !reason.flushes())
    }

    fn is_full(&self, more: usize, bounds: Bounds) -> bool {
        !self.queue.is_empty()
            && (self.queue.len() >= bounds.packets + self.allowance.packets
                || self.bytes + more > bounds.bytes + self.allowance.bytes)
    }

    /// Resets the allowance of an empty queue, and frees what a burst made it allocate.
    fn settle(&mut self) {
        self.allowance = Queued::default();
        if self.queue.capacity() > SPARE_SLOTS {
            self.queue.shrink_to(0);
        }
    }
}
