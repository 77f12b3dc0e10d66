//! The settings of authentication, and their checks.

use crate::check::require;
use crate::demo::is_this_machine;
use crate::secret::Secret;
use crate::{Config, ConfigError};
use serde::Deserialize;

/// Secret: HS256 needs a key as long as its digest (RFC 7518, 3.2).
const SECRET_MIN_BYTES: usize = 32;

/// `[auth]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// `auth.jwt_secret`. If it is empty, see [`Config::may_generate_secret`].
    pub jwt_secret: Secret,
    /// `auth.jwt_secret_previous`; empty: none.
    pub jwt_secret_previous: Secret,
    /// `auth.unsubscribe_secret`; empty: links are made with `auth.jwt_secret`.
    pub unsubscribe_secret: Secret,
    /// `auth.jwks_url`; empty: none.
    pub jwks_url: String,
    /// `auth.jwks_file`; empty: none.
    pub jwks_file: String,
    /// `auth.jwt_issuer`; empty: any.
    pub jwt_issuer: String,
    /// `auth.jwt_audience`; empty: any.
    pub jwt_audience: String,
}

impl AuthSettings {
    /// Whether an identity provider's public keys check tokens.
    pub fn has_public_keys(&self) -> bool {
        !self.jwks_url.is_empty() || !self.jwks_file.is_empty()
    }

    /// Whether a process can do without a secret of tokens: public keys check them, and what else needs a
    /// secret has one of its own.
    pub fn needs_no_token_secret(&self) -> bool {
        self.has_public_keys() && !self.unsubscribe_secret.is_empty()
    }
}

impl Config {
    pub(crate) fn check_auth(&self) -> Result<(), ConfigError> {
        self.check_secret()?;
        self.check_unsubscribe_secret()?;
        self.check_previous_secret()?;
        self.check_jwks_url()
    }

    /// Accepts a generated secret only where no other process has to know it.
    pub fn may_generate_secret(&self) -> Result<(), ConfigError> {
        let alone = self.embedded_broker() && self.embedded_store();
        require("auth.jwt_secret", alone, "is required unless broker and store are both embedded")
    }

    /// Keys that come over an open line could be anybody's. A user and a password would get into logs.
    fn check_jwks_url(&self) -> Result<(), ConfigError> {
        let url = self.auth.jwks_url.as_str();
        let authority = |rest: &str| rest.split(['/', '?']).next().unwrap_or_default().to_owned();
        let is_safe = match url.split_once("://") {
            Some(("https", rest)) => !authority(rest).is_empty(),
            Some(("http", rest)) => is_this_machine(&authority(rest)),
            _ => false,
        };
        let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"#@\\".contains(&byte));
        let what = "must be https://…, or http:// to this machine (127.0.0.1, [::1], localhost), without user, \
                    password and `#`";
        require("auth.jwks_url", url.is_empty() || is_safe && is_plain, what)
    }

    fn check_secret(&self) -> Result<(), ConfigError> {
        let secret = self.auth.jwt_secret.expose();
        if secret.is_empty() {
            return Ok(());
        }
        require("auth.jwt_secret", secret.len() >= SECRET_MIN_BYTES, "must have at least 32 bytes")?;
        let placeholder = secret.to_ascii_lowercase().contains("your-secret-key");
        require(
            "auth.jwt_secret",
            !placeholder,
            "is the placeholder of the documentation; set one of your own",
        )
    }

    fn check_unsubscribe_secret(&self) -> Result<(), ConfigError> {
        let own = self.auth.unsubscribe_secret.expose();
        let is_long = own.is_empty() || own.len() >= SECRET_MIN_BYTES;
        require("auth.unsubscribe_secret", is_long, "must have at least 32 bytes")
    }

    fn check_previous_secret(&self) -> Result<(), ConfigError> {
        let previous = self.auth.jwt_secret_previous.expose();
        if previous.is_empty() {
            return Ok(());
        }
        let key = "auth.jwt_secret_previous";
        require(key, previous.len() >= SECRET_MIN_BYTES, "must have at least 32 bytes")?;
        require(
            key,
            previous != self.auth.jwt_secret.expose(),
            "is the same as auth.jwt_secret: nothing was replaced",
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::{DEFAULTS, DemoReach};
    use figment::Figment;
    use figment::providers::{Format, Toml};

    fn checked(url: &str) -> Result<crate::Config, String> {
        let toml = format!("auth.jwks_url = '{url}'");
        let figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(&toml));
        let config: crate::Config = figment.extract().map_err(|error| error.to_string())?;
        config.check_auth().map(|()| config).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_come_over_a_line_that_nobody_can_change() {
        for good in [
            "",
            "https://id.example.com/.well-known/jwks.json",
            "https://login.example.com/tenant/discovery/v2.0/keys?p=policy",
            "http://127.0.0.1:8080/keys",
            "http://[::1]:8080/keys",
            "http://localhost/keys",
        ] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in [
            "id.example.com/keys",
            "http://id.example.com/keys",
            "http://127.0.0.1.evil.net/keys",
            "http://localhost@evil.net/keys",
            "https://user:password@id.example.com/keys",
            "https://",
            "https:///keys",
            "https://id.example.com/a b",
            "https://id.example.com/#keys",
            "file:///keys.json",
            "ftp://127.0.0.1/keys",
        ] {
            let said = checked(bad).expect_err(bad);
            assert!(said.contains("`auth.jwks_url` (JWKS_URL)"), "{said}");
            assert!(!said.contains("password@"), "{said}");
        }
    }

    #[test]
    fn where_an_identity_provider_says_who_people_are_nobody_signs_in_by_the_demo() {
        assert_eq!(checked("").unwrap().demo_reach(), DemoReach::ThisMachine);
        assert_eq!(checked("http://127.0.0.1/keys").unwrap().demo_reach(), DemoReach::Nobody);
    }
}
