//! The body of a request that is refused early: what the handler did not read.
//!
//! A client with a connection that is kept alive sends its next request behind the body. So the rest of the
//! body is read away before the answer, if it is short and comes soon ([`REST_MAX_BYTES`], [`REST_TIMEOUT`]);
//! else the answer says that the connection closes.

use super::state::ConnectionState;
use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, EXPECT, HeaderMap, HeaderValue};
use parking_lot::Mutex;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;

/// Rest of a body: bytes that are read away. Four times the largest body that is taken, so a request that is
/// somewhat too large costs no connection.
const REST_MAX_BYTES: u64 = 1024 * 1024;
/// Rest of a body: how long its answer waits for it.
const REST_TIMEOUT: Duration = Duration::from_secs(2);

/// The half of a request's body that looks after what the handler does not read.
pub(super) struct UnreadBody {
    shared: Arc<SharedBody>,
    /// The client sends the body when it is told that it is wanted (RFC 9110, section 10.1.1).
    waits_to_be_told: bool,
}

struct SharedBody {
    body: Mutex<Incoming>,
    /// The handler has begun to read.
    is_wanted: AtomicBool,
}

/// The handler's half.
struct HandlerBody(Arc<SharedBody>);

impl UnreadBody {
    /// Splits a body into its halves. A request without a body has no rest.
    pub(super) fn split(body: Incoming, headers: &HeaderMap) -> (Option<Self>, Body) {
        if body.is_end_stream() {
            return (None, Body::empty());
        }
        let shared = Arc::new(SharedBody { body: Mutex::new(body), is_wanted: AtomicBool::new(false) });
        let rest = Self { shared: Arc::clone(&shared), waits_to_be_told: headers.contains_key(EXPECT) };
        (Some(rest), Body::new(HandlerBody(shared)))
    }

    /// Sees to it that the client can send another request after this answer, or that it knows it cannot.
    pub(super) async fn settle(self, answer: &mut Response, state: &ConnectionState) {
        if Arc::strong_count(&self.shared) > 1 {
            // The handler answers while it reads on.
            return;
        }
        let never_comes = answer.status() == StatusCode::REQUEST_TIMEOUT
            || (self.waits_to_be_told && !self.shared.is_wanted.load(Relaxed));
        if never_comes || !self.read_away().await {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            state.note_unread_body();
        }
    }

    /// Reads the rest, unless it is long or late; `true` if nothing is left.
    async fn read_away(&self) -> bool {
        let body = &self.shared.body;
        let reading = async {
            let mut left = REST_MAX_BYTES;
            loop {
                if body.lock().size_hint().lower() > left {
                    return false;
                }
                match poll_fn(|cx| Pin::new(&mut *body.lock()).poll_frame(cx)).await {
                    None => return true,
                    Some(Err(_)) => return false,
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, Bytes::len);
                        let Some(rest) = left.checked_sub(length as u64) else { return false };
                        left = rest;
                    }
                }
            }
        };
        timeout(REST_TIMEOUT, reading).await.unwrap_or(false)
    }
}

impl HttpBody for HandlerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0.is_wanted.store(true, Relaxed);
        Pin::new(&mut *self.0.body.lock()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.body.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.body.lock().size_hint()
    }
}
