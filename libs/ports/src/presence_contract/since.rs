//! The checks of since when people are online, and of what is known of the sessions that they had.

use super::MARGIN;
use super::person::{Person, millis, record};
use crate::devices::Contact;
use crate::presence::PresenceStore;
use eventflow_protocol::Timestamp;
use eventflow_protocol::presence::DeviceState;

/// The time counts from the first signal of a session, however often it is renewed and though its line broke.
/// Whoever is not online now has none.
pub async fn who_is_online_has_been_so_since_their_session_began(store: &dyn PresenceStore) {
    let (person, stranger) = (Person::new(), Person::new());
    let users = [person.id.clone(), stranger.id.clone()];
    let (begun, later) = (millis(MARGIN), 3 * millis(MARGIN));
    let since = async |now| {
        let mut since = store.online_since(&users, now).await.expect("the store answers");
        assert_eq!(since.remove(&stranger.id), None);
        since.remove(&person.id).map(|since| since.0 - person.start.0)
    };
    let signal = |order: i64, wants_away, parked| {
        let at = Timestamp(person.start.0 + order);
        person.signal("phone", DeviceState::Here { active_at: at, wants_away, parked }, at)
    };
    let is_begin = |since: Option<i64>| since.is_some_and(|since| since.abs() < begun);
    assert_eq!(since(person.start).await, None);
    record(store, &[signal(0, false, false)]).await;
    assert!(is_begin(since(person.start).await));
    record(store, &[signal(later, false, false)]).await;
    assert!(is_begin(since(person.start).await), "renewed");
    record(store, &[signal(later + 1, false, true)]).await;
    assert_eq!(since(person.start).await, None, "the line is broken");
    record(store, &[signal(later + 2, false, false)]).await;
    assert!(is_begin(since(person.start).await), "the session got what it missed");
    record(store, &[signal(later + 3, true, false)]).await;
    assert_eq!(since(person.start).await, None, "away");
}

/// A session that is heard of after something was sent to it has told it; of one that is silent nobody knows,
/// and who came later has not heard it.
pub async fn a_session_is_sure_once_it_is_heard_of_again(store: &dyn PresenceStore) {
    let (person, stranger) = (Person::new(), Person::new());
    let now = person.after(MARGIN / 2);
    let contact = async |of: &Person, at| store.contact(&of.id, (at, at), now).await.expect("it answers");
    record(store, &[person.here("phone", 0)]).await;
    assert_eq!(contact(&stranger, now).await, None);
    assert_eq!(contact(&person, now).await, Some(Contact::Unsure), "its gateway may have died");
    assert_eq!(contact(&person, Timestamp(now.0 - 2 * millis(MARGIN))).await, None, "it came later");
}
