//! Ids of people, as the host application or its identity provider gives them: `auth0|64…`, an e-mail
//! address, a number as text, a name.
//!
//! An id is a text that one can read and copy: no controls, nothing invisible, no space at an end. It is
//! compared byte by byte and never normalised, because whoever signs tokens decides who is who: `É` as one
//! character and as two are two people, and so are `ann` and `Ann`. What stands between an id and its place
//! (a database's field name, a key with several parts, a path) is escaped there.

use super::IdError;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// Longest user id in bytes. Ids stand in index entries, in every receipt and in every thread of the person.
/// What identity providers give has some 20 to 60 bytes.
pub const USER_ID_MAX_BYTES: usize = 128;

/// What an id must be, in words for whoever sends one.
pub const USER_ID_RULE: &str = "a user id has 1 to 128 bytes, no control or invisible character, no comma, spaces only inside, \
     and is not . or ..";

/// Characters that no id has, in ascending ranges: the comma, which separates ids in addresses; controls;
/// white space but the plain space; what shows nothing (Unicode's default ignorable code points, and the
/// pattern of braille dots without a dot); and U+FFFD, as which half a character is read: two ids would
/// become one.
const REFUSED: [(char, char); 24] = [
    ('\u{0}', '\u{1F}'),
    (',', ','),
    ('\u{7F}', '\u{A0}'),
    ('\u{AD}', '\u{AD}'),
    ('\u{34F}', '\u{34F}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{2000}', '\u{200F}'),
    ('\u{2028}', '\u{202F}'),
    ('\u{205F}', '\u{206F}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF0}', '\u{FFFF}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0000}', '\u{E0FFF}'),
    ('\u{10FFFE}', '\u{10FFFF}'),
];

/// A person as the host application names them; see [`USER_ID_RULE`]. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(Arc<str>);

impl UserId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The inside of a regular expression's brackets with the characters that no id has. `escape` writes the
    /// number of a character as the language of the expression wants it.
    pub fn refused_characters(escape: impl Fn(u32) -> String) -> String {
        REFUSED.iter().fold(String::new(), |mut class, (first, last)| {
            let ends = [first, last].map(|end| escape(u32::from(*end)));
            // Writing to a text cannot fail.
            let _ = write!(class, "{}-{}", ends[0], ends[1]);
            class
        })
    }
}

fn is_refused(c: char) -> bool {
    REFUSED.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

impl TryFrom<String> for UserId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl std::str::FromStr for UserId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let has_size = (1..=USER_ID_MAX_BYTES).contains(&text.len());
        let has_space_outside = text.starts_with(' ') || text.ends_with(' ');
        // Browsers and proxies take these two for steps in a path, even when they are escaped.
        let is_step = matches!(text, "." | "..");
        let fits = has_size && !has_space_outside && !is_step && !text.contains(is_refused);
        if fits { Ok(Self(text.into())) } else { Err(IdError::NotAUserId) }
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_identity_providers_are_user_ids_as_they_are() {
        for good in [
            "a",
            "user_1",
            "A:b@c-d",
            "auth0|64b1f0c2a7e5d9",
            "google-oauth2|103547991597142817347",
            "samlp|acme|ann.lee@example.com",
            "ann.lee+chat@example.com",
            "00u1abcd2EFGH3ijk4X7",
            "7",
            "-1",
            "null",
            "__proto__",
            "constructor",
            "Ann Lee",
            "$where",
            "a.b.c",
            "...",
            "%2E%2e%",
            "cn=ann;ou=sales/x\\y",
            "<b>\"'&`{{x}}${y}",
            "zoë",
            "李雷",
            "👍",
            &"x".repeat(USER_ID_MAX_BYTES),
            &"é".repeat(USER_ID_MAX_BYTES / 2),
        ] {
            assert_eq!(good.parse::<UserId>().map(|id| id.to_string()).as_deref(), Ok(good));
        }
    }

    #[test]
    fn a_text_that_nobody_can_read_or_copy_is_no_user_id() {
        for bad in [
            "",
            " ",
            " a",
            "a ",
            ".",
            "..",
            "a,b",
            "a\0",
            "a\tb",
            "a\nb",
            "a\r\nBcc: b@example.com",
            "a\u{7F}",
            "a\u{85}",
            "a\u{A0}b",
            "a\u{200B}",
            "a\u{202E}b",
            "\u{FEFF}a",
            "a\u{3000}b",
            "a\u{E0041}",
            &"x".repeat(USER_ID_MAX_BYTES + 1),
            &"é".repeat(USER_ID_MAX_BYTES / 2 + 1),
        ] {
            assert_eq!(bad.parse::<UserId>(), Err(IdError::NotAUserId), "{bad:?}");
        }
    }

    #[test]
    fn a_text_is_compared_as_it_is() {
        let ids: Vec<UserId> = ["É", "E\u{301}", "é", "e"].map(|text| text.parse().unwrap()).into();
        assert!(ids.iter().enumerate().all(|(n, id)| !ids[..n].contains(id)));
    }

    #[test]
    fn half_a_character_is_refused_where_json_is_read() {
        for bad in [r#""\ud800""#, r#""a\udc00b""#, r#""\u0000""#, "7", "null", "[]"] {
            assert!(serde_json::from_str::<UserId>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn white_space_and_controls_are_refused_whatever_unicode_adds() {
        let missed: Vec<char> =
            ('\0'..=char::MAX).filter(|c| (c.is_control() || c.is_whitespace()) && !is_refused(*c)).collect();
        assert_eq!(missed, [' ']);
        assert!(REFUSED.windows(2).all(|two| two[0].1 < two[1].0), "the ranges ascend");
    }
}
