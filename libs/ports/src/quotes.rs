//! Quotes: the beginning of what a reply answers, read from that message itself.
//!
//! A reply that names a message of another thread, which the ingress took unchecked while no store answered,
//! is quoted to nobody. Who was added to a group may see a reply and not what it answers.

use crate::store::{PAGE_MAX, Store, StoreError};
use eventflow_protocol::document::Message;
use eventflow_protocol::quote::Quote;
use eventflow_protocol::{MessageId, ThreadId};
use std::collections::{BTreeSet, HashMap};

/// Gives each reply of a page its quote. What is answered is looked for in the page first.
pub async fn quote(store: &dyn Store, mut page: Vec<&mut Message>) -> Result<(), StoreError> {
    if page.iter().all(|message| message.reply_to.is_none()) {
        return Ok(());
    }
    let mut known: HashMap<MessageId, (ThreadId, Quote)> = HashMap::new();
    let answered: BTreeSet<MessageId> = page.iter().filter_map(|message| answered(message)).collect();
    for message in page.iter().filter(|message| answered.contains(&message.id)) {
        known.insert(message.id, (message.thread_id, message.quote()));
    }
    let missing: Vec<MessageId> = answered.into_iter().filter(|id| !known.contains_key(id)).collect();
    for ids in missing.chunks(PAGE_MAX as usize) {
        for message in store.messages_by_id(ids).await? {
            known.insert(message.id, (message.thread_id, message.quote()));
        }
    }
    for message in &mut page {
        let thread = message.thread_id;
        if let Some(reply) = &mut message.reply_to {
            let found = known.get(&reply.message_id).filter(|(its, _)| *its == thread);
            reply.quote = found.map(|(_, quote)| quote.clone());
        }
    }
    Ok(())
}

/// As [`quote`], for somebody who sees messages after the place `since`: what they may not see is quoted to
/// them neither.
pub async fn quote_since(
    store: &dyn Store,
    mut page: Vec<&mut Message>,
    since: u64,
) -> Result<(), StoreError> {
    quote(store, page.iter_mut().map(|message| &mut **message).collect()).await?;
    for message in page {
        hide_before(message, since);
    }
    Ok(())
}

/// Takes the quote out of a message that answers one up to the place `since`.
pub fn hide_before(message: &mut Message, since: u64) {
    if let Some(reply) = &mut message.reply_to {
        reply.quote = reply.quote.take().filter(|quote| quote.seq > since);
    }
}

fn answered(message: &Message) -> Option<MessageId> {
    Some(message.reply_to.as_ref()?.message_id)
}
