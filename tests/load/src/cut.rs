//! Cuts: when the server gave up a connection, as the kernel's list of connections shows it. In
//! `/proc/net/tcp` the server's end of an open connection is `ESTABLISHED`. An end that the server has closed
//! is in another state, or gone.
//!
//! This works for servers on this machine, over IPv4.

use serde::Serialize;
use std::{
    collections::HashSet,
    fs,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// `TCP_ESTABLISHED` in the kernel's numbering.
const ESTABLISHED: &str = "01";

/// Connections that are polled repeatedly.
pub struct Watch {
    /// The server's end and ours, as the kernel writes them, with the time at which the connection was first
    /// seen closed.
    connections: Vec<((String, String), Option<Duration>)>,
}

/// When connections were cut, in seconds from the first poll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Cuts {
    /// Number of connections that were never cut.
    pub uncut: u32,
    /// Time of the first cut.
    pub first_s: f64,
    /// Time by which half of the connections were cut.
    pub median_s: f64,
    /// Time of the last cut.
    pub last_s: f64,
}

impl Cuts {
    /// The worst of several rounds: the sum of all connections never cut, and the latest of each time.
    pub fn worst(rounds: impl Iterator<Item = Self>) -> Self {
        rounds.fold(Self::default(), |worst, round| Self {
            uncut: worst.uncut + round.uncut,
            first_s: worst.first_s.max(round.first_s),
            median_s: worst.median_s.max(round.median_s),
            last_s: worst.last_s.max(round.last_s),
        })
    }
}

impl Watch {
    /// Watches connections given by the server's address and ours.
    pub fn over(connections: impl Iterator<Item = (SocketAddr, SocketAddr)>) -> Self {
        let named = connections.map(|(server, own)| ((name(server), name(own)), None));
        Self { connections: named.collect() }
    }

    /// Polls the connections now, `elapsed` after the start.
    pub fn look(&mut self, elapsed: Duration) {
        let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        let open = open_connections(&table);
        for (connection, cut) in &mut self.connections {
            if cut.is_none() && !open.contains(&(connection.0.as_str(), connection.1.as_str())) {
                *cut = Some(elapsed);
            }
        }
    }

    /// The cuts seen so far.
    pub fn cuts(&self) -> Cuts {
        let mut cuts: Vec<f64> =
            self.connections.iter().filter_map(|(_, cut)| cut.map(|cut| cut.as_secs_f64())).collect();
        cuts.sort_by(f64::total_cmp);
        let uncut = u32::try_from(self.connections.len() - cuts.len()).unwrap_or(u32::MAX);
        let at = |place: usize| cuts.get(place).copied().unwrap_or_default();
        Cuts { uncut, first_s: at(0), median_s: at(cuts.len() / 2), last_s: at(cuts.len().saturating_sub(1)) }
    }
}

/// Local and remote ends of the open connections.
fn open_connections(table: &str) -> HashSet<(&str, &str)> {
    fn pair(line: &str) -> Option<(&str, &str)> {
        let mut words = line.split_whitespace().skip(1);
        let local = words.next()?;
        let remote = words.next()?;
        let state = words.next()?;
        (state == ESTABLISHED).then_some((local, remote))
    }
    table.lines().filter_map(pair).collect()
}

/// An address as the kernel writes it, in hexadecimal: the IP address as a number in this machine's byte
/// order, and the port.
fn name(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) => format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port()),
        IpAddr::V6(_) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_is_open_until_the_server_closes_it_though_nobody_reads() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        let connection = (own.peer_addr().unwrap(), own.local_addr().unwrap());
        let mut watch = Watch::over([connection].into_iter());
        watch.look(Duration::from_secs(1));
        assert_eq!(watch.cuts().uncut, 1);
        drop(server);
        watch.look(Duration::from_secs(2));
        watch.look(Duration::from_secs(3));
        assert_eq!(watch.cuts(), Cuts { uncut: 0, first_s: 2.0, median_s: 2.0, last_s: 2.0 });
    }
}
