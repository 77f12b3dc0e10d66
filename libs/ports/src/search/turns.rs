//! Turns: long work on texts lets other tasks of the runtime go on in between.
//!
//! A search judges thousands of messages, and an index reads them all. Without turns it would hold a thread
//! of the runtime for as long, and everybody whose socket that thread serves would wait.

use tokio::task::yield_now;

/// Bytes of text that are worked on before others have their turn: up to 5 ms in the dearest script.
const TURN_BYTES: usize = 64 * 1024;

/// What was worked on since others had their turn.
#[derive(Default)]
pub(super) struct Turns {
    bytes: usize,
}

impl Turns {
    /// Notes work on a text, and lets others go on when it is their turn.
    pub(super) async fn worked_on(&mut self, text: &str) {
        self.bytes += text.len();
        if self.bytes >= TURN_BYTES {
            self.bytes = 0;
            yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn others_go_on_during_long_work() {
        let (is_over, others) = (Cell::new(false), Cell::new(0));
        let work = async {
            let (text, mut turns) = ("x".repeat(TURN_BYTES / 2), Turns::default());
            for _ in 0..20 {
                turns.worked_on(&text).await;
            }
            is_over.set(true);
        };
        let other = async {
            while !is_over.get() {
                others.set(others.get() + 1);
                yield_now().await;
            }
        };
        tokio::join!(work, other);
        assert!(others.get() >= 9, "{}: a turn for each two texts", others.get());
    }
}
