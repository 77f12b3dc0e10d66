//! What is refused because a person was erased: whatever they do, and whatever would bring their id back.
//!
//! In come the commands of a part, out come the answers to those that are not carried out. What this stage
//! does before it knows of the mark, the second pass of the erasure finds. Safe to repeat because a mark
//! stays: what was refused once is refused again.

use super::super::Persistence;
use super::super::applied::Applied;
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_ports::StoreError;
use eventflow_protocol::UserId;
use eventflow_protocol::change::{ChangeGroup, GroupChange};
use eventflow_protocol::command::{Command, CreateThread};
use eventflow_protocol::person::Revocation;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::sends::{NewSend, Recipients};
use std::borrow::Cow;

impl Persistence {
    /// The answers to what is not carried out; `None` for what is.
    pub(in super::super) async fn refusals(
        &self,
        part: &[Item<Command>],
    ) -> Result<Vec<Option<Applied>>, Unavailable> {
        let mut refusals = Vec::with_capacity(part.len());
        for item in part {
            refusals.push(match self.refusal(&item.value).await {
                Ok(refusal) => refusal,
                Err(error) => Some(Applied::store_error(error)?),
            });
        }
        Ok(refusals)
    }

    async fn refusal(&self, command: &Command) -> Result<Option<Applied>, StoreError> {
        if command.person().is_some_and(|person| self.parts.erased.includes(person)) {
            return Ok(Some(Applied::erased()));
        }
        if let Command::CreateThread(create) = command {
            return self.refused_thread(create).await;
        }
        if let Command::ChangeGroup(ChangeGroup { change: GroupChange::Add { people, .. }, .. }) = command
            && let Some(user) = self.first_erased(people)
        {
            return Ok(Some(Applied::names_erased("userIds", user)));
        }
        if let Command::AddSend(NewSend { to: Recipients::Users(users), .. }) = command
            && users.iter().all(|user| self.parts.erased.includes(user))
        {
            return Ok(Some(Applied::erased()));
        }
        // No login of theirs holds, and none is to be kept.
        if let Command::Revoke(Revocation { user_id, session: Some(_), .. }) = command
            && self.parts.erased.includes(user_id)
        {
            return Ok(Some(Applied::quietly(CommandResult::Done)));
        }
        Ok(None)
    }

    /// A thread that exists is only found, also by somebody who had left it: nobody else comes in by that.
    async fn refused_thread(&self, create: &CreateThread) -> Result<Option<Applied>, StoreError> {
        let Some(user) = self.first_erased(&create.participants) else { return Ok(None) };
        let found = self.parts.store.thread(create.thread_id).await?;
        Ok(found.is_none().then(|| Applied::names_erased("participants", user)))
    }

    /// The send without the people who were erased, so that nothing keeps their ids.
    pub(in super::super) fn without_erased<'a>(&self, new: &'a NewSend) -> Cow<'a, NewSend> {
        match &new.to {
            Recipients::Users(users) if self.first_erased(users).is_some() => {
                let is_left = |user: &&UserId| !self.parts.erased.includes(user);
                let to = Recipients::Users(users.iter().filter(is_left).cloned().collect());
                Cow::Owned(NewSend { to, ..new.clone() })
            }
            Recipients::Users(_) | Recipients::Role(_) | Recipients::Everybody => Cow::Borrowed(new),
        }
    }

    fn first_erased<'a>(&self, people: &'a [UserId]) -> Option<&'a UserId> {
        people.iter().find(|user| self.parts.erased.includes(user))
    }
}
