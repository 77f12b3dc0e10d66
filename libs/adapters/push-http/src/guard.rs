//! Which addresses may be connected to: a subscription is an address that a user names, and this server must
//! not be made to talk to its own network (server-side request forgery).
//!
//! The check is at the moment of connecting, on the addresses that the connection will use. A name that
//! showed a public address a moment ago and a private one now is refused.

use http::Uri;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::Service;

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public ones only.
    Public,
    /// Any: for addresses that the operator names, for push services inside one's own network, and for tests.
    Anywhere,
}

impl Reach {
    /// Whether a URL may be asked at all. A host that is a name is judged later, by its addresses: only
    /// literal addresses never come to the resolver.
    pub(crate) fn admits(self, url: &Uri) -> bool {
        let host = url.host().unwrap_or_default();
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match ServerName::try_from(literal) {
            Ok(ServerName::IpAddress(address)) => self.includes(address.into()),
            Ok(_) => true,
            // Numbers that a resolver takes for an address, and what else nobody can have a certificate for.
            Err(_) => false,
        }
    }

    fn includes(self, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Public => is_public(address),
        }
    }
}

/// Looks up names, and gives only addresses within reach.
#[derive(Clone)]
pub(crate) struct GuardedResolver<R = GaiResolver> {
    resolver: R,
    reach: Reach,
}

impl GuardedResolver {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { resolver: GaiResolver::new(), reach }
    }
}

impl<R, A> Service<Name> for GuardedResolver<R>
where
    R: Service<Name, Response = A, Error = Error, Future: Send + 'static>,
    A: Iterator<Item = SocketAddr>,
{
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.resolver.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let looked_up = self.resolver.call(name);
        let reach = self.reach;
        Box::pin(async move {
            let within: Vec<SocketAddr> =
                looked_up.await?.filter(|address| reach.includes(address.ip())).collect();
            if within.is_empty() {
                return Err(Error::new(ErrorKind::PermissionDenied, "the host has no public address"));
            }
            Ok(within.into_iter())
        })
    }
}

/// Whether an address belongs to the internet at large (IANA's special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        // This network, shared by providers, protocol assignments, 6to4 relays, benchmarks, reserved.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let parts = address.segments();
    let v4_at = |at: usize| {
        let [[one, two], [three, four]] = [parts[at].to_be_bytes(), parts[at + 1].to_be_bytes()];
        Ipv4Addr::new(one, two, three, four)
    };
    match (parts[0], parts[1]) {
        // A translator to IPv4 leads to the address inside, and so does 6to4.
        (0x64, 0xff9b) => parts[2..6] == [0; 4] && is_public_v4(v4_at(6)),
        (0x2002, _) => is_public_v4(v4_at(1)),
        // Teredo and other protocols, documentation.
        (0x2001, 0..0x200 | 0xdb8) => false,
        // Everything global that was ever assigned is in 2000::/3.
        (first, _) => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_at_large_are_public() {
        for public in
            ["8.8.8.8", "142.250.1.1", "100.63.0.1", "2607:f8b0::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "127.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "64:ff9b:1::808:808",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn a_literal_address_is_judged_before_the_request() {
        for (url, is_admitted) in [
            ("https://127.0.0.1/x", false),
            ("https://[::1]:8443/x", false),
            ("https://[::ffff:10.0.0.1]/x", false),
            ("https://8.8.8.8/x", true),
            ("https://push.example/x", true),
        ] {
            assert_eq!(Reach::Public.admits(&url.parse().unwrap()), is_admitted, "{url}");
            assert!(Reach::Anywhere.admits(&url.parse().unwrap()), "{url}");
        }
        for none in ["https://2130706433/x", "https://127.1/x", "https://0177.0.0.1/x"] {
            assert!(!Reach::Public.admits(&none.parse().unwrap()), "{none}");
        }
    }

    /// A name that leads to another address each time it is looked up (DNS rebinding).
    struct Rebinding(Vec<&'static str>);

    impl Service<Name> for Rebinding {
        type Response = std::vec::IntoIter<SocketAddr>;
        type Error = Error;
        type Future = std::future::Ready<Result<Self::Response, Error>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _name: Name) -> Self::Future {
            let addresses = self.0.remove(0).split(' ').map(|address| address.parse().unwrap());
            std::future::ready(Ok(addresses.collect::<Vec<_>>().into_iter()))
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_the_addresses_of_this_connection_and_not_by_those_before() {
        let answers =
            vec!["8.8.8.8:443", "127.0.0.1:443", "8.8.8.8:443 [::1]:443 10.0.0.1:443", "169.254.169.254:80"];
        let mut guarded = GuardedResolver { resolver: Rebinding(answers), reach: Reach::Public };
        let public: Vec<SocketAddr> = vec!["8.8.8.8:443".parse().unwrap()];
        for expected in [Some(&public), None, Some(&public), None] {
            let found = guarded.call("rebinds.example".parse().unwrap()).await;
            assert_eq!(found.ok().map(Iterator::collect::<Vec<_>>).as_ref(), expected);
        }
    }

    #[tokio::test]
    async fn names_and_numbers_that_mean_this_machine_are_refused_when_they_are_looked_up() {
        for name in ["localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1"] {
            let name: Name = name.parse().unwrap();
            let refused = GuardedResolver::new(Reach::Public).call(name.clone()).await.err();
            assert!(refused.is_some(), "{name}");
        }
        let found = GuardedResolver::new(Reach::Anywhere).call("localhost".parse().unwrap()).await.unwrap();
        assert!(found.count() > 0);
    }
}
