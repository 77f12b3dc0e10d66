//! Texts of any kind in mail headers: always one header, always one recipient, always what was typed.
//!
//! A plain text stays as it is. Everything else becomes encoded words (RFC 2047), also a text that looks like
//! an encoded word itself: a mail client would show something else than what was typed, or a line break.
//! `lettre` leaves such texts as they are, so the encoding is done here.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use eventflow_ports::Mailbox;

/// Bytes of text in one encoded word: its base64 and the frame of 12 bytes fit into the 75 of RFC 2047.
const WORD_BYTES: usize = 45;
/// Longest text that stays as it is; a line has at most 998 bytes (RFC 5322, section 2.1.1).
const PLAIN_MAX_BYTES: usize = 200;

/// A subject or another unstructured text.
pub(crate) fn text(given: &str) -> String {
    let clean = one_line(given);
    if is_plain(&clean) { clean } else { encoded(&clean) }
}

/// A mailbox: the name, and the address between angle brackets.
pub(crate) fn mailbox(mailbox: &Mailbox) -> String {
    let address = mailbox.address.as_str();
    let name = one_line(mailbox.name.as_deref().unwrap_or_default());
    if name.is_empty() {
        return address.to_owned();
    }
    // Clients also look for encoded words between quotation marks, so a quoted name must not look like one.
    let phrase = if is_plain(&name) { quoted(&name) } else { encoded(&name) };
    format!("{phrase}\r\n <{address}>")
}

/// The text without control characters, line breaks and marks that turn the direction of letters, and with
/// single spaces.
fn one_line(text: &str) -> String {
    let is_kept = |c: &char| !is_direction(*c);
    let spaced: String = text.chars().filter(is_kept).map(|c| if breaks_line(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_plain(text: &str) -> bool {
    text.len() <= PLAIN_MAX_BYTES
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !text.contains("=?")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

fn encoded(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, tail) = rest.split_at(rest.floor_char_boundary(WORD_BYTES));
        words.push(format!("=?utf-8?B?{}?=", BASE64.encode(word)));
        rest = tail;
    }
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> String {
        mailbox(&Mailbox { name: Some(name.to_owned()), address: "bob@example.com".parse().unwrap() })
    }

    #[test]
    fn a_plain_text_stays_and_others_are_encoded() {
        assert_eq!(text("Ann: 2 new messages"), "Ann: 2 new messages");
        assert_eq!(text("Grüße"), "=?utf-8?B?R3LDvMOfZQ==?=");
        assert_eq!(text("=?utf-8?q?a?="), "=?utf-8?B?PT91dGYtOD9xP2E/PQ==?=");
        assert_eq!(text("a\r\nBcc: eve@example.com\0"), "a Bcc: eve@example.com");
        assert!(text(&"x".repeat(2_000)).lines().all(|line| line.len() <= 76));
    }

    #[test]
    fn a_name_is_one_phrase() {
        assert_eq!(named("Bob"), "\"Bob\"\r\n <bob@example.com>");
        assert_eq!(named("Bob \"<x>\" \\"), "\"Bob \\\"<x>\\\" \\\\\"\r\n <bob@example.com>");
        assert_eq!(named(" \r\n "), "bob@example.com");
        assert!(named("Bob, Bcc").starts_with("\"Bob, Bcc\""));
    }
}
