//! Whether a request is still being sent: a limit on the answer must not cut a large upload off.

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A request's body that tells of each piece that leaves, and by its end that none will follow.
pub(super) struct Watched {
    body: Body,
    left: watch::Sender<()>,
}

/// Hears of the pieces.
pub(super) struct Progress(watch::Receiver<()>);

impl Progress {
    /// A body like `body`, and who hears of its pieces.
    pub(super) fn of(body: Body) -> (Watched, Self) {
        let (left, heard) = watch::channel(());
        (Watched { body, left }, Self(heard))
    }

    /// Waits until nothing has left for as long as `limit`.
    pub(super) async fn stalled(mut self, limit: Duration) {
        loop {
            match timeout(limit, self.0.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return sleep(limit).await,
                Err(_) => return,
            }
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_ready() {
            self.left.send_replace(());
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
