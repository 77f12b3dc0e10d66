//! Upload progress: keeps the answer limit from cutting off a request that is still being sent.

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A request body that reports each piece that was sent. Dropping it tells that no more pieces follow.
pub(super) struct ReportingBody {
    body: Body,
    sent: watch::Sender<()>,
    waits: Arc<AtomicBool>,
}

/// Receives the reports of a [`ReportingBody`].
pub(super) struct Progress {
    sent: watch::Receiver<()>,
    /// The next piece has not come from the client yet.
    waits: Arc<AtomicBool>,
}

/// Who holds a request up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Culprit {
    /// The client does not send the rest of its body.
    Client,
    /// The old system does not take the body, or does not answer.
    Upstream,
}

impl Progress {
    /// Wraps `body` and returns it together with the progress of sending it.
    pub(super) fn of(body: Body) -> (ReportingBody, Self) {
        let (sent, heard) = watch::channel(());
        let waits = Arc::new(AtomicBool::new(false));
        (ReportingBody { body, sent, waits: Arc::clone(&waits) }, Self { sent: heard, waits })
    }

    /// Waits until nothing was sent for as long as `limit`, and says who holds the request up.
    pub(super) async fn stalled(mut self, limit: Duration) -> Culprit {
        loop {
            match timeout(limit, self.sent.changed()).await {
                Ok(Ok(())) => {}
                // The body is dropped, so everything was sent. From now on the answer has the whole limit.
                Ok(Err(_)) => {
                    sleep(limit).await;
                    return Culprit::Upstream;
                }
                Err(_) if self.waits.load(Relaxed) => return Culprit::Client,
                Err(_) => return Culprit::Upstream,
            }
        }
    }
}

impl HttpBody for ReportingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.waits.store(frame.is_pending(), Relaxed);
        if frame.is_ready() {
            self.sent.send_replace(());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
