//! What a push says: the newest message of a thread, or a notification, short enough for a lock screen.

use super::left::Left;
use eventflow_ports::People;
use eventflow_ports::pusher::{PUSH_TEXT_MAX_CHARS, PUSH_TITLE_MAX_CHARS, Push, PushAct, Urgency};
use eventflow_protocol::content::typed;
use eventflow_protocol::outbound::Window;
use eventflow_protocol::{NotificationId, ThreadId, UserId};
use std::time::Duration;

/// How long a push service keeps a push for a device that is off. What is older is found in the app.
const SHOWN_TTL: Duration = Duration::from_hours(24);
/// The same for a push that takes something away: a device that was off for longer has dropped the other one.
const CLEAR_TTL: Duration = Duration::from_hours(24);

/// The tag of everything that devices show of a thread.
pub(super) fn tag_of_thread(thread: ThreadId) -> String {
    thread.to_string()
}

/// The tag of what devices show of a notification.
fn tag_of_notification(notification: NotificationId) -> String {
    format!("n:{notification}")
}

/// The push that tells what is left of a window; `None` if nothing is.
pub(super) async fn show(window: &Window, left: &Left, people: &People, badge: u64) -> Option<Push> {
    let is_critical = left.told.iter().any(|told| told.critical);
    if let Some(newest) = left.messages.last() {
        let count = left.messages.len() as u64 + window.more;
        let name = name_of(people, &newest.sender_id).await;
        let subject = left.thread.as_ref().and_then(|view| view.thread.metadata.get("subject")?.as_str());
        let subject = subject.map(str::trim).filter(|subject| !subject.is_empty());
        let mut title = subject.map_or_else(|| name.clone(), |subject| format!("{name} · {subject}"));
        title = shortened(&title, PUSH_TITLE_MAX_CHARS);
        if count > 1 {
            title = format!("{} ({count})", shortened(&title, PUSH_TITLE_MAX_CHARS - 10));
        }
        let first_file = newest.attachments.first().map_or("", |attachment| attachment.filename.as_str());
        let text = if newest.content.is_empty() { first_file } else { newest.content.as_str() };
        let text = shortened(&typed(text), PUSH_TEXT_MAX_CHARS);
        let act = PushAct::Show { title, text, thread_id: Some(newest.thread_id) };
        return Some(push(tag_of_thread(newest.thread_id), act, badge, Urgency::High));
    }
    let told = left.notification.as_ref()?;
    let act = PushAct::Show {
        title: shortened(&typed(&told.title), PUSH_TITLE_MAX_CHARS),
        text: shortened(&typed(&told.text), PUSH_TEXT_MAX_CHARS),
        thread_id: told.thread_id,
    };
    let urgency = if is_critical { Urgency::High } else { Urgency::Normal };
    Some(push(tag_of_notification(told.id), act, badge, urgency))
}

/// The push that takes away what a device shows of a thread.
pub(super) fn clear(thread: ThreadId, badge: u64) -> Push {
    Push { tag: tag_of_thread(thread), act: PushAct::Clear, badge, ttl: CLEAR_TTL, urgency: Urgency::Normal }
}

fn push(tag: String, act: PushAct, badge: u64, urgency: Urgency) -> Push {
    Push { tag, act, badge, ttl: SHOWN_TTL, urgency }
}

async fn name_of(people: &People, user: &UserId) -> String {
    let mut known = people.shown(std::slice::from_ref(user)).await;
    known.remove(user).map_or_else(|| user.to_string(), |person| typed(&person.name).into_owned())
}

/// The text in one paragraph and at most so many characters, the last of which says that there is more.
fn shortened(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_with_a_sign_that_there_is_more() {
        assert_eq!(shortened(" a\n\n b\t c ", 10), "a b c");
        assert_eq!(shortened("äöü äöü", 5), "äöü…");
        assert_eq!(shortened(&"👋".repeat(300), PUSH_TEXT_MAX_CHARS).chars().count(), PUSH_TEXT_MAX_CHARS);
    }
}
