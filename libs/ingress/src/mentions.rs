//! Mentions: whether a message that is being sent or edited names people of its thread.

use crate::refusal::Refusal;
use eventflow_ports::Membership;
use eventflow_protocol::mentions::NOT_IN_THREAD;
use eventflow_protocol::{Participants, ThreadId, UserId};

/// Refuses people who are not in the thread. What is remembered of the thread is believed only where this
/// process hears of changes; while the store does not answer, what is remembered has to do, as for every
/// message.
pub(crate) async fn require_in_thread(
    membership: &Membership,
    thread: ThreadId,
    mentioned: &[UserId],
) -> Result<(), Refusal> {
    if mentioned.is_empty() {
        return Ok(());
    }
    let remembered = membership.remembered(thread);
    let people = match (membership.current(thread).await, remembered) {
        (Ok(people), _) => people,
        (Err(error), Some(remembered)) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "people are mentioned from memory");
            membership.remember(thread, remembered.clone());
            Some(remembered)
        }
        (Err(error), None) => return Err(error.into()),
    };
    let people = people.ok_or_else(|| Refusal::not_found("thread"))?;
    // Whoever a block keeps away can be mentioned as before, or whom they block would notice.
    let has_all =
        |people: &Participants| mentioned.iter().all(|user| people.stored().binary_search(user).is_ok());
    if has_all(&people) {
        return Ok(());
    }
    // Somebody may have been added of whom this process has not heard yet.
    match membership.fresh(thread).await {
        Ok(Some(people)) if has_all(&people) => Ok(()),
        _ => Err(Refusal::invalid(NOT_IN_THREAD)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, TestStore};
    use eventflow_protocol::change::{ChangeGroup, GroupChange, GroupChanged};
    use eventflow_protocol::{CommandId, ErrorCode};
    use std::sync::Arc;
    use std::sync::atomic::Ordering::SeqCst;

    fn ids(names: &[&str]) -> Vec<UserId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn people_of_the_thread_are_mentioned_also_while_the_store_is_down() {
        let store = Arc::new(TestStore::default());
        let thread = store.thread_of(&["ann", "ben", "cem"]);
        let membership = Membership::new(store.clone()).unheard();
        let ask = async |names: &[&str]| {
            let refused = require_in_thread(&membership, thread, &ids(names)).await.err();
            refused.map(|refusal| refusal.code)
        };
        assert_eq!(ask(&["ann", "ben", "cem"]).await, None);
        store.remove(thread, "cem");
        assert_eq!(ask(&["ben", "cem"]).await, Some(ErrorCode::Invalid), "it is asked anew");
        store.is_down.store(true, SeqCst);
        for _ in 0..2 {
            assert_eq!(ask(&["ben"]).await, None);
            assert_eq!(ask(&["eve"]).await, Some(ErrorCode::Invalid));
        }
        membership.forget(thread);
        assert_eq!(ask(&["ben"]).await, Some(ErrorCode::Unavailable));
        assert_eq!(ask(&[]).await, None, "who mentions nobody asks nothing");
    }

    #[tokio::test]
    async fn whoever_was_added_is_mentioned_before_this_process_hears_of_it() {
        let store = Arc::new(TestStore::default());
        let thread = store.group_of(&["ann", "ben"]);
        let membership = Membership::new(store.clone());
        assert_eq!(membership.of(thread).await.unwrap().map(|people| people.len()), Some(2));
        let change = GroupChange::Add { people: ids(&["cem"]), people_max: None };
        let add = ChangeGroup { thread_id: thread, by: ids(&["ann"]).remove(0), change, key: None, at: NOW };
        assert!(matches!(store.change_one_group(CommandId::new(), &add), GroupChanged::Done(_)));
        assert!(require_in_thread(&membership, thread, &ids(&["cem"])).await.is_ok());
        let refused = require_in_thread(&membership, thread, &ids(&["eve"])).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Invalid);
    }
}
