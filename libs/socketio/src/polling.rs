//! The long-polling transport: the task of a session, and the GET and POST requests that belong to it.
//!
//! A GET takes the queued packets, or waits for some. A POST hands its packets to the session's task and is
//! answered when the application has handled them. There may be one of each at a time; a second one, or a GET
//! that the client gives up, ends the session (protocol page, "HTTP long-polling"). A GET gets at most 16
//! packets, the next one the following ones.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::application::Application;
use crate::codec::engine::{Inbound, encode_payload};
use crate::driver::Driver;
use crate::engine::{Engine, PollStart, Polled, Queued};
use crate::reason::DisconnectReason;
use crate::shared::{Connections, Post, SessionInput, WebSocket};

/// How long the client's next GET can still learn that the session has ended, or fetch what still waits.
const CLOSE_LINGER: Duration = Duration::from_secs(2);

/// Drives a session on long-polling to its end, or to the WebSocket that it goes on with.
pub(crate) async fn run<A: Application>(
    driver: &mut Driver<A>,
    inbox: &mut mpsc::Receiver<SessionInput>,
) -> Option<Box<WebSocket>> {
    let mut post = None;
    driver.shared.stats.polling_open.increment();
    let upgraded = poll_fn(|cx| poll(driver, inbox, &mut post, cx)).await;
    driver.shared.stats.polling_open.decrement();
    upgraded
}

/// Waits until a GET has learnt of the end of the session, then forgets the session. A client that fetches
/// what waits for it has the time for each GET, and `most` for all of them.
pub(crate) async fn linger(connections: &Connections, engine: &Engine, most: Duration) {
    engine.let_close();
    let fetched = async { while tokio::time::timeout(CLOSE_LINGER, next_fetch(engine)).await == Ok(true) {} };
    // Too late: what still waits is lost with the session.
    let _ = tokio::time::timeout(most, fetched).await;
    connections.remove(&engine.id);
}

/// Waits until a GET has fetched something. `false` if that was the last one.
async fn next_fetch(engine: &Engine) -> bool {
    let before: Queued = engine.queued();
    poll_fn(|cx| {
        engine.register(cx.waker());
        if !engine.accepts_polls() {
            Poll::Ready(false)
        } else if engine.queued() == before {
            Poll::Pending
        } else {
            Poll::Ready(true)
        }
    })
    .await
}

fn poll<A: Application>(
    driver: &mut Driver<A>,
    inbox: &mut mpsc::Receiver<SessionInput>,
    post: &mut Option<Post>,
    cx: &mut Context<'_>,
) -> Poll<Option<Box<WebSocket>>> {
    loop {
        driver.engine.register(cx.waker());
        let ending = driver.engine.ending();
        if ending.is_some_and(|reason| !reason.flushes() || !driver.is_busy()) {
            return Poll::Ready(None);
        }
        if driver.poll_work(cx).is_ready() {
            continue;
        }
        if !driver.is_busy() {
            if let Some(mut current) = post.take() {
                if let Some(packet) = current.packets.pop_front() {
                    *post = Some(current);
                    driver.packet(packet);
                } else {
                    // The receiver is gone if the client has gone meanwhile.
                    let _ = current.done.send(());
                }
                continue;
            }
            match inbox.poll_recv(cx) {
                Poll::Ready(Some(SessionInput::Post(next))) => {
                    *post = Some(next);
                    continue;
                }
                Poll::Ready(Some(SessionInput::Upgrade(socket))) => return Poll::Ready(Some(socket)),
                Poll::Ready(None) => driver.engine.end(DisconnectReason::TransportClosed),
                Poll::Pending => {}
            }
        }
        if driver.poll_time(cx).is_pending() {
            return Poll::Pending;
        }
    }
}

/// Answers a GET. `None` if another GET is waiting, or if the session is not on polling any more. A GET that
/// came while the WebSocket was taking over came too late; one that waited before lets its client go on.
pub(crate) async fn get(engine: &Arc<Engine>) -> Option<String> {
    let start = engine.begin_poll()?;
    let mut waiting = WaitingGet { engine, answered: false };
    let polled = poll_fn(|cx| engine.poll_packets(cx)).await;
    waiting.answered = true;
    match (polled, start) {
        (Polled::Packets(packets), _) => Some(encode_payload(&packets)),
        (Polled::Noop, _) | (Polled::Upgraded, PollStart::Polling) => Some("6".into()),
        (Polled::Upgraded, PollStart::Upgrading) => None,
    }
}

/// Hands the packets of a POST to the session. `false` if the session has ended, or went on over a WebSocket
/// before it took them.
pub(crate) async fn post(engine: &Engine, inbox: &mpsc::Sender<SessionInput>, packets: Vec<Inbound>) -> bool {
    let (done, handled) = oneshot::channel();
    let post = Post { packets: packets.into(), done };
    if inbox.send(SessionInput::Post(post)).await.is_err() {
        return false;
    }
    // An error means that the session ended before it handled all packets, often because of one of them; a
    // session that has not ended never took them.
    handled.await.is_ok() || engine.ending().is_some()
}

/// A waiting GET. Dropping it unanswered, because its client has gone, ends the session.
struct WaitingGet<'a> {
    engine: &'a Arc<Engine>,
    answered: bool,
}

impl Drop for WaitingGet<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.engine.end(DisconnectReason::TransportClosed);
        }
        self.engine.end_poll();
    }
}

/// A POST that is being handled.
pub(crate) struct PostInProgress<'a>(pub(crate) &'a Arc<Engine>);

impl<'a> PostInProgress<'a> {
    /// `None` if another POST is being handled, or if the session is not on polling.
    pub(crate) fn begin(engine: &'a Arc<Engine>) -> Option<Self> {
        engine.begin_post().then_some(Self(engine))
    }
}

impl Drop for PostInProgress<'_> {
    fn drop(&mut self) {
        self.0.end_post();
    }
}
