//! Mail addresses, and the list of those that get no mail.
//!
//! A [`MailAddress`] fits into a mail header and into an SMTP command as it is. Whoever holds one need not
//! think of line breaks, angle brackets or a second recipient.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Longest address in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const ADDRESS_MAX_BYTES: usize = 254;
/// Longest part before the `@`, in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_MAX_BYTES: usize = 64;
/// Longest label of a domain in bytes (RFC 1035, section 2.3.4).
const LABEL_MAX_BYTES: usize = 63;
/// Longest explanation of a suppression, in Unicode scalar values: the first line of a server's answer.
pub const DETAIL_MAX_CHARS: usize = 200;

/// Why a text is no mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a mail address looks like name@example.com")]
pub struct NotAnAddress;

/// One mail address without a display name: the dot-atom form of RFC 5322, section 3.4.1, with letters of any
/// script before the `@` (RFC 6531) and the domain in ASCII (RFC 5891).
///
/// Quoted local parts and address literals are refused: nobody has one, and each is a way around a check. So
/// are domains that the name system cannot hold: with an underscore, a point at the end, or labels that begin
/// like encoded ones and are none.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MailAddress(String);

impl MailAddress {
    /// The address as mail servers take it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    pub fn local(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }

    /// The part behind the `@`, in ASCII.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address by which a suppression is found. By RFC 5321 only the owner of a domain knows whether case
    /// matters before the `@`; no provider of today tells `Bob@` from `bob@`.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// An address is personal, so logs do not get it by accident.
impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailAddress(…)")
    }
}

impl FromStr for MailAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (local, domain) = text.split_once('@').ok_or(NotAnAddress)?;
        let domain = idna::domain_to_ascii(domain).map_err(|_| NotAnAddress)?;
        let address = format!("{local}@{domain}");
        let fits = is_local(local) && is_domain(&domain) && address.len() <= ADDRESS_MAX_BYTES;
        if fits { Ok(Self(address)) } else { Err(NotAnAddress) }
    }
}

impl TryFrom<String> for MailAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<MailAddress> for String {
    fn from(address: MailAddress) -> Self {
        address.0
    }
}

fn is_local(local: &str) -> bool {
    // `atext` of RFC 5322, section 3.2.3, and letters and digits of any script.
    let is_text = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    local.len() <= LOCAL_MAX_BYTES
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_text))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_MAX_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // Numbers only are the address of a computer, which a mail would have to name in brackets.
    let is_number =
        domain.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    domain.split('.').all(is_label) && !is_number
}

/// An address that gets no mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The address.
    pub address: MailAddress,
    /// Why.
    pub reason: SuppressionReason,
    /// More about it, such as the answer of the mail server: one line, at most [`DETAIL_MAX_CHARS`].
    pub detail: String,
    /// Since when.
    pub at: Timestamp,
}

/// Why an address gets no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// A mail came back: the address does not exist.
    Bounce,
    /// The recipient told their provider that it was spam.
    Complaint,
    /// The mail server refused the address when a mail was handed over.
    Refused,
    /// The mail provider keeps the address on a list of its own.
    Provider,
}

/// Command: put an address onto the suppression list, or take it off. Of two changes of one address the one
/// that was accepted later counts, in whatever order they arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSuppression {
    /// The address.
    pub address: MailAddress,
    /// What to do.
    pub change: SuppressionChange,
    /// When the ingress or the worker accepted it.
    pub at: Timestamp,
}

/// What a command does to an address on the suppression list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionChange {
    /// The address gets no more mail.
    Suppress {
        /// Why.
        reason: SuppressionReason,
        /// More about it; see [`one_line`].
        detail: String,
    },
    /// The address gets mail again.
    Lift,
}

/// A text of another system as one line without control characters, of at most [`DETAIL_MAX_CHARS`].
pub fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(DETAIL_MAX_CHARS).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_address_and_its_domain_is_ascii() {
        for (given, address) in [
            ("bob@example.com", "bob@example.com"),
            ("Bob.O'Neil+tag@Example.COM", "Bob.O'Neil+tag@example.com"),
            ("bob@bücher.example", "bob@xn--bcher-kva.example"),
            ("bob@例え.テスト", "bob@xn--r8jz45g.xn--zckzah"),
            ("jürgen@example.com", "jürgen@example.com"),
            ("root@localhost", "root@localhost"),
        ] {
            assert_eq!(given.parse::<MailAddress>().unwrap().as_str(), address, "{given}");
        }
        assert_eq!("BOB@Example.com".parse::<MailAddress>().unwrap().key(), "bob@example.com");
    }

    #[test]
    fn what_a_header_or_a_server_could_read_as_more_than_an_address_is_none() {
        let long = format!("{}@example.com", "a".repeat(65));
        for given in [
            "",
            "@",
            "bob",
            "bob@",
            "@example.com",
            "a@b@example.com",
            "bob@example.com\r\nBcc: eve@example.com",
            "bob@example.com\0",
            "bob\r\n@example.com",
            "bob @example.com",
            "bob@exa mple.com",
            "<bob@example.com>",
            "bob@example.com>",
            "Bob <bob@example.com>",
            "bob@example.com,eve@example.com",
            "bob@example.com;eve",
            "\"bob\"@example.com",
            "\"a\r\nRCPT TO:<eve@example.com>\"@example.com",
            "bob@[127.0.0.1]",
            "bob@127.0.0.1",
            "bob@example.com.",
            "bob@b_c.example",
            "bob@xn--a.example",
            "bob@-x.com",
            "bob@example..com",
            "bob@.com",
            "bob..x@example.com",
            ".bob@example.com",
            "bob@example.com\n",
            "bob(x)@example.com",
            "bob\u{2028}@example.com",
            "bob\u{202e}@example.com",
            "=?utf-8?q?x?=@example.com@x",
            &long,
        ] {
            assert_eq!(given.parse::<MailAddress>(), Err(NotAnAddress), "{given:?}");
        }
    }

    #[test]
    fn an_address_does_not_print() {
        let address: MailAddress = "bob@example.com".parse().unwrap();
        assert!(!format!("{address:?}").contains("bob"));
    }

    #[test]
    fn a_detail_is_one_line() {
        assert_eq!(one_line(" 550 no\r\nsuch\0user \n"), "550 no  such user");
        assert_eq!(one_line(&"x".repeat(1_000)).len(), DETAIL_MAX_CHARS);
    }
}
