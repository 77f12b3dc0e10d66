//! The digest: what a mail says, as the templates get it.
//!
//! In go the items of a window that are still to be told; out come their texts, grouped by conversation, in
//! the order in which they came. Each conversation and each notification is there, if only by its name, so
//! that many messages of one do not hide another. Texts are as people typed them; escaping is the templates'
//! business.

use eventflow_protocol::content::typed;
use eventflow_protocol::document::{Message, Thread};
use eventflow_protocol::inbox::Notification;
use eventflow_protocol::person::Participant;
use eventflow_protocol::schedule::TimeZoneName;
use eventflow_protocol::{MessageId, ThreadId, Timestamp, UserId};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Messages of one conversation that a mail shows: the last ones, which say where the conversation is.
pub const MESSAGES_SHOWN: usize = 5;
/// Notifications that a mail shows with their texts; of the others it shows the titles. Mail programs cut
/// mails off behind about 100 KB.
pub const NOTIFICATIONS_SHOWN: usize = 20;
/// Conversations of which a mail shows so many messages.
pub const THREADS_SHOWN: usize = 10;
/// Conversations of which a mail shows a message at all: of those behind the first ones the last. Of the
/// others it shows the title, and how many there are.
pub const THREADS_WITH_MESSAGE: usize = 40;
/// Text of a message or notification that a mail shows, in Unicode scalar values: a few lines. The rest is
/// behind the link.
const TEXT_MAX_CHARS: usize = 400;
/// Lines of a message or notification that a mail shows.
const LINES_MAX: usize = 8;
/// Longest title of a conversation, in Unicode scalar values.
const TITLE_MAX_CHARS: usize = 80;
/// People that the title of a conversation without a subject names.
const NAMES_SHOWN: usize = 3;

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Digest {
    /// The name of the product.
    pub product: String,
    /// Conversations with something new.
    pub threads: Vec<ThreadBlock>,
    /// Notifications of the inbox.
    pub notifications: Vec<NotificationBlock>,
    /// New messages, all together.
    pub message_count: u64,
    /// New notifications, all together.
    pub notification_count: u64,
    /// How many messages and notifications more there are that the mail does not show.
    pub more: u64,
    /// Address of the application, if it has one.
    pub app_url: Option<String>,
    /// Address of the page that stops these mails.
    pub unsubscribe_url: Option<String>,
    /// Address of the person's notification settings.
    pub preferences_url: Option<String>,
}

/// A conversation in a mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThreadBlock {
    /// What the conversation is called.
    pub title: String,
    /// Whether the title is the name of the one other person.
    pub is_direct: bool,
    /// Address that opens it.
    pub url: String,
    /// New messages.
    pub count: u64,
    /// The last of them.
    pub messages: Vec<MessageLine>,
    /// How many messages more there are than are shown.
    pub more: u64,
}

/// A message in a mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MessageLine {
    /// Who wrote it.
    pub sender: String,
    /// The first letter of the name.
    pub initial: String,
    /// The text, line by line.
    pub lines: Vec<String>,
    /// Names of files.
    pub files: Vec<String>,
    /// When.
    pub time: String,
    /// Whether the message before it is of the same person.
    pub is_continued: bool,
}

/// A notification in a mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotificationBlock {
    /// One line.
    pub title: String,
    /// The text, line by line.
    pub lines: Vec<String>,
    /// Address that opens the conversation that it is about.
    pub url: Option<String>,
    /// When.
    pub time: String,
}

/// What a digest is made of.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Messages still to be told, in order.
    pub messages: Vec<Message>,
    /// Notifications still to be told, in order.
    pub notifications: Vec<Notification>,
    /// The threads of the messages.
    pub threads: HashMap<ThreadId, Thread>,
    /// How people are shown.
    pub people: HashMap<UserId, Participant>,
    /// Items of the window beyond those that it keeps one by one.
    pub more: u64,
}

impl Contents {
    /// Whether the message is among these.
    pub(super) fn has(&self, message: MessageId) -> bool {
        self.messages.iter().any(|known| known.id == message)
    }

    /// Everybody whom a mail names: the senders, and the first people of each thread, of whom its title names
    /// some.
    pub fn people_named(&self) -> Vec<UserId> {
        let senders = self.messages.iter().map(|message| &message.sender_id);
        let titles =
            self.threads.values().flat_map(|thread| thread.participants.iter().take(NAMES_SHOWN + 2));
        let people: BTreeSet<&UserId> = senders.chain(titles).collect();
        people.into_iter().cloned().collect()
    }
}

/// Who reads a mail.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The person.
    pub user: UserId,
    /// The time zone in which times are shown.
    pub zone: TimeZoneName,
}

/// Where a mail's links lead.
#[derive(Clone, Debug)]
pub struct Links {
    /// Address of the application, without a slash at its end; `None` if nobody has said it.
    pub base_url: Option<String>,
    /// Address of the page that stops mails.
    pub unsubscribe_url: Option<String>,
    /// Address of the page where people change their notification settings.
    pub settings_url: Option<String>,
}

impl Digest {
    /// The digest of `contents` for `reader`.
    pub fn new(product: &str, reader: &Reader, contents: &Contents, links: &Links) -> Self {
        let mut order: Vec<ThreadId> = Vec::new();
        for message in &contents.messages {
            if !order.contains(&message.thread_id) {
                order.push(message.thread_id);
            }
        }
        let threads = order.iter().enumerate().map(|(place, thread)| {
            let shown = match place {
                ..THREADS_SHOWN => MESSAGES_SHOWN,
                THREADS_SHOWN..THREADS_WITH_MESSAGE => 1,
                _ => 0,
            };
            thread_block(*thread, reader, contents, links).with_at_most(shown)
        });
        let notices = contents.notifications.iter().enumerate();
        let notifications = notices.map(|(place, notice)| {
            let block = notification_block(notice, reader, links);
            if place < NOTIFICATIONS_SHOWN { block } else { NotificationBlock { lines: Vec::new(), ..block } }
        });
        Self {
            product: product.to_owned(),
            threads: threads.collect(),
            notifications: notifications.collect(),
            message_count: contents.messages.len() as u64,
            notification_count: contents.notifications.len() as u64,
            more: contents.more,
            app_url: links.base_url.as_ref().map(|url| format!("{url}/")),
            unsubscribe_url: links.unsubscribe_url.clone(),
            preferences_url: links.settings_url.clone(),
        }
    }

    /// What lists of mails show beside the subject.
    pub fn preview(&self) -> String {
        let of_notice = self.notifications.first().map(|notice| notice.lines.join(" "));
        let message = || self.threads.first().and_then(|thread| thread.messages.last());
        let of_message =
            || message().map(|message| format!("{}: {}", message.sender, message.lines.join(" ")));
        of_notice.or_else(of_message).unwrap_or_default()
    }

    /// Digests of every kind, by which templates are checked.
    pub fn samples() -> Vec<Self> {
        let line = |sender: &str, text: &str| MessageLine {
            sender: sender.to_owned(),
            initial: initial(sender),
            lines: text.lines().map(str::to_owned).collect(),
            files: Vec::new(),
            time: TimeZoneName::default().show(Timestamp(1_800_000_000_000)),
            is_continued: false,
        };
        let continued = |line: MessageLine| MessageLine { is_continued: true, ..line };
        let mut with_file = line("Ann", "Here is the plan.\nCan you look at it before noon?");
        with_file.files = vec!["plan-2027.pdf".to_owned()];
        let direct = ThreadBlock {
            title: "Ann".to_owned(),
            is_direct: true,
            url: "https://chat.example.com/#0123456789abcdef01234567".to_owned(),
            count: 3,
            messages: vec![
                line("Ann", "Good morning!"),
                continued(with_file),
                continued(line("Ann", "And thank you 🙂")),
            ],
            more: 0,
        };
        let group = ThreadBlock {
            title: "Project Aurora".to_owned(),
            is_direct: false,
            url: "https://chat.example.com/#0123456789abcdef01234568".to_owned(),
            count: 4,
            messages: vec![
                line("Benedikt Größer", "The build is green again."),
                line("Chloé", "Great, then we ship today."),
            ],
            more: 2,
        };
        let notice = NotificationBlock {
            title: "Your order is on its way".to_owned(),
            lines: vec!["It arrives tomorrow between 9 and 12.".to_owned()],
            url: None,
            time: TimeZoneName::default().show(Timestamp(1_800_000_000_000)),
        };
        let full = Self {
            product: "EventFlow".to_owned(),
            threads: vec![direct, group],
            notifications: vec![notice],
            message_count: 7,
            notification_count: 1,
            more: 3,
            app_url: Some("https://chat.example.com/".to_owned()),
            unsubscribe_url: Some("https://chat.example.com/api/v2/unsubscribe/AbC".to_owned()),
            preferences_url: Some("https://example.com/settings".to_owned()),
        };
        let bare =
            Self { more: 0, app_url: None, unsubscribe_url: None, preferences_url: None, ..full.clone() };
        let only_notice = Self { threads: Vec::new(), message_count: 0, ..full.clone() };
        let only_threads = Self { notifications: Vec::new(), notification_count: 0, ..full.clone() };
        vec![full, bare, only_notice, only_threads]
    }
}

impl ThreadBlock {
    /// The block with the last ones of its messages. One without any says how many there are anyway.
    fn with_at_most(mut self, shown: usize) -> Self {
        let hidden = self.messages.len().saturating_sub(shown);
        self.messages.drain(..hidden);
        self.more = if shown == 0 { 0 } else { self.more + hidden as u64 };
        if let Some(first) = self.messages.first_mut() {
            first.is_continued = false;
        }
        self
    }
}

fn thread_block(thread: ThreadId, reader: &Reader, contents: &Contents, links: &Links) -> ThreadBlock {
    let of_thread: Vec<&Message> =
        contents.messages.iter().filter(|message| message.thread_id == thread).collect();
    let hidden = of_thread.len().saturating_sub(MESSAGES_SHOWN);
    let (title, is_direct) = contents.threads.get(&thread).map_or_else(
        || (of_thread.first().map_or_else(String::new, |message| name(&message.sender_id, contents)), true),
        |thread| title(thread, reader, contents),
    );
    ThreadBlock {
        title,
        is_direct,
        url: thread_url(links, thread),
        count: of_thread.len() as u64,
        messages: message_lines(&of_thread[hidden..], reader, contents),
        more: hidden as u64,
    }
}

/// What the reader calls a conversation: its subject, else the other people. The flag says whether it is one
/// person.
fn title(thread: &Thread, reader: &Reader, contents: &Contents) -> (String, bool) {
    if let Some(Value::String(subject)) = thread.metadata.get("subject")
        && !subject.trim().is_empty()
    {
        return (clipped(&typed(subject), TITLE_MAX_CHARS), false);
    }
    let others: Vec<&UserId> = thread.participants.iter().filter(|user| **user != reader.user).collect();
    let mut names: Vec<String> = others.iter().take(NAMES_SHOWN).map(|user| name(user, contents)).collect();
    // The list of a large thread is cut; the count is not.
    let count = thread.participant_count.saturating_sub(1).max(others.len() as u64);
    if count > names.len() as u64 {
        names.push(format!("+{}", count - names.len() as u64));
    }
    (clipped(&names.join(", "), TITLE_MAX_CHARS), count == 1)
}

fn message_lines(messages: &[&Message], reader: &Reader, contents: &Contents) -> Vec<MessageLine> {
    let mut before = None;
    let mut lines = Vec::with_capacity(messages.len());
    for message in messages {
        let is_continued = before == Some(&message.sender_id);
        lines.push(MessageLine { is_continued, ..message_line(message, reader, contents) });
        before = Some(&message.sender_id);
    }
    lines
}

fn message_line(message: &Message, reader: &Reader, contents: &Contents) -> MessageLine {
    let sender = name(&message.sender_id, contents);
    MessageLine {
        initial: initial(&sender),
        sender,
        lines: lines(&message.content),
        files: message.attachments.iter().map(|file| typed(&file.filename).into_owned()).collect(),
        time: reader.zone.show(message.created_at),
        is_continued: false,
    }
}

fn notification_block(notification: &Notification, reader: &Reader, links: &Links) -> NotificationBlock {
    let has_app = links.base_url.is_some();
    NotificationBlock {
        title: typed(&notification.title).into_owned(),
        lines: lines(&notification.text),
        url: notification.thread_id.filter(|_| has_app).map(|thread| thread_url(links, thread)),
        time: reader.zone.show(notification.created_at),
    }
}

/// The address at which the page opens a conversation.
fn thread_url(links: &Links, thread: ThreadId) -> String {
    format!("{}/#{thread}", links.base_url.as_deref().unwrap_or_default())
}

fn name(user: &UserId, contents: &Contents) -> String {
    let shown = contents.people.get(user).map_or(user.as_str(), |person| person.name.as_str());
    clipped(&typed(shown), TITLE_MAX_CHARS)
}

fn initial(name: &str) -> String {
    name.chars().find(|c| c.is_alphanumeric()).map_or_else(|| "?".to_owned(), |c| c.to_uppercase().collect())
}

/// The text as it was typed, cut to a few lines.
fn lines(kept: &str) -> Vec<String> {
    let text = clipped(&typed(kept), TEXT_MAX_CHARS);
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    if lines.len() > LINES_MAX {
        lines.truncate(LINES_MAX);
        lines.push("…".to_owned());
    }
    lines
}

fn clipped(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(lines("a\nb"), ["a", "b"]);
        assert_eq!(lines(&"x".repeat(1_000))[0].chars().count(), TEXT_MAX_CHARS + 1);
        let many = lines(&"y\n".repeat(100));
        assert_eq!((many.len(), many[LINES_MAX].as_str()), (LINES_MAX + 1, "…"));
        assert_eq!(lines("<\u{2060}b>"), ["<b>"], "as it was typed");
        assert_eq!(lines(""), [""; 0]);
    }
}
