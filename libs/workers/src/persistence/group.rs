//! What became of the people of a thread: somebody left, or a group was changed.
//!
//! Whoever goes hears of it, and so do the others; their draft is deleted. Who comes in hears of the thread
//! as of a new one. Safe to repeat because the store remembers the last commands of a group. A change that a
//! later one has undone is not told again.

use super::Persistence;
use super::applied::Applied;
use super::together::with_id;
use eventflow_bus::handler::Item;
use eventflow_ports::{Left, StoreError, WithCommandId};
use eventflow_protocol::change::{ChangeGroup, GroupChange, GroupChanged, GroupEffect};
use eventflow_protocol::command::{Command, LeaveThread};
use eventflow_protocol::event::{CameBack, Event};
use eventflow_protocol::group::OWNERS_MAX;
use eventflow_protocol::participants::PARTICIPANTS_MAX;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode};

impl Persistence {
    pub(super) async fn leave(
        &self,
        item: &Item<Command>,
        wanted: &LeaveThread,
    ) -> Result<Applied, StoreError> {
        let left = self.parts.store.leave(&with_id(item, wanted)).await?;
        // Who was added again meanwhile may have begun another draft.
        if !left.as_ref().is_some_and(|left| left.is_back) {
            self.parts.drafts.clear_draft(wanted.thread_id, &wanted.user_id, wanted.at).await?;
        }
        Ok(Applied::left(item, wanted, left))
    }

    pub(super) async fn change_group(
        &self,
        item: &Item<Command>,
        wanted: &ChangeGroup,
    ) -> Result<Applied, StoreError> {
        let command_id = wanted.remembered_as(CommandId(item.id));
        let change = WithCommandId { command_id, wanted: wanted.clone() };
        let changed = self.parts.store.change_group(&change).await?;
        if let GroupChanged::Done(effect) = &changed
            && let Some(gone) = &effect.removed
        {
            self.parts.drafts.clear_draft(wanted.thread_id, gone, wanted.at).await?;
        }
        Ok(Applied::group_changed(item, wanted, changed))
    }
}

impl Applied {
    /// `None`: no such thread.
    pub(super) fn left(item: &Item<Command>, wanted: &LeaveThread, left: Option<Left>) -> Self {
        if left.as_ref().is_some_and(|left| left.is_back) {
            return Self::quietly(CommandResult::Done);
        }
        let left = left.filter(|left| left.was_in || item.redelivered);
        let Some(Left { participant_count, handed_over, .. }) = left else {
            return Self::not_found("thread");
        };
        let command = CommandId(item.id);
        let LeaveThread { thread_id, user_id, at } = wanted.clone();
        let gone =
            Event::ParticipantLeft { thread_id, user_id, removed_by: None, participant_count, command, at };
        let handed_over = handed_over.map(|group| Event::GroupChanged { thread_id, group, command, at });
        Self::with_events(CommandResult::Done, [gone].into_iter().chain(handed_over).collect())
    }

    /// The answer is the thread with everybody in it, or that somebody is gone.
    pub(super) fn group_changed(item: &Item<Command>, wanted: &ChangeGroup, changed: GroupChanged) -> Self {
        let effect = match changed {
            GroupChanged::Done(effect) => *effect,
            GroupChanged::NotFound => return Self::not_found("thread"),
            GroupChanged::NoSuchMember => return Self::not_found("member"),
            GroupChanged::NotGroup => {
                return Self::refused(ErrorCode::NotGroup, "the thread was not started as a group");
            }
            GroupChanged::NotOwner => {
                return Self::refused(ErrorCode::Forbidden, "only an owner of the group may do that");
            }
            GroupChanged::TooManyPeople => {
                let most = match &wanted.change {
                    GroupChange::Add { people_max: Some(most), .. } => *most,
                    _ => PARTICIPANTS_MAX,
                };
                let error =
                    format!("userIds: a group to which you add people has at most {most} participants");
                return Self::refused(ErrorCode::Invalid, &error);
            }
            GroupChanged::TooManyOwners => {
                let error = format!("role: a group has at most {OWNERS_MAX} owners");
                return Self::refused(ErrorCode::Invalid, &error);
            }
            GroupChanged::LastOwner => {
                return Self::refused(ErrorCode::Invalid, "role: the group has no other owner");
            }
            GroupChanged::KeyReused => {
                return Self::refused(
                    ErrorCode::KeyReused,
                    "this key was used for another change of the group",
                );
            }
        };
        let is_told = effect.is_new || item.redelivered;
        let command = wanted.remembered_as(CommandId(item.id));
        let events = if is_told { told(command, wanted, &effect) } else { Vec::new() };
        let result = match &wanted.change {
            GroupChange::Remove { .. } => CommandResult::Done,
            GroupChange::Describe { .. } | GroupChange::Add { .. } | GroupChange::SetRole { .. } => {
                CommandResult::Thread { thread: Box::new(effect.thread), created: false }
            }
        };
        Self::with_events(result, events)
    }
}

/// What people hear of a change, in this order.
fn told(command: CommandId, wanted: &ChangeGroup, effect: &GroupEffect) -> Vec<Event> {
    let GroupEffect { thread, added, removed, is_described, .. } = effect;
    let (thread_id, at) = (thread.id, wanted.at);
    let group = thread.group.clone().unwrap_or_default();
    let mut events = Vec::new();
    if !added.is_empty() {
        let back = Some(CameBack { command, at });
        events.push(Event::ThreadCreated { thread: thread.clone(), back });
        events.push(Event::MembersAdded {
            thread_id,
            added: added.clone(),
            group: group.clone(),
            by: wanted.by.clone(),
            participant_count: thread.participant_count,
            command,
            at,
        });
    }
    if let Some(user_id) = removed.clone() {
        let removed_by = Some(wanted.by.clone());
        let participant_count = thread.participant_count;
        events.push(Event::ParticipantLeft {
            thread_id,
            user_id,
            removed_by,
            participant_count,
            command,
            at,
        });
    }
    if *is_described {
        events.push(Event::GroupChanged { thread_id, group, command, at });
    }
    events
}
