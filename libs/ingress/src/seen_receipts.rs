//! Receipts as somebody may see them: not what people did whom a block keeps apart from them by then.
//!
//! Messages of a group carry the receipts of everybody in it. In come messages and who is to be shown them;
//! the receipts go of those whom the viewer blocks, and of those who block the viewer. What was received and
//! read before the block stays: were it gone, whoever is blocked could see that they are.

use eventflow_ports::{Apart, StoreError};
use eventflow_protocol::blocks::BlockLists;
use eventflow_protocol::change::PersonCursors;
use eventflow_protocol::document::Message;
use eventflow_protocol::{Participants, UserId};
use std::collections::HashSet;

/// Takes the receipts out of a page that `viewer` may not see.
pub(crate) async fn hide(apart: &Apart, viewer: &UserId, page: Vec<&mut Message>) -> Result<(), StoreError> {
    let others: HashSet<UserId> = page.iter().flat_map(|message| people_of(message)).cloned().collect();
    if others.is_empty() {
        return Ok(());
    }
    let lists = apart.lists(others.iter().chain([viewer])).await?;
    if !lists.is_empty() {
        for message in page {
            hide_from(&lists, viewer, message);
        }
    }
    Ok(())
}

/// As [`hide`] for what is shown whatever the store answers now: if it does not, the receipts go of everybody
/// else.
pub(crate) async fn hide_or_drop(apart: &Apart, viewer: &UserId, mut page: Vec<&mut Message>) {
    let hidden = hide(apart, viewer, page.iter_mut().map(|message| &mut **message).collect()).await;
    if let Err(error) = hidden {
        tracing::debug!(error = &error as &dyn std::error::Error, "messages are shown without receipts");
        for message in page {
            message.read_by.retain(|receipt| receipt.user_id == *viewer);
            message.delivered_to.retain(|receipt| receipt.user_id == *viewer);
        }
    }
}

/// Takes the cursors out that `viewer` may not see. Those of somebody for whom the thread is away stay: they
/// do not move as long as the block holds.
pub(crate) async fn hide_cursors(
    apart: &Apart,
    viewer: &UserId,
    people: &Participants,
    mut cursors: Vec<PersonCursors>,
) -> Result<Vec<PersonCursors>, StoreError> {
    let shown: Vec<UserId> = cursors.iter().map(|cursors| cursors.user_id.clone()).collect();
    let lists = apart.lists(shown.iter().chain([viewer])).await?;
    if !lists.is_empty() {
        cursors.retain(|PersonCursors { user_id, .. }| {
            people.is_away_for(user_id) || !lists.are_apart(viewer, user_id)
        });
    }
    Ok(cursors)
}

/// Takes the receipts out of a message that `viewer` may not see.
fn hide_from(lists: &BlockLists, viewer: &UserId, message: &mut Message) {
    message.read_by.retain(|receipt| lists.shows(viewer, &receipt.user_id, receipt.read_at));
    message.delivered_to.retain(|receipt| lists.shows(viewer, &receipt.user_id, receipt.delivered_at));
}

/// Everybody whose receipts a message has.
fn people_of(message: &Message) -> impl Iterator<Item = &UserId> {
    let read = message.read_by.iter().map(|receipt| &receipt.user_id);
    read.chain(message.delivered_to.iter().map(|receipt| &receipt.user_id))
}
