//! Findings: what was looked at, how it is, and what to do about it.

use serde::Serialize;

/// Difference of clocks that is worth a word: well below what presence and tokens forgive (a minute).
const CLOCK_MAX_MS: u64 = 5_000;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grade {
    /// As it should be.
    Ok,
    /// Worth a look; nothing is broken.
    Warning,
    /// Something does not work, or will not for long.
    Bad,
    /// Nobody looked, or nobody can tell.
    Unknown,
}

impl Grade {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Bad => "BAD",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The server, or `process`.
    pub(crate) part: &'static str,
    /// What was looked at.
    pub(crate) check: String,
    /// How it is.
    pub(crate) grade: Grade,
    /// What was seen.
    pub(crate) seen: String,
    /// What to do; empty if nothing has to be done.
    pub(crate) advice: String,
}

impl Finding {
    pub(crate) fn new(
        part: &'static str,
        check: &str,
        grade: Grade,
        seen: impl Into<String>,
        advice: &str,
    ) -> Self {
        Self { part, check: check.to_owned(), grade, seen: seen.into(), advice: advice.to_owned() }
    }

    pub(crate) fn ok(part: &'static str, check: &str, seen: impl Into<String>) -> Self {
        Self::new(part, check, Grade::Ok, seen, "")
    }

    pub(crate) fn bad(part: &'static str, check: &str, seen: impl Into<String>, advice: &str) -> Self {
        Self::new(part, check, Grade::Bad, seen, advice)
    }

    pub(crate) fn warning(part: &'static str, check: &str, seen: impl Into<String>, advice: &str) -> Self {
        Self::new(part, check, Grade::Warning, seen, advice)
    }

    pub(crate) fn unknown(part: &'static str, check: &str, seen: impl Into<String>, advice: &str) -> Self {
        Self::new(part, check, Grade::Unknown, seen, advice)
    }

    /// How far the clock of a server is from ours.
    pub(crate) fn clock(part: &'static str, difference_ms: Option<u64>) -> Self {
        const ADVICE: &str = "run NTP on both machines: tokens and leases are judged by the clock";
        match difference_ms {
            None => Self::unknown(part, "clock", "the server does not tell", ""),
            Some(ms) if ms > CLOCK_MAX_MS => Self::warning(part, "clock", format!("{ms} ms off"), ADVICE),
            Some(ms) => Self::ok(part, "clock", format!("{ms} ms off")),
        }
    }
}
