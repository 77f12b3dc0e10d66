//! What a client keeps of its session for another gateway, as text in its private id: whose journal, from where, since when.
//!
//! It comes back from whoever presents it. Nothing follows from it but which of their own messages somebody is sent again.

use eventflow_protocol::{GatewayId, Timestamp};
use eventflow_socketio::{Lost, Offset};
use std::fmt;

/// Longest name of a gateway that is looked up; ours have 32 characters.
const GATEWAY_MAX: usize = 64;

/// The name of a session in its gateway's journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tag(u64);

impl Tag {
    /// A new one; so many are never there that two are the same.
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}", self.0)
    }
}

/// The beginning of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// Where it is.
    pub(crate) gateway: GatewayId,
    /// The gateway's last offset before it.
    pub(crate) start: Offset,
    /// When it began.
    pub(crate) since: Timestamp,
    /// Its name.
    pub(crate) tag: Tag,
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{:x}.{}", self.gateway, self.start, self.since.0, self.tag)
    }
}

impl Note {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (gateway, start, since, tag) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_gateway = (1..=GATEWAY_MAX).contains(&gateway.len()) && gateway.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if parts.next().is_some() || !is_gateway {
            return None;
        }
        let since = Timestamp(i64::from_str_radix(since, 16).ok().filter(|since| *since >= 0)?);
        Some(Self { gateway: gateway.into(), start: Offset::parse(start)?, since, tag: Tag(u64::from_str_radix(tag, 16).ok()?) })
    }
}

/// A session that can be caught up with, if its gateway's journal is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resumable {
    /// How it began.
    pub(crate) note: Note,
    /// The position of the last packet its client got there.
    pub(crate) seen: u64,
    /// The name of the session that goes on here, in this gateway's journal.
    pub(crate) tag: Tag,
}

impl Resumable {
    /// From what a client presents; `tag` names its new session.
    pub(crate) fn of(lost: &Lost, tag: Tag) -> Option<Self> {
        let note = Note::parse(&lost.note)?;
        // A client that got nothing in that session presents an offset of an earlier one, or none.
        let own = lost.offset.filter(|offset| offset.is_of_the_same_encoder(note.start)).map(Offset::position);
        let seen = own.unwrap_or_default().max(note.start.position());
        Some(Self { note, seen, tag })
    }
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

    fn note(start: Offset) -> Note {
        Note { gateway: GatewayId::new(), start, since: Timestamp(1_800_000_000_000), tag: Tag::random() }
    }

    #[test]
    fn a_note_comes_back_as_it_was() {
        let note = note(offset(&Encoder::new()));
        assert_eq!(Note::parse(&note.to_string()), Some(note));
    }

    #[test]
    fn what_is_no_note_is_none() {
        for text in
            ["", "note", "g.abcd1.5", "g.abcd1.5.a.x", "g:*.abcd1.5.a", "g.ab.5.a", "g.abcd1.-5.a", "g.abcd1.5.", "ä.abcd1.5.a"]
        {
            assert_eq!(Note::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_last_packet_counts_only_if_it_is_of_that_session() {
        let (there, elsewhere) = (Encoder::new(), Encoder::new());
        let early = offset(&there);
        let note = note(offset(&there)).to_string();
        let late = offset(&there);
        let seen = |offset| Resumable::of(&lost(&note, offset), Tag::random()).unwrap().seen;
        assert_eq!((seen(Some(late)), seen(Some(early)), seen(None)), (3, 2, 2));
        for _ in 0..9 {
            offset(&elsewhere);
        }
        assert_eq!(seen(Some(offset(&elsewhere))), 2);
    }
}
