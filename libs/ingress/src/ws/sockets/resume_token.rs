//! The resume token: what a client keeps of its session for another gateway, as text inside its private id.
//!
//! It says whose journal tells of the session, from which packet on, and since when. The token of a session
//! that began with a catch-up also names the sessions before it and how far the client had come in each:
//! until the catch-up is done, only their journals tell what the client missed. The token comes back from
//! whoever presents it, so it proves nothing; all that follows from it is which of their own messages
//! somebody is sent again.

use eventflow_protocol::{GatewayId, Timestamp};
use eventflow_socketio::{Lost, Offset};
use std::fmt;

/// Longest name of a gateway that is looked up, in bytes; ours have a few more than 32.
const GATEWAY_MAX: usize = 64;
/// Earlier sessions that a token names: so many gateways may be lost, each during the catch-up after the one
/// before.
const EARLIER_MAX: usize = 3;
/// Longest token that is read, in bytes; ours have at most about 450.
const TOKEN_MAX: usize = 1_024;

/// The name of a session in its gateway's journal; shown as hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionTag(u64);

impl SessionTag {
    /// A new name, of 64 random bits: two of the sessions in one journal never get the same.
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for SessionTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}", self.0)
    }
}

/// The beginning of a session. As text, it is the resume token that the client presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResumeToken {
    /// The gateway whose journal tells of the session.
    pub(crate) gateway: GatewayId,
    /// The last packet that the gateway had emitted to everybody before the session began.
    pub(crate) start: Offset,
    /// When the session began.
    pub(crate) since: Timestamp,
    /// The session's name in that journal.
    pub(crate) tag: SessionTag,
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{:x}.{}", self.gateway, self.start, self.since.0, self.tag)
    }
}

impl ResumeToken {
    fn read(gateway: &str, start: &str, since: &str, tag: &str) -> Option<Self> {
        let is_gateway = (1..=GATEWAY_MAX).contains(&gateway.len())
            && gateway.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let since = Timestamp(i64::try_from(hexadecimal(since)?).ok().filter(|_| is_gateway)?);
        Some(Self {
            gateway: gateway.into(),
            start: Offset::parse(start)?,
            since,
            tag: SessionTag(hexadecimal(tag)?),
        })
    }
}

/// A session that was left, and how far its client had come in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftSession {
    /// How it began.
    pub(crate) token: ResumeToken,
    /// The position of the last packet its client got there.
    pub(crate) seen: u64,
}

impl fmt::Display for LeftSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:x}", self.token, self.seen)
    }
}

impl LeftSession {
    fn read(parts: &[&str]) -> Option<Self> {
        let [gateway, start, since, tag, seen] = parts else { return None };
        let token = ResumeToken::read(gateway, start, since, tag)?;
        let seen = hexadecimal(seen)?;
        (seen >= token.start.position()).then_some(Self { token, seen })
    }
}

/// The sessions that a client left, from which it can be caught up if their gateways' journals are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftSessions {
    /// The client's last session, and those before it that may not have been caught up with: newest first, at
    /// least one.
    pub(crate) sessions: Vec<LeftSession>,
    /// The name of the client's new session, in this gateway's journal.
    pub(crate) tag: SessionTag,
}

impl LeftSessions {
    /// Reads what a client presents; `tag` names its new session. `None` if it is no token.
    pub(crate) fn of(lost: &Lost, tag: SessionTag) -> Option<Self> {
        if lost.note.len() > TOKEN_MAX {
            return None;
        }
        let parts: Vec<&str> = lost.note.split('.').collect();
        let ([gateway, start, since, own], earlier) = parts.split_first_chunk()?;
        let token = ResumeToken::read(gateway, start, since, own)?;
        let earlier: Vec<LeftSession> =
            earlier.chunks(SESSION_PARTS).map(LeftSession::read).collect::<Option<_>>()?;
        if earlier.len() > EARLIER_MAX {
            return None;
        }
        // A client that got nothing in that session presents an offset of an earlier one, or none.
        let got = lost.offset.filter(|offset| offset.is_of_the_same_encoder(token.start));
        let seen = got.map(Offset::position).unwrap_or_default().max(token.start.position());
        let newest = LeftSession { token, seen };
        Some(Self { sessions: std::iter::once(newest).chain(earlier).collect(), tag })
    }

    /// What the token of the new session says of the sessions before it.
    pub(crate) fn as_token_suffix(&self) -> String {
        self.sessions.iter().take(EARLIER_MAX).fold(String::new(), |suffix, left| format!("{suffix}.{left}"))
    }
}

/// Parts of the text of a [`LeftSession`].
const SESSION_PARTS: usize = 5;

/// Reads a hexadecimal number in lower case without a sign, as tokens have it.
fn hexadecimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    u64::from_str_radix(text, 16).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_socketio::Encoder;

    fn offset(encoder: &Encoder) -> Offset {
        encoder.event("n", &1).unwrap().offset().unwrap()
    }

    fn lost(note: &str, offset: Option<Offset>) -> Lost {
        Lost { note: note.to_owned(), offset, is_here: false }
    }

    fn note(start: Offset) -> ResumeToken {
        ResumeToken {
            gateway: GatewayId::new(),
            start,
            since: Timestamp(1_800_000_000_000),
            tag: SessionTag::random(),
        }
    }

    fn read(note: &str) -> Option<LeftSessions> {
        LeftSessions::of(&lost(note, None), SessionTag::default())
    }

    #[test]
    fn a_token_comes_back_as_it_was() {
        let note = note(offset(&Encoder::new()));
        assert_eq!(read(&note.to_string()).unwrap().sessions, [LeftSession { token: note, seen: 1 }]);
    }

    #[test]
    fn a_token_names_the_sessions_before_it_up_to_a_few() {
        let mut text = String::new();
        let notes: Vec<ResumeToken> = (0..6).map(|_| note(offset(&Encoder::new()))).collect();
        for (count, note) in (1..).zip(&notes) {
            let resumable = read(&format!("{note}{text}")).unwrap();
            let expected: Vec<&ResumeToken> = notes[..count].iter().rev().take(1 + EARLIER_MAX).collect();
            assert_eq!(resumable.sessions.iter().map(|left| &left.token).collect::<Vec<_>>(), expected);
            text = resumable.as_token_suffix();
        }
        assert!(notes[0].to_string().len() + text.len() < 512);
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in [
            "",
            "note",
            "g.abcd1.5",
            "g.abcd1.5.a.x",
            "g:*.abcd1.5.a",
            "g.ab.5.a",
            "g.abcd1.-5.a",
            "g.abcd1.5.",
            "ä.abcd1.5.a",
            "g.abcd1.5.+a",
            "g.abcd1.5.a.",
            "g.abcd1.5.a.h.abcd1.5.a",
            "g.abcd1.5.a.h.abcd1.5.a.0",
            "g.abcd1.5.a.h.abcd1.5.a.x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let earlier = ".h.abcd1.5.a.1";
        assert!(read(&format!("g.abcd1.5.a{}", earlier.repeat(EARLIER_MAX))).is_some());
        assert_eq!(read(&format!("g.abcd1.5.a{}", earlier.repeat(EARLIER_MAX + 1))), None);
    }

    #[test]
    fn the_last_packet_counts_only_if_it_is_of_that_session() {
        let (there, elsewhere) = (Encoder::new(), Encoder::new());
        let early = offset(&there);
        let note = note(offset(&there)).to_string();
        let late = offset(&there);
        let seen =
            |offset| LeftSessions::of(&lost(&note, offset), SessionTag::random()).unwrap().sessions[0].seen;
        assert_eq!((seen(Some(late)), seen(Some(early)), seen(None)), (3, 2, 2));
        for _ in 0..9 {
            offset(&elsewhere);
        }
        assert_eq!(seen(Some(offset(&elsewhere))), 2);
    }
}
