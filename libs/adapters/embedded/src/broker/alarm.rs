//! Wakes the retry ladder when its next message is due.

use parking_lot::Mutex;
use tokio::sync::Notify;

/// When the next message is due.
#[derive(Default)]
pub(super) struct Alarm {
    pub(super) next_ms: Mutex<Option<i64>>,
    pub(super) changed: Notify,
}

impl Alarm {
    /// Sets the alarm to this time, unless it goes off earlier.
    pub(super) fn at(&self, due_ms: i64) {
        let mut next = self.next_ms.lock();
        if next.is_none_or(|before| due_ms < before) {
            *next = Some(due_ms);
            self.changed.notify_one();
        }
    }

    /// Wakes the task, so that it looks at the clock again.
    pub(super) fn look_again(&self) {
        self.changed.notify_one();
    }
}
