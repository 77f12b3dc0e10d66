//! People whom no channel reaches: a row of the log each hour says so, instead of one for each message. A
//! group of 256 people without a device would fill the log with its talk otherwise.
//!
//! This is the memory of one process; another one adds a row of its own.

use eventflow_protocol::outbound::{Channel, DeliveryEntry};
use eventflow_protocol::{Timestamp, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// How long a row stands for what follows.
const STANDS_FOR: Duration = Duration::from_hours(1);
/// People who are remembered: about 10 MB. Beyond that the old ones are forgotten, then all, which costs one
/// needless row each.
const NOTED_MAX: usize = 100_000;

/// Who has a row, and since when.
#[derive(Debug, Default)]
pub(super) struct Noted(Mutex<HashMap<(UserId, Channel), Timestamp>>);

impl Noted {
    /// Those of these rows that say something new. They count as written: jobs are decided at the same time.
    pub(super) fn news(&self, rows: Vec<DeliveryEntry>) -> Vec<DeliveryEntry> {
        let Some(now) = rows.iter().map(|row| row.at).max() else { return rows };
        let mut noted = self.0.lock();
        if noted.len() + rows.len() > NOTED_MAX {
            noted.retain(|_, since| since.age_at(now) < STANDS_FOR);
        }
        if noted.len() + rows.len() > NOTED_MAX {
            noted.clear();
        }
        let mut is_news = |row: &DeliveryEntry| {
            let since = noted.entry((row.user_id.clone(), row.channel)).or_default();
            let is_news = since.age_at(row.at) >= STANDS_FOR;
            if is_news {
                *since = row.at;
            }
            is_news
        };
        rows.into_iter().filter(|row| is_news(row)).collect()
    }

    /// These rows were not written.
    pub(super) fn forget(&self, rows: &[DeliveryEntry]) {
        let mut noted = self.0.lock();
        for row in rows {
            noted.remove(&(row.user_id.clone(), row.channel));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventflow_protocol::outbound::{About, DeliveryOutcome, Reason};
    use eventflow_protocol::{MessageId, ThreadId};

    fn row(user: &str, n: u8, seconds: i64) -> DeliveryEntry {
        let about = About::Message {
            thread_id: ThreadId::from_bytes([1; 12]),
            message_id: MessageId::from_bytes([n; 12]),
            seq: u64::from(n),
            mention: false,
        };
        let outcome = DeliveryOutcome::Suppressed { reason: Reason::NoDevice };
        let at = Timestamp(1_000_000_000 + seconds * 1_000);
        DeliveryEntry::new(user.parse().unwrap(), Channel::Push, about, None, outcome, at)
    }

    #[test]
    fn a_row_stands_for_what_follows_within_the_hour_unless_it_was_not_written() {
        let noted = Noted::default();
        assert_eq!(noted.news(vec![row("ann", 1, 0), row("ann", 2, 0), row("bob", 2, 0)]).len(), 2);
        assert_eq!(noted.news(vec![row("ann", 3, 3_599)]), []);
        assert_eq!(noted.news(vec![row("ann", 3, 3_600)]).len(), 1);
        noted.forget(&[row("ann", 3, 3_600)]);
        assert_eq!(noted.news(vec![row("ann", 4, 3_601)]).len(), 1);
    }
}
