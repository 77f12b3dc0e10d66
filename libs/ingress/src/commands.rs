//! The way of a valid command: the membership check, the broker, and the worker's result. Sockets and REST
//! share it.
//!
//! A command takes two steps, so that a socket can publish in order without waiting for results in order.
//! [`Commands`] checks membership and takes a place in the publishing order; [`SentCommand::result`] waits.
//! The ingress stores nothing itself. A client that got no result may repeat its command under the same
//! `clientMessageId`.

use crate::files::sending;
use crate::mentions;
use crate::refusal::Refusal;
use crate::replies;
use crate::seen_receipts;
use crate::throttle::Throttle;
use eventflow_bus::publish::PublishError;
use eventflow_bus::request::{PendingCommand, Requests};
use eventflow_ports::quotes::hide_before;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Apart, Membership, MessagePage, Store, Uploads};
use eventflow_protocol::change::{Change, ChangeMessage, MarkUnread};
use eventflow_protocol::client::requests::Seq;
use eventflow_protocol::command::{Command, CreateThread, SendMessage};
use eventflow_protocol::content::{ContentError, Markup};
use eventflow_protocol::document::{Message, Thread};
use eventflow_protocol::drafts::SaveDraft;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::scheduled::ScheduleMessage;
use eventflow_protocol::{CommandId, ErrorCode, MessageId, Participants, ThreadId, Timestamp, UserId};
use std::collections::HashSet;
use std::sync::Arc;

/// Sends commands to the workers.
#[derive(Clone)]
pub struct Commands {
    requests: Requests,
    membership: Membership,
    apart: Apart,
    store: Arc<dyn Store>,
    uploads: Arc<dyn Uploads>,
    markup: Markup,
}

/// A command that has its place in the publishing order.
pub struct SentCommand {
    pending: PendingCommand,
    membership: Membership,
    apart: Apart,
    /// Who sees the result, if it may show receipts.
    viewer: Option<UserId>,
    /// Place after which the caller sees messages.
    since: u64,
    /// Why a message that was sent only as a repeat would not have been accepted as a new one.
    refused_as_new: Option<Refusal>,
}

impl Commands {
    /// Over one process's requests and what it remembers of people: who is in a thread, and who is kept
    /// apart. `markup` is the form in which texts are kept.
    pub fn new(
        requests: Requests,
        (membership, apart): (Membership, Apart),
        store: Arc<dyn Store>,
        uploads: Arc<dyn Uploads>,
        markup: Markup,
    ) -> Self {
        Self { requests, membership, apart, store, uploads, markup }
    }

    /// Refuses strangers, with the words for a thread that does not exist.
    pub async fn require_participant(&self, thread: ThreadId, user: &UserId) -> Result<(), Refusal> {
        if self.membership.includes(thread, user).await? { Ok(()) } else { Err(Refusal::not_found("thread")) }
    }

    /// The place after which `user` sees messages of a thread. Refuses strangers before something of the
    /// thread is shown: whoever has left it by now, or was removed, is one.
    pub async fn require_reader(&self, thread: ThreadId, user: &UserId) -> Result<u64, Refusal> {
        self.membership.seen_from(thread, user).await?.ok_or_else(|| Refusal::not_found("thread"))
    }

    /// Everybody in a thread that `user` is in; strangers are refused.
    pub async fn people_of(&self, thread: ThreadId, user: &UserId) -> Result<Participants, Refusal> {
        let people = self.membership.current(thread).await?.filter(|people| people.contains(user));
        people.ok_or_else(|| Refusal::not_found("thread"))
    }

    /// Those of these threads that a block has taken away from `user`.
    pub async fn away_from(&self, user: &UserId, threads: &[ThreadId]) -> Result<HashSet<ThreadId>, Refusal> {
        let known = self.membership.of_all(threads).await?;
        let away = known.into_iter().filter(|(_, people)| people.is_away_for(user));
        Ok(away.map(|(thread, _)| thread).collect())
    }

    /// Forgets who is in a thread, because that has changed.
    pub fn forget_people(&self, thread: ThreadId) {
        self.membership.forget(thread);
    }

    /// Forgets for whom these threads are away, because a block has changed.
    pub fn forget_away(&self, threads: &[ThreadId]) {
        self.membership.forget_away(threads);
    }

    /// A message that `user` may see; strangers are refused with the words for one that does not exist.
    pub async fn message_for(&self, message: MessageId, user: &UserId) -> Result<Message, Refusal> {
        Ok(self.seen_message(message, user).await?.0)
    }

    /// A message that `user` may see, and the place after which they see its thread.
    async fn seen_message(&self, message: MessageId, user: &UserId) -> Result<(Message, u64), Refusal> {
        let unknown = || Refusal::not_found("message");
        let message = self.store.message(message).await?.ok_or_else(unknown)?;
        let since = self.membership.seen_from(message.thread_id, user).await?;
        let since = since.filter(|since| message.seq > *since).ok_or_else(unknown)?;
        Ok((message, since))
    }

    /// Puts a change on its way of a message that its person may see. Gives the message's thread too.
    pub async fn change_message(
        &self,
        message_id: MessageId,
        by: &UserId,
        change: Change,
        at: Timestamp,
    ) -> Result<(ThreadId, SentCommand), Refusal> {
        let (message, since) = self.seen_message(message_id, by).await?;
        self.check_change(&message, &change).await?;
        let viewer = Some(by.clone());
        let (thread_id, by) = (message.thread_id, by.clone());
        let command = Command::ChangeMessage(ChangeMessage { thread_id, message_id, by, change, at });
        Ok((thread_id, SentCommand { viewer, ..self.send_command_since(&command, since).await? }))
    }

    /// Refuses an edit that takes all of a message away, or that mentions somebody outside of its thread:
    /// only a message with attachments can lose its text.
    async fn check_change(&self, message: &Message, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Edit { content, .. } if content.is_blank() && message.attachments.is_empty() => {
                Err(ContentError::Empty.into())
            }
            Change::Edit { mentions: Some(mentioned), .. } => {
                // Whom the message mentions already may have left: they stay mentioned.
                let mut anew = mentioned.clone();
                anew.retain(|user| !message.mentions.contains(user));
                mentions::require_in_thread(&self.membership, message.thread_id, &anew).await
            }
            Change::Edit { mentions: None, .. }
            | Change::Delete
            | Change::React { .. }
            | Change::Pin { .. } => Ok(()),
        }
    }

    /// Place of the newest message that anybody can have seen by now, so that a command that says
    /// "everything" says the same whenever it is carried out; nothing while the store cannot say, which then
    /// decides by the time the command was accepted.
    pub async fn everything_in(&self, thread: ThreadId) -> Option<u64> {
        let newest = MessagePage { before: None, after: None, since: 0, limit: 1 };
        let found = self.store.messages(thread, newest).await;
        let found = found.inspect_err(|error| {
            tracing::debug!(error = error as &dyn std::error::Error, "no newest message");
        });
        Some(found.ok()?.last().map_or(0, |newest| newest.seq))
    }

    /// Place of the newest message of somebody else than `user`; 0 if there is none among the newest
    /// [`PAGE_MAX`].
    pub async fn newest_of_others(&self, thread: ThreadId, user: &UserId) -> Result<u64, Refusal> {
        let page = MessagePage { before: None, after: None, since: 0, limit: PAGE_MAX };
        let found = self.store.messages(thread, page).await?;
        let is_of_another = |message: &&Message| message.sender_id != *user && message.deleted_at.is_none();
        Ok(found.iter().rev().find(is_of_another).map_or(0, |newest| newest.seq))
    }

    /// The command that makes messages unread again for `user`, who is in the thread: those from `seq` on, or
    /// the newest of somebody else.
    pub async fn mark_unread(
        &self,
        thread_id: ThreadId,
        user_id: UserId,
        seq: Option<Seq>,
        at: Timestamp,
    ) -> Result<Command, Refusal> {
        self.require_reader(thread_id, &user_id).await?;
        let from = match seq {
            Some(Seq(seq)) => seq,
            // Where there is nothing of others, nothing becomes unread.
            None => match self.newest_of_others(thread_id, &user_id).await? {
                0 => u64::MAX,
                newest => newest,
            },
        };
        Ok(Command::MarkUnread(MarkUnread { thread_id, user_id, from, at }))
    }

    /// Puts a message on its way if its sender is in the thread. Messages of one caller keep the order of the
    /// calls.
    pub async fn send_message(&self, mut send: SendMessage) -> Result<SentCommand, Refusal> {
        self.require_participant(send.thread_id, &send.sender_id).await?;
        let mut since = Some(0);
        if send.reply_to.is_some() {
            since = self.quotable_from(send.thread_id, &send.sender_id).await?;
        }
        let completed = self.complete(&mut send, since).await;
        let refused_as_new = unless_repeated(completed, send.client_message_id.is_some())?;
        send.repeat_only = refused_as_new.is_some();
        let command = Command::SendMessage(send);
        let on_its_way = self.send_command_since(&command, since.unwrap_or(u64::MAX)).await?;
        Ok(SentCommand { refused_as_new, ..on_its_way })
    }

    /// Refuses what a new message of this thread cannot mention, answer or carry, quotes what it answers, and
    /// says what its files are.
    async fn complete(&self, send: &mut SendMessage, since: Option<u64>) -> Result<(), Refusal> {
        sending::fill_in(&*self.uploads, send).await?;
        mentions::require_in_thread(&self.membership, send.thread_id, &send.mentions).await?;
        replies::quote_answered(&*self.store, send, since).await
    }

    /// The place after which messages are quoted to the sender of a reply; `None` while the store does not
    /// say which they may see.
    async fn quotable_from(&self, thread: ThreadId, sender: &UserId) -> Result<Option<u64>, Refusal> {
        match self.membership.seen_from(thread, sender).await {
            Ok(since) => since.map(Some).ok_or_else(|| Refusal::not_found("thread")),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a reply goes on without a quote");
                Ok(None)
            }
        }
    }

    /// Puts a draft on its way if its owner is in the thread.
    pub async fn save_draft(&self, save: SaveDraft) -> Result<SentCommand, Refusal> {
        self.require_participant(save.thread_id, &save.user_id).await?;
        if let Some(message) = save.reply_to {
            let since = self.quotable_from(save.thread_id, &save.user_id).await?;
            replies::answered(&*self.store, (save.thread_id, since), message).await?;
        }
        self.send_command(&Command::SaveDraft(save)).await
    }

    /// Puts a message for later on its way. The caller has checked that its sender is in the thread. What it
    /// answers and whom it mentions is looked at now; what it quotes is read when it is sent.
    pub async fn schedule_message(
        &self,
        new: ScheduleMessage,
        refused_as_new: Option<Refusal>,
    ) -> Result<SentCommand, Refusal> {
        let SendMessage { thread_id, sender_id, mentions, reply_to, attachments, .. } = &new.message;
        // Nothing would keep such a file until then.
        if attachments.iter().any(|file| file.id.is_some()) {
            return Err(Refusal::invalid("attachments: uploaded files cannot be sent later"));
        }
        mentions::require_in_thread(&self.membership, *thread_id, mentions).await?;
        if let Some(reply) = reply_to {
            let since = self.quotable_from(*thread_id, sender_id).await?;
            replies::answered(&*self.store, (*thread_id, since), reply.message_id).await?;
        }
        self.send_repeat(&Command::ScheduleMessage(Box::new(new)), refused_as_new).await
    }

    /// Refuses people whom a message of this thread cannot mention.
    pub async fn require_mentionable(&self, thread: ThreadId, mentioned: &[UserId]) -> Result<(), Refusal> {
        mentions::require_in_thread(&self.membership, thread, mentioned).await
    }

    /// Puts a new thread on its way.
    pub async fn create_thread(&self, create: CreateThread) -> Result<SentCommand, Refusal> {
        self.send_command(&Command::CreateThread(create)).await
    }

    /// Puts any command on its way, with its texts in the form in which they are kept. The caller has checked
    /// that its user may.
    pub async fn send_command(&self, command: &Command) -> Result<SentCommand, Refusal> {
        self.send_command_since(command, 0).await
    }

    /// As [`Commands::send_command`]. The command is wanted only as a repeat if there is a reason why it is
    /// `refused_as_new`.
    pub async fn send_repeat(
        &self,
        command: &Command,
        refused_as_new: Option<Refusal>,
    ) -> Result<SentCommand, Refusal> {
        Ok(SentCommand { refused_as_new, ..self.send_command(command).await? })
    }

    /// As [`Commands::send_command`], for a caller who sees messages after the place `since`: the result
    /// quotes nothing else to them.
    async fn send_command_since(&self, command: &Command, since: u64) -> Result<SentCommand, Refusal> {
        let command = command.clone().written(self.markup)?;
        let pending = self.requests.send(CommandId::new(), &command).await?;
        let (membership, apart) = (self.membership.clone(), self.apart.clone());
        Ok(SentCommand { pending, membership, apart, viewer: None, since, refused_as_new: None })
    }
}

/// Why a request is refused as a new one, if it has a key: it may be the repeat of one that was accepted
/// before, when it was fit. Only the store knows, in the order of the commands.
pub(crate) fn unless_repeated(
    checked: Result<(), Refusal>,
    has_key: bool,
) -> Result<Option<Refusal>, Refusal> {
    match checked {
        Ok(()) => Ok(None),
        Err(refusal) if refusal.code == ErrorCode::Invalid && has_key => Ok(Some(refusal)),
        Err(refusal) => Err(refusal),
    }
}

impl SentCommand {
    /// Waits for the result, at most [`eventflow_bus::request::ANSWER_PATIENCE`]. A worker's refusal is this
    /// one's error.
    pub async fn result(self) -> Result<CommandResult, Refusal> {
        let Self { pending, membership, apart, viewer, since, refused_as_new } = self;
        match (pending.result().await?, refused_as_new) {
            (CommandResult::Refused { code: ErrorCode::Invalid, .. }, Some(refusal)) => Err(refusal),
            // Nobody knows yet whether anything of this is stored, so it is not said to be accepted.
            (CommandResult::Queued { .. }, Some(_)) => Err(Refusal::unavailable()),
            (CommandResult::Refused { code, error }, _) => Err(Refusal::new(code, error)),
            (mut result, _) => {
                if let CommandResult::Thread { thread, .. } = &result {
                    note_people(&membership, thread).await;
                }
                if let CommandResult::Message { message, .. } | CommandResult::Changed { message, .. } =
                    &mut result
                {
                    hide_before(message, since);
                    if let Some(viewer) = &viewer {
                        seen_receipts::hide_or_drop(&apart, viewer, vec![message]).await;
                    }
                }
                log_message(&result);
                Ok(result)
            }
        }
    }
}

/// Who is in the thread may be others than before. For whom it is away, the result does not say, and neither
/// from where on the people of a group see it, so the store is asked: a message to a new thread can follow at
/// once, and should not need the store then.
async fn note_people(membership: &Membership, thread: &Thread) {
    membership.forget(thread.id);
    if let Err(error) = membership.of(thread.id).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "who is in a thread is looked up later");
    }
}

/// Says which message was stored, by its ids.
fn log_message(result: &CommandResult) {
    if let CommandResult::Message { message, deduplicated } = result {
        tracing::debug!(
            message_id = %message.id,
            thread = %message.thread_id,
            seq = message.seq,
            user = %message.sender_id,
            deduplicated,
            "a message was sent"
        );
    }
}

/// The refusal for a worker's result of another kind than the command asks for.
pub(crate) fn unexpected(result: &CommandResult) -> Refusal {
    tracing::error!(
        result = ?std::mem::discriminant(result),
        "a worker's result is of another kind than its command"
    );
    Refusal::new(ErrorCode::Failed, "the request could not be done")
}

impl From<ContentError> for Refusal {
    fn from(error: ContentError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Commands that were not accepted. While the broker is away every one that clients send is refused.
static REFUSED: Throttle = Throttle::new();

impl From<PublishError> for Refusal {
    /// Whatever it was, nothing was accepted, or it is unknown; the next try may succeed.
    fn from(error: PublishError) -> Self {
        if let Some(refused) = REFUSED.count() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                refused,
                "commands are not accepted (said once a minute; the number is that since the last line)"
            );
        }
        Self::unavailable()
    }
}
