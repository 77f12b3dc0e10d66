//! The bytes of a mail: headers, and its text and HTML as alternatives.
//!
//! `lettre` builds the parts and chooses their transfer encodings. The headers that hold texts from outside
//! are encoded in [`crate::header`]; all others are made of ids and constants.

use crate::header;
use crate::session::Outgoing;
use eventflow_ports::Mail;
use eventflow_protocol::MailAddress;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox as LettreMailbox, MultiPart, MultiPartKind, SinglePart};
use lettre::{Address, Message};
use std::time::{Duration, SystemTime};

/// Longest part of an id in a boundary, which has at most 70 characters (RFC 2046, section 5.1.1).
const BOUNDARY_MAX_CHARS: usize = 60;

/// The mail in the form in which it is sent, with `extra` headers of the provider.
pub(crate) fn outgoing(mail: &Mail, extra: &[(&'static str, String)]) -> Result<Outgoing, UnfitMail> {
    let from = address(&mail.from.address)?;
    let to = address(&mail.to.address)?;
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(boundary(mail))
        .singlepart(SinglePart::plain(body(&mail.text)))
        .singlepart(SinglePart::html(body(&mail.html)));
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

/// The line between the parts: the same for every repetition, and nothing that a body holds, since whoever
/// wrote a text did not know the id.
fn boundary(mail: &Mail) -> String {
    let id = mail.id.to_string();
    let plain = id.chars().filter(char::is_ascii_alphanumeric).take(BOUNDARY_MAX_CHARS);
    format!("=_{}", plain.collect::<String>())
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

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_ports::{MailId, Mailbox};
    use eventflow_protocol::Timestamp;

    #[test]
    fn a_mail_that_is_sent_again_is_the_same_byte_for_byte() {
        let mailbox = |address: &str| Mailbox { name: None, address: address.parse().unwrap() };
        let mail = Mail {
            from: mailbox("noreply@example.com"),
            to: mailbox("bob@example.com"),
            subject: "1 new message".to_owned(),
            text: "Hello\n".to_owned(),
            html: "<p>Hello\n".to_owned(),
            id: MailId::new("mail", "0199", "example.com"),
            in_reply_to: None,
            unsubscribe: None,
            language: "en".to_owned(),
            at: Timestamp(1_800_000_000_000),
        };
        let bytes = |mail| outgoing(mail, &[]).unwrap().bytes;
        assert_eq!(bytes(&mail), bytes(&mail));
    }
}
