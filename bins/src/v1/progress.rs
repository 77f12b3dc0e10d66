//! Upload progress: keeps the answer limit from cutting off a request that is still being sent.

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A request body that reports each piece that was sent. Dropping it tells that no more pieces follow.
pub(super) struct ReportingBody {
    body: Body,
    sent: watch::Sender<()>,
}

/// Receives the reports of a [`ReportingBody`].
pub(super) struct Progress(watch::Receiver<()>);

impl Progress {
    /// Wraps `body` and returns it together with the progress of sending it.
    pub(super) fn of(body: Body) -> (ReportingBody, Self) {
        let (sent, heard) = watch::channel(());
        (ReportingBody { body, sent }, Self(heard))
    }

    /// Waits until nothing was sent for as long as `limit`.
    pub(super) async fn stalled(mut self, limit: Duration) {
        loop {
            match timeout(limit, self.0.changed()).await {
                Ok(Ok(())) => {}
                // The body is dropped, so everything was sent. From now on the answer has the whole limit.
                Ok(Err(_)) => return sleep(limit).await,
                Err(_) => return,
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
