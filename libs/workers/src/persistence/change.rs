//! Changes of messages: edits, deletions, reactions, pins, and what else follows from each.
//!
//! The changes of a part go to the store together. An edit is indexed for search before anybody hears of it,
//! and says whom it mentions anew; a deletion says what is left to read. Repeating a change is safe because
//! the store recognises its command.

use super::Persistence;
use super::applied::Applied;
use super::together::Picked;
use eventflow_bus::handler::{Item, Unavailable};
use eventflow_ports::search::block::{Block, block_of_edited};
use eventflow_ports::{StoreError, WithCommandId};
use eventflow_protocol::CommandId;
use eventflow_protocol::change::{ChangeMessage, Changed, Effect};
use eventflow_protocol::command::Command;

impl Persistence {
    pub(super) async fn change_messages(
        &self,
        part: &[Item<Command>],
        applied: &mut [Option<Applied>],
    ) -> Result<(), Unavailable> {
        let picked = Picked::of(part, wanted_change);
        let answers = self.together(&picked.wanted, |store, changes| store.change_messages(changes)).await?;
        let mut edited = Vec::new();
        for ((at, item, answer), change) in answers.with_items(part, &picked.at).zip(&picked.wanted) {
            edited.extend(answer.as_ref().ok().and_then(edited_block));
            applied[at] = Some(match answer {
                Ok(changed) => self.changed(&item, &change.wanted, changed).await?,
                Err(error) => Applied::store_error(error)?,
            });
        }
        self.index_edited(&edited).await
    }

    /// Lets edited messages be found by their new text before anybody hears of it. A command that comes again
    /// does it again, since its first carrier may have ended before this.
    async fn index_edited(&self, blocks: &[Block]) -> Result<(), Unavailable> {
        if blocks.is_empty() {
            return Ok(());
        }
        match self.parts.search.add_edited(blocks).await {
            Ok(()) => Ok(()),
            Err(error @ StoreError::Unavailable { .. }) => Err(Unavailable::new("the store", error)),
            // The messages are edited, and everybody hears of that. A search may miss the new text.
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "edited messages could not be indexed for search"
                );
                Ok(())
            }
        }
    }

    /// What a change came to. Who had not read a message that was taken back is told what is left to read.
    async fn changed(
        &self,
        item: &Item<Command>,
        wanted: &ChangeMessage,
        mut changed: Changed,
    ) -> Result<Applied, Unavailable> {
        if let Changed::Done(message, _) | Changed::Before(message, _) | Changed::Nothing(message, _) =
            &mut changed
        {
            self.quote(message).await;
        }
        let mut applied = Applied::changed(item, wanted, changed);
        if let Some(message) = applied.edited_to_mention() {
            match self.parts.store.mentioned_by(message, CommandId(item.id)).await {
                Ok(mentioned) => applied.tell_mentioned(&mentioned),
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                // The message is edited, and everybody hears of that. Whom it mentions sees it there.
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "people could not be told that an edit mentions them"
                ),
            }
        }
        if let Some(message) = applied.taken_back() {
            self.detach_files(message.id, wanted.at).await?;
            match self.parts.store.unread_of_others(message).await {
                Ok(counts) => applied.tell_unread(item, wanted, counts),
                Err(error @ StoreError::Unavailable { .. }) => {
                    return Err(Unavailable::new("the store", error));
                }
                // The message is gone, and everybody hears of that. The next look shows the count.
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "unread counts could not be told after a message was taken back"
                ),
            }
        }
        Ok(applied)
    }
}

/// The block of a message whose text was replaced.
fn edited_block(changed: &Changed) -> Option<Block> {
    match changed {
        Changed::Done(message, Effect::Edited) | Changed::Before(message, Effect::Edited) => {
            Some(block_of_edited(message))
        }
        Changed::Done(..)
        | Changed::Before(..)
        | Changed::Nothing(..)
        | Changed::NotFound
        | Changed::NotSender
        | Changed::TooManyReactions
        | Changed::TooManyPins => None,
    }
}

fn wanted_change(item: &Item<Command>) -> Option<WithCommandId<ChangeMessage>> {
    let Command::ChangeMessage(wanted) = &item.value else { return None };
    Some(WithCommandId { command_id: CommandId(item.id), wanted: wanted.clone() })
}
