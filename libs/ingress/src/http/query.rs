//! The parameters in a request's query: numbers, flags, times, and the place of a page in a listing.

use crate::refusal::Refusal;
use axum::extract::FromRequestParts;
use eventflow_ports::Place;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::Timestamp;
use http::request::Parts;
use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

/// Page size unless the client asks for another.
const PAGE_DEFAULT: u32 = 50;
/// Most entries that a listing passes over. A client that wants to go further continues with a cursor.
const SKIP_MAX: u32 = 10_000;

/// A query's parameters. If one comes twice, the last counts; unknown ones are ignored.
pub(crate) struct Query(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let parsed = axum::extract::Query::try_from_uri(&parts.uri);
        Ok(Self(parsed.map_err(|_| Refusal::invalid("the query could not be read"))?.0))
    }
}

impl Query {
    /// The text of a parameter; an empty one is absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The page size, 1 to [`PAGE_MAX`].
    pub(crate) fn limit(&self) -> Result<u32, Refusal> {
        match self.number("limit")?.unwrap_or(PAGE_DEFAULT) {
            limit @ 1..=PAGE_MAX => Ok(limit),
            _ => Err(Refusal::invalid(format!("limit must be 1 to {PAGE_MAX}"))),
        }
    }

    /// How many entries of a listing to pass over.
    pub(crate) fn skip(&self) -> Result<u32, Refusal> {
        let skip = self.number("skip")?.unwrap_or(0);
        if skip <= SKIP_MAX {
            return Ok(skip);
        }
        Err(Refusal::invalid(format!("skip must be at most {SKIP_MAX}; continue with a cursor")))
    }

    /// The place after the last entry of the page before, as [`cursor_after`] wrote it: the entry's time and
    /// its id.
    pub(crate) fn cursor<Id: FromStr>(&self) -> Result<Option<(Timestamp, Id)>, Refusal> {
        let Some(text) = self.text("cursor") else { return Ok(None) };
        let parsed = text
            .split_once('.')
            .and_then(|(time, id)| Some((Timestamp(time.parse().ok()?), id.parse().ok()?)));
        parsed.map(Some).ok_or_else(|| Refusal::invalid("cursor is not one of ours"))
    }

    /// A place in a history: a `seq` or a time in `name`, or a time in `time_name`.
    pub(crate) fn place(&self, name: &str, time_name: &str) -> Result<Option<Place>, Refusal> {
        let time = self.time(time_name)?.map(Place::Time);
        let Some(text) = self.text(name) else { return Ok(time) };
        if time.is_some() {
            return Err(Refusal::invalid(format!("{name} and {time_name} exclude each other")));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(self.number(name)?.map(Place::Seq));
        }
        Ok(self.time(name)?.map(Place::Time))
    }

    /// `true` or `false`; absent is false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Refusal::invalid(format!("{name} must be true or false"))),
        }
    }

    /// A whole number.
    pub(crate) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number =
            text.parse().map_err(|_| Refusal::invalid(format!("{name} must be a number in range")))?;
        Ok(Some(number))
    }

    /// A moment in ISO 8601 and UTC as answers show it, with or without milliseconds.
    fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let exact = Timestamp::from_iso(text);
        let parsed = exact.or_else(|| Timestamp::from_iso(&format!("{}.000Z", text.strip_suffix('Z')?)));
        parsed.map(Some).ok_or_else(|| {
            Refusal::invalid(format!("{name} must be a number, or a time like 2026-01-13T22:40:00.000Z"))
        })
    }
}

/// The `cursor` that continues a listing after an entry: the entry's time in milliseconds and its id.
pub(crate) fn cursor_after(time: Timestamp, id: impl Display) -> String {
    format!("{}.{id}", time.0)
}

/// The last entry of a page, if another page may follow: only a full page has one.
pub(crate) fn last_of_full<T>(page: &[T], limit: u32) -> Option<&T> {
    let is_full = u32::try_from(page.len()) == Ok(limit);
    page.last().filter(|_| is_full)
}
