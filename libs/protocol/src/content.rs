//! What a person wrote, made safe to carry: plain text without control characters and without anything a browser parses as markup.
//!
//! In comes the client's raw string, out comes a [`Content`] that may be stored and shown. Nothing is ever entity-encoded:
//! `a < b && c > d <3` comes back unchanged, `<img onerror=…>` does not survive. Cleaning a clean text changes nothing.

use serde::{Deserialize, Serialize};

/// Longest content in Unicode scalar values, counted after cleaning.
pub const CONTENT_MAX_CHARS: usize = 10_000;

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Nothing is left to show.
    #[error("the message is empty")]
    Empty,
    /// Longer than [`CONTENT_MAX_CHARS`].
    #[error("the message is longer than {CONTENT_MAX_CHARS} characters")]
    TooLong,
}

/// Clean text of 1 to 10,000 Unicode scalar values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(String);

impl Content {
    /// Cleans `raw` and checks its length.
    pub fn parse(raw: &str) -> Result<Self, ContentError> {
        let clean = clean(raw);
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

/// Removes control characters (but tab and line feed) and markup, until there is nothing left to remove.
///
/// Removing one tag can join the pieces of another (`<scr<b>ipt>`), so the pass repeats; each pass shortens the text, and
/// a text without `<` is done after one.
pub fn clean(raw: &str) -> String {
    let mut text: String = raw.chars().filter(|c| is_allowed(*c)).collect();
    while let Some(shorter) = without_markup(&text) {
        text = shorter;
    }
    text
}

/// Control characters are out, and so are the bidirectional overrides that make text read as something else.
fn is_allowed(c: char) -> bool {
    !(matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') || c.is_control() && c != '\n' && c != '\t')
}

/// One pass: `None` if a browser would see plain text only.
///
/// The HTML tokenizer leaves the data state at `<` followed by a letter, `/`, `!` or `?` (WHATWG HTML, 13.2.5.6). Such a
/// `<` is removed up to its `>`; without a `>` only the `<` goes, so no text after it is lost.
fn without_markup(text: &str) -> Option<String> {
    let start = markup_start(text)?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = Some(start);
    while let Some(at) = next {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        rest = tag.find('>').map_or(&tag[1..], |end| &tag[end + 1..]);
        next = markup_start(rest);
    }
    out.push_str(rest);
    Some(out)
}

fn markup_start(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let opens = |at: usize| bytes.get(at + 1).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!' | b'?'));
    text.match_indices('<').map(|(at, _)| at).find(|at| opens(*at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_text_with_angle_brackets_is_unchanged() {
        for text in ["a < b && c > d <3", "1<2>0", "x <- y -> z", "Tom & Jerry \"quoted\" 'too'", "line\nline\ttab", "👍 ünï"]
        {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn markup_does_not_survive() {
        for (raw, kept) in [
            ("<img src=x onerror=alert(1)>hi", "hi"),
            ("<scr<b>ipt>alert(1)</scr</b>ipt>", "ipt>alert(1)ipt>"),
            ("<!-- c -->x<?php ?>", "x"),
            ("a<svg/onload=1", "asvg/onload=1"),
            ("\u{0}ok\u{202E}", "ok"),
        ] {
            let cleaned = clean(raw);
            assert!(markup_start(&cleaned).is_none(), "{cleaned}");
            assert_eq!(cleaned, kept);
        }
    }

    #[test]
    fn length_counts_unicode_scalar_values() {
        for unit in ["a", "é", "👍"] {
            assert!(Content::parse(&unit.repeat(CONTENT_MAX_CHARS)).is_ok());
            assert_eq!(Content::parse(&unit.repeat(CONTENT_MAX_CHARS + 1)), Err(ContentError::TooLong));
        }
        assert_eq!(Content::parse(" \n "), Err(ContentError::Empty));
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(raw in "\\PC*|[<>/!a-z ]{0,40}") {
            let once = clean(&raw);
            prop_assert_eq!(clean(&once), once);
        }

        #[test]
        fn text_without_less_than_signs_is_unchanged(raw in "[^<\\pC]*") {
            prop_assert_eq!(clean(&raw), raw);
        }
    }
}
