//! Connections per address: how many TCP connections one client address may have open at a time.
//!
//! A connection holds a descriptor and the kernel's buffers before its client has said anything, so no limit
//! that looks at requests bounds them. Behind a proxy every connection comes from the proxy: the limit is for
//! processes that clients reach directly.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The open connections by address. An entry is there only while a connection is.
#[derive(Debug)]
pub(super) struct Addresses {
    most: u32,
    open: Mutex<HashMap<IpAddr, u32>>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    addresses: Arc<Addresses>,
    network: IpAddr,
}

impl Addresses {
    /// At most so many connections for each address; 0 for no limit.
    pub(super) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    /// A place for one more connection from the address, if there is room. Without a limit there is no place
    /// to give back.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Option<Place>, TooMany> {
        if self.most == 0 {
            return Ok(None);
        }
        let network = network(address);
        let mut open = self.open.lock();
        let count = open.entry(network).or_insert(0);
        if *count >= self.most {
            return Err(TooMany);
        }
        *count += 1;
        drop(open);
        Ok(Some(Place { addresses: Arc::clone(self), network }))
    }
}

/// The address has as many connections as it may have.
#[derive(Debug)]
pub(super) struct TooMany;

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock();
        let Some(count) = open.get_mut(&self.network) else { return };
        *count -= 1;
        if *count == 0 {
            open.remove(&self.network);
        }
    }
}

/// An IPv4 address, or the /64 from which an IPv6 client can choose its addresses.
fn network(address: IpAddr) -> IpAddr {
    const HOST_BITS: u128 = (1 << 64) - 1;
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & !HOST_BITS).into()),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_one_back_for_each_that_is_left() {
        let addresses = Addresses::new(2);
        let [one, other] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let first = addresses.admit(one).unwrap();
        let second = addresses.admit("::ffff:10.0.0.1".parse().unwrap()).unwrap();
        assert!(addresses.admit(one).is_err());
        assert!(addresses.admit(other).is_ok());
        drop(first);
        drop(addresses.admit(one).unwrap());
        drop(second);
        assert!(addresses.open.lock().is_empty());
    }

    #[test]
    fn an_ipv6_client_cannot_get_more_by_changing_its_address() {
        let addresses = Addresses::new(1);
        let _first = addresses.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(addresses.admit("2001:db8::2".parse().unwrap()).is_err());
        assert!(addresses.admit("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }

    #[test]
    fn zero_is_no_limit() {
        let addresses = Addresses::new(0);
        assert!((0..9_999).all(|_| addresses.admit([10, 0, 0, 1].into()).is_ok_and(|place| place.is_none())));
    }
}
