//! Search: what people look for, where a text has it, and signatures by which a store passes over what
//! cannot.
//!
//! A message is found if each term of the query is a part of its folded text ([`fold()`]): a word, a part of
//! one, or some characters of a script without spaces. Case, accents and widths do not count. A
//! [`Signature`] says of several messages which short pieces of text they have. It is a filter: what it
//! passes over has no hit, and what it lets through is looked at.
//!
//! People are found by the beginnings of the words of their names ([`name_words`]).

mod fold;
mod grams;
mod names;
mod signature;
mod terms;

pub use fold::fold;
pub use names::{InvalidNameQuery, NAME_WORDS_MAX, NameQuery, first_with, name_words};
pub use signature::{Mark, SIGNATURE_BYTES, Signature, Wanted};
pub use terms::{Highlight, InvalidTerms, QUERY_CHARS_MAX, TERMS_MAX, Terms};
