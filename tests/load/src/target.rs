//! Target: the system under load, that is, its addresses and how clients sign in.

use crate::{error::LoadError, jwt::Minter, rest::Rest};
use std::net::{IpAddr, Ipv4Addr};

/// Limit of sockets per source address. Linux has 28,000 ephemeral ports for each address, and finding a free
/// one gets slow long before they run out. From one address, 19,000 connects cost the generator 370 µs of CPU
/// each; with this limit they cost 70 µs.
const SOCKETS_PER_ADDRESS: u32 = 8_000;

/// The system's addresses and how clients sign in.
#[derive(Clone)]
pub struct Target {
    /// `host:port` of every gateway; clients spread over them.
    pub gateways: Vec<String>,
    /// Client of the REST side.
    pub rest: Rest,
    /// Signs the clients' tokens.
    pub minter: Minter,
    /// Prefix of every user, thread and message of this run.
    pub run: String,
    /// Read buffer per socket, in bytes.
    pub read_buffer: usize,
    /// Receive buffer in the kernel for a socket that does not read, in bytes; `None` for the kernel's
    /// choice.
    pub receive_buffer: Option<u32>,
}

impl Target {
    /// Creates a target from `ws://host:port` gateways and an `http://host:port` base, which defaults to the
    /// first gateway.
    pub fn new(
        gateways: &[String],
        http: Option<&str>,
        secret: &str,
        run: String,
    ) -> Result<Self, LoadError> {
        let gateways: Vec<String> = gateways.iter().map(|url| authority(url)).collect::<Result<_, _>>()?;
        let first = gateways.first().ok_or_else(|| LoadError::Setting("no gateway given".to_owned()))?;
        let base = http.map_or_else(|| format!("http://{first}"), |url| url.trim_end_matches('/').to_owned());
        let (minter, read_buffer) = (Minter::new(secret), DEFAULT_READ_BUFFER);
        Ok(Self { rest: Rest::new(base)?, gateways, minter, run, read_buffer, receive_buffer: None })
    }

    /// The id of user number `user`.
    pub fn user(&self, user: u32) -> String {
        format!("{}-u{user}", self.run)
    }

    /// A fresh token for user number `user`.
    pub fn token(&self, user: u32) -> String {
        self.minter.mint(&self.user(user))
    }

    /// A token with which a user may start as many and as large threads as the run needs.
    pub fn founder_token(&self, user: u32) -> String {
        self.minter.mint_as(&self.user(user), "admin")
    }

    /// The gateway for the `attempt`-th connection of a user: another one each time, if there are several.
    pub fn gateway(&self, user: u32, attempt: u32) -> &str {
        &self.gateways[user.wrapping_add(attempt) as usize % self.gateways.len()]
    }
}

/// Read buffer of a socket with message traffic, in bytes: several frames per read.
pub const DEFAULT_READ_BUFFER: usize = 8 * 1024;
/// Read buffer of a socket that only waits, in bytes: thousands of sockets must cost little.
pub const IDLE_READ_BUFFER: usize = 1024;

/// The loopback source address for user number `user`; `None` for the first 8,000, for which the system
/// chooses.
pub fn source_address(user: u32) -> Option<IpAddr> {
    let block = u8::try_from(user / SOCKETS_PER_ADDRESS).ok().filter(|&block| block > 0)?;
    Some(Ipv4Addr::new(127, 0, 0, block.saturating_add(1)).into())
}

fn authority(url: &str) -> Result<String, LoadError> {
    let rest = url.strip_prefix("ws://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains(':') && !url.starts_with("wss:") && !url.starts_with("https:") {
        Ok(authority.to_owned())
    } else {
        Err(LoadError::Setting(format!("`{url}` is not ws://host:port")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_a_host_and_a_port() {
        assert_eq!(authority("ws://127.0.0.1:3000/socket.io/").unwrap(), "127.0.0.1:3000");
        assert_eq!(authority("127.0.0.1:3000").unwrap(), "127.0.0.1:3000");
        assert!(authority("wss://127.0.0.1:3000").is_err());
        assert!(authority("localhost").is_err());
    }

    #[test]
    fn each_block_of_users_has_its_own_source_address() {
        assert_eq!(source_address(7_999), None);
        assert_eq!(source_address(8_000), Some(Ipv4Addr::new(127, 0, 0, 2).into()));
        assert_eq!(source_address(16_000), Some(Ipv4Addr::new(127, 0, 0, 3).into()));
    }
}
