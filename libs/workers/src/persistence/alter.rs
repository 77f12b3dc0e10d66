//! What is done to what exists: changes of messages, cursors, archives, inboxes, profiles, revocations.
//!
//! Changes and advances of a part go to the store together, notifications several at a time, so that one to many people does not hold up the
//! messages behind it; the rest is rare and goes one by one. Safe to repeat because each of the store's methods is.

use super::outcome::Became;
use super::{Persistence, not_done};
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_ports::inbox::Keyed;
use eventflow_ports::{Identified, StoreError};
use eventflow_protocol::change::{AdvanceCursor, ChangeMessage};
use eventflow_protocol::command::Command;
use eventflow_protocol::inbox::{Notification, Notify};
use eventflow_protocol::{CommandId, NotificationId};
use futures_util::StreamExt;
use futures_util::stream::iter;
use std::collections::HashSet;

/// Notifications stored at the same time: half of what a store's connections carry, and a full batch takes some thirty rounds.
const NOTIFIED_AT_ONCE: usize = 16;

impl Persistence {
    /// Does everything of `part` that is neither a new thread nor a new message.
    pub(super) async fn alter(
        &self,
        part: &[Item<Command>],
        results: &mut [Option<Became>],
    ) -> Result<(), Unavailable> {
        self.change(part, results).await?;
        self.advance(part, results).await?;
        let mut results = results.iter_mut();
        for run in runs(part) {
            let mut work = Vec::with_capacity(run.len());
            for item in run {
                work.push(self.alter_one(item));
            }
            let mut done = iter(work).buffered(NOTIFIED_AT_ONCE);
            while let Some(done) = done.next().await {
                let result = results.next().expect("there is a result for each item");
                if let Some(done) = done {
                    *result = Some(done.or_else(not_done)?);
                }
            }
        }
        Ok(())
    }

    async fn change(
        &self,
        part: &[Item<Command>],
        results: &mut [Option<Became>],
    ) -> Result<(), Unavailable> {
        let change = |item: &Item<Command>| match &item.value {
            Command::ChangeMessage(wanted) => {
                Some(Identified { command_id: CommandId(item.id), wanted: wanted.clone() })
            }
            _ => None,
        };
        let (at, changes): (Vec<usize>, Vec<Identified<ChangeMessage>>) = pick(part, change);
        if changes.is_empty() {
            return Ok(());
        }
        match self.parts.store.change_messages(&changes).await {
            Ok(answers) => at
                .into_iter()
                .zip(answers)
                .for_each(|(at, answer)| results[at] = Some(Became::Changed(answer))),
            Err(error) => {
                not_done(error)?;
                for (at, change) in at.into_iter().zip(&changes) {
                    let alone = self.parts.store.change_messages(std::slice::from_ref(change)).await;
                    results[at] = only(alone, Became::Changed)?;
                }
            }
        }
        Ok(())
    }

    async fn advance(
        &self,
        part: &[Item<Command>],
        results: &mut [Option<Became>],
    ) -> Result<(), Unavailable> {
        let advance = |item: &Item<Command>| match &item.value {
            Command::AdvanceCursor(advance) => Some(advance.clone()),
            _ => None,
        };
        let (at, advances): (Vec<usize>, Vec<AdvanceCursor>) = pick(part, advance);
        if advances.is_empty() {
            return Ok(());
        }
        match self.parts.store.advance(&advances).await {
            Ok(answers) => at
                .into_iter()
                .zip(answers)
                .for_each(|(at, answer)| results[at] = Some(Became::Advanced(answer))),
            Err(error) => {
                not_done(error)?;
                for (at, advance) in at.into_iter().zip(&advances) {
                    let alone = self.parts.store.advance(std::slice::from_ref(advance)).await;
                    results[at] = only(alone, Became::Advanced)?;
                }
            }
        }
        Ok(())
    }

    /// `None` for commands that are done elsewhere.
    async fn alter_one(&self, item: &Item<Command>) -> Option<Result<Became, StoreError>> {
        let (store, inbox, directory) = (&self.parts.store, &self.parts.inbox, &self.parts.directory);
        Some(match &item.value {
            Command::CreateThread(_)
            | Command::SendMessage(_)
            | Command::ChangeMessage(_)
            | Command::AdvanceCursor(_) => {
                return None;
            }
            Command::ArchiveThread(archive) => {
                let archive = Identified { command_id: CommandId(item.id), wanted: archive.clone() };
                store.archive(&archive).await.map(|view| Became::Archived(view.map(Box::new)))
            }
            Command::Notify(notify) => self.notify(CommandId(item.id), notify).await,
            Command::ChangeNotifications(change) => {
                inbox.change_notifications(change).await.map(Became::Counted)
            }
            Command::SetPreferences(set) => inbox.set_preferences(set).await.map(|()| Became::Done),
            Command::PutProfile(profile) => directory.put_profile(profile).await.map(|()| Became::Done),
            Command::Revoke(revocation) => directory.revoke(revocation).await.map(|()| Became::Done),
        })
    }

    async fn notify(&self, id: CommandId, notify: &Notify) -> Result<Became, StoreError> {
        let preferences = self.parts.inbox.preferences(&notify.user_id).await?;
        if !preferences.channels_for(&notify.kind).in_app {
            tracing::debug!(command = %id, "a notification is not wanted in the inbox");
            return Ok(Became::Unwanted);
        }
        if let Some(key) = &notify.key {
            return self.notify_keyed(key.notification_id(&notify.user_id), notify).await;
        }
        let notification = Notification::new(NotificationId::from(id), notify.clone());
        let added = self.parts.inbox.add_notifications(std::slice::from_ref(&notification)).await?;
        Ok(Became::Notified(Box::new(notification), added.first().copied().unwrap_or(false)))
    }

    /// Under its sender's key a notification is there once, whichever command brought it.
    async fn notify_keyed(&self, id: NotificationId, notify: &Notify) -> Result<Became, StoreError> {
        let notification = Box::new(Notification::new(id, notify.clone()));
        Ok(match self.parts.inbox.add_keyed_notification(&notification, notify.fingerprint()).await? {
            Keyed::Stored => Became::Notified(notification, true),
            Keyed::Before(Some(known)) => Became::Notified(known, false),
            // Its owner has deleted it; to its sender it is what it was.
            Keyed::Before(None) => Became::Notified(notification, false),
            Keyed::KeyReused => Became::KeyReused,
        })
    }
}

/// The items in order, cut into runs of what may be done at the same time: notifications that are different ones.
///
/// Anything else is done by itself, after all before it and before all after it.
fn runs(part: &[Item<Command>]) -> impl Iterator<Item = &[Item<Command>]> {
    let mut seen = HashSet::new();
    part.chunk_by(move |item, next| {
        let both = notified(item).zip(notified(next));
        let is_another = both.is_some_and(|(first, next)| {
            seen.insert(first);
            seen.insert(next)
        });
        if !is_another {
            seen.clear();
        }
        is_another
    })
}

fn notified(item: &Item<Command>) -> Option<NotificationId> {
    let Command::Notify(notify) = &item.value else { return None };
    let keyed = notify.key.as_ref().map(|key| key.notification_id(&notify.user_id));
    Some(keyed.unwrap_or_else(|| NotificationId::from(CommandId(item.id))))
}

/// What `of` finds in the items, with their places.
fn pick<T>(part: &[Item<Command>], of: impl Fn(&Item<Command>) -> Option<T>) -> (Vec<usize>, Vec<T>) {
    part.iter().enumerate().filter_map(|(at, item)| Some((at, of(item)?))).unzip()
}

/// The answer to the only one that was asked.
fn only<T>(
    answer: Result<Vec<T>, StoreError>,
    became: impl Fn(T) -> Became,
) -> Result<Option<Became>, Unavailable> {
    match answer {
        Ok(mut answers) => Ok(answers.pop().map(became)),
        Err(error) => Ok(Some(not_done(error)?)),
    }
}
