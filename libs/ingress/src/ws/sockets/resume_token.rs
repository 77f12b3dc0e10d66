//! What a client keeps of its session for another gateway, as text in its private id: whose journal, from where, since when.
//!
//! A session that began with a catch-up names the ones before it too, and how far its client had come there: until it is caught up, what it
//! missed is to be found from there only. It comes back from whoever presents it. Nothing follows from it but which of their own messages
//! somebody is sent again.

use eventflow_protocol::{GatewayId, Timestamp};
use eventflow_socketio::{Lost, Offset};
use std::fmt;

/// Longest name of a gateway that is looked up; ours have 32 characters and a few.
const GATEWAY_MAX: usize = 64;
/// Sessions before it that a note names: so many gateways may be lost, one during the catch-up of the other.
const EARLIER_MAX: usize = 3;
/// Longest note that is read; ours have at most about 450 bytes.
const NOTE_MAX: usize = 1_024;

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
    /// Whose journal tells of it.
    pub(crate) gateway: GatewayId,
    /// The last packet that the gateway had emitted before it.
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
    fn read(gateway: &str, start: &str, since: &str, tag: &str) -> Option<Self> {
        let is_gateway = (1..=GATEWAY_MAX).contains(&gateway.len())
            && gateway.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let since = Timestamp(i64::try_from(hexadecimal(since)?).ok().filter(|_| is_gateway)?);
        Some(Self {
            gateway: gateway.into(),
            start: Offset::parse(start)?,
            since,
            tag: Tag(hexadecimal(tag)?),
        })
    }
}

/// A session that was left, and how far its client had come in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// How it began.
    pub(crate) note: Note,
    /// The position of the last packet its client got there.
    pub(crate) seen: u64,
}

impl fmt::Display for Left {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:x}", self.note, self.seen)
    }
}

impl Left {
    fn read(parts: &[&str]) -> Option<Self> {
        let [gateway, start, since, tag, seen] = parts else { return None };
        let (note, seen) = (Note::read(gateway, start, since, tag)?, hexadecimal(seen)?);
        (seen >= note.start.position()).then_some(Self { note, seen })
    }
}

/// A session that can be caught up with, if its gateway's journal is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resumable {
    /// The one that its client had last, and those before it that may not have been caught up with: newest first, at least one.
    pub(crate) left: Vec<Left>,
    /// The name of the session that goes on here, in this gateway's journal.
    pub(crate) tag: Tag,
}

impl Resumable {
    /// From what a client presents; `tag` names its new session.
    pub(crate) fn of(lost: &Lost, tag: Tag) -> Option<Self> {
        let parts: Vec<&str> = Some(&lost.note).filter(|note| note.len() <= NOTE_MAX)?.split('.').collect();
        let ([gateway, start, since, own], earlier) = parts.split_first_chunk()?;
        let note = Note::read(gateway, start, since, own)?;
        let earlier = earlier
            .chunks(LEFT_PARTS)
            .map(Left::read)
            .collect::<Option<Vec<_>>>()
            .filter(|all| all.len() <= EARLIER_MAX)?;
        // A client that got nothing in that session presents an offset of an earlier one, or none.
        let got =
            lost.offset.filter(|offset| offset.is_of_the_same_encoder(note.start)).map(Offset::position);
        let seen = got.unwrap_or_default().max(note.start.position());
        Some(Self { left: std::iter::once(Left { note, seen }).chain(earlier).collect(), tag })
    }

    /// What the note of the session that goes on here says of those before it.
    pub(crate) fn told(&self) -> String {
        self.left.iter().take(EARLIER_MAX).fold(String::new(), |told, left| format!("{told}.{left}"))
    }
}

/// Parts of the text of a [`Left`].
const LEFT_PARTS: usize = 5;

/// A number as it is written here: lower case, no sign.
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

    fn note(start: Offset) -> Note {
        Note { gateway: GatewayId::new(), start, since: Timestamp(1_800_000_000_000), tag: Tag::random() }
    }

    fn read(note: &str) -> Option<Resumable> {
        Resumable::of(&lost(note, None), Tag::default())
    }

    #[test]
    fn a_note_comes_back_as_it_was() {
        let note = note(offset(&Encoder::new()));
        assert_eq!(read(&note.to_string()).unwrap().left, [Left { note, seen: 1 }]);
    }

    #[test]
    fn a_note_names_the_sessions_before_it_up_to_a_few() {
        let mut text = String::new();
        let notes: Vec<Note> = (0..6).map(|_| note(offset(&Encoder::new()))).collect();
        for (count, note) in (1..).zip(&notes) {
            let resumable = read(&format!("{note}{text}")).unwrap();
            let expected: Vec<&Note> = notes[..count].iter().rev().take(1 + EARLIER_MAX).collect();
            assert_eq!(resumable.left.iter().map(|left| &left.note).collect::<Vec<_>>(), expected);
            text = resumable.told();
        }
        assert!(notes[0].to_string().len() + text.len() < 512);
    }

    #[test]
    fn what_is_no_note_is_none() {
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
        let seen = |offset| Resumable::of(&lost(&note, offset), Tag::random()).unwrap().left[0].seen;
        assert_eq!((seen(Some(late)), seen(Some(early)), seen(None)), (3, 2, 2));
        for _ in 0..9 {
            offset(&elsewhere);
        }
        assert_eq!(seen(Some(offset(&elsewhere))), 2);
    }
}
