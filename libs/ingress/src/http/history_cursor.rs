//! The `cursor` of a history: where its next page begins, as text that only this server reads.
//!
//! In goes the page that was asked for and what was found, out comes the place from which the next page goes
//! on in the same order. By time that place names the last message by its time and its `seq`, so messages of
//! one millisecond are neither lost nor given twice.

use eventflow_ports::{ChangePage, MessagePage, Place};
use eventflow_protocol::Timestamp;
use eventflow_protocol::document::Message;
use std::fmt;
use std::str::FromStr;

/// Where a page of a history begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryCursor {
    /// The newest messages before this place.
    Before(Place),
    /// The oldest messages after this place.
    After(Place),
    /// What changed after this change number.
    Changes(u64),
}

/// A page of a history that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryPage {
    /// Messages by `seq` or time.
    Messages(MessagePage),
    /// Messages that changed.
    Changes(ChangePage),
}

/// The text is not a cursor of this server.
pub(crate) struct ForeignCursor;

impl HistoryCursor {
    /// Where to go on after `messages`, which were found for `page`; `None` if nothing can follow.
    pub(crate) fn behind(page: &MessagePage, messages: &[Message]) -> Option<Self> {
        let is_by_time = matches!(page.after.or(page.before), Some(Place::Time(_) | Place::Moment { .. }));
        let order = |message: &&Message| (is_by_time.then_some(message.created_at), message.seq);
        let place = |message: &Message| {
            let (at, seq) = (message.created_at, message.seq);
            if is_by_time { Place::Moment { at, seq } } else { Place::Seq(seq) }
        };
        if u32::try_from(messages.len()) != Ok(page.limit) {
            return None;
        }
        if page.after.is_some() {
            return messages.iter().max_by_key(order).map(place).map(Self::After);
        }
        // Nothing is before the first message that the person sees of a thread.
        let first = Place::Seq(page.since + 1);
        let next = messages.iter().min_by_key(order).map(place).filter(|next| *next != first);
        next.map(Self::Before)
    }

    /// The page that begins here.
    pub(crate) fn page(self, limit: u32) -> HistoryPage {
        match self {
            Self::Before(place) => {
                HistoryPage::Messages(MessagePage { before: Some(place), after: None, since: 0, limit })
            }
            Self::After(place) => {
                HistoryPage::Messages(MessagePage { before: None, after: Some(place), since: 0, limit })
            }
            Self::Changes(after) => HistoryPage::Changes(ChangePage { after, limit }),
        }
    }
}

impl fmt::Display for HistoryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (side, place) = match self {
            Self::Before(place) => ("before", place),
            Self::After(place) => ("after", place),
            Self::Changes(after) => return write!(f, "changes.{after}"),
        };
        match place {
            Place::Seq(seq) => write!(f, "{side}.{seq}"),
            Place::Time(at) => write!(f, "{side}.{}.", at.0),
            Place::Moment { at, seq } => write!(f, "{side}.{}.{seq}", at.0),
        }
    }
}

impl FromStr for HistoryCursor {
    type Err = ForeignCursor;

    fn from_str(text: &str) -> Result<Self, ForeignCursor> {
        let (side, place) = text.split_once('.').ok_or(ForeignCursor)?;
        if side == "changes" {
            return Ok(Self::Changes(number(place)?));
        }
        let place = match place.split_once('.') {
            None => Place::Seq(number(place)?),
            Some((at, "")) => Place::Time(Timestamp(number(at)?)),
            Some((at, seq)) => Place::Moment { at: Timestamp(number(at)?), seq: number(seq)? },
        };
        match side {
            "before" => Ok(Self::Before(place)),
            "after" => Ok(Self::After(place)),
            _ => Err(ForeignCursor),
        }
    }
}

fn number<N: FromStr>(text: &str) -> Result<N, ForeignCursor> {
    text.parse().map_err(|_| ForeignCursor)
}

#[cfg(test)]
mod tests {
    use super::HistoryCursor;
    use eventflow_ports::Place;
    use eventflow_protocol::Timestamp;

    #[test]
    fn a_cursor_reads_back_what_it_writes_and_nothing_else() {
        let at = Timestamp(1_705_147_200_123);
        for place in [Place::Seq(7), Place::Time(at), Place::Moment { at, seq: 9 }] {
            for cursor in [HistoryCursor::Before(place), HistoryCursor::After(place)] {
                assert_eq!(cursor.to_string().parse().ok(), Some(cursor), "{cursor}");
            }
        }
        assert_eq!("changes.7".parse().ok(), Some(HistoryCursor::Changes(7)));
        assert_eq!(HistoryCursor::Changes(7).to_string(), "changes.7");
        for foreign in [
            "",
            "after",
            "after.",
            "beside.7",
            "after.x",
            "after.1.x",
            "after.1.2.3",
            "before.-1",
            "changes.1.2",
        ] {
            assert!(foreign.parse::<HistoryCursor>().is_err(), "{foreign}");
        }
    }
}
