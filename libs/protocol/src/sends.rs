//! Sends: one notification for many people, now or later.
//!
//! A send is kept in the store before anybody is told, and says how far it has come. Its worker tells people
//! in the order of their ids, some hundred at a time, and then moves [`BulkSend::cursor`]. The id of each
//! person's notification follows from the send and the person, so whoever is told again after a crash has it
//! already. The methods here are the only place that says how a send changes; every store runs them under its
//! own lock or compare-and-set.

use crate::content::{ContentError, Markup};
use crate::fingerprint::{Fingerprint, shorten};
use crate::inbox::Notification;
use crate::language;
use crate::{NotificationId, SendId, ThreadId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most people that a send names one by one: one command to the workers holds them all. Larger groups are a
/// role, or everybody.
pub const SEND_USERS_MAX: usize = 1_000;
/// How far ahead a send may be planned.
pub const SEND_AHEAD_MAX: Duration = Duration::from_hours(24 * 366);

/// Sets the hashes of sends apart from all other hashes of the same text.
const KEY_LABEL: &[u8] = b"eventflow send\0";
const PERSON_LABEL: &[u8] = b"eventflow send to\0";

impl SendId {
    /// The id of the send that this sender makes under this key. Equal input gives an equal id.
    pub fn of_key(by: &UserId, key: &str) -> Self {
        Self::from_bytes(hashed(KEY_LABEL, by.as_str(), key))
    }

    /// The id of one person's notification. Equal input gives an equal id.
    pub fn notification_for(self, user: &UserId) -> NotificationId {
        NotificationId::from_bytes(hashed(PERSON_LABEL, &self.to_string(), user.as_str()))
    }
}

fn hashed(label: &[u8], first: &str, second: &str) -> [u8; 12] {
    let hash = Sha256::new_with_prefix(label).chain_update(first).chain_update([0]).chain_update(second);
    let hash = hash.finalize();
    std::array::from_fn(|i| hash[i])
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recipients {
    /// These people: ascending, each once, at most [`SEND_USERS_MAX`].
    Users(Vec<UserId>),
    /// Everybody in the directory who has this role.
    Role(String),
    /// Everybody in the directory.
    Everybody,
}

impl Recipients {
    /// These people, in order and each once.
    pub fn of_users(mut users: Vec<UserId>) -> Self {
        users.sort_unstable();
        users.dedup();
        Self::Users(users)
    }

    /// How many there are, if that can be known beforehand.
    pub fn known_total(&self) -> Option<u64> {
        match self {
            Self::Users(users) => Some(users.len() as u64),
            Self::Role(_) | Self::Everybody => None,
        }
    }
}

/// What everybody is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendContent {
    /// What sort of thing it is. It is not `kind` on the wire, because that is the tag of `Command`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line, clean text.
    pub title: String,
    /// Clean text; may be empty.
    pub text: String,
    /// The sender's free-form object.
    #[serde(default, with = "crate::free_form")]
    pub data: Map<String, Value>,
    /// The conversation that it is about.
    #[serde(default)]
    pub thread_id: Option<ThreadId>,
    /// The template that title and text were made from.
    #[serde(default)]
    pub template: Option<String>,
    /// Title and text in other languages, by their names (RFC 5646).
    #[serde(default)]
    pub translations: BTreeMap<String, SendText>,
}

/// What a send says in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendText {
    /// One line, clean text.
    pub title: String,
    /// Clean text; may be empty.
    pub text: String,
}

impl SendContent {
    /// Title and text for somebody who asked for this language.
    fn text_for(&self, locale: &str) -> (&str, &str) {
        match language::best(self.translations.keys(), locale).and_then(|name| self.translations.get(name)) {
            Some(SendText { title, text }) => (title, text),
            None => (&self.title, &self.text),
        }
    }
}

/// Command: keep a send, to be carried out when it is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewSend {
    /// The id: it follows from the sender's key, or is new.
    pub id: SendId,
    /// Who sends.
    pub by: UserId,
    /// Who is told.
    pub to: Recipients,
    /// What they are told.
    pub content: SendContent,
    /// When; at once if it is not there.
    #[serde(default)]
    pub send_at: Option<Timestamp>,
    /// The fingerprint of what was asked for, as it was typed: the same key with another one is refused.
    pub body: Fingerprint,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

impl NewSend {
    /// The fingerprint of a send's body, as it was typed. What a template makes of it is no part: templates
    /// change.
    pub fn fingerprint(to: &Recipients, content: &SendContent, send_at: Option<Timestamp>) -> Fingerprint {
        let SendContent { kind, title, text, data, thread_id, template, translations: _ } = content;
        let body = (to, kind, title, text, data, thread_id, send_at, template);
        shorten(&Sha256::digest(serde_json::to_string(&body).unwrap_or_default()))
    }

    /// The send in the form in which it is kept. Fails if nothing is left of its title.
    pub fn written(mut self, markup: Markup) -> Result<Self, ContentError> {
        self.content.title = markup.write_visible(&self.content.title)?;
        self.content.text = markup.write(&self.content.text).into_owned();
        for translated in self.content.translations.values_mut() {
            translated.title = markup.write_visible(&translated.title)?;
            translated.text = markup.write(&translated.text).into_owned();
        }
        Ok(self)
    }
}

/// Command: stop a send. Repeating it changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelSend {
    /// The send.
    pub id: SendId,
    /// When the ingress accepted it.
    pub at: Timestamp,
}

/// How far a send has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SendState {
    /// It waits for its time.
    Scheduled,
    /// People are being told.
    Running,
    /// Everybody was told.
    Done,
    /// An administrator stopped it. Whoever was told before that stays told.
    Cancelled,
}

impl SendState {
    /// Whether nothing will happen any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// How many people were told, or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SendCounts {
    /// People who have the notification: in their inbox, or by the other ways alone if they want it so.
    pub sent: u64,
    /// People who do not want such notifications.
    pub suppressed: u64,
    /// People whose notification the store refused.
    pub failed: u64,
}

impl SendCounts {
    /// Everybody who was looked at.
    pub fn total(self) -> u64 {
        self.sent + self.suppressed + self.failed
    }

    fn plus(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            suppressed: self.suppressed + other.suppressed,
            failed: self.failed + other.failed,
        }
    }
}

/// A send as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BulkSend {
    /// The id.
    pub id: SendId,
    /// Who sends.
    pub by: UserId,
    /// Who is told.
    pub to: Recipients,
    /// What they are told.
    pub content: SendContent,
    /// The fingerprint of what was asked for.
    pub body: Fingerprint,
    /// When it was planned for.
    pub send_at: Option<Timestamp>,
    /// When the ingress accepted it.
    pub created_at: Timestamp,
    /// How far it has come.
    pub state: SendState,
    /// When the first worker took it.
    pub started_at: Option<Timestamp>,
    /// When everybody was told, or it was cancelled.
    pub ended_at: Option<Timestamp>,
    /// The last person who was looked at.
    pub cursor: Option<UserId>,
    /// What became of those up to the cursor.
    pub counts: SendCounts,
    /// When a worker may take it: when it is due, then when the claim of its worker runs out; nothing at its
    /// end.
    pub claimable_at: Option<Timestamp>,
}

/// One step of a send: what became of the people between two places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendStep {
    /// Where the step began: the cursor as its worker had read it.
    pub from: Option<UserId>,
    /// The last person of the step; where it began, if there was nobody left.
    pub to: Option<UserId>,
    /// What became of the people.
    pub counts: SendCounts,
    /// Nobody comes after them.
    pub is_last: bool,
}

impl BulkSend {
    /// The send as it is kept first.
    pub fn new(new: NewSend) -> Self {
        let NewSend { id, by, to, content, send_at, body, at } = new;
        Self {
            id,
            by,
            to,
            content,
            body,
            send_at,
            created_at: at,
            state: SendState::Scheduled,
            started_at: None,
            ended_at: None,
            cursor: None,
            counts: SendCounts::default(),
            claimable_at: Some(send_at.unwrap_or(at)),
        }
    }

    /// How many people there are: known beforehand if they are named, and else at the end. Then it is those
    /// whom a number counts: whoever was erased meanwhile is left out.
    pub fn total(&self) -> Option<u64> {
        let is_done = self.state == SendState::Done;
        if is_done { Some(self.counts.total()) } else { self.to.known_total() }
    }

    /// A worker takes the send until `until`; `false` if it may not be taken now.
    pub fn claim(&mut self, now: Timestamp, until: Timestamp) -> bool {
        if self.claimable_at.is_none_or(|at| at > now) {
            return false;
        }
        self.state = SendState::Running;
        self.started_at.get_or_insert(now);
        self.claimable_at = Some(until);
        true
    }

    /// A worker has told the people of a step; `false` if the step does not begin at the cursor, because
    /// another worker was faster. A send that was cancelled meanwhile counts the step and stays cancelled.
    pub fn advance(&mut self, step: &SendStep, now: Timestamp, until: Timestamp) -> bool {
        if self.cursor != step.from || self.state == SendState::Done {
            return false;
        }
        self.cursor.clone_from(&step.to);
        self.counts = self.counts.plus(step.counts);
        if self.state == SendState::Cancelled {
            return true;
        }
        if step.is_last {
            self.end(SendState::Done, now);
        } else {
            self.claimable_at = Some(until);
        }
        true
    }

    /// The worker lets go of the send, which may be taken again at `until`; `false` if it has ended.
    pub fn release(&mut self, until: Timestamp) -> bool {
        let is_held = self.state == SendState::Running;
        if is_held {
            self.claimable_at = Some(until);
        }
        is_held
    }

    /// Stops the send; `false` if it has ended.
    pub fn cancel(&mut self, at: Timestamp) -> bool {
        let is_live = !self.state.is_final();
        if is_live {
            self.end(SendState::Cancelled, at);
        }
        is_live
    }

    /// The notification of a person who asked for this language; empty if for none. Equal input gives an
    /// equal one, whichever worker makes it.
    pub fn notification_for(&self, user: &UserId, locale: &str) -> Notification {
        let (title, text) = self.content.text_for(locale);
        let (title, text) = (title.to_owned(), text.to_owned());
        let SendContent { kind, data, thread_id, .. } = self.content.clone();
        Notification {
            id: self.id.notification_for(user),
            user_id: user.clone(),
            kind,
            title,
            text,
            data,
            thread_id,
            is_read: false,
            read_at: None,
            created_at: self.started_at.unwrap_or(self.created_at),
            is_hidden: false,
        }
    }

    fn end(&mut self, state: SendState, at: Timestamp) {
        self.state = state;
        self.ended_at = Some(at);
        self.claimable_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::command::Command;

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    fn new(to: Recipients) -> NewSend {
        let content = SendContent {
            kind: "news".into(),
            title: "t".into(),
            text: String::new(),
            data: Map::new(),
            thread_id: None,
            template: None,
            translations: BTreeMap::new(),
        };
        let body = NewSend::fingerprint(&to, &content, None);
        let id = SendId::of_key(&user("root"), "k");
        NewSend { id, by: user("root"), to, content, send_at: None, body, at: Timestamp(5) }
    }

    fn step(from: Option<&str>, to: &str, is_last: bool) -> SendStep {
        let counts = SendCounts { sent: 1, suppressed: 1, failed: 0 };
        SendStep { from: from.map(user), to: Some(user(to)), counts, is_last }
    }

    #[test]
    fn a_send_survives_the_way_to_the_worker() {
        for to in [Recipients::of_users(vec![user("b"), user("a")]), Recipients::Everybody] {
            let command = Command::AddSend(new(to));
            assert_eq!(codec::decode::<Command>(&codec::encode(&command).unwrap()).unwrap(), command);
        }
    }

    #[test]
    fn one_worker_has_a_send_and_only_the_faster_of_two_steps_counts() {
        let mut send = BulkSend::new(new(Recipients::Everybody));
        assert!(!send.claim(Timestamp(4), Timestamp(14)), "it is not due");
        assert!(send.claim(Timestamp(5), Timestamp(15)) && !send.claim(Timestamp(14), Timestamp(24)));
        assert!(send.claim(Timestamp(15), Timestamp(25)), "its worker has died");
        assert!(send.advance(&step(None, "b", false), Timestamp(16), Timestamp(26)));
        assert!(!send.advance(&step(None, "b", false), Timestamp(17), Timestamp(27)), "the first worker");
        assert_eq!((send.counts.total(), send.total()), (2, None));
        assert!(send.advance(&step(Some("b"), "c", true), Timestamp(18), Timestamp(28)));
        assert_eq!((send.state, send.total(), send.claimable_at), (SendState::Done, Some(4), None));
        assert!(!send.cancel(Timestamp(19)) && !send.release(Timestamp(19)));
        assert_eq!(send.started_at, Some(Timestamp(5)));
    }

    #[test]
    fn a_cancelled_send_counts_the_step_under_way_and_goes_no_further() {
        let mut send = BulkSend::new(new(Recipients::Role("driver".into())));
        assert!(send.claim(Timestamp(5), Timestamp(15)) && send.cancel(Timestamp(6)));
        assert!(send.advance(&step(None, "b", true), Timestamp(7), Timestamp(17)));
        assert_eq!(
            (send.state, send.counts.sent, send.ended_at),
            (SendState::Cancelled, 1, Some(Timestamp(6)))
        );
        assert!(!send.claim(Timestamp(99), Timestamp(100)) && !send.release(Timestamp(7)));
    }

    #[test]
    fn each_person_has_one_notification_of_a_send() {
        let send = BulkSend::new(new(Recipients::Everybody));
        let [ann, bob] = ["ann", "bob"].map(|name| send.notification_for(&user(name), "").id);
        assert_eq!(ann, send.notification_for(&user("ann"), "de").id);
        assert_ne!(ann, bob);
        let other = SendId::of_key(&user("root"), "other");
        assert_ne!(ann, other.notification_for(&user("ann")));
    }

    #[test]
    fn people_read_a_send_in_their_language_if_it_has_that() {
        let mut new = new(Recipients::Everybody);
        let german = SendText { title: "Streik <b>".to_owned(), text: "Morgen".to_owned() };
        new.content.translations.insert("de".to_owned(), german);
        let body = NewSend::fingerprint(&new.to, &new.content, None);
        assert_eq!(body, new.body, "what was asked for is the same");
        let send = BulkSend::new(new.written(Markup::Neutralise).unwrap());
        for (locale, title) in [("", "t"), ("fr", "t"), ("de", "Streik"), ("DE-at", "Streik")] {
            let found = send.notification_for(&user("ann"), locale).title;
            assert!(found.starts_with(title) && !found.contains("<b"), "{locale}: {found}");
        }
    }
}
