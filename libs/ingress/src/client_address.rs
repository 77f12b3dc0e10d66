//! The client's address: the one of the connection, or the one that our own proxies report.
//!
//! Each proxy appends the address it was asked from to `X-Forwarded-For`. With n proxies of ours, the n-th
//! entry from the right is the first that a client cannot make up; the client may have written everything to
//! the left of it. Parsed by hand: crates for this header take the leftmost entry, or trust lists of proxy
//! addresses instead of their number.

use axum::extract::{ConnectInfo, Request};
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address of a request, if the listener or a proxy tells it.
pub(crate) fn of_request(request: &Request, trusted_proxies: u8) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    of(request.headers(), peer, trusted_proxies)
}

/// The client's address by a request's headers and the address of its connection.
pub(crate) fn of(headers: &HeaderMap, peer: Option<IpAddr>, trusted_proxies: u8) -> Option<IpAddr> {
    forwarded(headers, trusted_proxies).or(peer)
}

/// The unit that limits count by: an IPv4 address, or the /64 from which an IPv6 client can choose its
/// addresses.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    const HOST_BITS: u128 = (1 << 64) - 1;
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & !HOST_BITS).into()),
        four @ IpAddr::V4(_) => four,
    }
}

fn forwarded(headers: &HeaderMap, trusted_proxies: u8) -> Option<IpAddr> {
    let from_the_right = usize::from(trusted_proxies).checked_sub(1)?;
    let lines = headers.get_all(FORWARDED_FOR).into_iter().rev().filter_map(|line| line.to_str().ok());
    let entry = lines.flat_map(|line| line.rsplit(',')).nth(from_the_right)?.trim();
    // Some proxies add the port.
    entry.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn address(lines: &[&str], trusted_proxies: u8) -> Option<String> {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 5))));
        for line in lines {
            request.headers_mut().append(FORWARDED_FOR, line.parse().unwrap());
        }
        of_request(&request, trusted_proxies).map(|address| address.to_string())
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        let connection = Some("10.0.0.1".to_owned());
        assert_eq!(address(&["1.1.1.1"], 0), connection);
        assert_eq!(address(&["1.1.1.1, 2.2.2.2"], 1), Some("2.2.2.2".into()));
        assert_eq!(address(&["1.1.1.1", "2.2.2.2, 3.3.3.3"], 2), Some("2.2.2.2".into()));
        assert_eq!(address(&["2.2.2.2:443"], 1), Some("2.2.2.2".into()));
        assert_eq!(address(&["[2001:db8::1]:443"], 1), Some("2001:db8::1".into()));
        for lines in [&["nonsense"][..], &[], &["1.1.1.1, "]] {
            assert_eq!(address(lines, 1), connection, "{lines:?}");
        }
    }
}
