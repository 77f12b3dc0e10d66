//! Values of requests about dead letters: which letter, and why.

use crate::client::values::unfit::Unfit;
use crate::content::line_within;
use crate::dead_letters::DeadLetterId;
use schemars::JsonSchema;
use serde::Deserialize;

/// Longest reason that somebody gives for what they do, in characters: a sentence or two.
const WHY_MAX_CHARS: usize = 500;

/// Why somebody does something that is recorded: one clean line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("minLength" = 1))]
pub struct Why(String);

impl Why {
    /// The sentence.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Why {
    type Error = Unfit;

    fn try_from(raw: String) -> Result<Self, Unfit> {
        let why = line_within(&raw, WHY_MAX_CHARS).map(Self);
        why.ok_or_else(|| Unfit::field(format_args!("must have 1 to {WHY_MAX_CHARS} characters")))
    }
}

/// The id of a dead letter in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "DeadLetterId")]
pub struct LetterReference(pub DeadLetterId);

impl TryFrom<String> for LetterReference {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        text.parse().map(Self).map_err(|_| Unfit::must_be("the id of a dead letter"))
    }
}
