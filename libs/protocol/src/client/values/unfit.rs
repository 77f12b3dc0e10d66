//! Why a value does not meet its rule.

use crate::client::given::FIELD;
use std::fmt::Display;

/// Why a value does not meet its rule: a sentence in which `{field}` stands for the path of the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

impl Unfit {
    /// `field must be …`.
    pub(in crate::client) fn must_be(expected: impl Display) -> Self {
        Self::field(format_args!("must be {expected}"))
    }

    /// `field …`.
    pub(in crate::client) fn field(predicate: impl Display) -> Self {
        Self(format!("{FIELD} {predicate}"))
    }

    /// A sentence that names the field itself, or needs not to.
    pub(in crate::client) fn sentence(sentence: impl Display) -> Self {
        Self(sentence.to_string())
    }

    /// The sentence about a value that is no field, for example of a header.
    pub fn about(&self, name: &str) -> String {
        self.0.replace(FIELD, name)
    }
}
