//! Notices: log lines about what clients do wrong and only the operator can put right.
//!
//! A foreign origin or a token that breaks a rule is most often a setting of the host application. The
//! operator is told, and no client can fill the log: an origin is named once, and a fault of tokens once a
//! minute. Clones share what has been said.

use crate::identity::TokenFault;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Origins that are named; an operator's own are few, and whoever invents origins fills no more than this.
const ORIGINS_MAX: usize = 100;
/// Longest origin that is remembered, in bytes: a host name has at most 253.
const ORIGIN_MAX_BYTES: usize = 300;
/// Pause between two lines about the same fault of tokens.
const TOKEN_PAUSE: Duration = Duration::from_mins(1);

/// What this process has told its operator of its clients.
#[derive(Clone, Debug, Default)]
pub struct Notices(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    origins: Mutex<HashSet<String>>,
    tokens: Mutex<HashMap<TokenFault, Instant>>,
}

impl Notices {
    /// A page of this origin was refused.
    pub(crate) fn refused_origin(&self, origin: &str) {
        let origin = &origin[..origin.floor_char_boundary(ORIGIN_MAX_BYTES)];
        if self.is_new_origin(origin) {
            tracing::warn!(
                origin,
                "a page of this origin was refused; if it is yours, add it to ALLOWED_ORIGINS (said once per origin)"
            );
        }
    }

    /// A token was refused for this reason.
    pub(crate) fn refused_token(&self, fault: TokenFault) {
        if self.is_due(fault, Instant::now()) {
            tracing::warn!(reason = %fault, "a token was refused (said once a minute per reason)");
        }
    }

    fn is_new_origin(&self, origin: &str) -> bool {
        let mut origins = self.0.origins.lock();
        origins.len() < ORIGINS_MAX && origins.insert(origin.to_owned())
    }

    /// Whether a line about this fault may be written now. A token that has expired is no news.
    fn is_due(&self, fault: TokenFault, now: Instant) -> bool {
        if fault == TokenFault::Expired {
            return false;
        }
        let mut tokens = self.0.tokens.lock();
        let is_due = tokens.get(&fault).is_none_or(|last| now.duration_since(*last) >= TOKEN_PAUSE);
        if is_due {
            tokens.insert(fault, now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_named_once_and_inventing_some_fills_no_log() {
        let notices = Notices::default();
        assert!(notices.is_new_origin("https://chat.example.com"));
        assert!(!notices.clone().is_new_origin("https://chat.example.com"));
        let named = (0..1_000).filter(|n| notices.is_new_origin(&format!("https://{n}.example"))).count();
        assert_eq!(named, ORIGINS_MAX - 1);
    }

    #[test]
    fn a_fault_of_tokens_is_named_once_a_minute() {
        let (notices, start) = (Notices::default(), Instant::now());
        assert!(notices.is_due(TokenFault::Signature, start));
        assert!(!notices.is_due(TokenFault::Signature, start + TOKEN_PAUSE / 2));
        assert!(notices.is_due(TokenFault::ExpMissing, start));
        assert!(notices.is_due(TokenFault::Signature, start + TOKEN_PAUSE));
        assert!(!notices.is_due(TokenFault::Expired, start), "clients renew those by themselves");
    }
}
