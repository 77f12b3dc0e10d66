//! The demo sign-in: whether the page at `/` lets people in without a token, and for whom.

use crate::Config;
use serde::Deserialize;
use std::net::IpAddr;

/// `[demo]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoSettings {
    /// `demo.mode`
    pub mode: DemoMode,
}

/// Whether the demo page signs people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DemoMode {
    /// Always. Anybody who reaches the address can be any demo person.
    On,
    /// Never.
    Off,
    /// For people at this machine, while nothing says that others come; see [`Config::demo_reach`].
    Auto,
}

/// For whom the demo sign-in works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoReach {
    /// For nobody.
    Nobody,
    /// For people at this machine.
    ThisMachine,
    /// For whoever reaches the address.
    Everybody,
}

impl Config {
    /// For whom the demo sign-in works. In the mode `auto` only where nothing says that other people come:
    /// the secret is a generated one, and neither the address nor a proxy is for anybody else.
    pub fn demo_reach(&self) -> DemoReach {
        match self.demo.mode {
            DemoMode::On => DemoReach::Everybody,
            DemoMode::Auto if self.is_a_trial() => DemoReach::ThisMachine,
            DemoMode::Auto | DemoMode::Off => DemoReach::Nobody,
        }
    }

    /// Whether nothing says that other people come than those at this machine.
    pub(crate) fn is_a_trial(&self) -> bool {
        let base = self.server.base_url.split_once("://").map(|(_, rest)| rest);
        let authority = base.and_then(|rest| rest.split(['/', '?', '#']).next());
        self.auth.jwt_secret.is_empty()
            && !self.auth.has_public_keys()
            && self.server.listen.ip().is_loopback()
            && authority.is_none_or(is_this_machine)
            && !self.rest.has_proxies()
    }
}

/// Whether `host` or `host:port` can only mean the machine that asks: a loopback address or `localhost`
/// (RFC 6761, section 6.3).
pub fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.to_ascii_lowercase();
    let is_loopback = host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    is_loopback || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DEFAULTS;
    use figment::Figment;
    use figment::providers::{Format, Toml};

    fn reach(toml: &str) -> DemoReach {
        let figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(toml));
        figment.extract::<Config>().unwrap().demo_reach()
    }

    #[test]
    fn without_settings_the_demo_is_for_this_machine_and_ends_with_any_sign_of_other_people() {
        assert_eq!(reach(""), DemoReach::ThisMachine);
        assert_eq!(reach("server.base_url = 'http://localhost:8080'"), DemoReach::ThisMachine);
        for toml in [
            "demo.mode = 'off'",
            "server.listen = '0.0.0.0:8080'",
            "server.base_url = 'https://chat.example.com'",
            "rest.trusted_proxies = 1",
            "rest.trusted_proxies = '127.0.0.1'",
            "auth.jwt_secret = '0123456789abcdef0123456789abcdef'",
        ] {
            assert_eq!(reach(toml), DemoReach::Nobody, "{toml}");
        }
        assert_eq!(reach("demo.mode = 'on'"), DemoReach::Everybody);
    }

    #[test]
    fn this_machine_is_a_loopback_address_or_localhost() {
        for (authority, is_ours) in [
            ("127.0.0.1:8080", true),
            ("127.8.9.1", true),
            ("[::1]:8080", true),
            ("LOCALHOST:8080", true),
            ("chat.localhost", true),
            ("localhost.evil.net", false),
            ("127.0.0.1.evil.net", false),
            ("10.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(is_this_machine(authority), is_ours, "{authority}");
        }
    }
}
