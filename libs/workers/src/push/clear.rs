//! Taking away what devices show and its person has read, or what is gone.

use super::turns::Turn;
use super::{ASKED_AFTER, PushWorker, Stop, content};
use eventflow_bus::settle::{Outcome, RETRY_LIMIT};
use eventflow_ports::push_devices::Shown;
use eventflow_ports::{StoreError, ThreadPage};
use eventflow_protocol::document::ThreadStatus;
use eventflow_protocol::outbound::{About, Told, Window};
use eventflow_protocol::push::{ClearNotifications, ClearPushes};
use eventflow_protocol::{MessageId, ThreadId, UserId};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Threads whose unread messages the number on an app's icon counts: those on the first page of a list.
const BADGE_THREADS: u32 = 50;
/// Largest number on an app's icon.
const BADGE_MAX: u64 = 999;

/// How what a window tells has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Something of it is still to be told.
    NotYet,
    /// Its person has read it.
    Read,
    /// Some of it was taken back, or is not for its person any more, and the rest is read.
    Gone,
}

impl PushWorker {
    /// Takes away what devices show of a thread up to the message that was read.
    pub(super) async fn clear_thread(
        &self,
        turn: &mut Turn<'_>,
        clear: &ClearPushes,
        attempt: u32,
    ) -> Result<Outcome, Stop> {
        let tag = content::tag_of_thread(clear.thread_id);
        self.clear(turn, &clear.user_id, &tag, clear.up_to, attempt).await
    }

    /// Takes away what devices show of notifications that are read or deleted. Of several tags the worst
    /// outcome counts: a repetition finds those that are taken away already.
    pub(super) async fn clear_notifications(
        &self,
        turn: &mut Turn<'_>,
        clear: &ClearNotifications,
        attempt: u32,
    ) -> Result<Outcome, Stop> {
        let user = &clear.user_id;
        let tags = match clear.notification_id {
            Some(id) => vec![content::tag_of_notification(id)],
            None => self.parts.devices.shown_tags(user, content::NOTIFICATION_TAG).await?,
        };
        let mut outcome = Outcome::Done;
        for tag in tags {
            if self.is_unread(user, &tag).await? {
                continue;
            }
            match self.clear(turn, user, &tag, u64::MAX, attempt).await? {
                Outcome::Done => {}
                failed => outcome = failed,
            }
        }
        Ok(outcome)
    }

    /// Whether the notification of this tag is there and not read: one that came later stays, and one that
    /// was never in the inbox.
    async fn is_unread(&self, user: &UserId, tag: &str) -> Result<bool, StoreError> {
        let id = tag.strip_prefix(content::NOTIFICATION_TAG).and_then(|id| id.parse().ok());
        let Some(id) = id else { return Ok(false) };
        let found = self.parts.again.inbox.notification(user, id).await?;
        Ok(found.is_some_and(|notification| !notification.is_read))
    }

    /// Takes away what devices show of a window of which everything is read or gone by now. Gives the outcome
    /// of the job if that has to be tried again.
    ///
    /// A push that is on its way is noted when its service has it. A clearing job that comes before finds
    /// nothing, so whoever has noted it looks whether it was read: one of the two sees the other.
    pub(super) async fn clear_what_is_over(
        &self,
        turn: &mut Turn<'_>,
        window: &Window,
        attempt: u32,
    ) -> Result<Option<Outcome>, Stop> {
        let user = &window.user_id;
        let Some(told) = window.items.iter().max_by_key(|told| content::seq_of(told)) else {
            return Ok(None);
        };
        let (tag, up_to) = match told.about {
            About::Message { thread_id, .. } => (content::tag_of_thread(thread_id), content::seq_of(told)),
            About::Notification { notification_id } => {
                (content::tag_of_notification(notification_id), u64::MAX)
            }
        };
        let shown = self.parts.devices.shown(user, &tag).await?;
        if shown.is_empty() {
            return Ok(None);
        }
        // What was read takes along what is before it. What is gone takes along its own push only.
        let id = window.id.to_string();
        let is_all_its_own = shown.iter().all(|one| one.push.ends_with(&id));
        let end = self.end_of(window).await?;
        if end == End::NotYet || end == End::Gone && !is_all_its_own {
            return Ok(None);
        }
        let cleared = self.clear(turn, user, &tag, up_to, attempt).await?;
        Ok(Some(cleared).filter(|outcome| *outcome != Outcome::Done))
    }

    /// Whether everything of a window is over. The newest is asked for first: while that is news, which is
    /// what nearly all windows find right after their push, nothing else is read.
    async fn end_of(&self, window: &Window) -> Result<End, StoreError> {
        let mut newest_first: Vec<&Told> = window.items.iter().collect();
        newest_first.sort_by_key(|told| Reverse(content::seq_of(told)));
        let (user, mut end) = (&window.user_id, End::Read);
        // How far the person has read, by thread: asked for once, however many messages the window tells of.
        let mut read_up_to: HashMap<ThreadId, u64> = HashMap::new();
        for told in newest_first {
            let end_of_one = match told.about {
                About::Message { thread_id, message_id, seq, .. } => {
                    let read_seq = match read_up_to.entry(thread_id) {
                        Entry::Occupied(known) => *known.get(),
                        Entry::Vacant(unknown) => *unknown.insert(self.read_seq(thread_id, user).await?),
                    };
                    if seq <= read_seq {
                        // So are all before it.
                        break;
                    }
                    self.end_of_message(thread_id, message_id, user).await?
                }
                About::Notification { notification_id } => {
                    match self.parts.again.inbox.notification(user, notification_id).await? {
                        None => End::Gone,
                        Some(found) if found.is_read => End::Read,
                        Some(_) => End::NotYet,
                    }
                }
            };
            match end_of_one {
                End::NotYet => return Ok(End::NotYet),
                End::Gone => end = End::Gone,
                End::Read => {}
            }
        }
        Ok(end)
    }

    /// How far a person has read in a thread.
    async fn read_seq(&self, thread: ThreadId, user: &UserId) -> Result<u64, StoreError> {
        let cursors = self.parts.again.store.cursors(thread).await?;
        Ok(cursors.into_iter().find(|cursors| cursors.user_id == *user).map_or(0, |own| own.read_seq))
    }

    /// Whether a message that is not read is over.
    async fn end_of_message(
        &self,
        thread: ThreadId,
        message: MessageId,
        user: &UserId,
    ) -> Result<End, StoreError> {
        let store = &self.parts.again.store;
        let found = store.message(message).await?;
        let is_there = found.is_some_and(|message| message.deleted_at.is_none());
        let is_theirs = is_there && store.thread_view(thread, user).await?.is_some();
        Ok(if is_theirs { End::NotYet } else { End::Gone })
    }

    /// Takes away what devices show under this tag, unless it tells of messages after `up_to`.
    async fn clear(
        &self,
        turn: &mut Turn<'_>,
        user: &UserId,
        tag: &str,
        up_to: u64,
        attempt: u32,
    ) -> Result<Outcome, Stop> {
        let shown = self.parts.devices.shown(user, tag).await?;
        let is_read = |id| shown.iter().any(|one: &Shown| one.device_id == id && one.seq <= up_to);
        let mut devices = self.parts.devices.devices_of(user).await?;
        devices.retain(|device| is_read(device.id));
        if devices.is_empty() {
            return Ok(Outcome::Done);
        }
        let push = content::clear(user.clone(), tag, self.badge(user).await?);
        let delivered = self.delivery().send(turn, &devices, &push, |_, _| None).await?;
        let unasked = delivered.unasked.map(|why| (why.to_owned(), Some(ASKED_AFTER)));
        let again = delivered.again.map(|reason| (reason, delivered.after)).or(unasked);
        if let Some((reason, after)) = again
            && (attempt < RETRY_LIMIT || delivered.is_providers)
        {
            return Ok(Outcome::Retry { reason, after });
        }
        let ids: Vec<_> = devices.iter().map(|device| device.id).collect();
        self.parts.devices.forget_shown(&ids, tag, up_to).await?;
        Ok(Outcome::Done)
    }

    /// How much a person has not read: messages of the threads on the first page of their list, and
    /// notifications.
    pub(super) async fn badge(&self, user: &UserId) -> Result<u64, StoreError> {
        let page = ThreadPage { status: ThreadStatus::Active, after: None, skip: 0, limit: BADGE_THREADS };
        let threads = self.parts.again.store.threads_of(user, page).await?;
        let messages: u64 = threads.iter().map(|view| view.unread_count).sum();
        Ok((messages + self.parts.again.inbox.unread_notifications(user).await?).min(BADGE_MAX))
    }
}
