//! Pairing: how the system recognises one message that a page sent twice, by socket and by REST, without a
//! key.
//!
//! The published page sends each message both ways: one click, two legs. A stored message has at most one leg
//! of each kind. A leg that arrives joins the oldest message with the same pairing key that lacks a leg of
//! this kind, is close enough in time and still is what was sent; if there is none, the leg becomes a message
//! of its own. So n clicks whose legs all arrive are n messages, in any order, and equal messages over one
//! transport stay apart. Messages with a client key never pair.

use crate::fingerprint::Said;
use crate::{ThreadId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most milliseconds by which the socket's leg may follow the REST leg, over a connection that was open
/// before.
pub const WINDOW_MS: i64 = 10_000;
/// Most milliseconds by which the REST leg may follow the socket's leg.
///
/// It is longer than [`WINDOW_MS`] because a browser sends at most six requests at once to one server. A page
/// that has just come back marks every message it missed as read, by a request each, and what its person
/// writes meanwhile waits in line: 17 s were measured behind 95 messages on a machine with both cores busy,
/// and with a window of 10 s that message was stored twice. Nobody can decide whether an equal message that
/// comes by the other transport within this time was meant as a second one, so the window is not longer than
/// that.
pub const REST_BEHIND_WINDOW_MS: i64 = 30_000;
/// Most milliseconds between the legs of one click if the socket's connection was opened after the REST leg
/// came: a client that was offline sends what it kept when it is back. Sessions are kept for recovery as
/// long.
pub const OFFLINE_WINDOW_MS: i64 = 120_000;

/// The transport that a message came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// The event `message:send`.
    Socket,
    /// The REST request.
    Rest,
}

impl Leg {
    /// The other transport.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Socket => Self::Rest,
            Self::Rest => Self::Socket,
        }
    }
}

/// What pairs a message without a client key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairing {
    /// The transport that it came over.
    pub leg: Leg,
    /// [`key`] of its login, sender, thread and body.
    pub key: String,
    /// For a socket leg: when its connection was opened.
    #[serde(default)]
    pub opened_at: Option<Timestamp>,
}

/// The pairing key, 32 hexadecimal digits: only messages of the same login, sender, thread and body share it.
pub fn key(session: &[u8; 32], sender: &UserId, thread: ThreadId, said: Said<'_>) -> String {
    let Said { content, attachments, .. } = said;
    let files = serde_json::to_vec(attachments).unwrap_or_default();
    let hash = Sha256::new_with_prefix(session)
        .chain_update(sender.as_str())
        .chain_update([0])
        .chain_update(thread.bytes());
    let mut hash =
        hash.chain_update((content.len() as u64).to_be_bytes()).chain_update(content).chain_update(files);
    said.refer(&mut hash);
    hex::encode(&hash.finalize()[..16])
}

impl Pairing {
    /// Whether this leg, accepted at `at`, may join a message whose first leg was accepted at `first`.
    ///
    /// Legs arrive in either order and the clocks of gateways differ, so the window reaches into the past and
    /// the future.
    pub fn reaches(&self, at: Timestamp, first: Timestamp) -> bool {
        let apart = at.0.saturating_sub(first.0);
        let was_offline = self.opened_at.is_some_and(|opened| opened >= first);
        let [back, ahead] = self.windows();
        (-ahead..=back).contains(&apart) || (was_offline && (0..=OFFLINE_WINDOW_MS).contains(&apart))
    }

    /// The earliest and the latest time of a first leg that [`Pairing::reaches`] can accept: they bound a
    /// store's search.
    pub fn reach(&self, at: Timestamp) -> [Timestamp; 2] {
        let [back, ahead] = self.windows();
        let back = if self.opened_at.is_some() { OFFLINE_WINDOW_MS } else { back };
        [Timestamp(at.0.saturating_sub(back)), Timestamp(at.0.saturating_add(ahead))]
    }

    /// How far into the past and into the future this leg looks for the other one, in milliseconds.
    fn windows(&self) -> [i64; 2] {
        match self.leg {
            Leg::Socket => [WINDOW_MS, REST_BEHIND_WINDOW_MS],
            Leg::Rest => [REST_BEHIND_WINDOW_MS, WINDOW_MS],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairing(leg: Leg, opened_at: Option<i64>) -> Pairing {
        Pairing { leg, key: String::new(), opened_at: opened_at.map(Timestamp) }
    }

    #[test]
    fn legs_pair_within_the_window_in_either_order() {
        for (rest, socket, reaches) in
            [(5, 5, true), (30_005, 5, true), (30_006, 5, false), (5, 10_005, true), (5, 10_006, false)]
                .map(|(rest, socket, reaches)| (Timestamp(rest), Timestamp(socket), reaches))
        {
            for (leg, at, first) in [(Leg::Rest, rest, socket), (Leg::Socket, socket, rest)] {
                let leg = pairing(leg, None);
                assert_eq!(leg.reaches(at, first), reaches, "{leg:?} at {at:?}, the other at {first:?}");
                let [earliest, latest] = leg.reach(at);
                assert_eq!((earliest..=latest).contains(&first), reaches, "{leg:?} at {at:?}");
            }
        }
    }

    #[test]
    fn what_a_client_kept_while_it_was_offline_pairs_later() {
        let (before, after) = (pairing(Leg::Socket, Some(90)), pairing(Leg::Socket, Some(60_000)));
        assert!(
            !before.reaches(Timestamp(60_000), Timestamp(100)),
            "the connection was open when the other leg came"
        );
        assert!(after.reaches(Timestamp(60_001), Timestamp(100)));
        assert!(!after.reaches(Timestamp(120_101), Timestamp(100)));
    }
}
