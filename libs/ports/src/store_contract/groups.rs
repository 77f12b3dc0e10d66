//! Groups: people come in and go, owners hand over, who was added sees what came then, and who was removed is
//! a stranger. A command that comes again undoes nothing.

use super::Harness;
use super::fixtures::{
    Scene, append, at, change_one, commanded, creation, first_threads, fresh_people, say, unread, view,
};
use crate::store::{Appended, ChangePage, Left, MessagePage, PAGE_MAX, PinPage, Place, Store, WithCommandId};
use eventflow_protocol::UserId;
use eventflow_protocol::change::{
    AdvanceCursor, Change, ChangeGroup, Cursor, GroupChange, GroupChanged, GroupEffect, MarkUnread,
};
use eventflow_protocol::command::{CreateThread, LeaveThread};
use eventflow_protocol::document::Message;
use eventflow_protocol::group::{Group, History, Role};
use eventflow_protocol::participants::PARTICIPANTS_MAX;

/// Numbers of people of the groups: few, as many as a small thread of a store may have, and beyond that.
const SIZES: [usize; 3] = [3, 50, 51];

/// A command to start a group of these people, which the first of them owns.
fn founding(people: &[UserId], history: History) -> CreateThread {
    let group = Group { owners: vec![people[0].clone()], history, ..Group::default() };
    CreateThread { group: Some(group), ..creation(people, 0) }
}

async fn found(store: &dyn Store, people: &[UserId], history: History) -> Scene {
    let create = founding(people, history);
    let (thread, is_new) = store.create_thread(&create).await.expect("create");
    assert!(is_new && thread.group == create.group, "{thread:?}");
    Scene { thread: thread.id, people: people.to_vec() }
}

fn wanted(scene: &Scene, by: &UserId, change: GroupChange, seconds: i64) -> WithCommandId<ChangeGroup> {
    commanded(ChangeGroup { thread_id: scene.thread, by: by.clone(), change, key: None, at: at(seconds) })
}

async fn change(store: &dyn Store, change: &WithCommandId<ChangeGroup>) -> GroupChanged {
    store.change_group(change).await.expect("change a group")
}

async fn done(store: &dyn Store, wanted: &WithCommandId<ChangeGroup>) -> GroupEffect {
    match change(store, wanted).await {
        GroupChanged::Done(effect) => *effect,
        refused => panic!("expected a group that changed, got {refused:?}"),
    }
}

fn add(people: &[UserId]) -> GroupChange {
    GroupChange::Add { people: people.to_vec(), people_max: None }
}

fn remove(user: &UserId) -> GroupChange {
    GroupChange::Remove { user: user.clone() }
}

async fn write(store: &dyn Store, scene: &Scene, sender: &UserId, texts: &[&str]) -> Vec<Message> {
    let batch: Vec<_> = texts.iter().map(|text| say(scene.thread, sender, text)).collect();
    let messages = append(store, &batch).await;
    store.touch_threads(&messages).await.expect("touch");
    messages
}

/// The places that somebody sees who asks with theirs, in each order of a history.
async fn seen(store: &dyn Store, scene: &Scene, user: &UserId) -> Vec<u64> {
    let since = store.seen_from(scene.thread, user).await.expect("ask").expect("they are in the group");
    let known = store.participants(&[scene.thread]).await.expect("ask").remove(&scene.thread);
    assert_eq!(known.expect("the group exists").seen_from(user), Some(since), "asked in both ways");
    let mut all = Vec::new();
    let places = [
        (None, None),
        (Some(Place::Seq(1_000)), None),
        (None, Some(Place::Seq(0))),
        (Some(Place::Time(at(1_000))), None),
        (None, Some(Place::Time(at(-1_000)))),
    ];
    for (before, after) in places {
        let page = MessagePage { before, after, since, limit: PAGE_MAX };
        let messages = store.messages(scene.thread, page).await.expect("read");
        all.push(messages.iter().map(|message| message.seq).collect::<Vec<_>>());
    }
    assert!(all.iter().all(|page| *page == all[0]), "every order shows the same: {all:?}");
    all.remove(0)
}

/// Owners change name, picture, people and roles; nobody else does, and no thread that is no group changes.
pub async fn owners_alone_change_a_group(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(5);
    let scene = found(&*store, &people[..3], History::Joined).await;
    let name = |name: &str| GroupChange::Describe { name: Some(name.to_owned()), picture: None };
    for by in &people[1..] {
        let refused = change(&*store, &wanted(&scene, by, name("mine"), 1)).await;
        let is_in = scene.people.contains(by);
        assert_eq!(refused, if is_in { GroupChanged::NotOwner } else { GroupChanged::NotFound });
    }
    let effect = done(&*store, &wanted(&scene, &people[0], name("ours"), 2)).await;
    assert!(effect.is_new && effect.is_described);
    let picture = GroupChange::Describe { name: None, picture: Some("/p.png".to_owned()) };
    done(&*store, &wanted(&scene, &people[0], picture, 3)).await;
    let role = GroupChange::SetRole { user: people[1].clone(), role: Role::Owner };
    done(&*store, &wanted(&scene, &people[0], role, 4)).await;
    done(&*store, &wanted(&scene, &people[1], add(&people[3..]), 5)).await;
    for store in [store.clone(), harness.open().await] {
        let seen = view(&*store, scene.thread, &people[4]).await.thread;
        let group = seen.group.as_ref().expect("it is a group");
        assert_eq!((group.name.as_deref(), group.picture.as_deref()), (Some("ours"), Some("/p.png")));
        assert_eq!(group.owners, people[..2]);
        assert_eq!((&seen.participants[..], seen.participant_count), (&people[..], 5));
        assert_eq!(seen.role(&people[1]), Role::Owner);
    }
    let none = GroupChange::Describe { name: Some(String::new()), picture: Some(String::new()) };
    let group = done(&*store, &wanted(&scene, &people[1], none, 6)).await.thread.group.expect("a group");
    assert_eq!((group.name, group.picture), (None, None));
    let fixed = Scene::between(&*store, people[..2].to_vec()).await;
    let refused = change(&*store, &wanted(&fixed, &people[0], add(&people[2..]), 7)).await;
    assert_eq!(refused, GroupChanged::NotGroup);
    let stranger = change(&*store, &wanted(&fixed, &people[4], add(&people[2..]), 7)).await;
    assert_eq!(stranger, GroupChanged::NotFound);
}

/// Who was added sees what came then, or everything if the group says so; nothing is unread for them, and no
/// mark makes unread what they may not see. In groups of every size.
pub async fn who_was_added_sees_what_came_then(harness: &dyn Harness) {
    let store = harness.open().await;
    for (size, history) in SIZES.into_iter().flat_map(|size| [(size, History::Joined), (size, History::All)])
    {
        let people = fresh_people(size + 1);
        let scene = found(&*store, &people[..size], history).await;
        let new = &people[size];
        let before = write(&*store, &scene, &people[1], &["one", "two", "three"]).await;
        let effect = done(&*store, &wanted(&scene, &people[0], add(std::slice::from_ref(new)), 60)).await;
        assert_eq!(
            (effect.added.as_slice(), effect.thread.participant_count),
            (&people[size..], size as u64 + 1)
        );
        let joined = view(&*store, scene.thread, new).await;
        assert_eq!(joined.unread_count, 0, "{size} {history:?}");
        let sees_all = history == History::All;
        assert_eq!(joined.last_message.is_some(), sees_all, "{size} {history:?}");
        let listed = store.threads_of(new, first_threads(10)).await.expect("list");
        assert_eq!(listed, [joined]);
        let mark = MarkUnread { thread_id: scene.thread, user_id: new.clone(), from: 1, at: at(61) };
        let marked = store.mark_unread(&commanded(mark)).await.expect("mark").expect("they are in it");
        let (place, count) = if sees_all { (0, 3) } else { (3, 0) };
        assert_eq!((marked.read_seq, marked.unread_count), (place, count), "{size} {history:?}");
        let after = write(&*store, &scene, &people[0], &["four"]).await;
        for store in [store.clone(), harness.open().await] {
            let expected: Vec<u64> = if sees_all { vec![1, 2, 3, 4] } else { vec![4] };
            assert_eq!(seen(&*store, &scene, new).await, expected, "{size} {history:?}");
            assert_eq!(seen(&*store, &scene, &people[2]).await, [1, 2, 3, 4]);
            let seen = view(&*store, scene.thread, new).await;
            assert_eq!(seen.unread_count, count + 1, "{size} {history:?}");
            assert_eq!(seen.last_message.map(|message| message.id), Some(after[0].id));
        }
        let read = AdvanceCursor {
            thread_id: scene.thread,
            user_id: new.clone(),
            cursor: Cursor::Read,
            up_to: None,
            at: at(70),
        };
        let read = store.advance(&[read]).await.expect("advance").remove(0).expect("they are in it");
        assert_eq!((read.up_to, read.unread_count), (4, 0));
        let first = store.message(before[0].id).await.expect("read").expect("it exists");
        let has_receipt = first.read_by.iter().any(|receipt| receipt.user_id == *new);
        assert!(!has_receipt, "nobody reads what was there before them: {size} {history:?}");
    }
}

/// Pins and what changed are shown from the place on that the caller names.
pub async fn pins_are_seen_from_a_place(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(3);
    let scene = found(&*store, &people[..2], History::Joined).await;
    let first = write(&*store, &scene, &people[0], &["one", "two"]).await;
    done(&*store, &wanted(&scene, &people[0], add(&people[2..]), 5)).await;
    let second = write(&*store, &scene, &people[0], &["three"]).await;
    for (seconds, message) in first.iter().chain(&second).enumerate() {
        let pin = Change::Pin { is_pinned: true };
        let seconds = i64::try_from(seconds).expect("few") + 10;
        change_one(&*store, &super::fixtures::change(message, &people[0], pin, seconds)).await;
    }
    let pins = async |since| {
        let page = PinPage { after: None, since, limit: 10 };
        let pins = store.pins(scene.thread, page).await.expect("list");
        pins.iter().map(|message| message.seq).collect::<Vec<_>>()
    };
    assert_eq!(pins(0).await, [3, 2, 1]);
    assert_eq!(pins(2).await, [3]);
    let changes = store.changes(scene.thread, ChangePage { after: 0, limit: 10 }).await.expect("read");
    assert_eq!(changes.messages.len(), 3, "the caller leaves out what somebody may not see");
}

/// Who was removed sees nothing, writes nothing and does not come back by themselves; added again they see
/// what comes then, and their counts are right.
pub async fn who_was_removed_is_a_stranger_until_they_are_added_again(harness: &dyn Harness) {
    let store = harness.open().await;
    for size in SIZES {
        let people = fresh_people(size);
        let create = founding(&people, History::Joined);
        store.create_thread(&create).await.expect("create");
        let scene = Scene { thread: create.thread_id, people: people.clone() };
        let (owner, gone) = (&people[0], &people[1]);
        write(&*store, &scene, gone, &["mine", "mine too"]).await;
        write(&*store, &scene, owner, &["theirs"]).await;
        let effect = done(&*store, &wanted(&scene, owner, remove(gone), 60)).await;
        assert_eq!((effect.removed.as_ref(), effect.thread.participant_count), (Some(gone), size as u64 - 1));
        for store in [store.clone(), harness.open().await] {
            assert_eq!(store.seen_from(scene.thread, gone).await.expect("ask"), None);
            assert_eq!(store.thread_view(scene.thread, gone).await.expect("view"), None);
            assert_eq!(store.threads_of(gone, first_threads(10)).await.expect("list"), []);
            let said = store.append_messages(&[say(scene.thread, gone, "hello?")]).await.expect("append");
            assert_eq!(said, [Appended::NotParticipant]);
            let again = CreateThread { created_by: gone.clone(), at: at(90), ..create.clone() };
            let (thread, is_news) = store.create_thread(&again).await.expect("start it again");
            assert!(!is_news && !thread.participants.contains(gone), "nobody comes back by themselves");
            let by_gone = change(&*store, &wanted(&scene, gone, add(std::slice::from_ref(gone)), 91)).await;
            assert_eq!(by_gone, GroupChanged::NotFound);
        }
        write(&*store, &scene, owner, &["without them"]).await;
        done(&*store, &wanted(&scene, owner, add(std::slice::from_ref(gone)), 100)).await;
        assert_eq!(seen(&*store, &scene, gone).await, [] as [u64; 0]);
        write(&*store, &scene, gone, &["back"]).await;
        write(&*store, &scene, owner, &["welcome"]).await;
        assert_eq!(seen(&*store, &scene, gone).await, [5, 6]);
        assert_eq!(unread(&*store, &scene).await[1], 1, "{size}");
        let mark = MarkUnread { thread_id: scene.thread, user_id: gone.clone(), from: 1, at: at(101) };
        let marked = store.mark_unread(&commanded(mark)).await.expect("mark").expect("they are in it");
        assert_eq!((marked.read_seq, marked.unread_count), (4, 1), "{size}");
    }
}

/// A group whose history everybody sees counts right for who was in it before.
pub async fn who_comes_again_and_sees_everything_counts_right(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(3);
    let scene = found(&*store, &people, History::All).await;
    let (owner, again) = (&people[0], &people[1]);
    write(&*store, &scene, again, &["mine", "mine too"]).await;
    write(&*store, &scene, owner, &["theirs"]).await;
    done(&*store, &wanted(&scene, owner, remove(again), 60)).await;
    write(&*store, &scene, owner, &["without them"]).await;
    done(&*store, &wanted(&scene, owner, add(std::slice::from_ref(again)), 61)).await;
    let mark = MarkUnread { thread_id: scene.thread, user_id: again.clone(), from: 1, at: at(62) };
    let marked = store.mark_unread(&commanded(mark)).await.expect("mark").expect("they are in it");
    assert_eq!((marked.read_seq, marked.unread_count), (0, 2));
    for (up_to, left) in [(1, 2), (3, 1), (4, 0)] {
        let read = AdvanceCursor {
            thread_id: scene.thread,
            user_id: again.clone(),
            cursor: Cursor::Read,
            up_to: Some(up_to),
            at: at(70),
        };
        let read = store.advance(&[read]).await.expect("advance").remove(0).expect("they are in it");
        assert_eq!((read.up_to, read.unread_count), (up_to, left));
    }
}

/// The last owner who leaves hands over to who is longest in the group; an empty group has no owner.
pub async fn the_last_owner_who_leaves_hands_over(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(4);
    let scene = found(&*store, &[people[1].clone(), people[3].clone()], History::Joined).await;
    done(&*store, &wanted(&scene, &people[1], add(&people[2..3]), 5)).await;
    done(&*store, &wanted(&scene, &people[1], add(&people[..1]), 6)).await;
    let leave = async |who: usize| -> Left {
        let leave = LeaveThread { thread_id: scene.thread, user_id: people[who].clone(), at: at(10) };
        store.leave(&commanded(leave)).await.expect("leave").expect("the group exists")
    };
    let owners = |left: &Left| left.handed_over.as_ref().map(|group| group.owners.clone());
    let left = leave(1).await;
    assert!(left.was_in && left.participant_count == 3);
    assert_eq!(owners(&left), Some(vec![people[3].clone()]), "who was there from the beginning");
    assert_eq!(owners(&leave(0).await), None, "a member hands over nothing");
    assert_eq!(owners(&leave(3).await), Some(vec![people[2].clone()]));
    let left = leave(2).await;
    assert_eq!((left.participant_count, owners(&left)), (0, Some(Vec::new())));
}

/// A command that comes again changes nothing, whatever was done since, also when another process gets it.
pub async fn a_repeated_command_changes_no_group(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(4);
    let scene = found(&*store, &people[..3], History::Joined).await;
    let owner = &people[0];
    let (one, two) = (&people[1], &people[3]);
    let leave = commanded(LeaveThread { thread_id: scene.thread, user_id: one.clone(), at: at(1) });
    assert!(store.leave(&leave).await.expect("leave").expect("it exists").was_in);
    let add_both = wanted(&scene, owner, add(&[one.clone(), two.clone()]), 2);
    assert_eq!(done(&*store, &add_both).await.added.len(), 2);
    let remove_two = wanted(&scene, owner, remove(two), 3);
    done(&*store, &remove_two).await;
    write(&*store, &scene, owner, &["one"]).await;
    for store in [store.clone(), harness.open().await] {
        let left = store.leave(&leave).await.expect("leave").expect("it exists");
        assert!(!left.was_in && left.is_back, "they were added since");
        let again = done(&*store, &add_both).await;
        assert!(!again.is_new && again.added == [one.clone()], "the other was removed since");
        let again = done(&*store, &remove_two).await;
        assert!(!again.is_new && again.removed.as_ref() == Some(two));
        assert_eq!(again.thread.participants, people[..3]);
        assert_eq!(store.seen_from(scene.thread, one).await.expect("ask"), Some(0), "as they were added");
    }
    let nobody = change(&*store, &wanted(&scene, owner, remove(two), 4)).await;
    assert_eq!(nobody, GroupChanged::NoSuchMember);
    let other = ChangeGroup { change: remove(one), ..add_both.wanted.clone() };
    let other = WithCommandId { command_id: add_both.command_id, wanted: other };
    assert_eq!(change(&*store, &other).await, GroupChanged::KeyReused, "one id stands for one change");
    assert_eq!(store.seen_from(scene.thread, one).await.expect("ask"), Some(0));
}

/// What is refused changes nothing: of several people who would come in, nobody does.
pub async fn a_refused_change_leaves_the_group_as_it_was(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(3);
    let scene = found(&*store, &people[..2], History::Joined).await;
    let before = view(&*store, scene.thread, &people[0]).await;
    let crowd = fresh_people(PARTICIPANTS_MAX);
    let too_many = change(&*store, &wanted(&scene, &people[0], add(&crowd), 1)).await;
    assert_eq!(too_many, GroupChanged::TooManyPeople);
    let member = GroupChange::SetRole { user: people[0].clone(), role: Role::Member };
    assert_eq!(change(&*store, &wanted(&scene, &people[0], member, 2)).await, GroupChanged::LastOwner);
    let stranger = GroupChange::SetRole { user: people[2].clone(), role: Role::Owner };
    assert_eq!(change(&*store, &wanted(&scene, &people[0], stranger, 3)).await, GroupChanged::NoSuchMember);
    assert_eq!(view(&*store, scene.thread, &people[0]).await, before);
    assert_eq!(store.threads_of(&crowd[0], first_threads(10)).await.expect("list"), []);
}

/// People whom several processes add at the same time, beside messages, are all in; and nothing of before is
/// unread for any of them.
pub async fn people_added_beside_each_other_and_beside_messages_count_right(harness: &dyn Harness) {
    let stores = [harness.open().await, harness.open().await];
    let people = fresh_people(8);
    let scene = found(&*stores[0], &people[..2], History::Joined).await;
    let adding = async |store: &dyn Store, people: &[UserId]| {
        for (seconds, user) in (10..).zip(people) {
            done(store, &wanted(&scene, &scene.people[0], add(std::slice::from_ref(user)), seconds)).await;
        }
    };
    let writing = async {
        for _ in 0..12 {
            write(&*stores[0], &scene, &people[1], &["something"]).await;
        }
    };
    tokio::join!(adding(&*stores[0], &people[2..5]), adding(&*stores[1], &people[5..]), writing);
    let last = write(&*stores[1], &scene, &people[1], &["the last one"]).await.remove(0);
    for store in [stores[0].clone(), harness.open().await] {
        let known = store.participants(&[scene.thread]).await.expect("ask").remove(&scene.thread);
        assert_eq!(&known.expect("the group exists")[..], &people[..]);
        for user in &people[2..] {
            let seen = seen(&*store, &scene, user).await;
            let since = store.seen_from(scene.thread, user).await.expect("ask").expect("they are in it");
            assert_eq!(seen, (since + 1..=last.seq).collect::<Vec<_>>());
            assert_eq!(view(&*store, scene.thread, user).await.unread_count, seen.len() as u64);
        }
    }
}

/// Mentions count as unread from the place on from which somebody sees a group.
pub async fn mentions_of_before_are_not_unread(harness: &dyn Harness) {
    let store = harness.open().await;
    let people = fresh_people(3);
    let scene = found(&*store, &people, History::Joined).await;
    let mentioning = async || {
        let mut new = say(scene.thread, &people[0], "you");
        new.send.mentions = vec![people[1].clone()];
        let messages = append(&*store, &[new]).await;
        store.touch_threads(&messages).await.expect("touch");
    };
    let mentions = async || view(&*store, scene.thread, &people[1]).await.unread_mentions;
    mentioning().await;
    assert_eq!(mentions().await, 1);
    done(&*store, &wanted(&scene, &people[0], remove(&people[1]), 60)).await;
    mentioning().await;
    done(&*store, &wanted(&scene, &people[0], add(&people[1..2]), 61)).await;
    assert_eq!(mentions().await, 0);
    mentioning().await;
    assert_eq!(mentions().await, 1);
}
