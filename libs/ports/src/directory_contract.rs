//! The contract of every [`Directory`] for what is written through it, as checks that an adapter's tests
//! call.
//!
//! Each check creates people of its own. How an adapter reads the host application's users is tested with
//! that adapter.

use crate::directory::{Directory, NameEntry, Segment};
use crate::store_contract::fixtures::{at, fresh_people};
use async_trait::async_trait;
use eventflow_protocol::person::{Profile, Revocation, TokenName};
use eventflow_protocol::{CommandId, UserId};
use std::sync::Arc;

/// Gives the suite access to the directory under test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens one more directory over the same data with empty caches, as another process would.
    async fn open(&self) -> Arc<dyn Directory>;
}

/// A profile is read as it was written; a new profile replaces it as a whole.
pub async fn a_profile_is_found_as_it_was_written(harness: &dyn Harness) {
    let directory = harness.open().await;
    let people = fresh_people(2);
    let full = Profile {
        id: people[0].clone(),
        name: "Ännchen O'Neil $set".to_owned(),
        avatar: Some("https://pictures.example/a.png?b=c".to_owned()),
        email: Some("ann@people.example".to_owned()),
        role: Some("teacher".to_owned()),
    };
    let bare =
        Profile { id: people[1].clone(), name: "Bob".to_owned(), avatar: None, email: None, role: None };
    for profile in [&full, &bare, &full] {
        directory.put_profile(profile).await.expect("put");
    }
    let found = harness.open().await.profiles(&people).await.expect("read");
    assert_eq!((found.len(), &found[&people[0]], &found[&people[1]]), (2, &full, &bare));
    let renamed =
        Profile { id: people[0].clone(), name: "Ann".to_owned(), avatar: None, email: None, role: None };
    directory.put_profile(&renamed).await.expect("put");
    assert_eq!(harness.open().await.profiles(&people[..1]).await.expect("read")[&people[0]], renamed);
}

/// An unknown person is absent, and the known ones are still returned.
pub async fn unknown_people_are_absent(harness: &dyn Harness) {
    let directory = harness.open().await;
    let people = fresh_people(3);
    let known =
        Profile { id: people[1].clone(), name: "Bob".to_owned(), avatar: None, email: None, role: None };
    directory.put_profile(&known).await.expect("put");
    let asked = [&people[..], &people[..]].concat();
    let found = directory.profiles(&asked).await.expect("read");
    assert_eq!((found.len(), &found[&people[1]]), (1, &known));
    assert!(directory.profiles(&[]).await.expect("ask for nobody").is_empty());
}

/// A segment shows each of its people once, in order, however they are known.
pub async fn a_segment_shows_each_of_its_people_once(harness: &dyn Harness) {
    let directory = harness.open().await;
    let mut people = fresh_people(5);
    people.sort_unstable();
    for (index, user) in people.iter().enumerate() {
        let role = (index % 2 == 0).then(|| format!("role-{}", people[0]));
        let profile = Profile { id: user.clone(), name: "Bob".to_owned(), avatar: None, email: None, role };
        if index < 4 {
            directory.put_profile(&profile).await.expect("put");
        }
        let name = TokenName { user_id: user.clone(), name: "Bob".to_owned() };
        directory.note_token_name(&name).await.expect("note");
    }
    let role = Segment::Role(format!("role-{}", people[0]));
    for (segment, expected) in [
        (Segment::Everybody, people.clone()),
        (role, vec![people[0].clone(), people[2].clone()]),
        (Segment::Role("nobody".to_owned()), Vec::new()),
    ] {
        let mut shown: Vec<UserId> = Vec::new();
        loop {
            let page = directory.people(&segment, shown.last(), 2).await.expect("list");
            assert!(page.len() <= 2);
            shown.extend_from_slice(&page);
            if page.len() < 2 {
                break;
            }
        }
        assert!(shown.is_sorted_by(|a, b| a < b), "{shown:?}");
        shown.retain(|user| people.contains(user));
        assert_eq!(shown, expected, "{segment:?}");
    }
}

/// The name of a token shows where there is no profile, and gives way to one.
pub async fn the_name_of_a_token_fills_the_place_of_a_profile(harness: &dyn Harness) {
    let directory = harness.open().await;
    let people = fresh_people(2);
    let note = |name: &str| TokenName { user_id: people[0].clone(), name: name.to_owned() };
    assert_eq!(directory.token_name(&people[0]).await.expect("read"), None);
    for name in ["Ann", "Anna", "Anna"] {
        directory.note_token_name(&note(name)).await.expect("note");
        let other = harness.open().await;
        assert_eq!(other.token_name(&people[0]).await.expect("read").as_deref(), Some(name));
        let found = other.profiles(&people).await.expect("read");
        let shown =
            Profile { id: people[0].clone(), name: name.to_owned(), avatar: None, email: None, role: None };
        assert_eq!((found.len(), &found[&people[0]]), (1, &shown));
    }
    let profile =
        Profile { id: people[0].clone(), name: "Dr. A.".to_owned(), avatar: None, email: None, role: None };
    directory.put_profile(&profile).await.expect("put");
    directory.note_token_name(&note("Annie")).await.expect("note");
    let other = harness.open().await;
    assert_eq!(other.profiles(&people).await.expect("read")[&people[0]], profile);
    assert_eq!(other.token_name(&people[0]).await.expect("read").as_deref(), Some("Annie"));
}

/// People are found by the words of their names and ids, in order and page by page, and by no word of a name
/// that they do not have any more.
pub async fn people_are_found_by_the_words_of_their_names(harness: &dyn Harness) {
    let directory = harness.open().await;
    let mut people = fresh_people(3);
    people.sort_unstable();
    let word = fresh_word();
    let put = async |user: usize, name: String| {
        let profile = Profile { id: people[user].clone(), name, avatar: None, email: None, role: None };
        directory.put_profile(&profile).await.expect("put");
    };
    put(0, format!("Ärna{word} Zoe")).await;
    put(1, format!("arna{word}-b 王{word}")).await;
    let note = TokenName { user_id: people[2].clone(), name: format!("ARNA{word}") };
    directory.note_token_name(&note).await.expect("note");
    directory.note_token_name(&note).await.expect("note again");
    let beginning = format!("arna{word}");
    assert_eq!(found(harness, &beginning[..beginning.len() - 1]).await, people);
    assert_eq!(found(harness, &beginning).await, people);
    assert_eq!(found(harness, &format!("王{word}")).await, people[1..2]);
    assert_eq!(found(harness, &format!("{beginning}x")).await, []);
    put(1, format!("Renamed{word}")).await;
    put(2, format!("Profile{word}")).await;
    assert_eq!(found(harness, &beginning).await, people[..1]);
    assert_eq!(found(harness, &format!("renamed{word}")).await, people[1..2]);
    directory.note_token_name(&note).await.expect("note");
    assert_eq!(found(harness, &beginning).await, people[..1], "a profile wins over a token");
}

/// Whoever lost all credentials is not found, whatever is written about them, until a name of a token of
/// theirs is noted. One login less changes nothing.
pub async fn whoever_lost_all_credentials_is_not_found(harness: &dyn Harness) {
    let directory = harness.open().await;
    let user = fresh_people(1).remove(0);
    let word = fresh_word();
    let profile = Profile { id: user.clone(), name: word.clone(), avatar: None, email: None, role: None };
    let note = TokenName { user_id: user.clone(), name: word.clone() };
    directory.put_profile(&profile).await.expect("put");
    directory.note_token_name(&note).await.expect("note");
    directory.revoke(&revocation(&user, Some("d4".repeat(32)), 5)).await.expect("revoke a login");
    assert_eq!(found(harness, &word).await, std::slice::from_ref(&user));
    directory.revoke(&revocation(&user, None, 7)).await.expect("revoke");
    assert_eq!(found(harness, &word).await, []);
    assert_eq!(directory.token_name(&user).await.expect("read"), None, "its name is to be noted again");
    directory.put_profile(&profile).await.expect("put");
    assert_eq!(found(harness, &word).await, []);
    assert_eq!(
        directory.profiles(std::slice::from_ref(&user)).await.expect("read")[&user],
        profile,
        "still shown"
    );
    directory.note_token_name(&note).await.expect("note");
    assert_eq!(found(harness, &word).await, std::slice::from_ref(&user));
    directory.revoke(&revocation(&user, None, 6)).await.expect("revoke late");
    directory.put_profile(&profile).await.expect("put");
    assert_eq!(found(harness, &word).await, std::slice::from_ref(&user), "an older revocation ends nothing");
}

/// A word of one check alone: the harness may share its data with others.
fn fresh_word() -> String {
    CommandId::new().0.simple().to_string().split_off(20)
}

/// Whom the index has under this beginning, read in small pages through another directory, sorted.
async fn found(harness: &dyn Harness, beginning: &str) -> Vec<UserId> {
    let directory = harness.open().await;
    let mut entries: Vec<NameEntry> = Vec::new();
    loop {
        let page = directory.names(beginning, entries.last(), 2).await.expect("look for names");
        let is_last = page.len() < 2;
        entries.extend(page);
        if is_last {
            break;
        }
    }
    assert!(entries.is_sorted_by(|a, b| a < b), "{entries:?}");
    assert!(entries.iter().all(|entry| entry.word.starts_with(beginning)), "{entries:?}");
    let mut people: Vec<UserId> = entries.into_iter().map(|entry| entry.user).collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// A revocation is stored for its owner only.
pub async fn a_revocation_is_remembered(harness: &dyn Harness) {
    let directory = harness.open().await;
    let people = fresh_people(2);
    let logins = [Some("a1".repeat(32)), Some("b2".repeat(32)), None];
    let wanted = logins.map(|session| revocation(&people[0], session, 5));
    for revocation in &wanted {
        directory.revoke(revocation).await.expect("revoke");
    }
    assert_eq!(sorted(&*harness.open().await, &people[0]).await, sort(wanted.to_vec()));
    assert_eq!(directory.revocations(&people[1]).await.expect("read"), []);
}

/// Repeating a revocation changes nothing. Of two revocations of all credentials, the later one holds.
pub async fn revoking_again_changes_nothing(harness: &dyn Harness) {
    let directory = harness.open().await;
    let user = fresh_people(1).remove(0);
    let one = revocation(&user, Some("c3".repeat(32)), 5);
    for _ in 0..3 {
        directory.revoke(&one).await.expect("revoke");
        harness.open().await.revoke(&one).await.expect("revoke");
    }
    assert_eq!(directory.revocations(&user).await.expect("read"), [one]);
    for seconds in [7, 9, 8, 9] {
        directory.revoke(&revocation(&user, None, seconds)).await.expect("revoke");
    }
    let all = directory.revocations(&user).await.expect("read");
    let newest =
        all.iter().filter(|revocation| revocation.session.is_none()).map(|revocation| revocation.at).max();
    assert_eq!(newest, Some(at(9)));
}

fn revocation(user: &UserId, session: Option<String>, seconds: i64) -> Revocation {
    Revocation { user_id: user.clone(), session, at: at(seconds) }
}

async fn sorted(directory: &dyn Directory, user: &UserId) -> Vec<Revocation> {
    sort(directory.revocations(user).await.expect("read"))
}

fn sort(mut revocations: Vec<Revocation>) -> Vec<Revocation> {
    revocations.sort_by(|a, b| a.session.cmp(&b.session));
    revocations
}
