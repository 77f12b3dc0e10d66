//! Heartbeats: which devices are here, reported when one comes, goes or changes, and of all of them every
//! [`HEARTBEAT`].
//!
//! A device is a session: present while it is connected and, if its line broke, until it is gone for good. A
//! device whose client closed the connection, or has long been silent, is gone at once, though it may come
//! back. So is the device of a session that its client left for this one, here or at another gateway: that
//! gateway may have been killed, or wait for the client in vain. The state is read from the socket at that
//! moment, so a lost signal is made good by the next heartbeat; nothing is kept while the broker is away.
//! Heartbeats are spread over their period. Repeating is safe because of two signals of a device the newer
//! one counts.

use crate::ws::sockets::handle::{ClientSocket, SocketHandle};
use crate::ws::sockets::hub::Hub;
use crate::ws::sockets::resume_token::SessionTag;
use crate::ws::upstream::signals::Signals;
use eventflow_ports::presence::{DEVICE_LEASE, HEARTBEAT};
use eventflow_ports::{Clock, ticks};
use eventflow_protocol::presence::{DeviceSignal, DeviceState};
use eventflow_protocol::{Timestamp, UserId};
use eventflow_socketio::DisconnectReason;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Signals waiting to be sent. What does not fit is reported by the next heartbeat.
const WAITING_MAX: usize = 4_096;
/// Signals sent at once.
const CHUNK: usize = 256;
/// Steps of one round of heartbeats: one a second.
const STEPS: u32 = 30;
/// Devices of one step at least, so that a small gateway is done in one.
const STEP_MIN: usize = 64;

/// Takes changes of devices, for [`HeartbeatTask`] to report.
#[derive(Clone)]
pub(crate) struct Heartbeat {
    waiting: mpsc::Sender<DeviceSignal>,
    absent: Arc<Absent>,
    clock: Arc<dyn Clock>,
}

/// Devices that are gone while their sessions wait, by name. A device is in here before it is reported as
/// gone, so that no heartbeat with a later time brings it back. At most as many as there are parked sessions.
#[derive(Default)]
struct Absent(Mutex<HashSet<String>>);

/// The task that reports.
pub(crate) struct HeartbeatTask {
    hub: Arc<Hub<SocketHandle>>,
    signals: Signals,
    absent: Arc<Absent>,
    clock: Arc<dyn Clock>,
    waiting: mpsc::Receiver<DeviceSignal>,
}

/// Heartbeats of the sockets of `hub`; the task has to be run.
pub(crate) fn heartbeat(
    hub: Arc<Hub<SocketHandle>>,
    clock: Arc<dyn Clock>,
    signals: Signals,
) -> (Heartbeat, HeartbeatTask) {
    let (sender, waiting) = mpsc::channel(WAITING_MAX);
    let absent = Arc::new(Absent::default());
    let task =
        HeartbeatTask { hub, signals, absent: Arc::clone(&absent), clock: Arc::clone(&clock), waiting };
    (Heartbeat { waiting: sender, absent, clock }, task)
}

impl Heartbeat {
    /// The device is here: reports it as it is now.
    pub(crate) fn here(&self, socket: &ClientSocket) {
        self.absent.remove(socket);
        let now = self.clock.now();
        for signal in here(socket, now).into_iter().chain(replaced(socket, now)) {
            self.report(signal);
        }
    }

    /// The device has lost its connection, and its session is parked. It still counts as here if the line
    /// just broke: phones do that in every tunnel. That is reported at once, since nobody sees there what is
    /// sent meanwhile. It does not count if its client closed the connection, or has not answered for as long
    /// as a ping may take.
    pub(crate) fn lost(&self, socket: &ClientSocket, reason: DisconnectReason) {
        let is_absent = matches!(reason, DisconnectReason::ClientClosed | DisconnectReason::PingTimeout);
        match socket.state().user() {
            Some(user) if is_absent => {
                self.absent.add(socket);
                self.report_gone(user, socket);
            }
            Some(_) => here(socket, self.clock.now()).into_iter().for_each(|signal| self.report(signal)),
            None => {}
        }
    }

    /// The device is gone for good: its session has ended.
    pub(crate) fn gone(&self, user: &UserId, socket: &ClientSocket) {
        self.absent.remove(socket);
        self.report_gone(user, socket);
    }

    /// The next heartbeats of these devices.
    #[cfg(test)]
    pub(crate) fn heartbeats(&self, devices: &[SocketHandle]) -> Vec<DeviceSignal> {
        heartbeats(&self.absent, devices, self.clock.now())
    }

    fn report_gone(&self, user: &UserId, socket: &ClientSocket) {
        let now = self.clock.now();
        self.report(gone(user, socket, now));
        for signal in replaced(socket, now) {
            self.report(signal);
        }
    }

    fn report(&self, signal: DeviceSignal) {
        if self.waiting.try_send(signal).is_err() {
            tracing::debug!("a signal of a device is dropped: too many are waiting");
        }
    }
}

impl Absent {
    fn add(&self, socket: &ClientSocket) {
        self.0.lock().insert(socket.id().to_string());
    }

    fn remove(&self, socket: &ClientSocket) {
        self.0.lock().remove(socket.id().as_str());
    }

    fn has(&self, socket: &ClientSocket) -> bool {
        self.0.lock().contains(socket.id().as_str())
    }
}

/// Heartbeats of those of `due` that are still here: some may have gone since the round began.
fn heartbeats(absent: &Absent, due: &[SocketHandle], now: Timestamp) -> Vec<DeviceSignal> {
    let is_here =
        |socket: &ClientSocket| (socket.is_connected() || socket.is_parked()) && !absent.has(socket);
    let mut signals = Vec::with_capacity(due.len());
    for SocketHandle(socket) in due.iter().filter(|device| is_here(&device.0)) {
        signals.extend(here(socket, now));
        // The client of a session that waits may have gone back to the one before.
        if socket.is_connected() {
            signals.extend(replaced(socket, now));
        }
    }
    signals
}

fn here(socket: &ClientSocket, at: Timestamp) -> Option<DeviceSignal> {
    let session = socket.state();
    let (active_at, wants_away) = (session.active_at(), session.wants_away());
    let state = DeviceState::Here { active_at, wants_away, parked: socket.is_parked() };
    Some(DeviceSignal { user_id: session.user()?.clone(), device: session.tag().to_string(), state, at })
}

fn gone(user: &UserId, socket: &ClientSocket, at: Timestamp) -> DeviceSignal {
    gone_device(user, socket.state().tag(), at)
}

/// A device is named by its session's tag, which its client presents elsewhere in its resume token.
fn gone_device(user: &UserId, session: SessionTag, at: Timestamp) -> DeviceSignal {
    DeviceSignal { user_id: user.clone(), device: session.to_string(), state: DeviceState::Gone, at }
}

/// The devices of the sessions that the client left for this one have gone. That is said again for as long as
/// their leases may last, since a signal may be lost or, by the clock of the other gateway, be too old. The
/// token proves nothing: whoever presents a foreign one takes out devices of their own at most.
fn replaced(socket: &ClientSocket, now: Timestamp) -> Vec<DeviceSignal> {
    let session = socket.state();
    let Some(user) = session.user().filter(|_| session.opened_at().age_at(now) < DEVICE_LEASE) else {
        return Vec::new();
    };
    let left = session.gate(|gate| gate.left().sessions.iter().map(|left| left.token.tag).collect());
    let left: Vec<SessionTag> = left.unwrap_or_default();
    left.into_iter().map(|tag| gone_device(user, tag, now)).collect()
}

impl HeartbeatTask {
    /// Reports until `shutdown`; then that everything that is still here is gone.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut steps = ticks(HEARTBEAT / STEPS);
        let mut round = Round::default();
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                count = self.waiting.recv_many(&mut batch, CHUNK) => {
                    if count == 0 {
                        break;
                    }
                    self.send(newest(batch)).await;
                }
                _ = steps.tick() => {
                    let due = round.step(|| self.hub.sockets());
                    // The time is taken first, so that who leaves meanwhile leaves later than this.
                    let now = self.clock.now();
                    self.send(heartbeats(&self.absent, &due, now)).await;
                }
                () = shutdown.cancelled() => break,
            }
        }
        self.leave().await;
    }

    async fn leave(&mut self) {
        self.waiting.close();
        let mut last = Vec::new();
        while let Some(signal) = self.waiting.recv().await {
            last.push(signal);
        }
        let now = self.clock.now();
        let here = self.hub.sockets();
        last.extend(here.iter().filter_map(|SocketHandle(socket)| {
            let user = socket.state().user()?;
            Some(gone(user, socket, now))
        }));
        self.send(newest(last)).await;
    }

    async fn send(&self, signals: Vec<DeviceSignal>) {
        for signal in &signals {
            if let Err(error) = self.signals.presence(signal).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "signals of devices wait for the next heartbeat"
                );
                return;
            }
        }
    }
}

/// The newest signal of each device, in the order in which the devices first came.
fn newest(signals: Vec<DeviceSignal>) -> Vec<DeviceSignal> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(signals.len());
    let mut kept: Vec<DeviceSignal> = Vec::with_capacity(signals.len());
    for signal in signals {
        if let Some(place) = places.get(&signal.device) {
            kept[*place] = signal;
        } else {
            places.insert(signal.device.clone(), kept.len());
            kept.push(signal);
        }
    }
    kept
}

/// One round of heartbeats, spread over [`STEPS`].
#[derive(Default)]
struct Round {
    left: Vec<SocketHandle>,
    per_step: usize,
    step: u32,
}

impl Round {
    /// The devices whose turn it is; a new round begins with those that `all` gives.
    fn step(&mut self, all: impl FnOnce() -> Vec<SocketHandle>) -> Vec<SocketHandle> {
        if self.step == 0 {
            self.left = all();
            self.per_step = self.left.len().div_ceil(STEPS as usize).max(STEP_MIN);
        }
        self.step = (self.step + 1) % STEPS;
        let from = self.left.len().saturating_sub(self.per_step);
        self.left.split_off(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(device: &str, at: i64) -> DeviceSignal {
        DeviceSignal {
            user_id: "ann".parse().unwrap(),
            device: device.to_owned(),
            state: DeviceState::Gone,
            at: Timestamp(at),
        }
    }

    #[test]
    fn of_many_signals_of_a_device_the_newest_is_sent() {
        let sent = newest(vec![signal("a", 1), signal("b", 2), signal("a", 3)]);
        assert_eq!(sent, [signal("a", 3), signal("b", 2)]);
    }
}
