//! Stands between the adapter and RabbitMQ and misbehaves on demand, so that a fault hits one client and not
//! the whole broker.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What the proxy does to the connections through it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Nothing.
    Open,
    /// As RabbitMQ under an alarm: tells publishing connections so and reads nothing more from them.
    Alarm,
    /// As a network that swallows everything.
    Silent,
    /// The broker's notice that a consumer was cancelled gets lost.
    SwallowCancel,
    /// As a client that was killed: its connections are gone, and there are no new ones.
    Cut,
}

pub(crate) struct Proxy {
    mode: watch::Sender<Mode>,
    tasks: TaskTracker,
    _stop: DropGuard,
}

impl Proxy {
    /// Listens on `port` for connections to `upstream`.
    pub(crate) async fn start(port: u16, upstream: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        let mode = watch::Sender::new(Mode::Open);
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let accepting = accept(listener, upstream, mode.clone(), tasks.clone());
        let stopped = stop.clone();
        tasks.spawn(async move { stopped.run_until_cancelled(accepting).await });
        Self { mode, tasks, _stop: stop.drop_guard() }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many connections go through it.
    pub(crate) fn connections(&self) -> usize {
        self.tasks.len().saturating_sub(1)
    }
}

/// A port that nobody listens on.
pub(crate) async fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

async fn accept(listener: TcpListener, upstream: String, mode: watch::Sender<Mode>, tasks: TaskTracker) {
    while let Ok((client, _)) = listener.accept().await {
        if *mode.borrow() == Mode::Cut {
            continue;
        }
        if let Ok(server) = TcpStream::connect(&upstream).await {
            tasks.spawn(join(client, server, mode.subscribe()));
        }
    }
}

/// Ends when either side does, or when it is cut.
async fn join(client: TcpStream, server: TcpStream, mode: watch::Receiver<Mode>) {
    let mut cut = mode.clone();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let publishes = watch::Sender::new(false);
    tokio::select! {
        () = upstream(from_client, to_server, mode.clone(), &publishes) => {}
        () = downstream(from_server, to_client, mode, publishes.subscribe()) => {}
        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn upstream(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut mode: watch::Receiver<Mode>,
    publishes: &watch::Sender<bool>,
) {
    let mut chunk = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        // The adapter names its connections after what they are for.
        if chunk[..read].windows(8).any(|word| word == b" publish") {
            publishes.send_replace(true);
        }
        let stopped = |mode: Mode| mode == Mode::Silent || (mode == Mode::Alarm && *publishes.borrow());
        let go_on = mode.wait_for(|mode| !stopped(*mode)).await.is_ok();
        if !go_on || to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

async fn downstream(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut mode: watch::Receiver<Mode>,
    publishes: watch::Receiver<bool>,
) {
    let (mut received, mut alarmed) = (Vec::new(), false);
    loop {
        let now = *mode.borrow_and_update();
        if *publishes.borrow() && alarmed != (now == Mode::Alarm) {
            alarmed = !alarmed;
            let notice = if alarmed { method(10, 60, b"\x0alow on RAM") } else { method(10, 61, b"") };
            if to.write_all(&notice).await.is_err() {
                return;
            }
        }
        while let Some(frame) = take_frame(&mut received) {
            let swallow = now == Mode::Silent
                || (now == Mode::SwallowCancel && frame.get(7..11) == Some(&[0, 60, 0, 30]));
            if !swallow && to.write_all(&frame).await.is_err() {
                return;
            }
        }
        tokio::select! {
            read = from.read_buf(&mut received) => if !matches!(read, Ok(1..)) { return },
            _ = mode.changed() => {}
            // A state may change while a mode is on, when a connection has only now named itself.
            // sleep: between two looks at it
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}

/// A method frame on channel 0.
fn method(class: u16, method: u16, arguments: &[u8]) -> Vec<u8> {
    let payload: Vec<u8> = [&class.to_be_bytes(), &method.to_be_bytes(), arguments].concat();
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&[1, 0, 0], &length[..], &payload, &[0xCE]].concat()
}

/// Type, channel, length, payload, end.
fn take_frame(received: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(received.get(3..7)?.try_into().ok()?);
    let end = usize::try_from(length).ok()? + 8;
    (received.len() >= end).then(|| received.drain(..end).collect())
}
