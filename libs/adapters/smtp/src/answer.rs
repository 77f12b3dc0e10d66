//! The text of a server's answer: what of it may be kept, and whether it says that an address takes no mail.
//!
//! Servers repeat what they were told: addresses, subjects, lines of the mail. So of a text only its enhanced
//! status code (RFC 3463) and the words of a fixed list are kept.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Longest answer that is kept, in words.
const WORDS_MAX: usize = 30;
/// Longest identifier under which a server says that it has queued a mail.
const QUEUE_ID_MAX_BYTES: usize = 40;

/// Enhanced status codes that say of an address that it takes no mail (RFC 3463, sections 3.2 and 3.3, and
/// RFC 7505): it does not exist, has no domain, is written wrongly, has moved, its domain takes no mail, or
/// its mailbox is switched off.
const ADDRESS_STATUS: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];
/// What servers without enhanced codes say of an address that takes no mail.
const ADDRESS_PHRASES: [&str; 14] = [
    "no such user",
    "no such recipient",
    "no such mailbox",
    "no such address",
    "no mailbox here",
    "user unknown",
    "unknown user",
    "unknown recipient",
    "recipient unknown",
    "unknown mailbox",
    "user not found",
    "mailbox not found",
    "user does not exist",
    "mailbox does not exist",
];
/// Parts of words of answers that are about this system and not about the address, whatever else they say.
const POLICY_PARTS: [&str; 11] = [
    "relay",
    "block",
    "spam",
    "denied",
    "policy",
    "reputation",
    "blacklist",
    "authenti",
    "listed",
    "permitted",
    "sender",
];

/// The words that are kept.
const KNOWN: &str = "2fa a aborted accepted access account action again allowed and are as at attachment \
    authenticated authentication bad because been big blacklisted block blocked body busy by bytes cannot \
    certificate client closing command commands completed complaint connection connections content could \
    credentials daily data deferred delayed delivered delivery denied dkim dmarc dns do does domain due email \
    encryption error exceeded exceeds exist extension failed failure file for format found from full \
    greylisted greylisting has have header headers hop hops host hour in inactive incorrect insufficient \
    internal invalid ip is large later length limit limited list listed local lookup loop mail mailbox maximum \
    message messages minutes moved must mx name no not of offered ok okay on or out over password per \
    permanent permitted policy port processing protocol queue queued quota rate reached received recipient \
    recipients refused reject rejected relay relaying reputation request requested required resources restricted \
    reverse rule sender sending server service session size smtputf8 spam spamhaus spf starttls storage \
    submission such support supported suspended suspicious syntax system taken temporarily temporary the this \
    timed timeout tls to too transaction try unable unauthenticated unavailable unknown unsupported user \
    username verification verify virus was while with within wrong you your";

static KNOWN_WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| KNOWN.split_whitespace().collect());

/// The text of an answer, read.
pub(crate) struct Answer<'a> {
    /// The enhanced status code at its beginning.
    status: Option<&'a str>,
    words: Vec<&'a str>,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut words =
            text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let mut rest = words.clone();
        match words.next() {
            Some(first) if is_status(first) => Self { status: Some(first), words: words.collect() },
            _ => Self { status: None, words: rest.by_ref().collect() },
        }
    }

    /// Whether it says that the address takes no mail. An answer that may be about this system, its relay or
    /// its reputation is not about the address.
    pub(crate) fn is_about_address(&self) -> bool {
        if let Some(status) = self.status {
            return ADDRESS_STATUS.contains(&status);
        }
        let bare: Vec<String> = self.words.iter().map(|word| bare(word).to_lowercase()).collect();
        let text = bare.join(" ");
        !POLICY_PARTS.iter().any(|part| text.contains(part))
            && ADDRESS_PHRASES.iter().any(|phrase| text.contains(phrase))
    }

    /// What may be kept of it.
    fn kept(&self) -> String {
        let mut kept: Vec<&str> = self.status.into_iter().collect();
        for word in self.words.iter().map(|word| bare(word)).filter(|word| !word.is_empty()) {
            if kept.len() == WORDS_MAX {
                break;
            }
            match KNOWN_WORDS.get(word.to_lowercase().as_str()) {
                Some(known) => kept.push(known),
                None if kept.last() == Some(&"…") => {}
                None => kept.push("…"),
            }
        }
        kept.join(" ")
    }

    /// The identifier under which the server has queued the mail: an operator looks for it in the server's
    /// log.
    fn queue_id(&self) -> Option<&'a str> {
        let mut words =
            self.words.iter().copied().skip_while(|word| !bare(word).eq_ignore_ascii_case("queued"));
        let id = words.by_ref().skip_while(|word| !bare(word).eq_ignore_ascii_case("as")).nth(1)?;
        let id = bare(id);
        let is_id = id.len() <= QUEUE_ID_MAX_BYTES
            && id.bytes().any(|byte| byte.is_ascii_digit())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_id.then_some(id)
    }
}

/// A negative answer, as it is kept.
pub(crate) fn shown(code: u16, text: &str) -> String {
    format!("{code} {}", Answer::new(text).kept()).trim_end().to_owned()
}

/// The answer to a mail that was accepted, as it is kept.
pub(crate) fn accepted(code: &str, text: &str) -> String {
    let answer = Answer::new(text);
    let kept = format!("{code} {}", answer.kept()).trim_end().to_owned();
    match answer.queue_id() {
        Some(id) => format!("{kept} ({id})"),
        None => kept,
    }
}

/// What may be kept of a text that is no answer.
pub(crate) fn known_words(text: &str) -> String {
    Answer::new(text).kept()
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Whether it is an enhanced status code: three numbers, the first of one digit.
fn is_status(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts[0].len() == 1 && parts.iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_its_codes_and_words_that_everybody_uses() {
        for (text, kept) in [
            ("5.1.1 User canarylocal-noaddr unknown; rejecting", "550 5.1.1 user … unknown …"),
            ("5.7.1 spam: subject \"canarytitle secret\" rejected", "550 5.7.1 spam … rejected"),
            (
                "5.1.1 <bob@example.com>: Recipient address rejected:\r\nbob unknown",
                "550 5.1.1 … recipient … rejected … unknown",
            ),
            ("bob.smith is unknown", "550 … is unknown"),
            ("5.1.x canary", "550 …"),
            ("", "550"),
        ] {
            assert_eq!(shown(550, text), kept, "{text}");
        }
        assert_eq!(shown(550, &"mail ".repeat(1_000)).split(' ').count(), WORDS_MAX + 1);
    }

    #[test]
    fn an_accepted_mail_is_found_in_the_log_of_its_server() {
        let said = accepted("250", "2.0.0 queued for <bob@example.com> as 4F2A");
        assert_eq!(said, "250 2.0.0 queued for … as … (4F2A)");
        assert_eq!(accepted("250", "2.0.0 Ok: queued as bob@x"), "250 2.0.0 ok queued as …");
        assert_eq!(accepted("250", ""), "250");
    }

    #[test]
    fn only_an_answer_about_the_address_is_about_the_address() {
        let is = |text| Answer::new(text).is_about_address();
        for text in [
            "5.1.1 rejected",
            "5.1.10 RESOLVER.ADR.RecipientNotFound",
            "5.2.1 mailbox disabled",
            "No such user here",
            "<x@y.z>: User unknown in virtual mailbox table",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "",
            "relay not permitted",
            "Blocked by Spamhaus",
            "Blocked: no such user at our blocklist",
            "5.7.1 no such user",
            "5.1.8 sender address: domain not found",
            "5.4.1 Recipient address rejected: Access denied",
            "sorry, that domain isn't in my list of allowed rcpthosts",
            "User not local; please try <forward-path>",
            "Requested action not taken: mailbox unavailable",
        ] {
            assert!(!is(text), "{text}");
        }
    }
}
