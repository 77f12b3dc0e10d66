//! A value that must not appear in logs.

use serde::Deserialize;
use std::fmt;

/// Text that prints as `***`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text as the address of a server, without password and options; of anything that cannot be read
    /// with certainty, the scheme alone.
    pub fn address(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return self.0.split(':').next().map(|scheme| format!("{scheme}:")).unwrap_or_default();
        };
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        // A password with an unescaped slash reaches into the tail.
        if tail.contains('@') { format!("{scheme}://…") } else { format!("{scheme}://{host}") }
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(empty)" } else { "***" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_server_has_no_password() {
        for (url, address) in [
            ("embedded:", "embedded:"),
            ("amqp://user:hunter2@rabbit:5672/%2f", "amqp://rabbit:5672"),
            ("mongodb://user:hunter2@a:27017,b:27017/db?replicaSet=x", "mongodb://a:27017,b:27017"),
            ("redis://rabbit", "redis://rabbit"),
            ("redis://:hunter/2@rabbit", "redis://…"),
            ("mongodb://a/db?password=hunter2", "mongodb://a"),
        ] {
            assert_eq!(Secret::new(url).address(), address);
        }
    }
}
