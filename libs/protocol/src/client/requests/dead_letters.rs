//! What administrators ask about dead letters.

use crate::Timestamp;
use crate::client::parse::InvalidRequest;
use crate::client::values::{LetterReference, List, Why};
use crate::dead_letters::{Cause, LetterFilter, LetterState, WhichLetters};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// Most letters that one request names.
pub const LETTERS_MAX: usize = 1_000;

/// `POST /ops/dead-letters/{id}/reveal`: show what a letter carries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct RevealBody {
    /// Why; it is recorded.
    pub why: Why,
    /// The version; the newest if it is not named.
    #[serde(default)]
    pub version: Option<u32>,
}

/// `PUT /ops/dead-letters/{id}/body`: give a letter another body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct EditLetterBody {
    /// The whole body, as a reveal shows it.
    pub body: Map<String, Value>,
    /// The version that was edited.
    pub version: u32,
    /// Why; it is recorded.
    pub why: Why,
}

/// `POST /ops/replays`: send letters back to where they came from. Either `ids` or `filter` is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayBody {
    /// These letters.
    #[serde(default)]
    pub ids: Option<List<LetterReference, LETTERS_MAX>>,
    /// Everything that waits now and fits.
    #[serde(default)]
    pub filter: Option<LetterFilterBody>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
    /// Letters sent in a second, at most; not more than the setting `dead_letters.replays_per_second`, which
    /// is the default.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub per_second: Option<u32>,
    /// Why; it is recorded.
    pub why: Why,
}

/// `POST /ops/discards`: letters that are not to be done. Either `ids` or `filter` is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct DiscardBody {
    /// These letters.
    #[serde(default)]
    pub ids: Option<List<LetterReference, LETTERS_MAX>>,
    /// Everything that waits now and fits.
    #[serde(default)]
    pub filter: Option<LetterFilterBody>,
    /// Why; it is recorded.
    pub why: Why,
}

/// Which letters are meant; what is not named is anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LetterFilterBody {
    /// The queue that they came from.
    pub queue: Option<String>,
    /// Why they failed last.
    pub cause: Option<Cause>,
    /// What they ask for or tell.
    pub kind: Option<String>,
    /// They failed last at this time or later.
    pub from: Option<Timestamp>,
    /// They failed last before this time.
    pub to: Option<Timestamp>,
}

impl ReplayBody {
    /// The letters that are meant, of those that wait at this moment.
    pub fn which(&self, now: Timestamp) -> Result<WhichLetters, InvalidRequest> {
        which(self.ids.as_ref(), self.filter.as_ref(), now)
    }
}

impl DiscardBody {
    /// The letters that are meant, of those that wait at this moment.
    pub fn which(&self, now: Timestamp) -> Result<WhichLetters, InvalidRequest> {
        which(self.ids.as_ref(), self.filter.as_ref(), now)
    }
}

fn which(
    ids: Option<&List<LetterReference, LETTERS_MAX>>,
    filter: Option<&LetterFilterBody>,
    now: Timestamp,
) -> Result<WhichLetters, InvalidRequest> {
    match (ids, filter) {
        (Some(List(ids)), None) if !ids.is_empty() => {
            Ok(WhichLetters::of_ids(ids.iter().map(|LetterReference(id)| *id).collect()))
        }
        (None, Some(filter)) => Ok(WhichLetters::Matching(filter.waiting_at(now))),
        (Some(_), Some(_)) => Err(InvalidRequest::new("ids and filter exclude each other")),
        (Some(_) | None, None) => Err(InvalidRequest::new("ids or filter must name letters")),
    }
}

impl LetterFilterBody {
    /// The letters that wait now and fit. What fails later is not meant.
    fn waiting_at(&self, now: Timestamp) -> LetterFilter {
        let end = now.plus(Duration::from_millis(1));
        LetterFilter {
            queue: self.queue.clone(),
            cause: self.cause,
            kind: self.kind.clone(),
            state: Some(LetterState::Waiting),
            from: self.from,
            to: Some(self.to.map_or(end, |to| to.min(end))),
            replay: None,
        }
    }
}
