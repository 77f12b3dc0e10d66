//! Markup: how a text is kept that a browser could take for markup, and how a client gets back what was
//! typed.
//!
//! [`Markup::write`] is the one way in, [`typed`] the way back: `typed(Neutralise.write(text)) == text` for
//! every text, also for one that has word joiners of its own.

use crate::content::ContentError;
use crate::content::characters::is_blank;
use crate::content::strip::{opens, strip};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Behind a `<` it keeps a browser from reading a tag: invisible, and no place to break a line (U+2060, word
/// joiner).
pub const WORD_JOINER: char = '\u{2060}';

/// What becomes of text that a browser could take for markup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Markup {
    /// A [`WORD_JOINER`] goes behind each `<` that could open a tag. Nothing of this system is a tag in
    /// anybody's page then, and nothing that was typed is lost.
    #[default]
    Neutralise,
    /// The text stays as it was typed, for hosts whose clients show it as text only.
    Keep,
    /// Markup is removed, and what was typed is lost.
    Strip,
}

impl Markup {
    /// The form in which a text is kept and shown.
    pub fn write(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Neutralise => neutralise(text),
            Self::Keep => Cow::Borrowed(text),
            Self::Strip => strip(text),
        }
    }

    /// As [`Markup::write`], for a text that must show something. Fails if nothing is left of it.
    pub(crate) fn write_visible(self, text: &str) -> Result<String, ContentError> {
        let written = self.write(text);
        if is_blank(&written) { Err(ContentError::Empty) } else { Ok(written.into_owned()) }
    }
}

/// Puts a word joiner behind each `<` that opens a tag, that ends the text (what a page puts behind it could
/// complete a tag), or that has a word joiner already, so that [`typed`] takes out no more than was put in.
fn neutralise(text: &str) -> Cow<'_, str> {
    let is_open = |after: &str| after.is_empty() || after.starts_with(|c| opens(c) || c == WORD_JOINER);
    let mut parts = text.split_inclusive('<').peekable();
    let mut written = String::new();
    let mut at = 0;
    let mut copied = 0;
    while let Some(part) = parts.next() {
        at += part.len();
        if part.ends_with('<') && is_open(parts.peek().copied().unwrap_or_default()) {
            written.push_str(&text[copied..at]);
            written.push(WORD_JOINER);
            copied = at;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    written.push_str(&text[copied..]);
    Cow::Owned(written)
}

/// The beginning of a kept text, at most so many characters. Where it is cut, it does not end with a `<`: the
/// word joiner of that would be behind the cut, and what a page puts behind it could complete a tag.
pub fn beginning(kept: &str, most: usize) -> &str {
    match kept.char_indices().nth(most) {
        Some((end, _)) => kept[..end].trim_end_matches('<'),
        None => kept,
    }
}

/// What was typed: one word joiner goes from behind each `<`. Clients do the same.
pub fn typed(kept: &str) -> Cow<'_, str> {
    if kept.contains("<\u{2060}") { Cow::Owned(kept.replace("<\u{2060}", "<")) } else { Cow::Borrowed(kept) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_beginning_never_ends_with_an_open_tag() {
        let kept = Markup::Neutralise.write("a < b <<b> c").into_owned();
        for most in 0..kept.chars().count() {
            let begun = beginning(&kept, most);
            assert!(kept.starts_with(begun) && !begun.ends_with('<'), "{most}: {begun:?}");
            assert!(begun.chars().count() + 2 >= most, "{most}: {begun:?}");
        }
        assert_eq!(beginning(&kept, kept.chars().count()), kept);
        assert_eq!(beginning("<<<", 2), "");
        assert_eq!(beginning("short", 200), "short");
    }

    #[test]
    fn a_word_joiner_goes_where_a_browser_could_read_a_tag() {
        for (text, kept) in [
            ("a < b && c > d <3", "a < b && c > d <3"),
            ("Vec<String>", "Vec<\u{2060}String>"),
            ("if (a<b) return; List<int> x;", "if (a<\u{2060}b) return; List<\u{2060}int> x;"),
            ("</b><!-- --><?php", "<\u{2060}/b><\u{2060}!-- --><\u{2060}?php"),
            ("<<b", "<<\u{2060}b"),
            ("so a <", "so a <\u{2060}"),
            ("<\u{2060}b <\u{2060}3", "<\u{2060}\u{2060}b <\u{2060}\u{2060}3"),
            ("", ""),
        ] {
            assert_eq!(Markup::Neutralise.write(text), kept);
            assert_eq!(typed(kept), text);
            assert_eq!(Markup::Keep.write(text), text);
        }
        assert_eq!(Markup::Strip.write("Vec<String>"), "Vec");
    }

    fn angular() -> impl Strategy<Value = String> {
        prop::collection::vec("[<>a/!?3 \u{2060}]|\\PC", 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        #[test]
        fn what_was_typed_comes_back_exactly(text in angular()) {
            let kept = Markup::Neutralise.write(&text);
            let back = typed(&kept);
            prop_assert_eq!(back.as_ref(), text.as_str());
        }

        #[test]
        fn nothing_that_is_kept_opens_a_tag_alone_or_before_more(text in angular(), more in "[a-z/!?]") {
            let page = format!("{}{more}", Markup::Neutralise.write(&text));
            prop_assert!(!page.split('<').skip(1).any(|after| after.starts_with(opens)), "{}", page);
        }
    }
}
