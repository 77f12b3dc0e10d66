//! The parameters in a request's query: numbers, flags, times, and the place of a page in a listing.

use crate::refusal::Refusal;
use axum::extract::FromRequestParts;
use eventflow_ports::Place;
use eventflow_ports::store::PAGE_MAX;
use eventflow_protocol::client::requests::ASKED_MAX;
use eventflow_protocol::{Timestamp, UserId};
use http::request::Parts;
use std::fmt::Display;
use std::str::FromStr;

/// Page size unless the client asks for another.
pub(crate) const PAGE_DEFAULT: u32 = 50;
/// Most entries that a listing passes over. A client that wants to go further continues with a cursor.
pub(crate) const SKIP_MAX: u32 = 10_000;

/// A query's parameters in their order. If one comes twice that has one value, the last counts; unknown ones
/// are ignored.
pub(crate) struct Query(Vec<(String, String)>);

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
        self.values(name).next_back().filter(|text| !text.is_empty())
    }

    /// The items of a list: `name=a,b`, `name=a&name=b` and `name[]=a&name[]=b` are the same list, as client
    /// libraries write it. Empty places are passed over.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let places = self.values(name).flat_map(|text| text.split(','));
        places.map(str::trim).filter(|item| !item.is_empty())
    }

    fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> {
        let is_it = move |key: &str| key.strip_suffix("[]").unwrap_or(key) == name;
        self.0.iter().filter(move |(key, _)| is_it(key)).map(|(_, text)| text.as_str())
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
    /// its id, or its number.
    pub(crate) fn cursor<Id: FromStr>(&self) -> Result<Option<(Timestamp, Id)>, Refusal> {
        let Some(text) = self.text("cursor") else { return Ok(None) };
        let parsed = text
            .split_once('.')
            .and_then(|(time, id)| Some((Timestamp(time.parse().ok()?), id.parse().ok()?)));
        parsed.map(Some).ok_or_else(|| Refusal::invalid("cursor is not one of ours"))
    }

    /// The person in `name`, whose id the page before ended with.
    pub(crate) fn user(&self, name: &str) -> Result<Option<UserId>, Refusal> {
        let user = self.text(name).map(str::parse).transpose();
        user.map_err(|_| Refusal::invalid(format!("{name} is not one of ours")))
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
        let time = self.time_or(name, "must be a number, or a time like 2026-01-13T22:40:00.000Z")?;
        Ok(time.map(Place::Time))
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

    /// A moment as in a body: in any form of RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        self.time_or(name, "must be a time such as 2026-01-13T22:40:00.000Z")
    }

    fn time_or(&self, name: &str, else_wrong: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let time = Timestamp::from_rfc3339(text);
        time.map(Some).ok_or_else(|| Refusal::invalid(format!("{name} {else_wrong}")))
    }
}

/// The `cursor` that continues a listing after an entry: the entry's time in milliseconds, and its id or
/// number.
pub(crate) fn cursor_after(time: Timestamp, id: impl Display) -> String {
    format!("{}.{id}", time.0)
}

/// The last entry of a page, if another page may follow: only a full page has one.
pub(crate) fn last_of_full<T>(page: &[T], limit: u32) -> Option<&T> {
    let is_full = u32::try_from(page.len()) == Ok(limit);
    page.last().filter(|_| is_full)
}

/// The people that `userIds` names, in the order asked; at least one.
pub(crate) fn user_ids(query: &Query) -> Result<Vec<UserId>, Refusal> {
    let mut users = Vec::new();
    for name in query.list("userIds") {
        if users.len() == ASKED_MAX {
            return Err(Refusal::invalid(format!("userIds has more than {ASKED_MAX} items")));
        }
        users.push(name.parse().map_err(|error| Refusal::invalid(format!("userIds: {error}")))?);
    }
    if users.is_empty() { Err(Refusal::invalid("userIds is missing")) } else { Ok(users) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::ErrorCode;

    fn asked(query: &str) -> Result<Vec<String>, Refusal> {
        let uri = format!("/?{query}").parse().unwrap();
        let query = Query(axum::extract::Query::try_from_uri(&uri).unwrap().0);
        Ok(user_ids(&query)?.iter().map(UserId::to_string).collect())
    }

    #[test]
    fn a_list_of_people_may_be_written_in_every_usual_way_and_is_bounded() {
        for way in [
            "userIds=ann,bob",
            "userIds=ann&userIds=bob",
            "userIds[]=ann&userIds[]=bob",
            "userIds%5B%5D=ann&x=1&userIds=,%20bob,,",
        ] {
            assert_eq!(asked(way).unwrap(), ["ann", "bob"], "{way}");
        }
        let many = |count: usize| (0..count).map(|n| format!("userIds=u{n}")).collect::<Vec<_>>().join("&");
        assert_eq!(asked(&many(ASKED_MAX)).unwrap().len(), ASKED_MAX);
        for bad in ["", "userIds=", "userIds=a%00b", "userIds=..", &many(ASKED_MAX + 1)] {
            assert_eq!(asked(bad).unwrap_err().code, ErrorCode::Invalid, "{bad}");
        }
    }

    #[test]
    fn of_a_parameter_with_one_value_the_last_counts() {
        let uri = "/?limit=1&limit=2".parse().unwrap();
        let query = Query(axum::extract::Query::try_from_uri(&uri).unwrap().0);
        assert_eq!(query.limit(), Ok(2));
    }
}
