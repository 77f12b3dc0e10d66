//! What a Redis server says of itself: its time, which run of which server it is, and since when that run is
//! in use.
//!
//! Clock: all lease arithmetic uses the server's `TIME`, so the clocks of gateways and workers may be wrong.
//! Marker: the key `registry:born` holds the server's `run_id` and the time at which some process first saw
//! it. A Redis that was emptied has no marker. One that was replaced, failed over or restarted from an old
//! snapshot has the marker of another run. Either way entries may be missing until every gateway has renewed.

use deadpool_redis::redis::{ErrorKind, FromRedisValue, ParsingError, Pipeline, RedisError, Value};
use std::time::Duration;

/// The server at the time of one call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The server's clock, milliseconds since the Unix epoch.
    pub(crate) now_ms: i64,
    /// Names this run of the server.
    run_id: String,
    /// Run and time (ms) of the marker, if it is there and readable.
    born: Option<(String, i64)>,
}

impl Moment {
    /// Asks for the clock. Has to be the first command of a pipeline: an earlier clock only makes leases look
    /// longer.
    pub(crate) fn ask_time(pipeline: &mut Pipeline) {
        pipeline.cmd("TIME");
    }

    /// Asks for the run and the marker. Have to be the last commands of a pipeline: then a server that is
    /// emptied between the reads of entries and this one shows it.
    pub(crate) fn ask_birth(pipeline: &mut Pipeline, marker_key: &str) {
        pipeline.cmd("INFO").arg("server").cmd("GET").arg(marker_key);
    }

    /// Reads the replies to [`Self::ask_time`] and [`Self::ask_birth`].
    pub(crate) fn read(time: &Value, info: &Value, marker: &Value) -> Result<Self, RedisError> {
        let now_ms = read_time(time)?;
        let info = String::from_redis_value_ref(info)?;
        let run_id =
            info.lines().find_map(|line| line.strip_prefix("run_id:")).map(|id| id.trim().to_owned());
        let run_id = run_id.ok_or((ErrorKind::UnexpectedReturnType, "INFO without run_id"))?;
        let marker = Option::<String>::from_redis_value_ref(marker)?;
        Ok(Self { now_ms, run_id, born: marker.as_deref().and_then(parse_marker) })
    }

    /// Whether this run of the server has been in use for longer than `settle`, with a marker set all the
    /// time.
    pub(crate) fn is_settled(&self, settle: Duration) -> bool {
        self.age_ms().is_some_and(|age| age > i64::try_from(settle.as_millis()).unwrap_or(i64::MAX))
    }

    /// The marker to set. None if the marker is right; it is not if it is missing, of another run, or from
    /// the future (the server's clock was put back).
    pub(crate) fn marker_to_set(&self) -> Option<String> {
        self.age_ms().is_none().then(|| format!("{} {}", self.run_id, self.now_ms))
    }

    fn age_ms(&self) -> Option<i64> {
        let (run_id, born_ms) = self.born.as_ref()?;
        let age = self.now_ms - born_ms;
        (*run_id == self.run_id && age >= 0).then_some(age)
    }
}

/// Reads the reply to `TIME`: milliseconds since the Unix epoch.
pub(crate) fn read_time(time: &Value) -> Result<i64, ParsingError> {
    let (seconds, micros) = <(i64, i64)>::from_redis_value_ref(time)?;
    Ok(seconds * 1_000 + micros / 1_000)
}

fn parse_marker(text: &str) -> Option<(String, i64)> {
    let (run_id, born_ms) = text.split_once(' ')?;
    Some((run_id.to_owned(), born_ms.parse().ok()?))
}

/// Members of a sorted set whose score (a lease's end in ms) is later than `now_ms`.
pub(crate) fn alive(reply: &Value, now_ms: i64) -> Result<Vec<String>, ParsingError> {
    let members = Vec::<(String, i64)>::from_redis_value_ref(reply)?;
    Ok(members.into_iter().filter(|(_, end_ms)| *end_ms > now_ms).map(|(member, _)| member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_mins(1);

    fn moment(now_ms: i64, marker: Option<&str>) -> Moment {
        Moment { now_ms, run_id: "run".to_owned(), born: marker.and_then(parse_marker) }
    }

    #[test]
    fn a_server_is_settled_when_its_own_marker_is_older_than_the_settling_time() {
        assert!(moment(100_000, Some("run 39999")).is_settled(SETTLE));
        assert!(!moment(100_000, Some("run 40000")).is_settled(SETTLE));
        assert_eq!(moment(100_000, Some("run 40000")).marker_to_set(), None);
    }

    #[test]
    fn a_missing_foreign_future_or_unreadable_marker_is_replaced_and_not_settled() {
        for marker in [None, Some("other 1"), Some("run 100001"), Some("run"), Some("run x")] {
            let moment = moment(100_000, marker);
            assert!(!moment.is_settled(SETTLE), "{marker:?}");
            assert_eq!(moment.marker_to_set().as_deref(), Some("run 100000"), "{marker:?}");
        }
    }
}
