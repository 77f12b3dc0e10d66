//! Words of names: by which words a person is found, and which a query asks for.
//!
//! A person is found by the beginnings of the words of their name and their id, in folded form ([`fold()`]).
//! A script that writes no spaces has words inside of words: there every character begins one. Query and name
//! are cut into words by the same rules, so that punctuation does not matter in either.

use super::fold::fold;
use super::grams::is_word;
use super::terms::{QUERY_CHARS_MAX, TERMS_MAX, is_punctuation};
use crate::UserId;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::str::FromStr;

/// Most words by which one person is found: names of real people have a few, and each is an entry of an
/// index.
pub const NAME_WORDS_MAX: usize = 64;
/// Longest word in characters; what is longer is cut, in names and in queries alike.
const WORD_CHARS_MAX: usize = 40;

/// The words by which a person is found who has this id and is shown by this name.
pub fn name_words(id: &UserId, name: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for text in [id.as_str(), name] {
        let of_text = words_of(text).into_iter().flat_map(|word| beginnings(&word));
        let room = NAME_WORDS_MAX.saturating_sub(words.len());
        words.extend(of_text.take(room));
    }
    words
}

/// What somebody looks for in names: at least one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameQuery(Vec<String>);

/// Why names cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNameQuery {
    /// It has nothing that shows.
    #[error("q must have a letter, a digit or another sign that shows")]
    Empty,
    /// It is longer than [`QUERY_CHARS_MAX`].
    #[error("q must be at most {QUERY_CHARS_MAX} characters")]
    TooLong,
    /// It has more words than [`TERMS_MAX`].
    #[error("q must have at most {TERMS_MAX} words")]
    TooMany,
}

impl FromStr for NameQuery {
    type Err = InvalidNameQuery;

    fn from_str(query: &str) -> Result<Self, InvalidNameQuery> {
        if query.chars().nth(QUERY_CHARS_MAX).is_some() {
            return Err(InvalidNameQuery::TooLong);
        }
        let mut words = words_of(query);
        words.sort_unstable();
        words.dedup();
        match words.len() {
            0 => Err(InvalidNameQuery::Empty),
            1..=TERMS_MAX => Ok(Self(words)),
            _ => Err(InvalidNameQuery::TooMany),
        }
    }
}

impl NameQuery {
    /// The words in folded form, sorted.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The longest word, which the fewest people have.
    pub fn lead(&self) -> &str {
        self.words().max_by_key(|word| word.chars().count()).unwrap_or_default()
    }

    /// Whether each word begins one of these.
    pub fn fits(&self, words: &BTreeSet<String>) -> bool {
        self.words().all(|wanted| first_with(words, wanted).is_some())
    }
}

/// The first of these words, in their order, that begins like this.
pub fn first_with<'a>(words: &'a BTreeSet<String>, beginning: &str) -> Option<&'a str> {
    let first = words.range::<str, _>((Bound::Included(beginning), Bound::Unbounded)).next()?;
    first.starts_with(beginning).then_some(first)
}

/// The words of a text. One of nothing but punctuation is a word as a whole.
fn words_of(text: &str) -> Vec<String> {
    let folded = fold(text);
    let is_between = |c: char| c.is_whitespace() || is_punctuation(c);
    let words: Vec<String> = folded.split(is_between).filter(|word| !word.is_empty()).map(cut).collect();
    let whole = folded.trim();
    if words.is_empty() && !whole.is_empty() { vec![cut(whole)] } else { words }
}

fn cut(word: &str) -> String {
    word.chars().take(WORD_CHARS_MAX).collect()
}

/// The word, and what is left of it from each character on that begins a word of its own.
fn beginnings(word: &str) -> Vec<String> {
    let inside = word.char_indices().skip(1).filter(|(_, c)| begins_inside(*c));
    std::iter::once(0).chain(inside.map(|(at, _)| at)).map(|at| word[at..].to_owned()).collect()
}

/// Whether a character begins a word wherever it stands: Han characters and pictures, kana, the first letter
/// of a Korean syllable, and letters of Thai, Lao, Burmese and Khmer.
fn begins_inside(c: char) -> bool {
    is_word(c)
        || matches!(c,
            '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{1100}'..='\u{115E}'
            | '\u{E01}'..='\u{E2E}' | '\u{E81}'..='\u{EAE}' | '\u{1000}'..='\u{1020}' | '\u{1780}'..='\u{17A2}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, id: &str, name: &str) -> bool {
        query.parse::<NameQuery>().unwrap().fits(&name_words(&id.parse().unwrap(), name))
    }

    #[test]
    fn people_are_found_by_beginnings_of_their_names_and_ids_in_any_script() {
        for (query, id, name) in [
            ("ann", "u1", "Ann Berger"),
            ("ber", "u1", "Ann Berger"),
            ("berger ann", "u1", "Ann Berger"),
            ("a b", "u1", "Ann Berger"),
            ("ANN", "u1", "ännchen"),
            ("müll", "u1", "MULLER"),
            ("strasse", "u1", "Straße"),
            ("o'neil", "u1", "O’Neil"),
            ("neil", "u1", "O'Neil"),
            ("jean-p", "u1", "Jean Pierre"),
            ("王", "u1", "王小明"),
            ("小明", "u1", "王小明"),
            ("민수", "u1", "김민수"),
            ("김미", "u1", "김민수"),
            ("たろう", "u1", "やまだたろう"),
            ("ชาย", "u1", "สมชาย"),
            ("Лев", "u1", "лев толстой"),
            ("مرحبا", "u1", "مَرْحَبًا"),
            ("u1", "u1", "Ann"),
            ("auth0|64b", "auth0|64b1f0c2", "Ann"),
            ("ann.lee@ex", "ann.lee@example.com", "Ann"),
            ("...", "...", "Ann"),
            ("😀", "u1", "Ann😀"),
        ] {
            assert!(finds(query, id, name), "{query} finds {name} ({id})");
        }
        for (query, id, name) in
            [("nn", "u1", "Ann"), ("ann ben", "u1", "Ann"), ("明王", "u1", "王小明"), ("*", "u1", "Ann")]
        {
            assert!(!finds(query, id, name), "{query} does not find {name}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused_with_its_reason() {
        let refused = |query: &str| query.parse::<NameQuery>().unwrap_err();
        for empty in ["", " ", "\u{200b}", "\u{301}", "\0"] {
            assert_eq!(refused(empty), InvalidNameQuery::Empty, "{empty:?}");
        }
        assert_eq!(refused(&"x".repeat(QUERY_CHARS_MAX + 1)), InvalidNameQuery::TooLong);
        let many: Vec<String> = (0..=TERMS_MAX).map(|n| format!("word{n}")).collect();
        assert_eq!(refused(&many.join(" ")), InvalidNameQuery::TooMany);
    }

    #[test]
    fn a_long_name_has_a_bounded_number_of_words_and_is_found_by_its_id() {
        let words = name_words(&"ann".parse().unwrap(), &"王小明".repeat(60));
        assert!(words.len() <= NAME_WORDS_MAX && words.contains("ann"));
        let long = "x".repeat(100);
        assert!(finds(&long, "u1", &long));
        assert_eq!("bo anna".parse::<NameQuery>().unwrap().lead(), "anna");
    }
}
