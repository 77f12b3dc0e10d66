//! What an answer of a mail server means: who is to blame, and whether to try again.
//!
//! | where | 421 | other 4xx | 5xx |
//! |---|---|---|---|
//! | connecting, TLS, no answer | provider | provider | provider, later |
//! | signing in | provider | provider | broken |
//! | `MAIL FROM` | provider | provider | broken |
//! | `RCPT TO` | provider | this mail, later | the address is refused; with a policy's code, the mail |
//! | `DATA` and the mail | provider | this mail, later | the mail is refused |

use eventflow_ports::mailer::{Blame, MailError, RefusedPart};
use eventflow_protocol::mail::one_line;
use lettre::transport::smtp::Error as SmtpError;
use std::error::Error as _;

/// The answer of a server that ends the connection: it goes away, or has had enough.
const GOES_AWAY: u16 = 421;
/// Answers to a recipient that say that the address is at fault (RFC 5321, section 4.2.3).
const ADDRESS_CODES: [u16; 3] = [550, 551, 553];
/// Beginning of the enhanced codes of policies and security (RFC 3463, section 3.8): they say nothing about
/// the address.
const POLICY: &str = "5.7.";

/// The step of a mail's way at which it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Connecting, greeting, encryption.
    Connect,
    /// Signing in.
    SignIn,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`, before any byte of the mail.
    Data,
    /// The mail itself, up to the answer to its last line.
    Content,
}

/// What went wrong at a step.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The server gave a negative answer, the connection broke, or the TLS handshake failed.
    Smtp(SmtpError),
    /// No answer came in time.
    Late,
    /// The address has letters that this server does not take.
    Unsupported,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::SignIn => "signing in",
            Self::Sender => "MAIL FROM",
            Self::Recipient => "RCPT TO",
            Self::Data => "DATA",
            Self::Content => "the mail",
        }
    }
}

/// Whether the connection can be used for another mail after this: the server has answered, and does not go
/// away.
pub(crate) fn leaves_connection(cause: &Cause) -> bool {
    matches!(cause, Cause::Unsupported) || status(cause).is_some_and(|code| code != GOES_AWAY)
}

/// Whether the connection had ended before the step: the server closed it while it was idle.
pub(crate) fn is_stale(step: Step, cause: &Cause) -> bool {
    let is_gone = match cause {
        Cause::Smtp(error) => error.status().is_none() || status(cause) == Some(GOES_AWAY),
        Cause::Late | Cause::Unsupported => false,
    };
    step == Step::Sender && is_gone
}

/// The error of a failed step. Addresses that the server repeats are taken out.
pub(crate) fn classify(step: Step, cause: &Cause) -> MailError {
    let answer = answer(step, cause);
    if matches!(cause, Cause::Unsupported) {
        return MailError::Refused { what: RefusedPart::Mail, answer };
    }
    let Some(code) = status(cause) else {
        // A server without the extension that we insist on will not have it tomorrow.
        if is_ours(cause) {
            return MailError::Broken { answer };
        }
        let perhaps_sent = step == Step::Content;
        return MailError::Temporary { blame: Blame::Provider, answer, perhaps_sent };
    };
    let temporary = |blame, answer| MailError::Temporary { blame, answer, perhaps_sent: false };
    match (step, code) {
        (_, GOES_AWAY) | (Step::Connect, _) | (Step::SignIn | Step::Sender, 400..=499) => {
            temporary(Blame::Provider, answer)
        }
        (Step::SignIn | Step::Sender, _) => MailError::Broken { answer },
        (_, 400..=499) => temporary(Blame::Mail, answer),
        (Step::Recipient, code) if ADDRESS_CODES.contains(&code) && !is_policy(cause) => {
            MailError::Refused { what: RefusedPart::Address, answer }
        }
        (Step::Recipient | Step::Data | Step::Content, _) => {
            MailError::Refused { what: RefusedPart::Mail, answer }
        }
    }
}

/// The answer as one line without addresses, else what happened.
fn answer(step: Step, cause: &Cause) -> String {
    let at = step.name();
    match cause {
        Cause::Late => format!("no answer in time ({at})"),
        Cause::Unsupported => "the server takes no address with such letters (SMTPUTF8)".to_owned(),
        Cause::Smtp(error) => match error.status() {
            Some(code) => format!("{code} {} ({at})", without_addresses(&text(error))),
            None if error.is_tls() || text(error).contains("certificate") => {
                format!("the TLS handshake failed: the certificate does not hold ({at})")
            }
            None if error.is_client() => format!("{} ({at})", without_addresses(&text(error))),
            None => format!("the connection failed ({at})"),
        },
    }
}

/// A text of the server as one line, with every word that holds an address replaced.
pub(crate) fn without_addresses(text: &str) -> String {
    let words = one_line(text);
    let shown = words.split(' ').map(|word| if word.contains('@') { "…" } else { word });
    shown.collect::<Vec<_>>().join(" ")
}

fn text(error: &SmtpError) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

fn status(cause: &Cause) -> Option<u16> {
    match cause {
        Cause::Smtp(error) => error.status().map(u16::from),
        Cause::Late | Cause::Unsupported => None,
    }
}

/// Whether this side gave up: the server does not offer what a mail needs.
fn is_ours(cause: &Cause) -> bool {
    matches!(cause, Cause::Smtp(error) if error.is_client())
}

fn is_policy(cause: &Cause) -> bool {
    matches!(cause, Cause::Smtp(error) if text(error).trim_start().starts_with(POLICY))
}

#[cfg(test)]
mod tests {
    use super::without_addresses;

    #[test]
    fn an_answer_holds_no_address() {
        let answer = "5.1.1 <bob@example.com>: Recipient address rejected:\r\nbob@example.com unknown";
        assert_eq!(without_addresses(answer), "5.1.1 … Recipient address rejected:  … unknown");
    }
}
