//! Answers in flight: how many bytes of pages this process holds for clients that have not taken them yet.
//!
//! A page is reserved before it is read, at its largest size, and counts until the kernel has its last byte
//! or the connection is cut. So neither many readers at once nor clients that take nothing can fill the
//! memory. Whoever finds no room waits for a moment, since pages leave within milliseconds; then a user who
//! is over their share hears `rate_limited`, and everybody else `unavailable`.
//!
//! Other answers hold one document or less, and the rate limits bound them.

use crate::http::page_bytes::PAGE_KB_MAX;
use crate::refusal::Refusal;
use axum::body::{Body, Bytes, to_bytes};
use axum::response::{IntoResponse as _, Response};
use eventflow_metrics::HttpMetrics;
use eventflow_protocol::{ErrorCode, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Share: the part of the room that one user may use.
const USER_SHARE: u32 = 8;
/// Unit: bytes of one permit.
const UNIT_BYTES: usize = 1024;
/// Units of a page before its size is known.
const PAGE_UNITS: u32 = PAGE_KB_MAX;
/// Wait: how long a request waits for room.
const PATIENCE: Duration = Duration::from_secs(2);

/// The room for the answers of a process.
pub(crate) struct AnswersInFlight {
    room: Arc<Semaphore>,
    user_units: usize,
    users: Mutex<HashMap<UserId, Arc<Semaphore>>>,
    metrics: HttpMetrics,
}

/// Room for one page, given back when dropped.
pub(crate) struct Reservation {
    answers: Arc<AnswersInFlight>,
    user: UserId,
    of_user: Option<OwnedSemaphorePermit>,
    of_all: OwnedSemaphorePermit,
}

/// The bytes of an answer, with their room.
struct Held {
    bytes: Bytes,
    reservation: Reservation,
}

impl AnswersInFlight {
    /// Room for so many kilobytes.
    pub(crate) fn new(kb: u32, metrics: HttpMetrics) -> Arc<Self> {
        let user_units = (kb / USER_SHARE).max(PAGE_UNITS) as usize;
        let room = Arc::new(Semaphore::new(kb.max(PAGE_UNITS) as usize));
        Arc::new(Self { room, user_units, users: Mutex::default(), metrics })
    }

    /// Room for a page of this user.
    pub(crate) async fn reserve(self: &Arc<Self>, user: &UserId) -> Result<Reservation, Refusal> {
        let of_user = acquire(self.share_of(user)).await;
        let of_user = of_user.ok_or_else(|| {
            self.forget_unused(user);
            Refusal::rate_limited("too many answers to this user are on their way", PATIENCE)
        })?;
        let Some(of_all) = acquire(Arc::clone(&self.room)).await else {
            drop(of_user);
            self.forget_unused(user);
            return Err(Refusal::new(ErrorCode::Unavailable, "too many answers are on their way"));
        };
        Ok(Reservation { answers: Arc::clone(self), user: user.clone(), of_user: Some(of_user), of_all })
    }

    fn share_of(&self, user: &UserId) -> Arc<Semaphore> {
        let mut users = self.users.lock();
        let share = users.entry(user.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.user_units)));
        Arc::clone(share)
    }

    /// Forgets the share of a user of whom nothing is on its way and nobody waits.
    fn forget_unused(&self, user: &UserId) {
        let mut users = self.users.lock();
        if users.get(user).is_some_and(|share| Arc::strong_count(share) == 1) {
            users.remove(user);
        }
    }
}

async fn acquire(room: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    timeout(PATIENCE, room.acquire_many_owned(PAGE_UNITS)).await.ok()?.ok()
}

impl Reservation {
    /// Keeps the room that the answer needs until its bytes are sent, and gives the rest back now.
    pub(crate) async fn hold(mut self, answer: Response) -> Response {
        let (head, body) = answer.into_parts();
        // The body is in memory already, in one piece.
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            return Refusal::unavailable().into_response();
        };
        self.shrink_to(bytes.len());
        self.answers.metrics.answers_in_flight.add(self.bytes());
        Response::from_parts(head, Body::from(Bytes::from_owner(Held { bytes, reservation: self })))
    }

    fn shrink_to(&mut self, bytes: usize) {
        let surplus = (PAGE_UNITS as usize).saturating_sub(bytes.div_ceil(UNIT_BYTES));
        drop(self.of_all.split(surplus));
        drop(self.of_user.as_mut().and_then(|units| units.split(surplus)));
    }

    fn bytes(&self) -> i64 {
        i64::try_from(self.of_all.num_permits() * UNIT_BYTES).unwrap_or(i64::MAX)
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.reservation.answers.metrics.answers_in_flight.sub(self.reservation.bytes());
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.of_user = None;
        self.answers.forget_unused(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;

    fn answers(kb: u32) -> Arc<AnswersInFlight> {
        AnswersInFlight::new(kb, Metrics::default().http)
    }

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_has_a_share_and_the_others_have_the_rest() {
        let answers = answers(4 * PAGE_UNITS);
        let ann = answers.reserve(&user("ann")).await.unwrap();
        let refused = answers.reserve(&user("ann")).await.map(drop).unwrap_err();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        let mut others = Vec::new();
        for name in ["ben", "cat", "dan"] {
            others.push(answers.reserve(&user(name)).await.unwrap());
        }
        let refused = answers.reserve(&user("eve")).await.map(drop).unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable);
        assert!(refused.retry_after().is_some());
        drop(ann);
        assert!(answers.reserve(&user("eve")).await.is_ok());
        drop(others);
        assert_eq!(answers.users.lock().len(), 0, "nobody is remembered");
        assert_eq!(answers.room.available_permits(), 4 * PAGE_UNITS as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_waits_for_it() {
        let answers = answers(PAGE_UNITS);
        let held = answers.reserve(&user("ann")).await.unwrap();
        let giving_back = async {
            tokio::time::advance(PATIENCE / 2).await;
            drop(held);
        };
        let ben = user("ben");
        let (reserved, ()) = tokio::join!(answers.reserve(&ben), giving_back);
        assert!(reserved.is_ok());
    }

    #[tokio::test]
    async fn an_answer_keeps_its_own_size_until_its_last_byte_is_gone() {
        let answers = answers(8 * PAGE_UNITS);
        let free = || answers.room.available_permits();
        let all = free();
        let reserved = answers.reserve(&user("ann")).await.unwrap();
        assert_eq!(free(), all - PAGE_UNITS as usize);
        let response = reserved.hold(Response::new(Body::from(vec![b'x'; 5_000]))).await;
        assert_eq!((free(), answers.metrics.answers_in_flight.get()), (all - 5, 5 * 1_024));
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!((bytes.len(), free()), (5_000, all - 5));
        let last = bytes.slice(4_999..);
        drop(bytes);
        assert_eq!(free(), all - 5);
        drop(last);
        assert_eq!((free(), answers.metrics.answers_in_flight.get()), (all, 0));
    }
}
