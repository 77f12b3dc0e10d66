//! The client's address: the one of the connection, or the one that our own proxies report.
//!
//! Each proxy appends the address it was asked from to a header, and the client may have written anything to
//! the left of that. So the header is read from the right, as far as proxies of ours reach: by their number,
//! or by their networks ([`TrustedProxies`]). One header is read and never another one, since a proxy passes
//! on the headers that it does not know. Parsed by hand: crates for these headers take the leftmost entry.

use axum::extract::{ConnectInfo, Request};
use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// The proxies that are believed, and the header that they write. The default believes nobody.
#[derive(Clone, Debug, Default)]
pub struct ProxyTrust {
    /// The proxies.
    pub proxies: TrustedProxies,
    /// The header.
    pub header: ForwardedHeader,
}

/// Who is one of our proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedProxies {
    /// Every request has come through so many of them.
    Hops(u8),
    /// Whoever has an address in these networks.
    Networks(Arc<[IpNet]>),
}

/// The header in which proxies report whom they were asked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: client, proxy`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=client, for=proxy` (RFC 7239).
    Forwarded,
}

/// A setting about proxies cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configuration key `{key}`: `{text}` is wrong; expected {expected}")]
pub struct NotProxies {
    key: &'static str,
    text: String,
    expected: &'static str,
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self::Hops(0)
    }
}

impl FromStr for TrustedProxies {
    type Err = NotProxies;

    fn from_str(text: &str) -> Result<Self, NotProxies> {
        if let Ok(hops) = text.trim().parse() {
            return Ok(Self::Hops(hops));
        }
        let networks = text.split(',').map(|entry| network_of(entry.trim()));
        networks.collect::<Option<_>>().map(Self::Networks).ok_or_else(|| NotProxies {
            key: "rest.trusted_proxies",
            text: text.to_owned(),
            expected: "a number of proxies (0 to 255), or addresses and networks with commas between, \
                       such as 10.0.0.0/8,192.0.2.7",
        })
    }
}

impl FromStr for ForwardedHeader {
    type Err = NotProxies;

    fn from_str(text: &str) -> Result<Self, NotProxies> {
        match text.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err(NotProxies {
                key: "rest.forwarded_header",
                text: text.to_owned(),
                expected: "x-forwarded-for or forwarded",
            }),
        }
    }
}

impl ProxyTrust {
    /// The client's address of a request, if the listener or a proxy tells it.
    pub(crate) fn client_of(&self, request: &Request) -> Option<IpAddr> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        self.client(request.headers(), peer)
    }

    /// The client's address by a request's headers and the address of its connection.
    pub(crate) fn client(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        let mut reported = self.header.entries_from_the_right(headers);
        match &self.proxies {
            TrustedProxies::Hops(hops) => {
                let own = usize::from(*hops).checked_sub(1);
                own.and_then(|own| reported.nth(own).flatten()).or(peer)
            }
            TrustedProxies::Networks(networks) => {
                let is_ours = |address: IpAddr| {
                    let address = address.to_canonical();
                    networks.iter().any(|network| network.contains(&address))
                };
                let mut nearest = peer?;
                while is_ours(nearest)
                    && let Some(Some(before)) = reported.next()
                {
                    nearest = before;
                }
                Some(nearest)
            }
        }
    }
}

impl ForwardedHeader {
    /// What proxies have reported, the last one first; `None` for an entry that is no address.
    fn entries_from_the_right(self, headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
        let name = match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        };
        let lines = headers.get_all(name).into_iter().rev().filter_map(|line| line.to_str().ok());
        // Quotes are not looked at: one that a client left open must not swallow what our proxy appended.
        lines.flat_map(|line| line.rsplit(',')).map(move |entry| match self {
            Self::XForwardedFor => address_of(entry),
            Self::Forwarded => entry.split(';').find_map(for_value).and_then(address_of),
        })
    }
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

fn network_of(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The value of `for=…`.
fn for_value(pair: &str) -> Option<&str> {
    let (name, value) = pair.trim().split_once('=')?;
    name.eq_ignore_ascii_case("for").then(|| value.trim_matches('"'))
}

/// An address with or without a port; an IPv6 address may have brackets.
fn address_of(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn address(trust: &ProxyTrust, peer: [u8; 4], lines: &[&str]) -> Option<String> {
        let name = match trust.header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 5))));
        for line in lines {
            request.headers_mut().append(name, line.parse().unwrap());
        }
        trust.client_of(&request).map(|address| address.to_string())
    }

    fn trust(proxies: &str, header: &str) -> ProxyTrust {
        ProxyTrust { proxies: proxies.parse().unwrap(), header: header.parse().unwrap() }
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        let address = |lines: &[&str], hops: u8| {
            address(&trust(&hops.to_string(), "X-Forwarded-For"), [10, 0, 0, 1], lines)
        };
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

    #[test]
    fn proxies_in_trusted_networks_are_believed_and_nobody_else_is() {
        let trust = trust("10.0.0.0/8, 192.0.2.7,2001:db8:1::/48", "x-forwarded-for");
        for (peer, lines, client) in [
            ([203, 0, 113, 9], &["1.1.1.1"][..], "203.0.113.9"),
            ([10, 0, 0, 1], &[], "10.0.0.1"),
            ([10, 0, 0, 1], &["1.1.1.1"], "1.1.1.1"),
            ([10, 0, 0, 1], &["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
            ([10, 0, 0, 1], &["6.6.6.6", "1.1.1.1, 192.0.2.7"], "1.1.1.1"),
            ([10, 0, 0, 1], &["6.6.6.6, 1.1.1.1, 192.0.2.7, 2001:db8:1::5, 10.9.9.9"], "1.1.1.1"),
            ([10, 0, 0, 1], &["1.1.1.1, 192.0.2.8"], "192.0.2.8"),
            ([10, 0, 0, 1], &["1.1.1.1, unknown, 192.0.2.7"], "192.0.2.7"),
            ([10, 0, 0, 1], &["1.1.1.1, ::ffff:10.0.0.2"], "1.1.1.1"),
            ([10, 0, 0, 1], &["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ] {
            assert_eq!(address(&trust, peer, lines).as_deref(), Some(client), "{peer:?} {lines:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_where_the_settings_say_so_and_only_there() {
        let trust = trust("10.0.0.0/8", "Forwarded");
        for (lines, client) in [
            (&["for=1.1.1.1;proto=https;by=10.0.0.2"][..], "1.1.1.1"),
            (&["For=\"[2001:db8::1]:4711\", for=10.0.0.2"], "2001:db8::1"),
            (&["for=\"[2001:db8::1]\""], "2001:db8::1"),
            (&["for=6.6.6.6", "proto=http; for=\"1.1.1.1:80\""], "1.1.1.1"),
            (&["for=\"6.6.6.6, for=1.1.1.1"], "1.1.1.1"),
            (&["for=_hidden, for=10.0.0.2"], "10.0.0.2"),
            (&["for=1.1.1.1, proto=https"], "10.0.0.1"),
        ] {
            assert_eq!(address(&trust, [10, 0, 0, 1], lines).as_deref(), Some(client), "{lines:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6".parse().unwrap());
        let peer = Some(IpAddr::from([10, 0, 0, 1]));
        assert_eq!(trust.client(&headers, peer), peer, "a client wrote that one");
    }

    #[test]
    fn what_is_neither_a_number_nor_networks_is_refused() {
        assert_eq!("2".parse(), Ok(TrustedProxies::Hops(2)));
        assert!(matches!("::1".parse(), Ok(TrustedProxies::Networks(networks)) if networks.len() == 1));
        for bad in ["", "-1", "256", "nginx", "10.0.0.0/33", "10.0.0.1,", "10.0.0.0/8 192.0.2.7", "true"] {
            let error = bad.parse::<TrustedProxies>().expect_err(bad).to_string();
            assert!(error.contains("`rest.trusted_proxies`"), "{error}");
        }
        let error = "x-real-ip".parse::<ForwardedHeader>().expect_err("no chain").to_string();
        assert!(error.contains("`rest.forwarded_header`: `x-real-ip`"), "{error}");
    }
}
