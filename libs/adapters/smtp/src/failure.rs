//! What an answer of a mail server means: who is to blame, and whether to try again.
//!
//! | where | 421 | other 4xx | 5xx |
//! |---|---|---|---|
//! | connecting, TLS, no answer, one that cannot be read | provider | provider | provider, later |
//! | signing in | provider | provider | broken |
//! | `MAIL FROM` | provider | provider | broken |
//! | `RCPT TO` | provider | this mail, later | the mail is refused; the address, if the answer says so |
//! | `DATA` and the mail | provider | this mail, later | the mail is refused |
//!
//! A mail can make its server break the connection, so "provider" is a suspicion: the caller asks the server
//! before it believes it.

use crate::answer::{self, Answer};
use eventflow_ports::mailer::{Blame, MailError, RefusedPart};
use lettre::transport::smtp::Error as SmtpError;
use std::error::Error as _;
use std::io;

/// The answer of a server that ends the connection: it goes away, or has had enough.
const GOES_AWAY: u16 = 421;
/// Answers to a recipient that may say that the address is at fault (RFC 5321, section 4.2.3).
const ADDRESS_CODES: [u16; 3] = [550, 551, 553];

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
    /// There is no connection, or the TLS handshake before it failed.
    Connection(io::Error),
    /// The server gave a negative answer, the connection broke, or the TLS handshake failed.
    Smtp(SmtpError),
    /// The server gave an answer with this code, which means nothing at this step.
    Unexpected(u16),
    /// The server's answer does not end.
    Endless,
    /// No answer came in time.
    Late,
    /// The address has letters that this server does not take.
    Unsupported,
}

impl From<SmtpError> for Cause {
    fn from(error: SmtpError) -> Self {
        Self::Smtp(error)
    }
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
        Cause::Connection(_) | Cause::Unexpected(_) | Cause::Endless | Cause::Late | Cause::Unsupported => {
            false
        }
    };
    step == Step::Sender && is_gone
}

/// The error of a failed step. Of the server's words only those of a fixed list are in it.
pub(crate) fn classify(step: Step, cause: &Cause) -> MailError {
    let answer = shown(step, cause);
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
        (Step::Recipient, code) if ADDRESS_CODES.contains(&code) && is_about_address(cause) => {
            MailError::Refused { what: RefusedPart::Address, answer }
        }
        (Step::Recipient | Step::Data | Step::Content, _) => {
            MailError::Refused { what: RefusedPart::Mail, answer }
        }
    }
}

/// The answer as one line of known words, else what happened.
fn shown(step: Step, cause: &Cause) -> String {
    let at = step.name();
    match cause {
        Cause::Late => format!("no answer in time ({at})"),
        Cause::Endless => format!("the answer does not end ({at})"),
        Cause::Unexpected(code) => format!("{code} is no answer to this ({at})"),
        Cause::Connection(error) if error.to_string().contains("certificate") => untrusted(at),
        Cause::Connection(_) => format!("the connection failed ({at})"),
        Cause::Unsupported => "the server takes no address with such letters (SMTPUTF8)".to_owned(),
        Cause::Smtp(error) => match error.status() {
            Some(code) => format!("{} ({at})", answer::shown(u16::from(code), &text(error))),
            None if error.is_tls() || text(error).contains("certificate") => untrusted(at),
            None if error.is_client() => format!("{} ({at})", answer::known_words(&text(error))),
            None => format!("the connection failed ({at})"),
        },
    }
}

fn untrusted(at: &str) -> String {
    format!("the TLS handshake failed: the certificate does not hold ({at})")
}

fn text(error: &SmtpError) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

fn status(cause: &Cause) -> Option<u16> {
    match cause {
        Cause::Smtp(error) => error.status().map(u16::from),
        Cause::Connection(_) | Cause::Unexpected(_) | Cause::Endless | Cause::Late | Cause::Unsupported => {
            None
        }
    }
}

/// Whether this side gave up: the server does not offer what a mail needs.
fn is_ours(cause: &Cause) -> bool {
    matches!(cause, Cause::Smtp(error) if error.is_client())
}

fn is_about_address(cause: &Cause) -> bool {
    matches!(cause, Cause::Smtp(error) if Answer::new(&text(error)).is_about_address())
}
