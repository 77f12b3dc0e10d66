//! Content: what a person typed, without what would only deceive or disturb whoever reads it.
//!
//! [`Content::parse`] takes the client's raw string and removes control characters and bidirectional
//! overrides, nothing else. What a browser could take for markup stays; [`Markup`] says in which form it is
//! kept, and [`typed`] gives back what was typed. Lengths and comparisons are those of the typed text.
//! Nothing is ever entity-encoded. Cleaning a clean text changes nothing.

mod characters;
mod markup;
mod strip;

pub(crate) use characters::{is_blank, is_override};
pub use markup::{Markup, WORD_JOINER, beginning, typed};

use characters::{close, is_kept};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest content in Unicode scalar values, as it was typed.
pub const CONTENT_MAX_CHARS: usize = 10_000;
/// Most bytes of a raw text for each character that may be left of it. The longest character has four bytes
/// (RFC 3629, section 3), and as many again leave room for characters that are removed.
pub const RAW_BYTES_PER_CHAR: usize = 8;

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// There is nothing to show.
    #[error("the message is empty")]
    Empty,
    /// The text is longer than [`CONTENT_MAX_CHARS`], or the raw text is longer than [`text_within`] takes
    /// for that many.
    #[error("the message is longer than {CONTENT_MAX_CHARS} characters")]
    TooLong,
}

/// What a message says, of at most 10,000 Unicode scalar values: first as it was typed, and from
/// [`crate::command::Command::written`] on in the form in which it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Content(String);

impl Content {
    /// Cleans `raw` and checks its length. Text of nothing visible is refused.
    pub fn parse(raw: &str) -> Result<Self, ContentError> {
        let content = Self::parse_optional(raw)?;
        if content.is_blank() { Err(ContentError::Empty) } else { Ok(content) }
    }

    /// As [`Content::parse`], for a message that may be without a text. Text of nothing visible is none.
    pub fn parse_optional(raw: &str) -> Result<Self, ContentError> {
        let text = text_within(raw, CONTENT_MAX_CHARS).ok_or(ContentError::TooLong)?;
        Ok(Self(if is_blank(&text) { String::new() } else { text }))
    }

    /// Whether there is nothing to show.
    pub fn is_blank(&self) -> bool {
        is_blank(&self.0)
    }

    /// The text in the form in which it is kept.
    #[must_use]
    pub fn written(&self, markup: Markup) -> Self {
        Self(markup.write(&self.0).into_owned())
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

/// The clean form of a text that may have `max_chars` characters; `None` if it has more.
///
/// It also gives `None`, without looking at the text, if that has more than [`RAW_BYTES_PER_CHAR`] bytes for
/// each of these characters. So a text's own limit bounds what it costs, however much a frame or a body may
/// hold.
pub fn text_within(raw: &str, max_chars: usize) -> Option<String> {
    if raw.len() > max_chars.saturating_mul(RAW_BYTES_PER_CHAR) {
        return None;
    }
    let mut text: String = raw.chars().filter(|c| is_kept(*c)).collect();
    // Counting is skipped where the byte length already decides. What closes the text is not typed.
    if text.len() > max_chars && text.chars().count() > max_chars {
        return None;
    }
    close(&mut text);
    Some(text)
}

/// As [`text_within`], for one line: every run of white space becomes a space. `None` also if nothing of it
/// is visible.
pub fn line_within(raw: &str, max_chars: usize) -> Option<String> {
    if raw.len() > max_chars.saturating_mul(RAW_BYTES_PER_CHAR) {
        return None;
    }
    let kept: String = raw.chars().filter(|c| is_kept(*c)).collect();
    let line = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    text_within(&line, max_chars).filter(|line| !is_blank(line))
}

/// Removes what a text does not keep, and closes what it leaves open.
pub fn clean(raw: &str) -> String {
    text_within(raw, raw.len()).unwrap_or_default()
}

#[cfg(test)]
#[path = "content/tests.rs"]
mod tests;
