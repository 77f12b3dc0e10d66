//! Threads as a client's list draws them: each with a name and a picture, because the published client draws
//! none of a list in which one thread has none.

use crate::edge::Edge;
use crate::seen_receipts;
use eventflow_protocol::UserId;
use eventflow_protocol::client::answers::{ListedThread, ThreadCompanion, ThreadMember};
use eventflow_protocol::client::{Sorted, WithId};
use eventflow_protocol::document::{MEMBERS_SHOWN_MAX, Thread, ThreadView};
use eventflow_protocol::person::{DEFAULT_AVATAR, Participant};
use std::collections::HashMap;

/// People of a larger thread who are called by name.
const NAMED_MAX: usize = 3;
/// Whoever is called by name is among the members that come with the thread, whoever looks.
const _: () = assert!(MEMBERS_SHOWN_MAX > NAMED_MAX);

/// These threads as `viewer` sees them.
pub(crate) async fn listed(
    edge: &Edge,
    mut views: Vec<ThreadView>,
    viewer: &UserId,
) -> Vec<Sorted<ListedThread>> {
    let shown = views.iter_mut().filter_map(|view| view.last_message.as_mut());
    seen_receipts::hide_or_drop(&edge.apart, viewer, shown.collect()).await;
    let named: Vec<UserId> = views.iter().flat_map(|view| view.thread.members()).cloned().collect();
    let people = edge.people.shown(&named).await;
    views.into_iter().map(|view| Sorted(listed_thread(view, viewer, &people))).collect()
}

/// One thread as `viewer` sees it.
pub(crate) async fn listed_one(edge: &Edge, view: ThreadView, viewer: &UserId) -> Sorted<ListedThread> {
    listed(edge, vec![view], viewer).await.remove(0)
}

/// These people of a thread, with their roles in it.
pub(crate) async fn members(edge: &Edge, people: &[UserId], thread: &Thread) -> Vec<ThreadMember> {
    let shown = edge.people.shown(people).await;
    shown_members(people, thread, &shown)
}

fn shown_members(
    people: &[UserId],
    thread: &Thread,
    shown: &HashMap<UserId, Participant>,
) -> Vec<ThreadMember> {
    let person =
        |user: &UserId| shown.get(user).cloned().unwrap_or_else(|| Participant::unknown(user.clone()));
    people.iter().map(|user| ThreadMember::new(person(user), thread.role(user))).collect()
}

fn listed_thread(view: ThreadView, viewer: &UserId, people: &HashMap<UserId, Participant>) -> ListedThread {
    ListedThread {
        participant: companion(&view.thread, viewer, people),
        members: shown_members(view.thread.members(), &view.thread, people),
        thread: WithId(view.thread.shown()),
        unread_count: view.unread_count,
        unread_mentions: view.unread_mentions,
        last_message: view.last_message.map(WithId),
    }
}

/// Whom the viewer talks to: the group by its name, the other one, or in a larger thread some of them by
/// name, without an id.
fn companion(thread: &Thread, viewer: &UserId, people: &HashMap<UserId, Participant>) -> ThreadCompanion {
    let named: Vec<&Participant> =
        others(thread, viewer).take(NAMED_MAX).filter_map(|user| people.get(user)).collect();
    let group = thread.group.as_ref();
    let avatar = group.and_then(|group| group.picture.clone()).unwrap_or_else(|| DEFAULT_AVATAR.to_owned());
    if let Some(name) = group.and_then(|group| group.name.clone()) {
        return ThreadCompanion { id: None, name, avatar };
    }
    if let [other] = named.as_slice()
        && count(thread) == 2
        && group.is_none()
    {
        return ThreadCompanion {
            id: Some(other.id.clone()),
            name: other.name.clone(),
            avatar: other.avatar.clone(),
        };
    }
    let more = count(thread).saturating_sub(1 + named.len() as u64);
    let joined = named.iter().map(|person| person.name.as_str()).collect::<Vec<_>>().join(", ");
    let name = if more == 0 { joined } else { format!("{joined} + {more}") };
    ThreadCompanion { id: None, name, avatar }
}

/// How many people are in the thread, which may name only the first of them.
fn count(thread: &Thread) -> u64 {
    thread.participant_count.max(thread.participants.len() as u64)
}

fn others<'a>(thread: &'a Thread, viewer: &'a UserId) -> impl Iterator<Item = &'a UserId> {
    thread.participants.iter().filter(move |user| *user != viewer)
}
