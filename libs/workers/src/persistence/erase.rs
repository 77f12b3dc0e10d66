//! Erasures: a person is marked, and then everything of theirs goes, one bounded step for each command.
//!
//! The mark comes first: it refuses what they do from then on, and what would bring them back ([`refused`]),
//! and their credentials end. A step about a thread comes through that thread's queue, behind everything that
//! was accepted for it before, and takes messages back as their sender would, so that everybody hears of it.
//! Safe to repeat because a step counts only on the revision that it was made for, what it does is the same
//! each time, and one that was made and not announced is told again by what its command says.

mod kept;
mod own;
mod refused;
mod thread;

use super::Persistence;
use super::applied::Applied;
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_bus::settle::Outcome;
use eventflow_ports::StoreError;
use eventflow_protocol::command::Command;
use eventflow_protocol::erasure::{CREDENTIALS_END, ErasePerson, EraseStep, Erasure, ErasurePlace};
use eventflow_protocol::event::Event;
use eventflow_protocol::person::Revocation;
use eventflow_protocol::reply::CommandResult;
use eventflow_protocol::{CommandId, ErrorCode, UserId};

/// Why a step was not made.
enum Undone {
    /// Something that every command needs is down.
    Unavailable(Unavailable),
    /// The store did not do its part.
    Store(StoreError),
    /// A change that the step makes came to this.
    Change(Outcome),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Unavailable> for Undone {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl Persistence {
    pub(super) async fn erase_person(
        &self,
        item: &Item<Command>,
        wanted: &ErasePerson,
    ) -> Result<Applied, StoreError> {
        let new = Erasure::new(wanted, self.parts.clock.now());
        let (erasure, is_new) = self.parts.erasures.begin_erasure(&new).await?;
        self.parts.erased.note(&wanted.user_id);
        let revocation = Revocation { user_id: wanted.user_id.clone(), session: None, at: CREDENTIALS_END };
        self.parts.directory.revoke(&revocation).await?;
        // Also if the mark was there: whoever stored it may have ended before anybody heard of it.
        let event = Event::Revoked { revocation, command: CommandId(item.id) };
        Ok(Applied::with_event(result(erasure, !is_new), event))
    }

    /// Makes the steps of a part, behind everything else of it.
    pub(super) async fn erase_steps(
        &self,
        part: &[Item<Command>],
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        for (item, applied) in part.iter().zip(applied) {
            let Command::EraseStep(step) = &item.value else { continue };
            *applied = Some(match self.erase_step(item, step).await {
                Ok(done) => done,
                Err(Undone::Unavailable(error)) => return Err(error),
                Err(Undone::Store(error)) => Applied::store_error(error)?,
                Err(Undone::Change(outcome)) => Applied { result: None, events: Vec::new(), outcome },
            });
        }
        Ok(())
    }

    async fn erase_step(&self, item: &Item<Command>, wanted: &EraseStep) -> Result<Applied, Undone> {
        let found = self.parts.erasures.erasure(&wanted.user_id).await?;
        let Some(mut erasure) = found else { return Ok(Applied::not_found("erasure")) };
        self.parts.erased.note(&erasure.user_id);
        if erasure.revision != wanted.revision {
            let events = self.tell_again(item, &erasure, wanted).await?;
            return Ok(Applied::with_events(result(erasure, true), events));
        }
        let events = self.make_step(item, &mut erasure).await?;
        let is_new = self.parts.erasures.replace_erasure(&erasure).await?;
        let now = self.parts.erasures.erasure(&wanted.user_id).await?.unwrap_or(erasure);
        Ok(Applied::with_events(result(now, !is_new), events))
    }

    /// What a step comes to that was made before, and whose maker may have ended before it told anybody.
    async fn tell_again(
        &self,
        item: &Item<Command>,
        erasure: &Erasure,
        wanted: &EraseStep,
    ) -> Result<Vec<Event>, Undone> {
        match &wanted.place {
            ErasurePlace::Thread { thread_id, after, .. } if item.redelivered => {
                Ok(self.erase_messages(item, erasure, *thread_id, *after).await?.events)
            }
            ErasurePlace::Thread { .. }
            | ErasurePlace::Index { .. }
            | ErasurePlace::Own
            | ErasurePlace::Search { .. }
            | ErasurePlace::Reports { .. }
            | ErasurePlace::Letters { .. }
            | ErasurePlace::Files => Ok(Vec::new()),
        }
    }

    /// Does what is to do at the erasure's place, and moves it on.
    async fn make_step(&self, item: &Item<Command>, erasure: &mut Erasure) -> Result<Vec<Event>, Undone> {
        match erasure.place.clone() {
            ErasurePlace::Own => self.erase_own(erasure).await?,
            ErasurePlace::Search { after } => self.find_threads(erasure, after).await?,
            ErasurePlace::Thread { thread_id, after, has_own } => {
                return self.erase_in_thread(item, erasure, thread_id, (after, has_own)).await;
            }
            ErasurePlace::Index { thread_id, after } => self.index_again(erasure, thread_id, after).await?,
            ErasurePlace::Reports { is_handled, after } => {
                self.erase_reports(erasure, is_handled, after).await?;
            }
            ErasurePlace::Letters { after } => self.erase_letters(erasure, after).await?,
            ErasurePlace::Files => self.erase_files(erasure).await?,
        }
        Ok(Vec::new())
    }
}

impl Applied {
    /// The command is of a person who was erased.
    pub(super) fn erased() -> Self {
        Self::refused(ErrorCode::Erased, "this person was erased")
    }

    /// A field names somebody who was erased.
    fn names_erased(field: &str, user: &UserId) -> Self {
        Self::refused(ErrorCode::Erased, &format!("{field}: {user} was erased"))
    }
}

fn result(erasure: Erasure, deduplicated: bool) -> CommandResult {
    CommandResult::Erasure { erasure: Box::new(erasure), deduplicated }
}
