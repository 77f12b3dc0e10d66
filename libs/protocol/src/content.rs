//! What a person wrote, made safe to carry: plain text without control characters and without anything a browser parses as markup.
//!
//! In comes the client's raw string, out comes a [`Content`] that may be stored and shown. Nothing is ever entity-encoded:
//! `a < b && c > d <3` comes back unchanged, `<img onerror=…>` does not survive. Cleaning a clean text changes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest content in Unicode scalar values, counted after cleaning.
pub const CONTENT_MAX_CHARS: usize = 10_000;
/// Most bytes of a raw text for each character that may be left of it: four are the longest character (RFC 3629, section 3), and as many
/// again leave room for markup that goes.
pub const RAW_BYTES_PER_CHAR: usize = 8;

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Nothing is left to show.
    #[error("the message is empty")]
    Empty,
    /// Longer than [`CONTENT_MAX_CHARS`], or before cleaning than [`clean_within`] takes for it.
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

    /// The text, taken out.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Cleans a text of which at most `max_chars` characters may be left, which the caller counts.
///
/// `None`, without looking at it, if it has more than [`RAW_BYTES_PER_CHAR`] bytes for each of them: what a text costs is bounded by its
/// own limit, however much a frame or a body may hold.
pub fn clean_within(raw: &str, max_chars: usize) -> Option<String> {
    (raw.len() <= max_chars.saturating_mul(RAW_BYTES_PER_CHAR)).then(|| clean(raw))
}

/// Removes control characters (but tab and line feed) and markup, until there is nothing left to remove.
///
/// The HTML tokenizer leaves the data state at `<` followed by a letter, `/`, `!` or `?` (WHATWG HTML, 13.2.5.6). Such a
/// `<` is removed up to its `>`; without a `>` only the `<` goes, so no text after it is lost. Removing one tag can join the pieces of
/// another (`<scr<b>ipt>`), which goes then, too. Takes time in proportion to the length.
pub fn clean(raw: &str) -> String {
    let text: String = raw.chars().filter(|c| is_allowed(*c)).collect();
    if text.split('<').skip(1).any(|after| after.starts_with(opens)) {
        without_markup(text.chars())
    } else {
        text
    }
}

/// Control characters are out, and so are the bidirectional overrides that make text read as something else.
fn is_allowed(c: char) -> bool {
    !(matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        || c.is_control() && c != '\n' && c != '\t')
}

/// Whether a `<` before it opens a tag.
fn opens(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')
}

/// A character that no tag has taken yet.
struct Kept {
    char: char,
    /// The pass that joins it to the one before; 0 if they always were neighbours.
    joined: usize,
}

/// A tag whose `>` has not come yet.
struct Open {
    /// Where its `<` is among what is kept.
    at: usize,
    /// The pass that removes it.
    pass: usize,
}

/// What is left when passes over the text, each removing from left to right the tags it finds, find none any more.
///
/// Instead of being repeated, passes are numbered: a tag goes in the first pass after the one that joins its `<` to what opens it. Of the
/// open tags, a `>` ends the one of the earliest pass; in the same pass, the leftmost. So a tag that opens within another of the same or an
/// earlier pass ends with it and need not be remembered, and of those remembered the last one ends first. Each character is kept once and
/// taken back at most once.
fn without_markup(text: impl Iterator<Item = char>) -> String {
    let mut kept: Vec<Kept> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut joined = 0;
    for c in text {
        if c == '>'
            && let Some(tag) = open.pop()
        {
            joined = tag.pass.max(kept[tag.at].joined);
            kept.truncate(tag.at);
            continue;
        }
        let (at, pass) = (kept.len(), joined + 1);
        if opens(c)
            && kept.last().is_some_and(|last| last.char == '<')
            && open.last().is_none_or(|outer| pass < outer.pass)
        {
            open.push(Open { at: at - 1, pass });
        }
        kept.push(Kept { char: c, joined });
        joined = 0;
    }
    without_openings(&kept)
}

/// Removes each `<` that opens a tag without an end, and those that then do; so none is left, whatever was kept.
///
/// The order of passes makes no difference here: nothing opens before the first of these, and no `>` comes after it.
fn without_openings(kept: &[Kept]) -> String {
    let mut text = String::with_capacity(kept.len());
    for Kept { char, .. } in kept {
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
