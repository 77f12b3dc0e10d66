//! How many pushes are on their way to one push service at the same time, and until when a batch begins them.
//!
//! A push waits here before its request begins, so that the limit of a request measures the service and not
//! this server's own queue. A batch begins pushes for a while only: at a slow service the rest goes back, and
//! nobody was asked for it.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Requests on their way to one service: as many streams as an HTTP/2 server takes on one connection by
/// default. The RFC asks for no fewer (RFC 9113, 6.5.2), and FCM and the browsers' services allow 100. More
/// would wait inside the connection while the limit of their request runs.
pub(super) const AT_ONCE_PER_HOST: usize = 100;
/// Services that are remembered. Users name them; beyond that those that nobody waits for are forgotten.
const KNOWN_MAX: usize = 20_000;

/// The pushes on their way, by service.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<HashMap<Option<String>, Arc<Semaphore>>>);

impl InFlight {
    /// Waits for a place at this service; FCM has no name. `None` if there was none in time.
    pub(super) async fn place(&self, host: Option<String>, until: Instant) -> Option<OwnedSemaphorePermit> {
        let places = self.places(host);
        let place = timeout_at(until, places.acquire_owned()).await.ok()?.ok()?;
        // A place that is free comes at once, also after that time.
        (Instant::now() < until).then_some(place)
    }

    fn places(&self, host: Option<String>) -> Arc<Semaphore> {
        let mut known = self.0.lock();
        if known.len() >= KNOWN_MAX {
            known.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places = known.entry(host).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_PER_HOST)));
        Arc::clone(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_service_has_so_many_places_and_who_gets_none_in_time_goes_without() {
        let (in_flight, until) = (InFlight::default(), Instant::now() + Duration::from_mins(1));
        let mut taken = Vec::new();
        for _ in 0..AT_ONCE_PER_HOST {
            taken.push(in_flight.place(None, until).await.expect("there is room"));
        }
        assert!(in_flight.place(Some("a.example:443".to_owned()), until).await.is_some(), "another service");
        assert!(in_flight.place(None, until).await.is_none());
        assert!(Instant::now() >= until, "it has waited");
        taken.clear();
        assert!(in_flight.place(None, until).await.is_none(), "it is too late, with or without room");
        assert!(in_flight.place(None, until + Duration::from_secs(1)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn services_that_nobody_waits_for_are_forgotten_and_the_others_keep_their_places() {
        let (in_flight, until) = (InFlight::default(), Instant::now() + Duration::from_mins(1));
        let name = |n: usize| Some(format!("h{n}.example:443"));
        let held = in_flight.place(name(0), until).await.expect("there is room");
        for n in 1..KNOWN_MAX + 10 {
            drop(in_flight.place(name(n), until).await);
        }
        let known = in_flight.0.lock();
        assert!(known.len() <= KNOWN_MAX);
        assert_eq!(known[&name(0)].available_permits(), AT_ONCE_PER_HOST - 1);
        drop(held);
    }
}
