//! What the demo people have said to each other before anybody signs in: two conversations, made once.
//!
//! The first demo sign-in of a process tells the story through commands, as clients would. It does so only
//! where the secret is a generated one, hence never for the users of a host application. Safe to repeat
//! because every message has a key of its own, and a conversation that is whole, or that somebody else began,
//! is left alone.

use anyhow::{Context, bail};
use eventflow_bus::request::Requests;
use eventflow_ports::store::Place;
use eventflow_ports::{Clock, MessagePage, Store};
use eventflow_protocol::change::{AdvanceCursor, Cursor};
use eventflow_protocol::client::requests::{CreateThreadBody, SendMessageBody};
use eventflow_protocol::command::{Command, CreateThread};
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ThreadId, Timestamp, UserId};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// One conversation: who takes part, what it is about, and its lines.
struct Conversation {
    /// The beginning of the keys of its messages.
    key: &'static str,
    /// Who began it, then the others.
    people: &'static [&'static str],
    subject: &'static str,
    lines: &'static [Line],
    /// How many lines each of its people has read.
    read: u64,
}

/// One message: minutes before the sign-in, who said it, and what.
struct Line(u64, &'static str, &'static str);

/// The conversations; the first one of a person is the one that their page opens.
const CONVERSATIONS: [Conversation; 2] = [
    Conversation {
        key: "demo-pair",
        people: &["ann", "ben"],
        subject: "",
        lines: &[
            Line(26, "ann", "Hi Ben! Did the new keyboards arrive?"),
            Line(24, "ben", "This morning. Yours is on your desk."),
            Line(23, "ann", "Perfect, thank you!"),
            Line(
                3,
                "ben",
                "Open this page in a second tab as somebody else and write something: it arrives at once.",
            ),
        ],
        read: 4,
    },
    Conversation {
        key: "demo-group",
        people: &["mei", "ann", "ben"],
        subject: "Summer party",
        lines: &[
            Line(70, "mei", "Shall we have the summer party on the roof again?"),
            Line(62, "ann", "Yes please ☀️ I bring the lemonade"),
            Line(9, "mei", "Great. Ben, can you bring the speakers?"),
        ],
        read: 2,
    },
];

/// Tells the story, at most once in a process.
pub(super) struct Story {
    requests: Requests,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    is_told: Mutex<bool>,
}

impl Story {
    /// Nothing is told yet.
    pub(super) fn new(requests: Requests, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { requests, store, clock, is_told: Mutex::new(false) }
    }

    /// Tells the story, or what is missing of it. A failure is logged: people sign in all the same.
    pub(super) async fn tell(&self) {
        let mut is_told = self.is_told.lock().await;
        if *is_told {
            return;
        }
        for conversation in &CONVERSATIONS {
            if let Err(error) = self.begin(conversation).await {
                tracing::warn!(error = %format!("{error:#}"), "a conversation of the demo people is not there");
                return;
            }
        }
        *is_told = true;
    }

    async fn begin(&self, conversation: &Conversation) -> anyhow::Result<()> {
        let create = conversation.thread(self.clock.now())?;
        let thread = create.thread_id;
        if self.is_settled(conversation, thread).await? {
            return Ok(());
        }
        let people = create.participants.clone();
        self.ask(&Command::CreateThread(create)).await?;
        for (place, line) in conversation.lines.iter().enumerate() {
            self.ask(&conversation.message(place, line, thread, self.clock.now())?).await?;
        }
        for user_id in people {
            let (up_to, at) = (Some(conversation.read), self.clock.now());
            let read = AdvanceCursor { thread_id: thread, user_id, cursor: Cursor::Read, up_to, at };
            self.ask(&Command::AdvanceCursor(read)).await?;
        }
        Ok(())
    }

    /// Whether nothing is to be told: the conversation is whole, or it is not ours.
    async fn is_settled(&self, conversation: &Conversation, thread: ThreadId) -> anyhow::Result<bool> {
        let Some(known) = self.store.thread(thread).await.context("look for the conversation")? else {
            return Ok(false);
        };
        if known.last_seq >= conversation.lines.len() as u64 {
            return Ok(true);
        }
        let page = MessagePage { before: None, after: Some(Place::Seq(0)), since: 0, limit: 1 };
        let first = self.store.messages(thread, page).await.context("read the conversation")?.pop();
        Ok(first.is_some_and(|first| first.client_message_id != Some(conversation.key_of(0))))
    }

    async fn ask(&self, command: &Command) -> anyhow::Result<()> {
        let pending = self.requests.send(CommandId::new(), command).await.context("send a command")?;
        match pending.result().await.context("wait for a command")? {
            CommandResult::Refused { error, .. } => bail!("a command is refused: {error}"),
            CommandResult::Queued { .. } => bail!("the store is slow"),
            _ => Ok(()),
        }
    }
}

impl Conversation {
    fn thread(&self, now: Timestamp) -> anyhow::Result<CreateThread> {
        let (creator, others) = self.people.split_first().context("a conversation has people")?;
        let metadata = if self.subject.is_empty() { json!({}) } else { json!({ "subject": self.subject }) };
        let body = json!({ "participants": others, "metadata": metadata });
        let body: CreateThreadBody = serde_json::from_value(body).context("a conversation of the demo")?;
        let first = self.lines.first().map_or(0, |line| line.0);
        body.into_command(user(creator), before(now, first)).context("a conversation of the demo")
    }

    fn message(
        &self,
        place: usize,
        line: &Line,
        thread: ThreadId,
        now: Timestamp,
    ) -> anyhow::Result<Command> {
        let body = json!({ "content": line.2, "clientMessageId": self.key_of(place) });
        let body: SendMessageBody = serde_json::from_value(body).context("a message of the demo")?;
        Ok(Command::SendMessage(body.into_command(thread, user(line.1), before(now, line.0))))
    }

    fn key_of(&self, place: usize) -> String {
        format!("{}-{place}", self.key)
    }
}

/// The conversation that the page of this person opens.
pub(super) fn opened_by(person: &str) -> Option<ThreadId> {
    let theirs = CONVERSATIONS.iter().find(|conversation| conversation.people.contains(&person))?;
    theirs.thread(Timestamp(0)).ok().map(|create| create.thread_id)
}

fn user(id: &str) -> UserId {
    id.parse().expect("demo people have valid ids")
}

fn before(now: Timestamp, minutes: u64) -> Timestamp {
    let earlier = Duration::from_mins(minutes).as_millis();
    Timestamp(now.0 - i64::try_from(earlier).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_said_by_somebody_in_it_and_later_than_the_one_before() {
        for conversation in &CONVERSATIONS {
            let thread = conversation.thread(Timestamp(0)).unwrap().thread_id;
            for (place, line) in conversation.lines.iter().enumerate() {
                assert!(conversation.people.contains(&line.1), "{}", line.2);
                conversation.message(place, line, thread, Timestamp(0)).unwrap();
            }
            assert!(conversation.lines.is_sorted_by(|one, other| one.0 > other.0), "{}", conversation.key);
            assert!(conversation.read <= conversation.lines.len() as u64);
        }
    }

    #[test]
    fn every_demo_person_has_a_conversation_to_open() {
        for person in super::super::PEOPLE {
            assert!(opened_by(person.id).is_some(), "{}", person.id);
        }
        assert_eq!(opened_by("ann"), opened_by("ben"));
        assert_eq!(opened_by("eve"), None);
    }
}
