//! What a command answers: a text, and whether something was found that has to be mended.

use serde::Serialize;
use std::process::ExitCode;

/// The exit code of a command that found something to mend. 1 is a command that failed, 2 a wrong call.
const FOUND: u8 = 3;

/// What a command answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text for standard output.
    pub text: String,
    /// Whether something was found that has to be mended.
    pub is_bad: bool,
}

impl Answer {
    /// A text, and nothing to mend.
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_bad: false }
    }

    /// A value for programs.
    pub fn json(value: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self::of(serde_json::to_string_pretty(value)? + "\n"))
    }

    /// The same answer; with `is_bad` it says that something has to be mended.
    #[must_use]
    pub fn found(self, is_bad: bool) -> Self {
        Self { is_bad, ..self }
    }

    /// The exit code that says it.
    pub fn code(&self) -> ExitCode {
        if self.is_bad { ExitCode::from(FOUND) } else { ExitCode::SUCCESS }
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::of(text)
    }
}
