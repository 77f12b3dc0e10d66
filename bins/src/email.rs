//! E-mail as the settings say: which mailer takes the mails, how they look, and what they say of the system.

use crate::backends::Backends;
use crate::secret;
use anyhow::{Context, bail};
use eventflow_config::{Config, MailProvider, named};
use eventflow_ports::{MailError, Mailbox, Mailer, OutboxMailer};
use eventflow_protocol::MailAddress;
use eventflow_protocol::unsubscribe::Unsubscribe;
use eventflow_smtp::{SmtpMailer, SmtpSettings};
use eventflow_workers::email::EmailSettings;
use eventflow_workers::email::templates::Templates;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Sender of mails that only go to the outbox.
const OUTBOX_SENDER: &str = "noreply@localhost";
/// Check at the start: a mail server that has not answered by then counts as away, which is no reason not to
/// start.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// The mailer that the settings select. A mail server that refuses the credentials stops the start; one that
/// is away does not.
pub(crate) async fn mailer(config: &Config, backends: &Backends) -> anyhow::Result<Arc<dyn Mailer>> {
    if let Some(missing) = missing(config) {
        tracing::warn!("{missing}");
    }
    let Some(settings) = smtp_settings(config)? else {
        return Ok(Arc::new(OutboxMailer::new(Arc::clone(&backends.outbox))));
    };
    let place = format!("{}, {}", named(config.email.provider_key()), settings.server());
    let mailer = Arc::new(SmtpMailer::new(settings).context(place.clone())?);
    if config.email.enabled {
        probe(mailer.as_ref(), &self::settings(config)?.from.address, place).await?;
    }
    Ok(mailer)
}

/// What an operator should know at the start about mails that are not sent.
fn missing(config: &Config) -> Option<&'static str> {
    if !config.email.enabled {
        return Some("EMAIL_ENABLED is false: no mails are sent, and the delivery log says switched_off");
    }
    let none = "neither POSTMARK_API_KEY nor SMTP_URL is set: mails are kept in the outbox and not sent";
    (config.email.provider() == MailProvider::Outbox).then_some(none)
}

/// Whether the mail server takes our login, asked once; `None` if no mail server is configured.
pub(crate) async fn try_out(config: &Config) -> Option<anyhow::Result<()>> {
    let settings = smtp_settings(config).transpose()?;
    let asking = async {
        let from = self::settings(config)?.from.address;
        let mailer = SmtpMailer::new(settings?)?;
        Ok(timeout(PROBE_LIMIT, mailer.probe(&from)).await.context("no answer in time")??)
    };
    Some(asking.await)
}

/// Asks the mail server once. `place` is what an operator looks at: the setting and the host.
async fn probe(mailer: &dyn Mailer, from: &MailAddress, place: String) -> anyhow::Result<()> {
    match timeout(PROBE_LIMIT, mailer.probe(from)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error @ MailError::Broken { .. })) => {
            let advice = advice(error.answer());
            Err(error).context(format!("{place}: {advice}"))
        }
        Ok(Err(error)) => {
            let advice = advice(error.answer());
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, place, advice, "the mail server cannot be used yet");
            Ok(())
        }
        Err(_) => {
            tracing::warn!(place, "the mail server does not answer yet");
            Ok(())
        }
    }
}

/// What an operator can do about it.
pub(crate) fn advice(why: &str) -> &'static str {
    if why.contains("signing in") {
        "check user and password in SMTP_URL, or POSTMARK_API_KEY: the email worker does not start with these"
    } else if why.contains("certificate") {
        "name a file with the authority's certificate in SMTP_URL (?ca=FILE); mails wait meanwhile"
    } else if why.contains("starttls") {
        "write smtps:// in SMTP_URL, or ?tls=none for a server on this machine; mails wait meanwhile"
    } else if why.contains("SMTP_URL") || why.contains("smtp_url") {
        "mend SMTP_URL: the email worker does not start with it"
    } else {
        "check host and port in SMTP_URL, and that the mail server runs; mails wait meanwhile"
    }
}

/// How the mail server is reached; `None` if mails are kept in the outbox.
fn smtp_settings(config: &Config) -> anyhow::Result<Option<SmtpSettings>> {
    let email = &config.email;
    let settings = match email.provider() {
        MailProvider::Outbox => return Ok(None),
        MailProvider::Smtp => {
            SmtpSettings::from_url(email.smtp_url.expose()).context(named("email.smtp_url"))?
        }
        MailProvider::Postmark => {
            let token = email.postmark_api_key.expose();
            SmtpSettings::postmark(email.postmark_smtp.expose(), token, &email.postmark_stream)
                .context(named("email.postmark_smtp"))?
        }
    };
    Ok(Some(settings))
}

/// The templates of the settings, checked.
pub(crate) fn templates(config: &Config) -> anyhow::Result<Templates> {
    let folder = config.email.templates.as_str();
    if folder.is_empty() {
        return Templates::built_in().context("the built-in templates");
    }
    Templates::with_folder(Path::new(folder)).context(named("email.templates"))
}

/// Makes the links by which people stop mails.
pub(crate) fn unsubscribe(config: &Config) -> anyhow::Result<Unsubscribe> {
    let (own, previous) = (secret::of_unsubscribing(config), secret::previous(config));
    let current = secret::of_tokens(config)?.or_else(|| own.clone()).context("auth.unsubscribe_secret")?;
    Ok(Unsubscribe::of_secrets(own.as_deref(), &current, previous.as_deref()))
}

/// What mails say of the system.
pub(crate) fn settings(config: &Config) -> anyhow::Result<EmailSettings> {
    let email = &config.email;
    let is_outbox = email.provider() == MailProvider::Outbox;
    let from = if email.from.is_empty() { OUTBOX_SENDER } else { &email.from };
    let base_url =
        Some(config.server.base_url.trim_end_matches('/').to_owned()).filter(|url| !url.is_empty());
    // Links of mails in the outbox lead to this machine, where the page with them is.
    let here = || is_outbox.then(|| format!("http://{}", config.server.listen));
    Ok(EmailSettings {
        is_enabled: email.enabled,
        from: mailbox(from, &email.product).context(named("email.from"))?,
        product: email.product.clone(),
        base_url: base_url.or_else(here),
        settings_url: Some(email.settings_url.clone()).filter(|url| !url.is_empty()),
    })
}

/// `Name <address>`, or the address alone under the name of the product.
fn mailbox(text: &str, product: &str) -> anyhow::Result<Mailbox> {
    let (name, address) = match text.trim().strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address),
        None => ("", text),
    };
    let address = address.trim().parse::<MailAddress>()?;
    if name.contains(['<', '>', '"']) {
        bail!("must be noreply@example.com or Name <noreply@example.com>");
    }
    let name = if name.is_empty() { product } else { name };
    Ok(Mailbox { name: Some(name.to_owned()), address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (text, name) in [
            ("noreply@example.com", "EventFlow"),
            ("Example <noreply@example.com>", "Example"),
            ("\"Example, Inc.\" <noreply@example.com>", "Example, Inc."),
            ("<noreply@example.com>", "EventFlow"),
        ] {
            let mailbox = mailbox(text, "EventFlow").unwrap();
            assert_eq!(
                (mailbox.name.as_deref(), mailbox.address.as_str()),
                (Some(name), "noreply@example.com")
            );
        }
        for text in ["", "noreply", "a@b@c", "A <a@b", "A <B <a@example.com>", "a@example.com, b@example.com"]
        {
            assert!(mailbox(text, "EventFlow").is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_sent_is_told_at_the_start() {
        let mut config = eventflow_config::defaults();
        assert!(missing(&config).is_some_and(|told| told.contains("outbox")));
        config.email.enabled = false;
        assert!(missing(&config).is_some_and(|told| told.contains("EMAIL_ENABLED")));
        config.email.smtp_url = eventflow_config::Secret::new("smtp://mail");
        assert!(missing(&config).is_some_and(|told| told.contains("EMAIL_ENABLED")));
        config.email.enabled = true;
        assert_eq!(missing(&config), None);
    }

    #[test]
    fn without_a_provider_mails_lead_to_this_machine() {
        let config = eventflow_config::defaults();
        let settings = settings(&config).unwrap();
        assert_eq!(settings.base_url.as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(settings.from.address.as_str(), "noreply@localhost");
        assert!(smtp_settings(&config).unwrap().is_none());
        assert!(templates(&config).is_ok());
    }
}
