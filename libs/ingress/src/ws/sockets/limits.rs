//! How many sockets may one user, and one client address, have open at a time: a handshake in, a [`Seat`] or a refusal out.
//!
//! An address is asked about twice. At the handshake ([`Caps::knock`]), where one too many gets HTTP 429 and tries again by itself; those
//! let in and not in a namespace yet count for as long as they may stay so. And with the CONNECT packet ([`Caps::seat`]), where the
//! user is known too and one too many gets `connect_error`. A seat is given back when it is dropped, so none leaks: a session that is
//! parked has none, and a recovered one sits on the seat of its new connection. Counts are of this process.

use crate::client_address;
use crate::refusal::Refusal;
use crate::settings::IngressConfig;
use axum::extract::ConnectInfo;
use eventflow_metrics::{EdgeMetrics, RefusalReason};
use eventflow_protocol::{ErrorCode, UserId};
use eventflow_socketio::Handshake;
use http::request::Parts as RequestHead;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a connection may be in no namespace: `connect_timeout` of the Socket.IO settings.
const ARRIVING: Duration = Duration::from_secs(10);
/// Handshakes between two looks for addresses that nobody is at any more. An entry takes about 100 bytes.
const CLEAN_EVERY: u32 = 1_000;

/// The open sockets of a gateway by user and by address.
pub(crate) struct Caps {
    per_user: u32,
    per_address: u32,
    trusted_proxies: u8,
    metrics: EdgeMetrics,
    addresses: Mutex<Addresses>,
    users: Mutex<HashMap<UserId, u32>>,
}

#[derive(Default)]
struct Addresses {
    crowds: HashMap<IpAddr, Crowd>,
    knocks: u32,
}

/// Who is at one address.
#[derive(Default)]
struct Crowd {
    seated: u32,
    /// When handshakes were let in that no CONNECT packet followed yet, oldest first.
    arriving: VecDeque<Instant>,
}

/// A socket's share of its user's and its address' number; given back when dropped.
pub(crate) struct Seat {
    caps: Arc<Caps>,
    address: Option<IpAddr>,
    user: Option<UserId>,
}

impl Caps {
    /// Nobody is here yet. Refusals are counted by reason.
    pub(crate) fn new(config: &IngressConfig, metrics: EdgeMetrics) -> Arc<Self> {
        Arc::new(Self {
            per_user: config.sockets_per_user,
            per_address: config.sockets_per_ip,
            trusted_proxies: config.trusted_proxies,
            metrics,
            addresses: Mutex::default(),
            users: Mutex::default(),
        })
    }

    /// A request for the endpoint: the first one of a connection is let in while there is room at its address.
    pub(crate) fn knock(&self, head: &RequestHead) -> Result<(), Refusal> {
        let is_first = head.method == http::Method::GET && !head.uri.query().is_some_and(names_a_session);
        let peer = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let address = client_address::of(&head.headers, peer, self.trusted_proxies)
            .filter(|_| is_first && self.per_address > 0);
        match address {
            Some(address)
                if !self.addresses.lock().arrive(client_address::network(address), self.per_address) =>
            {
                Err(self
                    .refuse(RefusalReason::SocketsPerIp, "too many connections are open from this address"))
            }
            _ => Ok(()),
        }
    }

    /// A CONNECT packet, of `user` if they are known already.
    pub(crate) fn seat(
        self: &Arc<Self>,
        handshake: &Handshake,
        user: Option<&UserId>,
    ) -> Result<Seat, Refusal> {
        let mut seat = Seat { caps: Arc::clone(self), address: None, user: None };
        if let Some(user) = user {
            seat.take_for(user)?;
        }
        let peer = handshake.peer.map(|peer| peer.ip());
        let address = client_address::of(&handshake.headers, peer, self.trusted_proxies)
            .filter(|_| self.per_address > 0);
        if let Some(address) = address.map(client_address::network) {
            if !self.addresses.lock().sit(address, self.per_address) {
                return Err(self
                    .refuse(RefusalReason::SocketsPerIp, "too many connections are open from this address"));
            }
            seat.address = Some(address);
        }
        Ok(seat)
    }

    /// How many seats users have.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> u32 {
        self.users.lock().values().sum()
    }

    fn refuse(&self, reason: RefusalReason, error: &'static str) -> Refusal {
        self.metrics.refused.of(reason).inc();
        Refusal::new(ErrorCode::RateLimited, error)
    }
}

impl Seat {
    /// The socket has become this user's. Refuses if they have too many; then the socket is nobody's as before.
    pub(crate) fn take_for(&mut self, user: &UserId) -> Result<(), Refusal> {
        if self.user.is_some() || self.caps.per_user == 0 {
            return Ok(());
        }
        let mut users = self.caps.users.lock();
        let open = users.get(user).copied().unwrap_or(0);
        if open >= self.caps.per_user {
            drop(users);
            return Err(self
                .caps
                .refuse(RefusalReason::SocketsPerUser, "too many connections of this user are open"));
        }
        users.insert(user.clone(), open + 1);
        self.user = Some(user.clone());
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(address) = self.address {
            self.caps.addresses.lock().leave(address);
        }
        let Some(user) = &self.user else { return };
        let mut users = self.caps.users.lock();
        match users.get_mut(user) {
            Some(open) if *open > 1 => *open -= 1,
            _ => {
                users.remove(user);
            }
        }
    }
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat").finish_non_exhaustive()
    }
}

impl Addresses {
    fn arrive(&mut self, address: IpAddr, most: u32) -> bool {
        self.knocks = self.knocks.wrapping_add(1);
        if self.knocks.is_multiple_of(CLEAN_EVERY) {
            self.crowds.retain(|_, crowd| !crowd.is_gone());
        }
        let crowd = self.crowds.entry(address).or_default();
        crowd.forget_late();
        let fits =
            crowd.arriving.len() < usize::try_from(most.saturating_sub(crowd.seated)).unwrap_or(usize::MAX);
        if fits {
            crowd.arriving.push_back(Instant::now());
        }
        fits
    }

    fn sit(&mut self, address: IpAddr, most: u32) -> bool {
        let crowd = self.crowds.entry(address).or_default();
        let fits = crowd.seated < most;
        if fits {
            crowd.seated += 1;
            crowd.arriving.pop_front();
        }
        fits
    }

    fn leave(&mut self, address: IpAddr) {
        let Some(crowd) = self.crowds.get_mut(&address) else { return };
        crowd.seated = crowd.seated.saturating_sub(1);
        if crowd.is_gone() {
            self.crowds.remove(&address);
        }
    }
}

impl Crowd {
    fn forget_late(&mut self) {
        while self.arriving.front().is_some_and(|since| since.elapsed() >= ARRIVING) {
            self.arriving.pop_front();
        }
    }

    fn is_gone(&mut self) -> bool {
        self.forget_late();
        self.seated == 0 && self.arriving.is_empty()
    }
}

/// Whether a query is that of a request for a connection that is open.
fn names_a_session(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("sid="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;

    fn caps(user: u32, address: u32) -> Arc<Caps> {
        let mut config = IngressConfig::new(&[0; 32]);
        (config.sockets_per_user, config.sockets_per_ip) = (user, address);
        Caps::new(&config, Metrics::default().edge)
    }

    fn head(address: [u8; 4], query: &str) -> RequestHead {
        let uri = format!("/socket.io/?EIO=4&transport=websocket{query}");
        let (mut head, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
        head.extensions.insert(ConnectInfo(SocketAddr::from((address, 9))));
        head
    }

    fn knocks(caps: &Caps, last: u8) -> bool {
        caps.knock(&head([10, 0, 0, last], "")).is_ok()
    }

    fn seat(caps: &Arc<Caps>, last: u8, user: Option<&str>) -> Result<Seat, Refusal> {
        let RequestHead { method, uri, headers, .. } = head([10, 0, 0, last], "");
        let handshake =
            Handshake { method, uri, headers, peer: Some(SocketAddr::from(([10, 0, 0, last], 9))) };
        caps.seat(&handshake, user.map(|user| user.parse().unwrap()).as_ref())
    }

    fn entries(caps: &Caps) -> (usize, usize) {
        (caps.users.lock().len(), caps.addresses.lock().crowds.len())
    }

    #[test]
    fn a_user_has_so_many_seats_and_gets_one_back_for_each_that_is_left() {
        let caps = caps(2, 0);
        let (one, two) = (seat(&caps, 1, Some("ann")).unwrap(), seat(&caps, 2, Some("ann")).unwrap());
        assert_eq!(seat(&caps, 3, Some("ann")).unwrap_err().code, ErrorCode::RateLimited);
        assert!(seat(&caps, 3, Some("ben")).is_ok());
        drop(one);
        let three = seat(&caps, 3, Some("ann")).unwrap();
        assert!(seat(&caps, 3, Some("ann")).is_err());
        assert_eq!(caps.metrics.refused.of(RefusalReason::SocketsPerUser).get(), 2);
        drop((two, three));
        assert_eq!(entries(&caps), (0, 0));
    }

    #[test]
    fn who_signs_in_later_counts_from_then_on_and_once() {
        let caps = caps(1, 0);
        let (mut first, mut second) = (seat(&caps, 1, None).unwrap(), seat(&caps, 1, None).unwrap());
        let ann = "ann".parse().unwrap();
        assert!(first.take_for(&ann).is_ok());
        assert!(first.take_for(&ann).is_ok(), "a renewed credential");
        assert!(second.take_for(&ann).is_err());
        drop(first);
        assert!(second.take_for(&ann).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_room_for_so_many_seated_or_arriving() {
        let caps = caps(0, 2);
        assert!(knocks(&caps, 1));
        let sitting = seat(&caps, 1, Some("ann")).unwrap();
        assert!(knocks(&caps, 1));
        assert!(!knocks(&caps, 1), "one sits and one is arriving");
        assert!(knocks(&caps, 2), "another address");
        assert!(caps.knock(&head([10, 0, 0, 1], "&sid=abc")).is_ok(), "a connection that is open goes on");
        tokio::time::advance(ARRIVING).await;
        assert!(knocks(&caps, 1), "who never came has left");
        let late = seat(&caps, 1, None).unwrap();
        assert!(seat(&caps, 1, None).is_err());
        drop((sitting, late));
        assert!(knocks(&caps, 1));
        assert_eq!(caps.metrics.refused.of(RefusalReason::SocketsPerIp).get(), 2);
    }

    #[test]
    fn a_refused_user_takes_no_room_at_the_address() {
        let caps = caps(1, 1);
        let ann = seat(&caps, 1, Some("ann")).unwrap();
        assert!(seat(&caps, 2, Some("ann")).is_err());
        assert!(seat(&caps, 1, Some("ben")).is_err());
        assert_eq!(entries(&caps), (1, 1));
        drop(ann);
        assert_eq!(entries(&caps), (0, 0));
    }

    #[test]
    fn zero_is_no_limit_and_keeps_nothing() {
        let caps = caps(0, 0);
        let seats: Vec<_> = (0..5_000).map(|_| seat(&caps, 1, Some("ann")).unwrap()).collect();
        assert!(knocks(&caps, 1));
        assert_eq!(entries(&caps), (0, 0));
        drop(seats);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_nobody_is_at_are_forgotten() {
        let caps = caps(0, 5);
        for n in 0..10 * CLEAN_EVERY {
            caps.addresses.lock().arrive(IpAddr::V4(n.into()), 5);
            if n % 100 == 0 {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        }
        assert!(entries(&caps).1 <= 2 * usize::try_from(CLEAN_EVERY).unwrap(), "{:?}", entries(&caps));
    }
}
