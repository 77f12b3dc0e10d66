//! What an Engine.IO session does only while it is on long-polling: its GETs, its POSTs and its upgrade.

use std::task::{Context, Poll};

use tokio::time::Instant;

use super::{Engine, EngineState, PollStart, Polled};
use crate::packet::Packet;
use crate::reason::DisconnectReason;

/// Most packets of one answer to a GET, attachments counted. python-engineio and others read no more and end
/// the connection; the rest goes with the next GET.
const MAX_POLLED: usize = 16;

impl Engine {
    /// Whether the session is still on long-polling and open.
    pub(crate) fn is_polling(&self) -> bool {
        let state = self.state.lock();
        state.polling.is_some() && state.ending.is_none()
    }

    /// Whether a GET is answered: the session is open, or the client still has to be told of its end.
    pub(crate) fn accepts_polls(&self) -> bool {
        let state = self.state.lock();
        let Some(polling) = &state.polling else { return false };
        match state.ending {
            None => true,
            Some(reason) => !polling.told && (polling.client_closed || reason.flushes()),
        }
    }

    /// Sets the deadline for the pong; `None` once the pong has come.
    pub(crate) fn expect_pong(&self, due: Option<Instant>) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.pong_due = due;
        }
    }

    /// Ends a session whose pong is overdue. The session's task does so too, but a GET that comes in the same
    /// millisecond must not find the session alive.
    pub(crate) fn check_pong(&self) {
        let state = self.state.lock();
        let Some(polling) = &state.polling else { return };
        let overdue = polling.pong_due.is_some_and(|due| due <= Instant::now());
        if overdue && !polling.posting && state.ending.is_none() {
            self.end_locked(state, DisconnectReason::PingTimeout);
        }
    }

    /// Lets GETs tell the client of the end, because the session's task is done.
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

    /// Registers a GET. `None` if another GET is waiting, which ends the session, or if the session is not on
    /// polling any more.
    pub(crate) fn begin_poll(&self) -> Option<PollStart> {
        let mut state = self.state.lock();
        let polling = state.polling.as_mut()?;
        if polling.waiting {
            if state.ending.is_none() {
                self.end_locked(state, DisconnectReason::ProtocolError);
            }
            return None;
        }
        polling.waiting = true;
        Some(if polling.upgrading { PollStart::Upgrading } else { PollStart::Polling })
    }

    /// Waits for the answer to the registered GET.
    pub(crate) fn poll_packets(&self, cx: &mut Context<'_>) -> Poll<Polled> {
        let mut state = self.state.lock();
        let EngineState { queue, ending, polling, .. } = &mut *state;
        let Some(polling) = polling else { return Poll::Ready(Polled::Upgraded) };
        let over = ending.is_some_and(|reason| !reason.flushes() || polling.closable);
        if queue.is_empty() && !over && !polling.released {
            polling.waiter = Some(cx.waker().clone());
            return Poll::Pending;
        }
        polling.released = false;
        if over && polling.client_closed || queue.is_empty() && !over {
            polling.told = over;
            drop(state);
            self.driver.wake();
            return Poll::Ready(Polled::Noop);
        }
        // The end goes out alone: the official client would handle it before the events of the same payload,
        // and keep those back.
        let packets = if queue.is_empty() {
            polling.told = true;
            vec![Packet::control("1")]
        } else {
            state.take_polled()
        };
        drop(state);
        self.driver.wake();
        Poll::Ready(Polled::Packets(packets))
    }

    /// Unregisters the GET.
    pub(crate) fn end_poll(&self) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.waiting = false;
            polling.waiter = None;
        }
    }

    /// Registers a POST. `false` if another POST is being handled, which ends the session, or if the session
    /// is not on polling.
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

    /// Unregisters the POST.
    pub(crate) fn end_post(&self) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.posting = false;
        }
    }

    /// Ends the session because the client closes it. A waiting GET is answered with a noop.
    pub(crate) fn end_by_client(&self) {
        let mut state = self.state.lock();
        if let Some(polling) = &mut state.polling {
            polling.client_closed = true;
        }
        if state.ending.is_none() {
            self.end_locked(state, DisconnectReason::ClientClosed);
        }
    }

    /// Begins an upgrade, because a WebSocket asks for the session. `false` if the session is not on polling,
    /// or if another WebSocket is upgrading it.
    pub(crate) fn begin_upgrade(&self) -> bool {
        let mut state = self.state.lock();
        let open = state.ending.is_none();
        let Some(polling) = &mut state.polling else { return false };
        if polling.upgrading || !open {
            return false;
        }
        polling.upgrading = true;
        true
    }

    /// Answers the waiting GET with a noop, if there is one: a client lets go of polling between two GETs.
    pub(crate) fn release_poll(&self) {
        let mut state = self.state.lock();
        let Some(polling) = &mut state.polling else { return };
        if polling.waiting {
            polling.released = true;
            self.wake_for_packets(state);
        }
    }

    /// Goes on with polling, because the upgrade failed.
    pub(crate) fn abandon_upgrade(&self) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.upgrading = false;
            polling.released = false;
        }
    }

    /// Ends polling, because the WebSocket has taken over. `false` if the session has ended meanwhile.
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

impl EngineState {
    /// Takes the packets of one answer to a GET from a queue that is not empty. A packet stays whole, unless
    /// it has too many attachments for any answer.
    fn take_polled(&mut self) -> Vec<Packet> {
        let mut taken = Vec::new();
        let mut parts = 0;
        while let Some(packet) = self.queue.front() {
            parts += packet.parts();
            if parts > MAX_POLLED && !taken.is_empty() {
                break;
            }
            taken.extend(self.queue.pop_front());
        }
        if let [packet] = &mut taken[..]
            && packet.parts() > MAX_POLLED
        {
            let (first, rest) = packet.split_at(MAX_POLLED);
            *packet = first;
            self.queue.push_front(rest);
        }
        self.bytes -= taken.iter().map(Packet::len).sum::<usize>();
        if self.queue.is_empty() {
            self.settle();
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::codec::engine::encode_payload;
    use crate::engine::{Bounds, Queued};

    fn with_attachments(count: usize) -> Packet {
        let attachments = (0..count).map(|number| Bytes::from(number.to_string())).collect();
        Packet::new("45".into(), attachments, None)
    }

    fn polled(engine: &Engine) -> Vec<String> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match engine.poll_packets(&mut cx) {
            Poll::Ready(Polled::Packets(packets)) => {
                encode_payload(&packets).split('\u{1e}').map(str::to_owned).collect()
            }
            other => panic!("no packets but {other:?}"),
        }
    }

    #[test]
    fn attachments_count_and_stay_with_their_packet_unless_it_fits_no_answer() {
        let bounds = Bounds { packets: 100, bytes: 10_000 };
        let engine = Engine::polling(bounds, Arc::default());
        for packet in [with_attachments(10), with_attachments(6), with_attachments(20)] {
            assert!(engine.push(packet));
        }
        let sizes = [11, 7, 16, 5].map(|expected| {
            let parts = polled(&engine);
            assert_eq!(parts.len(), expected, "{parts:?}");
            parts.iter().filter(|part| part.as_str() == "45").count()
        });
        assert_eq!(sizes, [1, 1, 1, 0]);
        assert_eq!(engine.queued(), Queued::default());
    }
}
