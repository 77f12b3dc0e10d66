//! Whose credentials end when, what a lost directory means, and for how long an old answer counts.

use super::*;
use crate::identity::{Identity, Session};
use async_trait::async_trait;
use eventflow_ports::{NameEntry, Segment, StoreError};
use eventflow_protocol::Timestamp;
use eventflow_protocol::person::{Profile, TokenName};
use std::collections::HashMap;
use std::sync::atomic::AtomicU32;
use tokio::time::advance;

#[derive(Clone, Copy, PartialEq)]
enum DirectoryState {
    Well,
    Down,
    Silent,
}

struct TestDirectory {
    entries: Mutex<Vec<Revocation>>,
    state: Mutex<DirectoryState>,
    asked: AtomicU32,
}

impl TestDirectory {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            entries: Mutex::default(),
            state: Mutex::new(DirectoryState::Well),
            asked: AtomicU32::new(0),
        })
    }

    fn revoke_now(&self, session: Option<String>, at: i64) {
        let user_id = "ann".parse().unwrap();
        self.entries.lock().push(Revocation { user_id, session, at: Timestamp(at) });
    }
}

#[async_trait]
impl Directory for TestDirectory {
    async fn profiles(&self, _users: &[UserId]) -> Result<HashMap<UserId, Profile>, StoreError> {
        Ok(HashMap::new())
    }
    async fn people(
        &self,
        _segment: &Segment,
        _after: Option<&UserId>,
        _limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        panic!("people are not listed")
    }
    async fn names(
        &self,
        _beginning: &str,
        _after: Option<&NameEntry>,
        _limit: u32,
    ) -> Result<Vec<NameEntry>, StoreError> {
        panic!("names are not looked for")
    }
    async fn note_token_name(&self, _name: &TokenName) -> Result<(), StoreError> {
        panic!("names are not asked for")
    }
    async fn token_name(&self, _user: &UserId) -> Result<Option<String>, StoreError> {
        panic!("names are not asked for")
    }
    async fn put_profile(&self, _profile: &Profile) -> Result<(), StoreError> {
        Ok(())
    }
    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.entries.lock().push(revocation.clone());
        Ok(())
    }
    async fn revocations(&self, user: &UserId) -> Result<Vec<Revocation>, StoreError> {
        self.asked.fetch_add(1, SeqCst);
        let state = *self.state.lock();
        match state {
            DirectoryState::Well => {
                Ok(self.entries.lock().iter().filter(|entry| entry.user_id == *user).cloned().collect())
            }
            DirectoryState::Down => Err(StoreError::Unavailable { what: "test", source: "down".into() }),
            DirectoryState::Silent => std::future::pending().await,
        }
    }
}

fn identity(user: &str, session: u8, issued_at: Option<i64>) -> Identity {
    Identity {
        user: user.parse().unwrap(),
        role: "user".into(),
        name: user.into(),
        session: Session([session; 32]),
        expires: Timestamp(i64::MAX),
        issued_at: issued_at.map(Timestamp),
    }
}

async fn holds(revocations: &Revocations, identity: &Identity) -> bool {
    match revocations.check(&identity.user, identity.session, identity.issued_at).await {
        Ok(()) => true,
        Err(refusal) => {
            assert_eq!(refusal.code, ErrorCode::Unauthenticated);
            false
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_session_ends_and_the_others_of_the_user_go_on() {
    let directory = TestDirectory::new();
    directory.revoke_now(Some(Session([7; 32]).to_string().to_uppercase()), 1_000);
    let revocations = Revocations::new(directory);
    assert!(
        !holds(&revocations, &identity("ann", 7, Some(5_000))).await,
        "also a token that was renewed later"
    );
    assert!(holds(&revocations, &identity("ann", 8, Some(500))).await);
    assert!(holds(&revocations, &identity("bob", 7, Some(500))).await);
}

#[tokio::test(start_paused = true)]
async fn everything_issued_before_a_moment_ends_and_later_logins_hold() {
    let directory = TestDirectory::new();
    directory.revoke_now(None, 5_000);
    let revocations = Revocations::new(directory);
    assert!(!holds(&revocations, &identity("ann", 1, Some(4_999))).await);
    assert!(holds(&revocations, &identity("ann", 2, Some(5_000))).await);
    assert!(!holds(&revocations, &identity("ann", 3, None)).await, "a token that does not say counts as old");
    assert!(holds(&revocations, &identity("bob", 4, None)).await);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_works_within_seconds_and_at_once_where_it_is_heard_of() {
    let directory = TestDirectory::new();
    let hears = Revocations::new(directory.clone());
    let waits = Revocations::new(directory.clone());
    let ann = identity("ann", 1, Some(1));
    assert!(holds(&hears, &ann).await && holds(&waits, &ann).await);
    directory.revoke_now(None, 5_000);
    hears.forget(&ann.user);
    assert!(!holds(&hears, &ann).await);
    assert!(holds(&waits, &ann).await);
    advance(FRESH).await;
    assert!(!holds(&waits, &ann).await);
}

#[tokio::test(start_paused = true)]
async fn the_directory_is_asked_once_in_a_while_for_each_user() {
    let directory = TestDirectory::new();
    let revocations = Revocations::new(directory.clone());
    for _ in 0..100 {
        assert!(holds(&revocations, &identity("ann", 1, None)).await);
    }
    assert_eq!(directory.asked.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn with_the_directory_away_known_revocations_hold_and_everybody_else_passes() {
    let directory = TestDirectory::new();
    directory.revoke_now(None, 5_000);
    let revocations = Revocations::new(directory.clone());
    let ann = identity("ann", 1, Some(1));
    let bob = identity("bob", 2, Some(1));
    assert!(!holds(&revocations, &ann).await);
    *directory.state.lock() = DirectoryState::Down;
    advance(FRESH).await;
    assert!(!holds(&revocations, &ann).await);
    assert!(holds(&revocations, &bob).await);
}

#[tokio::test(start_paused = true)]
async fn a_silent_directory_delays_one_request_and_not_every_one() {
    let directory = TestDirectory::new();
    *directory.state.lock() = DirectoryState::Silent;
    let revocations = Revocations::new(directory.clone());
    let start = Instant::now();
    for session in 0..100 {
        assert!(holds(&revocations, &identity("ann", session, None)).await);
    }
    assert_eq!((start.elapsed(), directory.asked.load(SeqCst)), (ANSWER_LIMIT, 1));
    directory.revoke_now(None, 5_000);
    *directory.state.lock() = DirectoryState::Well;
    advance(PAUSE).await;
    assert!(!holds(&revocations, &identity("ann", 1, None)).await);
}
