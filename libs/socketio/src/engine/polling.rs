//! What an Engine.IO session does only while it is on long-polling: its GETs, its POSTs and its upgrade.

use std::task::{Context, Poll};

use tokio::time::Instant;

use super::{Engine, EngineState, Polled};
use crate::packet::Packet;
use crate::reason::DisconnectReason;

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

    /// Registers a GET. `false` if another GET is waiting, which ends the session, or if the session is not
    /// on polling any more.
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

    /// Waits for the answer to the registered GET.
    pub(crate) fn poll_packets(&self, cx: &mut Context<'_>) -> Poll<Polled> {
        let mut state = self.state.lock();
        let EngineState { queue, ending, polling, .. } = &mut *state;
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
        // The end goes out alone: the official client would handle it before the events of the same payload,
        // and keep those back.
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

    /// Begins an upgrade, because a WebSocket has probed. From now on no GET waits. `false` if the session is
    /// not on polling, or if another WebSocket is upgrading it.
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

    /// Goes on with polling, because the upgrade failed.
    pub(crate) fn abandon_upgrade(&self) {
        if let Some(polling) = &mut self.state.lock().polling {
            polling.probed = false;
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
