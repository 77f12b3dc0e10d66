//! Settings of e-mail: which mail server takes the mails, and what does not go together.

use crate::check::require;
use crate::{Config, ConfigError, Secret};
use serde::Deserialize;

/// Webhook secret: what nobody guesses within the rate limit of an address.
const WEBHOOK_SECRET_MIN_BYTES: usize = 16;
/// Schemes of mail servers.
const SCHEMES: [&str; 2] = ["smtp://", "smtps://"];

/// `[email]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailSettings {
    /// `email.enabled`
    pub enabled: bool,
    /// `email.postmark_api_key`; empty: none.
    pub postmark_api_key: Secret,
    /// `email.from`
    pub from: String,
    /// `email.smtp_url`; empty: none. It may hold a password.
    pub smtp_url: Secret,
    /// `email.postmark_stream`
    pub postmark_stream: String,
    /// `email.postmark_smtp`
    pub postmark_smtp: Secret,
    /// `email.webhook_secret`; empty: there is no webhook.
    pub webhook_secret: Secret,
    /// `email.templates`; empty: the built-in ones.
    pub templates: String,
    /// `email.product`
    pub product: String,
    /// `email.settings_url`; empty: none.
    pub settings_url: String,
}

/// Who takes the mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailProvider {
    /// Postmark's mail server.
    Postmark,
    /// The mail server of `email.smtp_url`.
    Smtp,
    /// Nobody: mails are kept in the outbox.
    Outbox,
}

impl EmailSettings {
    /// Who takes the mails.
    pub fn provider(&self) -> MailProvider {
        match (self.postmark_api_key.is_empty(), self.smtp_url.is_empty()) {
            (false, _) => MailProvider::Postmark,
            (true, false) => MailProvider::Smtp,
            (true, true) => MailProvider::Outbox,
        }
    }

    /// The key of the setting that names the provider and may hold its credentials.
    pub fn provider_key(&self) -> &'static str {
        match self.provider() {
            MailProvider::Postmark => "email.postmark_api_key",
            MailProvider::Smtp | MailProvider::Outbox => "email.smtp_url",
        }
    }
}

impl Config {
    /// Accepts a mail server only with everything that a mail needs: a sender, and an address for its links.
    pub(crate) fn check_email(&self) -> Result<(), ConfigError> {
        let email = &self.email;
        let is_mail_server = |url: &str| SCHEMES.iter().any(|scheme| url.starts_with(scheme));
        let what = "must start with smtp:// or smtps://";
        let smtp_url = email.smtp_url.expose();
        require("email.smtp_url", smtp_url.is_empty() || is_mail_server(smtp_url), what)?;
        require("email.postmark_smtp", is_mail_server(email.postmark_smtp.expose()), what)?;
        let has_two = !email.postmark_api_key.is_empty() && !smtp_url.is_empty();
        require("email.smtp_url", !has_two, "cannot be set beside email.postmark_api_key: choose one")?;
        let from = &email.from;
        let is_one_line = from.is_empty() || (from.contains('@') && !from.contains(char::is_control));
        require("email.from", is_one_line, "must be noreply@example.com or Name <noreply@example.com>")?;
        if email.enabled && email.provider() != MailProvider::Outbox {
            require("email.from", !from.is_empty(), "is required to send mails")?;
            let has_url = !self.server.base_url.is_empty();
            require("server.base_url", has_url, "is required to send mails: their links lead there")?;
        }
        let secret = email.webhook_secret.expose();
        let is_long = secret.is_empty() || secret.len() >= WEBHOOK_SECRET_MIN_BYTES;
        require("email.webhook_secret", is_long, "must have at least 16 characters")?;
        let url = email.settings_url.as_str();
        let is_link = url.is_empty() || url.starts_with("https://") || url.starts_with("http://");
        require("email.settings_url", is_link, "must start with https:// or http://")?;
        let product = email.product.as_str();
        let is_one_line = !product.trim().is_empty() && !product.contains(char::is_control);
        require("email.product", is_one_line, "must be one line that is not empty")
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, DEFAULTS, MailProvider};
    use figment::Figment;
    use figment::providers::{Format, Toml};

    fn with(toml: &str) -> Result<Config, String> {
        let figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(toml));
        let config: Config = figment.extract().map_err(|error| error.to_string())?;
        config.check_email().map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn a_provider_needs_a_sender_and_an_address_for_links() {
        let url = "server.base_url = 'https://chat.example.com'\n";
        let from = "email.from = 'noreply@example.com'\n";
        let token = "email.postmark_api_key = 'secret-token'\n";
        let of = |toml: &str| with(toml).map(|config| config.email.provider());
        assert_eq!(of(""), Ok(MailProvider::Outbox));
        assert_eq!(of(&format!("{url}{from}{token}")), Ok(MailProvider::Postmark));
        assert_eq!(of(&format!("{url}{from}email.smtp_url = 'smtp://mail'")), Ok(MailProvider::Smtp));
        assert_eq!(of(&format!("{token}email.enabled = false")), Ok(MailProvider::Postmark));
        for (toml, key) in [
            (format!("{url}{token}"), "email.from"),
            (format!("{from}{token}"), "server.base_url"),
            (format!("{url}{from}{token}email.smtp_url = 'smtp://mail'"), "email.smtp_url"),
            ("email.smtp_url = 'mail.example.com'".to_owned(), "email.smtp_url"),
            ("email.smtp_url = 'http://user:hunter2@mail'".to_owned(), "email.smtp_url"),
            ("email.postmark_smtp = ''".to_owned(), "email.postmark_smtp"),
            ("email.from = 'somebody'".to_owned(), "email.from"),
            ("email.webhook_secret = 'short'".to_owned(), "email.webhook_secret"),
            ("email.settings_url = 'javascript:alert(1)'".to_owned(), "email.settings_url"),
            ("email.product = ' '".to_owned(), "email.product"),
            ("email.product = \"Chat\\r\\nBcc: x@y.example\"".to_owned(), "email.product"),
            ("email.enabled = 'perhaps'".to_owned(), "email.enabled"),
        ] {
            let error = with(&toml).expect_err(&toml);
            assert!(error.contains(key), "{toml}: {error}");
            assert!(!error.contains("hunter2") && !error.contains("secret-token"), "{error}");
        }
    }
}
