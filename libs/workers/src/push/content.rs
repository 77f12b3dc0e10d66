//! What a push says: the newest message of a thread, or a notification, short enough for a lock screen.

use crate::notify::again::{Content, Remaining};
use eventflow_ports::People;
use eventflow_ports::pusher::{PUSH_TEXT_MAX_CHARS, PUSH_TITLE_MAX_CHARS, Push, PushAct, Urgency};
use eventflow_protocol::content::typed;
use eventflow_protocol::document::Message;
use eventflow_protocol::outbound::{About, Told, Window};
use eventflow_protocol::{NotificationId, ThreadId, UserId};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a push service keeps a push for a device that is off. What is older is found in the app.
const SHOWN_TTL: Duration = Duration::from_hours(24);
/// The same for a push that takes something away: a device that was off for longer has dropped the other one.
const CLEAR_TTL: Duration = Duration::from_hours(24);

/// What stands before the name of who mentions the person; it needs no translation.
const MENTION_SIGN: &str = "@";
/// What ` (…)` behind a title may take: a number of six digits.
const COUNT_CHARS: usize = 9;

/// The tag of everything that devices show of a thread.
pub(super) fn tag_of_thread(thread: ThreadId) -> String {
    thread.to_string()
}

/// How the tags of notifications begin; no id of a thread does.
pub(super) const NOTIFICATION_TAG: &str = "n:";

/// The tag of what devices show of a notification.
pub(super) fn tag_of_notification(notification: NotificationId) -> String {
    format!("{NOTIFICATION_TAG}{notification}")
}

/// The push that tells what is left of a window; `None` if nothing is.
pub(super) async fn show(window: &Window, left: &Remaining, people: &People, badge: u64) -> Option<Push> {
    let newest = left.left.iter().max_by_key(|(told, _)| (told.at, seq_of(told)))?;
    match newest {
        (_, Content::Message(message)) => {
            let count = messages_in(&left.left) + window.more;
            let view = left.threads.get(&message.thread_id);
            let subject = view.and_then(|view| view.thread.metadata.get("subject")?.as_str());
            let name = name_of(people, &message.sender_id).await;
            let is_mention = left.left.iter().any(|(told, _)| told.about.is_mention());
            let name = if is_mention { format!("{MENTION_SIGN} {name}") } else { name };
            let title = title(&name, subject, count);
            let text = preview(message);
            let act = PushAct::Show { title, text, thread_id: Some(message.thread_id) };
            Some(push(window.user_id.clone(), tag_of_thread(message.thread_id), act, badge, Urgency::High))
        }
        (told, Content::Notification(notification)) => {
            let act = PushAct::Show {
                title: shortened(&typed(&notification.title), PUSH_TITLE_MAX_CHARS),
                text: shortened(&typed(&notification.text), PUSH_TEXT_MAX_CHARS),
                thread_id: notification.thread_id,
            };
            let urgency = if told.critical { Urgency::High } else { Urgency::Normal };
            Some(push(window.user_id.clone(), tag_of_notification(notification.id), act, badge, urgency))
        }
    }
}

/// How many messages these are. One that came and then mentions the person by an edit may be there twice.
fn messages_in(left: &[(Told, Content)]) -> u64 {
    left.iter().map(|(told, _)| seq_of(told)).collect::<BTreeSet<_>>().len() as u64
}

/// The `seq` of a message; 0 for a notification.
pub(super) fn seq_of(told: &Told) -> u64 {
    match told.about {
        About::Message { seq, .. } => seq,
        About::Notification { .. } => 0,
    }
}

/// Who writes, the subject if there is one, and how many messages if they are several.
fn title(name: &str, subject: Option<&str>, count: u64) -> String {
    let subject = subject.map(str::trim).filter(|subject| !subject.is_empty());
    let title = subject.map_or_else(|| name.to_owned(), |subject| format!("{name} · {}", typed(subject)));
    if count > 1 {
        return format!("{} ({count})", shortened(&title, PUSH_TITLE_MAX_CHARS - COUNT_CHARS));
    }
    shortened(&title, PUSH_TITLE_MAX_CHARS)
}

/// What a message says, or the name of its first file.
fn preview(message: &Message) -> String {
    let file = message.attachments.first().map_or("", |attachment| attachment.filename.as_str());
    let text = if message.content.is_empty() { file } else { message.content.as_str() };
    shortened(&typed(text), PUSH_TEXT_MAX_CHARS)
}

/// The push that takes away what a device shows under a tag.
pub(super) fn clear(user_id: UserId, tag: &str, badge: u64) -> Push {
    Push {
        user_id,
        tag: tag.to_owned(),
        act: PushAct::Clear,
        badge,
        ttl: CLEAR_TTL,
        urgency: Urgency::Normal,
    }
}

fn push(user_id: UserId, tag: String, act: PushAct, badge: u64, urgency: Urgency) -> Push {
    Push { user_id, tag, act, badge, ttl: SHOWN_TTL, urgency }
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
