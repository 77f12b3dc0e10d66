//! The bytes of a mail: headers, and its text and HTML as alternatives.
//!
//! `lettre` builds the parts and chooses their transfer encodings. The headers that hold texts from outside
//! are encoded in [`crate::header`]; all others are made of ids and constants.

use crate::header;
use crate::session::Outgoing;
use eventflow_ports::Mail;
use eventflow_protocol::MailAddress;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox as LettreMailbox, MultiPart};
use lettre::{Address, Message};
use std::time::{Duration, SystemTime};

/// The mail in the form in which it is sent, with `extra` headers of the provider.
pub(crate) fn outgoing(mail: &Mail, extra: &[(&'static str, String)]) -> Result<Outgoing, UnfitMail> {
    let from = address(&mail.from.address)?;
    let to = address(&mail.to.address)?;
    let parts = MultiPart::alternative_plain_html(body(&mail.text), body(&mail.html));
    let mut message = Message::builder()
        .from(LettreMailbox::new(None, from.clone()))
        .to(LettreMailbox::new(None, to.clone()))
        .date(time(mail))
        .multipart(parts)
        .map_err(|_| UnfitMail)?;
    let headers = message.headers_mut();
    for (name, value) in all_headers(mail, extra) {
        let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|_| UnfitMail)?;
        headers.insert_raw(HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value));
    }
    Ok(Outgoing { from, to, bytes: message.formatted() })
}

/// The mail has an address that the SMTP library does not take.
#[derive(Debug, thiserror::Error)]
#[error("an address is not one for SMTP")]
pub(crate) struct UnfitMail;

/// Every header beside those of the MIME parts and the date, each encoded.
fn all_headers(mail: &Mail, extra: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("From", header::mailbox(&mail.from)),
        ("To", header::mailbox(&mail.to)),
        ("Subject", header::text(&mail.subject)),
        ("Message-ID", mail.id.to_string()),
        ("Content-Language", header::text(&mail.language)),
        // No out-of-office answers (RFC 3834, section 5; the second is Exchange's own).
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
    ];
    if let Some(id) = &mail.in_reply_to {
        headers.push(("In-Reply-To", id.to_string()));
        headers.push(("References", id.to_string()));
    }
    if let Some(url) = mail.unsubscribe.as_ref().filter(|url| is_link(url)) {
        headers.push(("List-Unsubscribe", format!("<{url}>")));
        headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    headers.extend(extra.iter().map(|(name, value)| (*name, header::text(value))));
    headers
}

/// A body without the control characters that no mail may hold.
fn body(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// The address as the SMTP library has it.
pub(crate) fn address(address: &MailAddress) -> Result<Address, UnfitMail> {
    address.as_str().parse().map_err(|_| UnfitMail)
}

fn time(mail: &Mail) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(mail.at.0).unwrap_or_default())
}

fn is_link(url: &str) -> bool {
    url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>')
}
