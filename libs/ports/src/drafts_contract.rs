//! The contract of every [`Drafts`], as checks that an adapter's tests call.

use crate::drafts::{DraftPage, Drafts};
use crate::store::WithCommandId;
use crate::store_contract::fixtures::{at, fresh_people};
use async_trait::async_trait;
use eventflow_protocol::content::Content;
use eventflow_protocol::drafts::{DRAFTS_MAX, Draft, SAVES_REMEMBERED, SaveDraft, SavedDraft};
use eventflow_protocol::{CommandId, MessageId, ThreadId, UserId};
use std::sync::Arc;

/// Gives the suite access to the store under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more store over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Drafts>;
}

/// A draft comes back as it was saved, from every process, and is its owner's alone.
pub async fn a_draft_is_stored_as_it_was_saved(harness: &dyn Harness) {
    let (drafts, people) = (harness.open().await, fresh_people(2));
    let [ann, ben] = [&people[0], &people[1]];
    assert_eq!(drafts.draft(thread(1), ann).await.expect("read"), Draft::none(ann.clone(), thread(1)));
    let reply_to = Some(MessageId::from_bytes([7; 12]));
    for (number, content) in (1_u64..).zip(["a", "two\nlines", "'\"\u{1F600} \u{2060}<b>"]) {
        let wanted = SaveDraft { reply_to, ..save(ann, 1, content) };
        let saved = done(&*drafts, wanted.clone()).await;
        let expected = Draft {
            user_id: ann.clone(),
            thread_id: thread(1),
            content: content.to_owned(),
            reply_to,
            revision: number,
            updated_at: Some(wanted.at),
        };
        assert_eq!(saved, expected);
        for witness in [drafts.clone(), harness.open().await] {
            assert_eq!(witness.draft(thread(1), ann).await.expect("read"), expected);
            assert_eq!(
                witness.draft(thread(1), ben).await.expect("read"),
                Draft::none(ben.clone(), thread(1))
            );
        }
    }
    assert_eq!(all(&*drafts, ben).await, []);
}

/// Revisions count every change, also over deletions, and a deleted draft is listed no more.
pub async fn revisions_count_over_deletions(harness: &dyn Harness) {
    let (drafts, ann) = (harness.open().await, fresh_people(1).remove(0));
    assert_eq!(done(&*drafts, save(&ann, 1, "a")).await.revision, 1);
    let deleted = done(&*drafts, save(&ann, 1, "")).await;
    assert_eq!((deleted.revision, deleted.content.as_str()), (2, ""));
    assert_eq!(all(&*drafts, &ann).await, []);
    let again = saved(&*drafts, CommandId::new(), save(&ann, 1, "")).await;
    assert_eq!(again, SavedDraft::Nothing(Box::new(deleted)));
    assert_eq!(done(&*harness.open().await, save(&ann, 1, "b")).await.revision, 3);
    for _ in 0..2 {
        drafts.clear_draft(thread(1), &ann, at(9)).await.expect("clear");
        let cleared = drafts.draft(thread(1), &ann).await.expect("read");
        assert_eq!((cleared.revision, cleared.content.as_str()), (4, ""));
    }
    drafts.clear_draft(thread(2), &ann, at(9)).await.expect("clear");
    assert_eq!(drafts.draft(thread(2), &ann).await.expect("read").revision, 0);
}

/// A save that is based on another revision changes nothing, and brings the newer draft.
pub async fn a_save_overwrites_no_newer_draft(harness: &dyn Harness) {
    let drafts = harness.open().await;
    let other = harness.open().await;
    let ann = fresh_people(1).remove(0);
    let based = |content, revision| SaveDraft { based_on: Some(revision), ..save(&ann, 1, content) };
    assert_eq!(done(&*drafts, based("first", 0)).await.revision, 1);
    let newer = done(&*other, based("second", 1)).await;
    for late in [based("late", 0), based("late", 1), based("", 1), based("late", 9)] {
        let answer = saved(&*drafts, CommandId::new(), late).await;
        assert_eq!(answer, SavedDraft::Conflict(Box::new(newer.clone())));
    }
    let same = saved(&*drafts, CommandId::new(), based("second", 1)).await;
    assert_eq!(same, SavedDraft::Nothing(Box::new(newer.clone())), "its answer was lost");
    assert_eq!(drafts.draft(thread(1), &ann).await.expect("read"), newer);
    assert_eq!(done(&*drafts, save(&ann, 1, "whatever there is")).await.revision, 3);
}

/// Of two saves at the same moment that are based on one revision, one is stored; without a revision both
/// count.
pub async fn of_two_saves_at_once_none_is_lost_unseen(harness: &dyn Harness) {
    let one = harness.open().await;
    let other = harness.open().await;
    let ann = fresh_people(1).remove(0);
    for round in 0..10 {
        let known = one.draft(thread(1), &ann).await.expect("read").revision;
        let wish =
            |who: &str| SaveDraft { based_on: Some(known), ..save(&ann, 1, &format!("{who} {round}")) };
        let (first, second) = tokio::join!(
            saved(&*one, CommandId::new(), wish("one")),
            saved(&*other, CommandId::new(), wish("other"))
        );
        let is_done = |answer: &&SavedDraft| matches!(answer, SavedDraft::Done(_));
        assert_eq!([&first, &second].into_iter().filter(is_done).count(), 1, "{first:?} {second:?}");
        let wish = |who: &str| save(&ann, 1, &format!("{who} {round} at last"));
        let (first, second) = tokio::join!(done(&*one, wish("one")), done(&*other, wish("other")));
        let mut revisions = [first.revision, second.revision];
        revisions.sort_unstable();
        assert_eq!(revisions, [known + 2, known + 3]);
    }
}

/// Commands that come again undo nothing, however many there were.
pub async fn a_repeated_save_changes_nothing(harness: &dyn Harness) {
    let (drafts, ann) = (harness.open().await, fresh_people(1).remove(0));
    let commands: Vec<CommandId> = (0..=SAVES_REMEMBERED).map(|_| CommandId::new()).collect();
    let wish = |number: usize| save(&ann, 1, &format!("{number}"));
    for (number, command) in commands.iter().enumerate() {
        saved(&*drafts, *command, wish(number)).await;
    }
    let last = drafts.draft(thread(1), &ann).await.expect("read");
    for witness in [drafts, harness.open().await] {
        for (number, command) in commands.iter().enumerate() {
            let again = saved(&*witness, *command, wish(number)).await;
            let known = Box::new(last.clone());
            let expected = if number == 0 { SavedDraft::Conflict(known) } else { SavedDraft::Before(known) };
            assert_eq!(again, expected, "{number}");
        }
        assert_eq!(witness.draft(thread(1), &ann).await.expect("read"), last);
    }
}

/// Pages show each draft once, what was saved last first.
pub async fn pages_of_drafts_show_each_once(harness: &dyn Harness) {
    let (drafts, people) = (harness.open().await, fresh_people(2));
    let ann = &people[0];
    for number in 1..=7_u8 {
        // Two at each time.
        let wanted = SaveDraft { at: at(i64::from(number / 2)), ..save(ann, number, "a") };
        done(&*drafts, wanted).await;
    }
    done(&*drafts, SaveDraft { at: at(20), ..save(ann, 3, "anew") }).await;
    done(&*drafts, save(ann, 5, "")).await;
    done(&*drafts, save(&people[1], 1, "of somebody else")).await;
    let expected = [3, 7, 6, 4, 2, 1].map(thread);
    for limit in [1, 2, 3, 100] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = drafts.drafts_of(ann, DraftPage { after, limit }).await.expect("list");
            after = page.last().and_then(|last| Some((last.updated_at?, last.thread_id)));
            let is_last = page.len() < limit as usize;
            listed.extend(page.into_iter().map(|draft| draft.thread_id));
            if is_last {
                break;
            }
        }
        assert_eq!(listed, expected, "{limit}");
    }
}

/// A person has so many drafts. There is room again when one is deleted, and those that are there can be
/// changed all the time.
pub async fn a_person_has_so_many_drafts(harness: &dyn Harness) {
    let (drafts, people) = (harness.open().await, fresh_people(2));
    let wish = |number: u32, content| {
        let mut id = [0; 12];
        id[..4].copy_from_slice(&number.to_be_bytes());
        SaveDraft { thread_id: ThreadId::from_bytes(id), ..save(&people[0], 0, content) }
    };
    for number in 0..DRAFTS_MAX {
        done(&*drafts, wish(number, "a")).await;
    }
    let more = wish(DRAFTS_MAX, "one more");
    assert_eq!(saved(&*drafts, CommandId::new(), more.clone()).await, SavedDraft::TooMany);
    assert_eq!(drafts.draft(more.thread_id, &people[0]).await.expect("read").revision, 0);
    done(&*drafts, wish(0, "changed")).await;
    done(&*drafts, save(&people[1], 1, "of somebody else")).await;
    done(&*drafts, wish(1, "")).await;
    done(&*drafts, more).await;
    assert_eq!(saved(&*drafts, CommandId::new(), wish(1, "back")).await, SavedDraft::TooMany);
}

fn thread(number: u8) -> ThreadId {
    ThreadId::from_bytes([number; 12])
}

fn save(user: &UserId, number: u8, content: &str) -> SaveDraft {
    SaveDraft {
        user_id: user.clone(),
        thread_id: thread(number),
        content: Content::parse_optional(content).expect("it is short"),
        reply_to: None,
        based_on: None,
        at: at(1),
    }
}

async fn saved(drafts: &dyn Drafts, command_id: CommandId, wanted: SaveDraft) -> SavedDraft {
    drafts.save_draft(&WithCommandId { command_id, wanted }).await.expect("save")
}

async fn done(drafts: &dyn Drafts, wanted: SaveDraft) -> Draft {
    match saved(drafts, CommandId::new(), wanted).await {
        SavedDraft::Done(draft) => *draft,
        other => panic!("not done: {other:?}"),
    }
}

async fn all(drafts: &dyn Drafts, user: &UserId) -> Vec<Draft> {
    drafts.drafts_of(user, DraftPage { after: None, limit: 100 }).await.expect("list")
}
