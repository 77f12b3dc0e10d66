//! What the checks of search share: queries, and messages that are stored as the persistence stage does.

use crate::search::SearchQuery;
use crate::store::{NewMessage, Store};
use crate::store_contract::fixtures::{append, at};
use eventflow_protocol::UserId;
use eventflow_protocol::document::Message;

/// The message, accepted so many seconds after time zero.
pub(super) fn timed(mut new: NewMessage, seconds: usize) -> NewMessage {
    new.send.at = at(i64::try_from(seconds).unwrap_or_default());
    new
}

/// A query for everything that a person may see.
pub(super) fn asked(user: &UserId, words: &str) -> SearchQuery {
    SearchQuery::new(user.clone(), words.parse().expect("the words are terms"), 50)
}

/// Stores messages and brings their threads up to them, as the persistence stage does.
pub(super) async fn send(store: &dyn Store, batch: &[NewMessage]) -> Vec<Message> {
    let messages = append(store, batch).await;
    store.touch_threads(&messages).await.expect("touch");
    messages
}
