//! Stripping: removes whatever a browser would read as markup, for hosts that want it gone.
//!
//! The HTML tokenizer leaves the data state at `<` followed by a letter, `/`, `!` or `?` (WHATWG HTML,
//! 13.2.5.6). Such a `<` is removed up to its `>`. Without a `>` only the `<` is removed, so no text after it
//! is lost. Removing one tag can join the pieces of another (`<scr<b>ipt>`), which is then removed, too. The
//! time is in proportion to the length. Stripping a stripped text changes nothing.

use std::borrow::Cow;

/// Removes markup until there is nothing left to remove.
pub(super) fn strip(text: &str) -> Cow<'_, str> {
    if text.split('<').skip(1).any(|after| after.starts_with(opens)) {
        Cow::Owned(without_markup(text.chars()))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a `<` before this character opens a tag.
pub(super) fn opens(c: char) -> bool {
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
#[path = "strip_tests.rs"]
mod tests;
