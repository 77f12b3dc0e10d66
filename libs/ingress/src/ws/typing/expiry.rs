//! Who is shown as typing to sockets here, so that it ends although the gateway of the typist is gone.
//!
//! Every start that is delivered is noted with a deadline, every stop takes it away; what is over without a word is told by this gateway.
//! Telling it twice is harmless: a page hides what it does not show.

use crate::ws::application::Shared;
use crate::ws::member::Here;
use eventflow_ports::ticks;
use eventflow_protocol::event::TYPING_LIFE_MS;
use eventflow_protocol::{ThreadId, UserId};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The event, as clients hear it.
pub(crate) const NAME: &str = "typing:update";
/// After this a start that was not repeated is over: the life of a signal, and as long again as the typist's gateway takes to notice.
const LIFE: Duration = Duration::from_millis(TYPING_LIFE_MS.unsigned_abs() + 2_000);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// People shown as typing at the same time; as many as may type on one gateway.
const SHOWN_MAX: usize = 50_000;

/// A signal, as clients hear it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signal {
    thread_id: ThreadId,
    user_id: UserId,
    is_typing: bool,
}

/// Who is shown as typing, and until when.
#[derive(Debug, Default)]
pub(crate) struct TypingHeard(Mutex<HashMap<(ThreadId, UserId), Instant>>);

impl TypingHeard {
    /// A signal is on its way to sockets here.
    pub(crate) fn note(&self, payload: &str, now: Instant) {
        let Ok(Signal { thread_id, user_id, is_typing }) = serde_json::from_str(payload) else { return };
        let mut shown = self.0.lock();
        let key = (thread_id, user_id);
        if !is_typing {
            shown.remove(&key);
        } else if shown.len() < SHOWN_MAX || shown.contains_key(&key) {
            shown.insert(key, now + LIFE);
        }
    }

    /// Who is over without a word.
    fn take_over(&self, now: Instant) -> Vec<(ThreadId, UserId)> {
        let mut over = Vec::new();
        self.0.lock().retain(|key, until| {
            let goes_on = *until > now;
            if !goes_on {
                over.push(key.clone());
            }
            goes_on
        });
        over
    }
}

/// Tells of those who are over, until it is dropped.
pub(crate) async fn end_unheard(shared: &Shared) {
    let mut ticks = ticks(LOOK_EVERY);
    loop {
        ticks.tick().await;
        for (thread, typist) in shared.typing_heard.take_over(Instant::now()) {
            shared.tell_typing_is_over(thread, &typist);
        }
    }
}

impl Shared {
    fn tell_typing_is_over(&self, thread: ThreadId, typist: &UserId) {
        // Whoever is not remembered any more was not active here for long.
        let Some(people) = self.membership.remembered(thread) else { return };
        let body = json!({ "threadId": thread, "userId": typist, "isTyping": false });
        match self.encoder.event_beside(NAME, &body) {
            Ok(packet) => {
                for user in people.iter().filter(|user| *user != typist) {
                    self.hub.each(user, |Here(socket)| {
                        socket.emit(&packet);
                    });
                }
            }
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "an event cannot be written as JSON"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(is_typing: bool) -> String {
        json!({ "threadId": ThreadId::from_bytes([1; 12]), "userId": "ann", "isTyping": is_typing })
            .to_string()
    }

    #[test]
    fn who_is_not_heard_of_again_is_over_once() {
        let (heard, start) = (TypingHeard::default(), Instant::now());
        heard.note(&signal(true), start);
        heard.note(&signal(true), start + Duration::from_secs(2));
        assert_eq!(heard.take_over(start + LIFE), []);
        let over = heard.take_over(start + LIFE + Duration::from_secs(2));
        assert_eq!(over, [(ThreadId::from_bytes([1; 12]), "ann".parse().unwrap())]);
        assert_eq!(heard.take_over(start + LIFE * 2), []);
    }

    #[test]
    fn who_stopped_is_not_told_of_again() {
        let (heard, start) = (TypingHeard::default(), Instant::now());
        heard.note(&signal(true), start);
        heard.note(&signal(false), start);
        assert_eq!(heard.take_over(start + LIFE), []);
    }
}
