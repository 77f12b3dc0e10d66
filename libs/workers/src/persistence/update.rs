//! Updates of what exists: changes of messages, cursors, archives, inboxes, devices, profiles, revocations.
//!
//! Changes and advances of a part go to the store together, and notifications several at a time, so that a
//! notification to many people does not hold up the messages behind it. The other kinds are rare and go one
//! by one. Repeating an update is safe because each method of the store is safe to repeat.

use super::Persistence;
use super::applied::Applied;
use super::together::{Picked, with_id};
use crate::notify::wanted_form;
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_ports::StoreError;
use eventflow_ports::inbox::Keyed;
use eventflow_protocol::change::{AdvanceCursor, Advanced, ArchiveThread, Cursor, MarkUnread};
use eventflow_protocol::command::Command;
use eventflow_protocol::event::Event;
use eventflow_protocol::inbox::{Notification, Notify, ReadThread, SetPreferences};
use eventflow_protocol::preferences::ChangePreferences;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, NotificationId, UserId};
use futures_util::StreamExt;
use futures_util::stream::iter;
use std::collections::{HashMap, HashSet};

/// Notifications stored at the same time: half of what a store's connections carry, and a full batch takes
/// some thirty rounds.
const NOTIFIED_AT_ONCE: usize = 16;

impl Persistence {
    /// Carries out everything of `part` that is neither a new thread nor a new message.
    pub(super) async fn update(
        &self,
        part: &[Item<Command>],
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        self.change_messages(part, applied).await?;
        self.advance_cursors(part, applied).await?;
        self.update_one_by_one(part, applied).await?;
        self.erase_steps(part, applied).await?;
        self.count_unread_notifications(applied).await
    }

    async fn update_one_by_one(
        &self,
        part: &[Item<Command>],
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        let mut applied = applied.iter_mut();
        for run in runs(part) {
            let mut work = Vec::with_capacity(run.len());
            for item in run {
                work.push(self.update_one(item));
            }
            let mut done = iter(work).buffered(NOTIFIED_AT_ONCE);
            while let Some(done) = done.next().await {
                let applied = applied.next().expect("there is a place for each item");
                if let Some(done) = done {
                    *applied = Some(done.or_else(Applied::store_error)?);
                }
            }
        }
        Ok(())
    }

    /// Writes into events how many notifications their people have not read. It counts once per person and
    /// after the whole part, so that the number of the last event is the last one.
    async fn count_unread_notifications(&self, applied: &mut [Option<Applied>]) -> Result<(), Unavailable> {
        let mut events: Vec<_> = applied
            .iter_mut()
            .flatten()
            .flat_map(|applied| &mut applied.events)
            .filter_map(Event::unread_notifications)
            .collect();
        let people: HashSet<UserId> = events.iter().map(|(user, _)| (*user).clone()).collect();
        let inbox = &self.parts.inbox;
        let counts = iter(people).map(async |user| (inbox.unread_notifications(&user).await, user));
        let mut counts = counts.buffer_unordered(NOTIFIED_AT_ONCE);
        let mut unread = HashMap::new();
        while let Some((count, user)) = counts.next().await {
            match count {
                Ok(count) => drop(unread.insert(user, count)),
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                // The notifications are stored, and their owner hears of them without the number.
                Err(error @ (StoreError::Failed { .. } | StoreError::Refused { .. })) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "unread notifications could not be counted"
                    );
                }
            }
        }
        for (user, unread_count) in &mut events {
            **unread_count = unread.get(*user).copied();
        }
        Ok(())
    }

    async fn advance_cursors(
        &self,
        part: &[Item<Command>],
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        let picked = Picked::of(part, wanted_advance);
        let answers = self.together(&picked.wanted, |store, advances| store.advance(advances)).await?;
        let (mut reads, mut readers) = (Vec::new(), Vec::new());
        for ((at, item, answer), advance) in answers.with_items(part, &picked.at).zip(&picked.wanted) {
            applied[at] = Some(match answer {
                Ok(advanced) => {
                    if reads_on(&item, advance, advanced.as_ref()) {
                        let (user_id, thread_id) = (advance.user_id.clone(), advance.thread_id);
                        reads.push(ReadThread { user_id, thread_id, at: advance.at });
                        readers.push(at);
                    }
                    Applied::advanced(&item, advance, advanced)
                }
                Err(error) => Applied::store_error(error)?,
            });
        }
        self.read_notifications(part, &reads, &readers, applied).await
    }

    /// Reads what is told about threads that were read. `readers` are the places of their commands.
    async fn read_notifications(
        &self,
        part: &[Item<Command>],
        reads: &[ReadThread],
        readers: &[usize],
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        if reads.is_empty() {
            return Ok(());
        }
        match self.parts.inbox.read_with_threads(reads).await {
            Ok(notifications) => {
                for ((read, at), ids) in reads.iter().zip(readers).zip(notifications) {
                    if let Some(applied) = &mut applied[*at] {
                        applied.tell_read(CommandId(part[*at].id), read, ids);
                    }
                }
                Ok(())
            }
            Err(error @ StoreError::Unavailable { .. }) => Err(Unavailable::new("the store", error)),
            // The threads are read, and their readers hear of that. The notifications stay unread.
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "notifications could not be read with their threads"
                );
                Ok(())
            }
        }
    }

    /// `None` for the kinds of commands that go to the store together.
    async fn update_one(&self, item: &Item<Command>) -> Option<Result<Applied, StoreError>> {
        let inbox = &self.parts.inbox;
        let directory = &self.parts.directory;
        Some(match &item.value {
            Command::CreateThread(_)
            | Command::SendMessage(_)
            | Command::ChangeMessage(_)
            | Command::AdvanceCursor(_)
            | Command::SendScheduled(_)
            | Command::EraseStep(_) => return None,
            Command::ArchiveThread(archive) => self.archive(item, archive).await,
            Command::MarkUnread(mark) => self.mark_unread(item, mark).await,
            Command::LeaveThread(leave) => self.leave(item, leave).await,
            Command::ChangeGroup(change) => self.change_group(item, change).await,
            Command::ChangeBlock(change) => self.change_block(item, change).await,
            Command::ReportMessage(report) => self.report_message(report).await,
            Command::ErasePerson(erase) => self.erase_person(item, erase).await,
            Command::HandleReport(handle) => self.handle_report(handle).await,
            Command::SaveDraft(save) => self.save_draft(item, save).await,
            Command::ScheduleMessage(new) => self.schedule(item, new).await,
            Command::ChangeScheduled(change) => self.change_scheduled(item, change).await,
            Command::Notify(notify) => self.notify(item, notify).await,
            Command::ChangeNotifications(change) => inbox
                .change_notifications(change)
                .await
                .map(|count| Applied::notifications_changed(item, change, count)),
            Command::SetPreferences(set) => self.set_preferences(item, set).await,
            Command::ChangePreferences(change) => self.change_preferences(item, change).await,
            Command::RegisterPushDevice(device) => {
                let registered = self.parts.devices.register_device(device).await;
                registered.map(|()| Applied::quietly(CommandResult::Done))
            }
            Command::RemovePushDevice(removal) => {
                let removed = self.parts.devices.remove_device(removal).await;
                removed.map(|_| Applied::quietly(CommandResult::Done))
            }
            Command::PutProfile(profile) => {
                directory.put_profile(profile).await.map(|()| Applied::quietly(CommandResult::Done))
            }
            Command::NoteTokenName(name) => {
                directory.note_token_name(name).await.map(|()| Applied::quietly(CommandResult::Done))
            }
            Command::Revoke(revocation) => {
                directory.revoke(revocation).await.map(|()| Applied::revoked(item, revocation))
            }
            Command::AddSend(new) => {
                let added = self.parts.sends.add_send(&self.without_erased(new)).await;
                added.map(Applied::send_added)
            }
            Command::CancelSend(cancel) => {
                self.parts.sends.cancel_send(cancel).await.map(Applied::send_cancelled)
            }
            Command::ChangeSuppression(change) => self
                .parts
                .suppressions
                .change_suppression(change)
                .await
                .map(|is_changed| Applied::quietly(CommandResult::Count { count: u64::from(is_changed) })),
        })
    }

    async fn archive(&self, item: &Item<Command>, wanted: &ArchiveThread) -> Result<Applied, StoreError> {
        let view = self.parts.store.archive(&with_id(item, wanted)).await?;
        Ok(Applied::archived(item, wanted, view))
    }

    async fn mark_unread(&self, item: &Item<Command>, wanted: &MarkUnread) -> Result<Applied, StoreError> {
        let marked = self.parts.store.mark_unread(&with_id(item, wanted)).await?;
        Ok(Applied::marked_unread(item, wanted, marked))
    }

    async fn set_preferences(
        &self,
        item: &Item<Command>,
        set: &SetPreferences,
    ) -> Result<Applied, StoreError> {
        self.parts.inbox.set_preferences(set).await?;
        let stored = self.parts.inbox.preferences(&set.user_id).await?;
        Ok(Applied::preferences_stored(item, &set.user_id, stored))
    }

    async fn change_preferences(
        &self,
        item: &Item<Command>,
        change: &ChangePreferences,
    ) -> Result<Applied, StoreError> {
        Ok(match self.parts.inbox.change_preferences(change).await? {
            Ok(stored) => Applied::preferences_stored(item, &change.user_id, stored),
            Err(invalid) => Applied::preferences_refused(invalid),
        })
    }

    async fn notify(&self, item: &Item<Command>, notify: &Notify) -> Result<Applied, StoreError> {
        let preferences = self.parts.inbox.preferences(&notify.user_id).await?;
        let id = notify.key.as_ref().map(|key| key.notification_id(&notify.user_id));
        let id = id.unwrap_or_else(|| NotificationId::from(CommandId(item.id)));
        let Some(notification) = wanted_form(Notification::new(id, notify.clone()), &preferences) else {
            tracing::debug!(command = %item.id, "a person wants nothing of this kind of notification");
            return Ok(Applied::quietly(CommandResult::Done));
        };
        if notify.key.is_some() {
            return self.notify_keyed(item, notification, notify).await;
        }
        let added = self.parts.inbox.add_notifications(std::slice::from_ref(&notification)).await?;
        let is_new = added.first().copied().unwrap_or(false);
        Ok(Applied::notified(item, Box::new(notification), is_new))
    }

    /// Under its sender's key a notification is stored once, whichever command brought it.
    async fn notify_keyed(
        &self,
        item: &Item<Command>,
        notification: Notification,
        notify: &Notify,
    ) -> Result<Applied, StoreError> {
        let notification = Box::new(notification);
        Ok(match self.parts.inbox.add_keyed_notification(&notification, notify.fingerprint()).await? {
            Keyed::Stored => Applied::notified(item, notification, true),
            Keyed::Before(Some(known)) => Applied::notified(item, known, false),
            // The owner has deleted the notification; to its sender it is what it was.
            Keyed::Before(None) => Applied::notified(item, notification, false),
            Keyed::KeyReused => Applied::notification_key_reused(),
        })
    }
}

fn wanted_advance(item: &Item<Command>) -> Option<AdvanceCursor> {
    let Command::AdvanceCursor(advance) = &item.value else { return None };
    Some(advance.clone())
}

/// Whether the person has read on, or may have on an earlier attempt.
fn reads_on(item: &Item<Command>, wanted: &AdvanceCursor, advanced: Option<&Advanced>) -> bool {
    let is_news = advanced.is_some_and(|advanced| advanced.up_to > advanced.from || item.redelivered);
    wanted.cursor == Cursor::Read && is_news
}

/// Cuts the items, in order, into runs that may be carried out at the same time: notifications that differ
/// from each other.
///
/// Anything else is a run of its own, carried out after everything before it and before everything after it.
fn runs(part: &[Item<Command>]) -> impl Iterator<Item = &[Item<Command>]> {
    let mut seen = HashSet::new();
    part.chunk_by(move |item, next| {
        let both = notification_of(item).zip(notification_of(next));
        let is_another = both.is_some_and(|(first, next)| {
            seen.insert(first);
            // `false` if the run has this notification already: the same one twice must stay in order.
            seen.insert(next)
        });
        if !is_another {
            seen.clear();
        }
        is_another
    })
}

/// Which notification the item would store; `None` if it is no notification.
fn notification_of(item: &Item<Command>) -> Option<NotificationId> {
    let Command::Notify(notify) = &item.value else { return None };
    let keyed = notify.key.as_ref().map(|key| key.notification_id(&notify.user_id));
    Some(keyed.unwrap_or_else(|| NotificationId::from(CommandId(item.id))))
}
