//! Content cleaning: what a person wrote becomes plain text without control characters and without anything
//! that a browser parses as markup.
//!
//! [`Content::parse`] takes the client's raw string and gives a [`Content`] that may be stored and shown. It
//! never entity-encodes: `a < b && c > d <3` comes back unchanged, `<img onerror=…>` does not survive.
//! Cleaning a clean text changes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest content in Unicode scalar values, counted after cleaning.
pub const CONTENT_MAX_CHARS: usize = 10_000;
/// Most bytes of a raw text for each character that may be left of it. The longest character has four bytes
/// (RFC 3629, section 3), and as many again leave room for markup that is removed.
pub const RAW_BYTES_PER_CHAR: usize = 8;

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Cleaning left nothing to show.
    #[error("the message is empty")]
    Empty,
    /// The text is longer than [`CONTENT_MAX_CHARS`], or the raw text is longer than [`clean_within`] takes
    /// for that many.
    #[error("the message is longer than {CONTENT_MAX_CHARS} characters")]
    TooLong,
}

/// Clean text of 1 to 10,000 Unicode scalar values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Content(String);

impl Content {
    /// Cleans `raw` and checks its length.
    pub fn parse(raw: &str) -> Result<Self, ContentError> {
        let clean = clean_within(raw, CONTENT_MAX_CHARS).ok_or(ContentError::TooLong)?;
        if clean.trim().is_empty() {
            return Err(ContentError::Empty);
        }
        // Counting is skipped where the byte length already decides.
        if clean.len() > CONTENT_MAX_CHARS && clean.chars().count() > CONTENT_MAX_CHARS {
            return Err(ContentError::TooLong);
        }
        Ok(Self(clean))
    }

    /// The text itself.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Cleans a text of which at most `max_chars` characters may be left. The caller counts them.
///
/// Gives `None`, without looking at the text, if it has more than [`RAW_BYTES_PER_CHAR`] bytes for each of
/// these characters. So a text's own limit bounds what it costs, however much a frame or a body may hold.
pub fn clean_within(raw: &str, max_chars: usize) -> Option<String> {
    (raw.len() <= max_chars.saturating_mul(RAW_BYTES_PER_CHAR)).then(|| clean(raw))
}

/// Removes control characters (but tab and line feed) and markup, until there is nothing left to remove.
///
/// The HTML tokenizer leaves the data state at `<` followed by a letter, `/`, `!` or `?` (WHATWG HTML,
/// 13.2.5.6). Such a `<` is removed up to its `>`. Without a `>` only the `<` is removed, so no text after it
/// is lost. Removing one tag can join the pieces of another (`<scr<b>ipt>`), which is then removed, too. The
/// time is in proportion to the length.
pub fn clean(raw: &str) -> String {
    let text: String = raw.chars().filter(|c| is_allowed(*c)).collect();
    if text.split('<').skip(1).any(|after| after.starts_with(opens)) {
        without_markup(text.chars())
    } else {
        text
    }
}

/// Whether a character may stay: control characters may not, nor the bidirectional overrides that make text
/// read as something else.
fn is_allowed(c: char) -> bool {
    !(matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        || c.is_control() && c != '\n' && c != '\t')
}

/// Whether a `<` before this character opens a tag.
fn opens(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')
}

/// A character that no tag has removed yet.
struct KeptChar {
    char: char,
    /// The pass that joins it to the character before; 0 if the two were neighbours from the beginning.
    joined: usize,
}

/// A tag whose `>` has not come yet.
struct OpenTag {
    /// The index of its `<` among the characters that are kept.
    at: usize,
    /// The pass that removes it.
    pass: usize,
}

/// Removes tags as repeated passes would: each pass removes the tags it finds from left to right, until a
/// pass finds none.
///
/// The function reads the text once and numbers the passes instead of repeating them. A tag is removed in the
/// first pass after the one that joins its `<` to the character that opens it. Of the open tags, a `>` ends
/// the one of the earliest pass; within one pass, the leftmost. So a tag that opens within another tag of the
/// same or an earlier pass ends with that tag and need not be remembered, and of the remembered tags the last
/// one ends first. Each character is kept once and taken back at most once, so the time is linear.
fn without_markup(text: impl Iterator<Item = char>) -> String {
    let mut kept: Vec<KeptChar> = Vec::new();
    let mut open: Vec<OpenTag> = Vec::new();
    let mut joined = 0;
    for c in text {
        if c == '>'
            && let Some(tag) = open.pop()
        {
            // What comes next becomes a neighbour of what stood before the tag, in the pass that removes it.
            joined = tag.pass.max(kept[tag.at].joined);
            kept.truncate(tag.at);
            continue;
        }
        let at = kept.len();
        let pass = joined + 1;
        // A tag of the same or a later pass ends with the tag around it, so only tags of an earlier pass are
        // remembered.
        if opens(c)
            && kept.last().is_some_and(|last| last.char == '<')
            && open.last().is_none_or(|outer| pass < outer.pass)
        {
            open.push(OpenTag { at: at - 1, pass });
        }
        kept.push(KeptChar { char: c, joined });
        joined = 0;
    }
    without_openings(&kept)
}

/// Removes each `<` that opens a tag without an end, and each `<` that such a removal moves before an opening
/// character. So no opening is left, whatever was kept.
///
/// The order of passes makes no difference here: nothing opens before the first of these `<`, and no `>`
/// comes after it.
fn without_openings(kept: &[KeptChar]) -> String {
    let mut text = String::with_capacity(kept.len());
    for KeptChar { char, .. } in kept {
        if opens(*char) {
            text.truncate(text.trim_end_matches('<').len());
        }
        text.push(*char);
    }
    text
}

#[cfg(test)]
#[path = "content/tests.rs"]
mod tests;
