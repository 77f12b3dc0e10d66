//! Connection limits: how many sockets one user, and one client address, may have open at a time.
//!
//! An address is checked twice. At the handshake ([`ConnectionLimits::check_handshake`]), where one too many
//! gets HTTP 429 and tries again by itself; connections that are let in but are in no namespace yet count for
//! as long as they may stay so. And with the CONNECT packet ([`ConnectionLimits::permit`]), where the user is
//! known too and one too many gets `connect_error`. A permit is given back when it is dropped, so none leaks:
//! a parked session has none, and a recovered one uses the permit of its new connection. The counts are of
//! this process.

use crate::buckets::Buckets;
use crate::client_address::{self, ProxyTrust};
use crate::refusal::Refusal;
use crate::settings::IngressConfig;
use axum::extract::ConnectInfo;
use eventflow_metrics::{EdgeMetrics, RefusalReason};
use eventflow_protocol::UserId;
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
/// Handshakes between two searches for addresses that have no connection any more. An entry takes about 100
/// bytes.
const CLEAN_EVERY: u32 = 1_000;

/// Counts the open sockets of a gateway by user and by address.
pub(crate) struct ConnectionLimits {
    per_user: u32,
    per_address: u32,
    proxies: ProxyTrust,
    metrics: EdgeMetrics,
    /// Requests for sessions that do not exist, and upgrades; `None` without a limit.
    costly: Option<Buckets<IpAddr>>,
    addresses: Mutex<Addresses>,
    users: Mutex<HashMap<UserId, u32>>,
}

/// The connections by address; an IPv6 address stands for its network.
#[derive(Default)]
struct Addresses {
    usages: HashMap<IpAddr, AddressUsage>,
    handshakes: u32,
}

/// The connections from one address.
#[derive(Default)]
struct AddressUsage {
    connected: u32,
    /// When handshakes were let in that no CONNECT packet followed yet, oldest first.
    arriving: VecDeque<Instant>,
}

/// One connection's share of the limits of its user and its address; given back when dropped.
pub(crate) struct ConnectionPermit {
    limits: Arc<ConnectionLimits>,
    network: Option<IpAddr>,
    /// Whether the connection counts at its network.
    is_counted: bool,
    user: Option<UserId>,
}

impl ConnectionLimits {
    /// No connection yet. Refusals are counted by reason.
    pub(crate) fn new(config: &IngressConfig, metrics: EdgeMetrics) -> Arc<Self> {
        Arc::new(Self {
            per_user: config.sockets_per_user,
            per_address: config.sockets_per_ip,
            proxies: config.proxies.clone(),
            metrics,
            costly: Buckets::new(config.rest_per_minute_ip),
            addresses: Mutex::default(),
            users: Mutex::default(),
        })
    }

    /// Checks a request for the endpoint: the first one of a connection is let in while there is room at its
    /// address.
    pub(crate) fn check_handshake(&self, head: &RequestHead) -> Result<(), Refusal> {
        let peer = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        if !opens_a_session(head) || self.per_address == 0 {
            return Ok(());
        }
        let Some(address) = self.proxies.client(&head.headers, peer) else {
            return Ok(());
        };
        let network = client_address::network(address);
        if self.addresses.lock().admit_handshake(network, self.per_address) {
            return Ok(());
        }
        Err(self.refuse(RefusalReason::SocketsPerIp, "too many connections are open from this address"))
    }

    /// Checks a request that costs more than it proves: it names a session that does not exist, or it asks to
    /// move a session to a WebSocket, which a session does once.
    pub(crate) fn check_costly(&self, head: &RequestHead) -> Result<(), Refusal> {
        let peer = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let address = self.proxies.client(&head.headers, peer);
        let (Some(buckets), Some(address)) = (&self.costly, address) else { return Ok(()) };
        buckets.admit(&client_address::network(address), "too many requests of this kind from this address")
    }

    /// Gives a permit for a CONNECT packet, of `user` if they are known already.
    pub(crate) fn permit(
        self: &Arc<Self>,
        handshake: &Handshake,
        user: Option<&UserId>,
    ) -> Result<ConnectionPermit, Refusal> {
        let peer = handshake.peer.map(|peer| peer.ip());
        let address = self.proxies.client(&handshake.headers, peer);
        let network = address.map(client_address::network);
        let mut permit =
            ConnectionPermit { limits: Arc::clone(self), network, is_counted: false, user: None };
        if let Some(user) = user {
            permit.claim_for(user)?;
        }
        if self.per_address == 0 {
            return Ok(permit);
        }
        if let Some(network) = network {
            if !self.addresses.lock().connect(network, self.per_address) {
                return Err(self
                    .refuse(RefusalReason::SocketsPerIp, "too many connections are open from this address"));
            }
            permit.is_counted = true;
        }
        Ok(permit)
    }

    /// How many permits users have.
    #[cfg(test)]
    pub(crate) fn users_connected(&self) -> u32 {
        self.users.lock().values().sum()
    }

    fn refuse(&self, reason: RefusalReason, error: &'static str) -> Refusal {
        self.metrics.refused.of(reason).inc();
        Refusal::rate_limited(error, ARRIVING)
    }
}

impl ConnectionPermit {
    /// The network that the connection comes from, if the listener or a proxy tells it.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.network
    }

    /// Counts the socket as one of this user's. Refuses if they have too many; then the socket is nobody's as
    /// before.
    pub(crate) fn claim_for(&mut self, user: &UserId) -> Result<(), Refusal> {
        if self.user.is_some() || self.limits.per_user == 0 {
            return Ok(());
        }
        let mut users = self.limits.users.lock();
        let open = users.get(user).copied().unwrap_or(0);
        if open >= self.limits.per_user {
            drop(users);
            return Err(self
                .limits
                .refuse(RefusalReason::SocketsPerUser, "too many connections of this user are open"));
        }
        users.insert(user.clone(), open + 1);
        self.user = Some(user.clone());
        Ok(())
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        if let Some(network) = self.network.filter(|_| self.is_counted) {
            self.limits.addresses.lock().disconnect(network);
        }
        let Some(user) = &self.user else { return };
        let mut users = self.limits.users.lock();
        let Some(open) = users.get_mut(user) else { return };
        *open -= 1;
        if *open == 0 {
            users.remove(user);
        }
    }
}

impl std::fmt::Debug for ConnectionPermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionPermit").finish_non_exhaustive()
    }
}

impl Addresses {
    /// Counts a handshake from the address, if there is room for it.
    fn admit_handshake(&mut self, address: IpAddr, most: u32) -> bool {
        self.handshakes = self.handshakes.wrapping_add(1);
        if self.handshakes.is_multiple_of(CLEAN_EVERY) {
            self.usages.retain(|_, usage| !usage.is_unused());
        }
        let usage = self.usages.entry(address).or_default();
        usage.forget_late_arrivals();
        let room = usize::try_from(most.saturating_sub(usage.connected)).unwrap_or(usize::MAX);
        let fits = usage.arriving.len() < room;
        if fits {
            usage.arriving.push_back(Instant::now());
        }
        fits
    }

    /// Counts a connection from the address, if there is room for it. Its handshake counts no longer.
    fn connect(&mut self, address: IpAddr, most: u32) -> bool {
        let usage = self.usages.entry(address).or_default();
        let fits = usage.connected < most;
        if fits {
            usage.connected += 1;
            usage.arriving.pop_front();
        }
        fits
    }

    /// A connection from the address is gone.
    fn disconnect(&mut self, address: IpAddr) {
        let Some(usage) = self.usages.get_mut(&address) else { return };
        usage.connected = usage.connected.saturating_sub(1);
        if usage.is_unused() {
            self.usages.remove(&address);
        }
    }
}

impl AddressUsage {
    fn forget_late_arrivals(&mut self) {
        while self.arriving.front().is_some_and(|since| since.elapsed() >= ARRIVING) {
            self.arriving.pop_front();
        }
    }

    fn is_unused(&mut self) -> bool {
        self.forget_late_arrivals();
        self.connected == 0 && self.arriving.is_empty()
    }
}

/// Whether a request is the first one of a connection.
pub(crate) fn opens_a_session(head: &RequestHead) -> bool {
    head.method == http::Method::GET && !head.uri.query().is_some_and(names_a_session)
}

/// Whether a query belongs to a connection that is open already.
fn names_a_session(query: &str) -> bool {
    query.split('&').any(|pair| pair.starts_with("sid="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_metrics::Metrics;
    use eventflow_protocol::ErrorCode;

    fn limits(user: u32, address: u32) -> Arc<ConnectionLimits> {
        let mut config = IngressConfig::new(&[0; 32]);
        config.sockets_per_user = user;
        config.sockets_per_ip = address;
        ConnectionLimits::new(&config, Metrics::default().edge)
    }

    fn head(address: [u8; 4], query: &str) -> RequestHead {
        let uri = format!("/socket.io/?EIO=4&transport=websocket{query}");
        let (mut head, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
        head.extensions.insert(ConnectInfo(SocketAddr::from((address, 9))));
        head
    }

    fn is_admitted(limits: &ConnectionLimits, last: u8) -> bool {
        limits.check_handshake(&head([10, 0, 0, last], "")).is_ok()
    }

    fn permit(
        limits: &Arc<ConnectionLimits>,
        last: u8,
        user: Option<&str>,
    ) -> Result<ConnectionPermit, Refusal> {
        let RequestHead { method, uri, headers, .. } = head([10, 0, 0, last], "");
        let handshake =
            Handshake { method, uri, headers, peer: Some(SocketAddr::from(([10, 0, 0, last], 9))) };
        limits.permit(&handshake, user.map(|user| user.parse().unwrap()).as_ref())
    }

    fn entries(limits: &ConnectionLimits) -> (usize, usize) {
        (limits.users.lock().len(), limits.addresses.lock().usages.len())
    }

    #[test]
    fn a_user_has_so_many_permits_and_gets_one_back_for_each_that_is_left() {
        let limits = limits(2, 0);
        let (one, two) = (permit(&limits, 1, Some("ann")).unwrap(), permit(&limits, 2, Some("ann")).unwrap());
        assert_eq!(permit(&limits, 3, Some("ann")).unwrap_err().code, ErrorCode::RateLimited);
        assert!(permit(&limits, 3, Some("ben")).is_ok());
        drop(one);
        let three = permit(&limits, 3, Some("ann")).unwrap();
        assert!(permit(&limits, 3, Some("ann")).is_err());
        assert_eq!(limits.metrics.refused.of(RefusalReason::SocketsPerUser).get(), 2);
        drop((two, three));
        assert_eq!(entries(&limits), (0, 0));
    }

    #[test]
    fn who_signs_in_later_counts_from_then_on_and_once() {
        let limits = limits(1, 0);
        let (mut first, mut second) = (permit(&limits, 1, None).unwrap(), permit(&limits, 1, None).unwrap());
        let ann = "ann".parse().unwrap();
        assert!(first.claim_for(&ann).is_ok());
        assert!(first.claim_for(&ann).is_ok(), "a renewed credential");
        assert!(second.claim_for(&ann).is_err());
        drop(first);
        assert!(second.claim_for(&ann).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_room_for_so_many_connected_or_arriving() {
        let limits = limits(0, 2);
        assert!(is_admitted(&limits, 1));
        let sitting = permit(&limits, 1, Some("ann")).unwrap();
        assert!(is_admitted(&limits, 1));
        assert!(!is_admitted(&limits, 1), "one sits and one is arriving");
        assert!(is_admitted(&limits, 2), "another address");
        assert!(
            limits.check_handshake(&head([10, 0, 0, 1], "&sid=abc")).is_ok(),
            "a connection that is open goes on"
        );
        tokio::time::advance(ARRIVING).await;
        assert!(is_admitted(&limits, 1), "who never came has left");
        let late = permit(&limits, 1, None).unwrap();
        assert!(permit(&limits, 1, None).is_err());
        drop((sitting, late));
        assert!(is_admitted(&limits, 1));
        assert_eq!(limits.metrics.refused.of(RefusalReason::SocketsPerIp).get(), 2);
    }

    #[test]
    fn requests_that_cost_more_than_they_prove_have_a_budget_by_address() {
        let mut config = IngressConfig::new(&[0; 32]);
        config.rest_per_minute_ip = 3;
        let limits = ConnectionLimits::new(&config, Metrics::default().edge);
        let check = |last| limits.check_costly(&head([10, 0, 0, last], "&sid=made-up"));
        assert!((0..3).all(|_| check(1).is_ok()));
        assert!(check(1).unwrap_err().retry_after().is_some());
        assert!(check(2).is_ok());
    }

    #[test]
    fn a_refused_user_takes_no_room_at_the_address() {
        let limits = limits(1, 1);
        let ann = permit(&limits, 1, Some("ann")).unwrap();
        assert!(permit(&limits, 2, Some("ann")).is_err());
        assert!(permit(&limits, 1, Some("ben")).is_err());
        assert_eq!(entries(&limits), (1, 1));
        drop(ann);
        assert_eq!(entries(&limits), (0, 0));
    }

    #[test]
    fn zero_is_no_limit_and_keeps_nothing() {
        let limits = limits(0, 0);
        let permits: Vec<_> = (0..5_000).map(|_| permit(&limits, 1, Some("ann")).unwrap()).collect();
        assert!(is_admitted(&limits, 1));
        assert_eq!(entries(&limits), (0, 0));
        drop(permits);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_nobody_is_at_are_forgotten() {
        let limits = limits(0, 5);
        for n in 0..10 * CLEAN_EVERY {
            limits.addresses.lock().admit_handshake(IpAddr::V4(n.into()), 5);
            if n % 100 == 0 {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        }
        assert!(entries(&limits).1 <= 2 * usize::try_from(CLEAN_EVERY).unwrap(), "{:?}", entries(&limits));
    }
}
