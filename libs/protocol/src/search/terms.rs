//! The terms of a query, and where a text has them.
//!
//! In comes what somebody typed, out come its words in folded form. Nothing in a query is an operator:
//! quotes, stars and words such as `OR` are text. Punctuation around a word does not count, so that a word
//! can be copied out of a sentence.

use super::fold::{fold, fold_char, push};
use super::grams::is_word;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Longest query in characters. Nobody types more, and what is looked for in each message grows with it.
pub const QUERY_CHARS_MAX: usize = 200;
/// Most words of a query: each is looked for in each message that may be a hit.
pub const TERMS_MAX: usize = 10;
/// Shortest term in folded characters. One letter is in nearly every message, and a list of all messages is
/// no answer. Of Han characters, pictures and symbols, which are words, one is enough.
const TERM_CHARS_MIN: usize = 2;
/// Most places of one message that are shown. A word of one message of 10,000 characters can be there 5,000
/// times.
const HIGHLIGHTS_MAX: usize = 100;

/// What somebody looks for: at least one term and at most [`TERMS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms(Vec<String>);

/// A place in the text of a message that was looked for, in UTF-16 units, as JavaScript counts:
/// `content.slice(start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Highlight {
    /// The first unit.
    pub start: u32,
    /// The unit after the last one.
    pub end: u32,
}

/// Why a query cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTerms {
    /// It has no word of two letters.
    #[error("q must have a word of at least {TERM_CHARS_MIN} letters")]
    TooShort,
    /// It is longer than [`QUERY_CHARS_MAX`].
    #[error("q must be at most {QUERY_CHARS_MAX} characters")]
    TooLong,
    /// It has more words than [`TERMS_MAX`].
    #[error("q must have at most {TERMS_MAX} words")]
    TooMany,
}

impl FromStr for Terms {
    type Err = InvalidTerms;

    fn from_str(query: &str) -> Result<Self, InvalidTerms> {
        if query.chars().nth(QUERY_CHARS_MAX).is_some() {
            return Err(InvalidTerms::TooLong);
        }
        let folded = fold(query);
        let mut terms: Vec<String> = folded
            .split(' ')
            .map(without_punctuation)
            .filter(|term| is_long_enough(term))
            .map(str::to_owned)
            .collect();
        terms.sort_unstable();
        terms.dedup();
        match terms.len() {
            0 => Err(InvalidTerms::TooShort),
            1..=TERMS_MAX => Ok(Self(terms)),
            _ => Err(InvalidTerms::TooMany),
        }
    }
}

impl Terms {
    /// The terms in folded form, sorted.
    pub fn folded(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether a text has every term.
    pub fn is_in(&self, content: &str) -> bool {
        let folded = fold(content);
        self.0.iter().all(|term| folded.contains(term))
    }

    /// The places of the terms in a text, ascending, those that touch as one; at most the first hundred.
    pub fn places_in(&self, content: &str) -> Vec<Highlight> {
        let traced = Traced::of(content);
        let mut found = Vec::new();
        for term in &self.0 {
            let places = traced.folded.match_indices(term).take(HIGHLIGHTS_MAX);
            found.extend(places.map(|(at, _)| traced.source(at, at + term.len())));
        }
        found.sort_unstable_by_key(|place: &Highlight| (place.start, place.end));
        let mut joined: Vec<Highlight> = Vec::new();
        for place in found {
            match joined.last_mut() {
                Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
                _ => joined.push(place),
            }
        }
        joined.truncate(HIGHLIGHTS_MAX);
        joined
    }
}

/// A folded text that knows which character of the text each of its bytes comes from.
struct Traced {
    folded: String,
    /// The place in UTF-16 units of the character behind each byte.
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Traced {
    fn of(content: &str) -> Self {
        let mut traced = Self { folded: String::new(), starts: Vec::new(), ends: Vec::new() };
        let mut start = 0;
        for c in content.chars() {
            let end = start + if c.len_utf16() == 2 { 2 } else { 1 };
            let before = traced.folded.len();
            fold_char(c, |piece| push(&mut traced.folded, piece));
            traced.starts.resize(traced.folded.len(), start);
            if traced.folded.len() == before {
                // An accent or what nobody sees belongs to the character before it.
                extend_last(&mut traced.ends, end);
            }
            traced.ends.resize(traced.folded.len(), end);
            start = end;
        }
        traced
    }

    fn source(&self, from: usize, to: usize) -> Highlight {
        Highlight { start: self.starts[from], end: self.ends[to - 1] }
    }
}

/// Lets the last character end later.
fn extend_last(ends: &mut [u32], end: u32) {
    let Some(last) = ends.last().copied() else { return };
    ends.iter_mut().rev().take_while(|one| **one == last).for_each(|one| *one = end);
}

fn is_long_enough(term: &str) -> bool {
    term.chars().nth(TERM_CHARS_MIN - 1).is_some() || term.chars().any(|c| is_word(c) || is_symbol(c))
}

/// Whether this character means something by itself although signatures do not know it alone: arrows,
/// clocks, stars and other symbols, and the marks for "again", "end" and "zero" among Han characters.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{3005}'..='\u{3007}')
}

/// The word without the punctuation around it, unless nothing is left then: `c++` and `:)` are words too.
fn without_punctuation(word: &str) -> &str {
    let bare = word.trim_matches(is_punctuation);
    if is_long_enough(bare) { bare } else { word }
}

/// Whether the character stands around words and belongs to none.
pub(super) fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c,
            '\u{A1}' | '\u{A7}' | '\u{AB}' | '\u{B6}' | '\u{B7}' | '\u{BB}' | '\u{BF}' | '\u{60C}' | '\u{61B}' | '\u{61F}'
            | '\u{6D4}' | '\u{964}' | '\u{965}' | '\u{2010}'..='\u{205E}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}'
            | '\u{3014}'..='\u{301F}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(query: &str) -> Terms {
        query.parse().unwrap()
    }

    /// What JavaScript would cut out.
    fn shown(query: &str, content: &str) -> Vec<String> {
        let units: Vec<u16> = content.encode_utf16().collect();
        let cut = |place: Highlight| {
            String::from_utf16(&units[place.start as usize..place.end as usize]).expect("whole characters")
        };
        terms(query).places_in(content).into_iter().map(cut).collect()
    }

    #[test]
    fn words_and_parts_of_words_are_found_in_any_script() {
        for (query, content) in [
            ("grüße", "Viele GRÜSSE aus Köln"),
            ("morgen wetter", "Das Wetter von morgen"),
            ("etter", "Wetter"),
            ("天气", "今天天气很好"),
            ("好", "今天天气很好"),
            ("ประเทศ", "ประเทศไทยสวยมาก"),
            ("ខ្មែរ", "ភាសាខ្មែរ"),
            ("国", "한국 中国"),
            ("한", "한국"),
            ("カラオケ", "きょうはｶﾗｵｹ"),
            ("مرحبا", "مَرْحَبًا بالعالم"),
            ("😀😀", "so 😀😀😀"),
            ("⭐", "five ⭐⭐⭐"),
            ("⏰", "at 7 ⏰"),
            ("▶️", "▶ play"),
            ("々", "人々"),
            ("〇", "二〇二六"),
            ("👩‍👩‍👧", "family 👩‍👩‍👧"),
            ("\"hello\"", "say hello"),
            ("hello,", "hello world"),
            ("c++", "I like C++ and Rust"),
            ("a<b", "if a<\u{2060}b then"),
            ("x OR", "do x or y"),
        ] {
            assert!(terms(query).is_in(content), "{query} in {content}");
        }
        for (query, content) in
            [("wetter regen", "Wetter"), ("天氣", "天气"), ("hello NOT", "hello world"), ("hel*lo", "hello")]
        {
            assert!(!terms(query).is_in(content), "{query} not in {content}");
        }
    }

    #[test]
    fn places_are_those_of_the_text_as_it_is() {
        for (query, content, cut) in [
            ("grüße", "Viele GRÜSSE!", &["GRÜSSE"][..]),
            ("strasse", "Hauptstraße 1", &["straße"]),
            ("cafe", "Le cafe\u{301} noir", &["cafe\u{301}"]),
            ("world", "😀 world 😀 world", &["world", "world"]),
            ("😀", "a 😀b", &["😀"]),
            ("aba", "ababab", &["aba"]),
            ("ab bc", "abcd", &["abc"]),
            ("a<b", "a<\u{2060}b", &["a<\u{2060}b"]),
            ("한", "한국", &["한"]),
            ("fi", "ﬁne", &["ﬁ"]),
        ] {
            assert_eq!(shown(query, content), cut, "{query} in {content}");
        }
        assert_eq!(shown("ab", &"ab ".repeat(3_000)).len(), HIGHLIGHTS_MAX);
    }

    #[test]
    fn what_is_no_query_is_refused_with_its_reason() {
        let refused = |query: &str| query.parse::<Terms>().unwrap_err();
        for short in ["", " ", "a", "a b c", "\0\0", "\"", "é", "1️⃣", "\u{200b}\u{200b}"] {
            assert_eq!(refused(short), InvalidTerms::TooShort, "{short:?}");
        }
        assert_eq!(refused(&"x".repeat(QUERY_CHARS_MAX + 1)), InvalidTerms::TooLong);
        assert_eq!(refused(&"x".repeat(10_000)), InvalidTerms::TooLong);
        let many: Vec<String> = (0..=TERMS_MAX).map(|n| format!("word{n}")).collect();
        assert_eq!(refused(&many.join(" ")), InvalidTerms::TooMany);
        assert_eq!(terms("I am here").folded().collect::<Vec<_>>(), ["am", "here"]);
        assert_eq!(terms("b\u{202e}ad \u{FFFD}x").folded().count(), 2);
    }

    proptest! {
        #[test]
        fn every_place_is_whole_characters_and_has_what_was_looked_for(content in "\\PC{0,60}", from in 0..60_usize, length in 1..10_usize) {
            let part: String = content.chars().skip(from).take(length).collect();
            let Ok(terms) = part.parse::<Terms>() else { return Ok(()) };
            let places = terms.places_in(&content);
            prop_assert_eq!(terms.is_in(&content), terms.folded().all(|term| fold(&content).contains(term)));
            let units: Vec<u16> = content.encode_utf16().collect();
            let mut before = None;
            for place in places {
                prop_assert!(place.start < place.end && before.is_none_or(|end| end < place.start));
                before = Some(place.end);
                let cut = String::from_utf16(&units[place.start as usize..place.end as usize]);
                prop_assert!(cut.is_ok(), "{:?}", place);
                let cut = fold(&cut.unwrap());
                prop_assert!(terms.folded().any(|term| cut.contains(term)), "{:?} {:?}", cut, terms);
            }
        }
    }
}
