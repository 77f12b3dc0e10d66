//! Page bytes: a page ends where it would become too large, whatever number of entries was asked for. Its
//! `nextCursor` says where the next page begins.

use eventflow_ports::{MessagePage, Place, Store, StoreError};
use eventflow_protocol::ThreadId;
use eventflow_protocol::document::Message;
use serde::Serialize;
use std::io::{Result as IoResult, Write};

/// Bytes of the entries of a page, as JSON. 100 messages of 10,000 characters of English fit; a page with as
/// many attachments and emoji as messages may have is cut. A single entry is never cut.
pub(crate) const PAGE_BYTES_MAX: usize = PAGE_KB_MAX as usize * 1024;
/// [`PAGE_BYTES_MAX`] in kilobytes.
pub(crate) const PAGE_KB_MAX: u32 = 1024;
/// Messages that are read at first: a page of the usual size is one read, and one of the largest messages
/// occupies 10 MB.
const FIRST_READ_MAX: u32 = 50;

/// The room that is left in a page.
pub(crate) struct PageRoom {
    bytes: usize,
    entries: usize,
}

impl PageRoom {
    /// A whole page.
    pub(crate) fn new() -> Self {
        Self { bytes: PAGE_BYTES_MAX, entries: 0 }
    }

    /// Takes the room of one more entry; `false` if the page ends before it.
    pub(crate) fn take(&mut self, entry: &impl Serialize) -> bool {
        let bytes = json_bytes(entry);
        if self.entries > 0 && bytes > self.bytes {
            return false;
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        self.entries += 1;
        true
    }

    /// How many more entries will fit if they are like those before, at least one.
    fn entries_left(&self) -> u32 {
        let used = PAGE_BYTES_MAX - self.bytes;
        let average = used.checked_div(self.entries).unwrap_or(0).max(1);
        u32::try_from(self.bytes / average).unwrap_or(u32::MAX).max(1)
    }
}

/// Keeps the entries of a page that fit. Gives the limit that the page turned out to have: fewer than was
/// asked for if some are left out.
pub(crate) fn cut<T: Serialize>(page: &mut Vec<T>, limit: u32) -> u32 {
    let mut room = PageRoom::new();
    let kept = page.iter().take_while(|entry| room.take(entry)).count();
    if kept == page.len() {
        return limit;
    }
    page.truncate(kept);
    entries(kept)
}

fn entries(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Reads a page of messages that ends at its limit, or where it would become too large, counted from the
/// place that it continues. Gives the limit that the page turned out to have, as [`cut`] does.
pub(crate) async fn read_messages(
    store: &dyn Store,
    thread: ThreadId,
    page: MessagePage,
) -> Result<(Vec<Message>, u32), StoreError> {
    let is_forward = page.after.is_some();
    let is_by_time = matches!(page.after.or(page.before), Some(Place::Time(_) | Place::Moment { .. }));
    let (mut room, mut found) = (PageRoom::new(), Vec::new());
    let mut rest = MessagePage { limit: page.limit.min(FIRST_READ_MAX), ..page };
    let limit = loop {
        let mut read = store.messages(thread, rest).await?;
        read.sort_by_key(|message| (is_by_time.then_some(message.created_at), message.seq));
        let is_last = read.len() < rest.limit as usize;
        if !is_forward {
            read.reverse();
        }
        let before = found.len();
        let asked = read.len();
        found.extend(read.into_iter().take_while(|message| room.take(message)));
        if found.len() - before < asked {
            break entries(found.len());
        }
        let missing = page.limit.saturating_sub(entries(found.len()));
        let Some(last) = found.last().filter(|_| !is_last && missing > 0) else { break page.limit };
        let (at, seq) = (last.created_at, last.seq);
        let place = Some(if is_by_time { Place::Moment { at, seq } } else { Place::Seq(seq) });
        rest = MessagePage {
            after: place.filter(|_| is_forward),
            before: place.filter(|_| !is_forward),
            since: page.since,
            limit: missing.min(room.entries_left()),
        };
    };
    found.sort_by_key(|message| message.seq);
    Ok((found, limit))
}

/// The length of a value as JSON, without writing it.
fn json_bytes(value: &impl Serialize) -> usize {
    let mut counted = Counted(0);
    match serde_json::to_writer(&mut counted, value) {
        Ok(()) => counted.0,
        // What cannot be written fails where it is written.
        Err(_) => 0,
    }
}

struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_before_the_entry_that_does_not_fit_and_has_one_at_least() {
        let texts = |sizes: &[usize]| sizes.iter().map(|size| "x".repeat(*size)).collect::<Vec<_>>();
        let third = PAGE_BYTES_MAX / 3;
        for (sizes, kept) in [
            (&[third, third, third - 6][..], 3),
            (&[third, third, third + 6], 2),
            (&[third, third, third, 1], 2),
            (&[2 * PAGE_BYTES_MAX, 1], 1),
            (&[1, 2 * PAGE_BYTES_MAX, 1], 1),
            (&[], 0),
        ] {
            let mut page = texts(sizes);
            let limit = if kept == sizes.len() { 50 } else { entries(kept) };
            assert_eq!((cut(&mut page, 50), page.len()), (limit, kept), "{sizes:?}");
        }
    }

    #[test]
    fn bytes_are_those_of_the_json() {
        for text in ["", "a\"b", "❤\u{2028}", "\n"] {
            assert_eq!(json_bytes(&text), serde_json::to_string(text).unwrap().len());
        }
    }
}
