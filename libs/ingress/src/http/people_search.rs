//! The route that finds people by name.
//!
//! A page walks over the entries of the index of names that begin like the longest word of the query, and
//! looks at the name of each person as it is now: an entry only says where to look. A walk is bounded, so a
//! page may have fewer people than were asked for, or none, and lead on.

use crate::edge::Edge;
use crate::http::answer::{RouteAnswer, RouteResult};
use crate::http::caller::Caller;
use crate::http::query::Query;
use crate::identity::Identity;
use crate::refusal::Refusal;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eventflow_ports::NameEntry;
use eventflow_protocol::UserId;
use eventflow_protocol::client::answers::FoundUsersAnswer;
use eventflow_protocol::client::{Sorted, Success};
use eventflow_protocol::content::typed;
use eventflow_protocol::person::{Participant, Profile};
use eventflow_protocol::search::{InvalidNameQuery, NameQuery, first_with, name_words};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Entries that one page looks at, at most. With 100,000 people a beginning of two letters has some 2,000.
const WALK_MAX: usize = 2_000;
/// Entries that are read at a time, and people whose profiles are.
const STEP: u32 = 200;
/// Bytes of a cursor that tell whether it is of another query.
const HASH_BYTES: usize = 8;

/// `GET /users/search?q&limit&cursor`: people whose names or ids have words that begin like those of `q`.
/// Oneself is not found, nor whoever lost all credentials; without the setting `everybody` only
/// administrators find people with whom they share no thread.
pub(crate) async fn search(
    State(edge): State<Arc<Edge>>,
    Caller(caller): Caller,
    query: Query,
) -> RouteResult<FoundUsersAnswer> {
    let walk = Walk::of(&edge, &caller, &query)?;
    if let Some(budgets) = &edge.people_searches {
        budgets.admit(&caller.user, "too many searches for people, please wait")?;
    }
    let Page { found, goes_on, after } = walk.page().await?;
    let mut shown = edge.people.shown(&found).await;
    let person = |user: UserId| shown.remove(&user).unwrap_or_else(|| Participant::unknown(user));
    let users = Sorted(found.into_iter().map(person).collect());
    let next_cursor = goes_on.then(|| walk.cursor_after(after.as_ref()));
    Ok(RouteAnswer::Ok(FoundUsersAnswer { next_cursor, success: Success, users }))
}

/// One search.
struct Walk<'a> {
    edge: &'a Edge,
    caller: &'a Identity,
    wanted: NameQuery,
    /// What was asked for may be somebody's id as it is.
    exact: Option<UserId>,
    /// Whether nobody was shown before.
    is_first: bool,
    after: Option<NameEntry>,
    limit: usize,
}

/// What a walk came to.
struct Page {
    found: Vec<UserId>,
    /// Whether somebody may follow.
    goes_on: bool,
    /// Where the next page goes on: after this entry, or at the first one.
    after: Option<NameEntry>,
}

impl<'a> Walk<'a> {
    fn of(edge: &'a Edge, caller: &'a Identity, query: &Query) -> Result<Self, Refusal> {
        let text = query.text("q").ok_or_else(|| Refusal::invalid("q is missing"))?;
        let wanted = text.parse()?;
        let exact = text.trim().parse().ok();
        let limit = query.limit()? as usize;
        let mut walk = Self { edge, caller, wanted, exact, is_first: true, after: None, limit };
        if let Some(cursor) = query.text("cursor") {
            walk.after = walk.read(cursor)?;
            walk.is_first = false;
        }
        Ok(walk)
    }

    async fn page(&self) -> Result<Page, Refusal> {
        let exact = self.exact_match().await?;
        let mut found: Vec<UserId> = exact.iter().filter(|_| self.is_first).cloned().collect();
        let mut after = self.after.clone();
        let mut walked = 0;
        while walked < WALK_MAX {
            let entries = self.edge.directory.names(self.wanted.lead(), after.as_ref(), STEP).await?;
            let is_last = entries.len() < STEP as usize;
            walked += entries.len();
            let fitting = self.fitting(&entries).await?;
            for entry in entries {
                if fitting.contains(&entry) && exact.as_ref() != Some(&entry.user) {
                    // Full, and here is one more: the next page begins with it.
                    if found.len() == self.limit {
                        return Ok(Page { found, goes_on: true, after });
                    }
                    found.push(entry.user.clone());
                }
                after = Some(entry);
            }
            if is_last {
                return Ok(Page { found, goes_on: false, after });
            }
        }
        Ok(Page { found, goes_on: true, after })
    }

    /// Those of these entries that are hits: a person whom the caller may find, whose name as it is now has
    /// every word, at the first of the person's entries on this walk.
    async fn fitting(&self, entries: &[NameEntry]) -> Result<HashSet<NameEntry>, Refusal> {
        let mut people: Vec<UserId> = entries.iter().map(|entry| entry.user.clone()).collect();
        people.sort_unstable();
        people.dedup();
        let people = self.visible(people).await?;
        let profiles = self.edge.directory.profiles(&people).await?;
        let fits = |entry: &&NameEntry| {
            let Some(profile) = profiles.get(&entry.user) else { return false };
            let words = words_of(profile);
            first_with(&words, self.wanted.lead()) == Some(entry.word.as_str()) && self.wanted.fits(&words)
        };
        Ok(entries.iter().filter(fits).cloned().collect())
    }

    async fn visible(&self, mut people: Vec<UserId>) -> Result<Vec<UserId>, Refusal> {
        people.retain(|user| *user != self.caller.user);
        if people.is_empty() || self.edge.finds_everybody || self.caller.is_admin() {
            return Ok(people);
        }
        Ok(self.edge.contacts.visible(&self.caller.user, &people).await?.into_iter().collect())
    }

    /// The person whose id was asked for, whom the index may not have: users of the host application are in
    /// no index.
    async fn exact_match(&self) -> Result<Option<UserId>, Refusal> {
        let Some(user) = self.exact.clone() else { return Ok(None) };
        let Some(user) = self.visible(vec![user]).await?.pop() else { return Ok(None) };
        if !self.edge.directory.profiles(std::slice::from_ref(&user)).await?.contains_key(&user) {
            return Ok(None);
        }
        // Whoever came back after a revocation is in the index.
        let is_ended = self.edge.directory.revocations(&user).await?.iter().any(|one| one.session.is_none());
        Ok(Some(user).filter(|_| !is_ended))
    }

    /// The cursor behind an entry. It is sealed: an entry may be of somebody whom the caller may not find.
    fn cursor_after(&self, entry: Option<&NameEntry>) -> String {
        let hash = self.hash();
        let text = entry.map(|entry| format!("{}\0{}", entry.word, entry.user)).unwrap_or_default();
        let sealed = self.edge.seal.close(text.as_bytes(), &hash);
        URL_SAFE_NO_PAD.encode([&hash[..HASH_BYTES], &sealed].concat())
    }

    fn read(&self, cursor: &str) -> Result<Option<NameEntry>, Refusal> {
        let foreign = || Refusal::invalid("cursor is not one of ours");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign())?;
        let (found, sealed) = bytes.split_at_checked(HASH_BYTES).ok_or_else(foreign)?;
        let hash = self.hash();
        if *found != hash[..HASH_BYTES] {
            return Err(Refusal::invalid(
                "cursor belongs to another query: it goes on with the query that it was given for",
            ));
        }
        let text = self.edge.seal.open(sealed, &hash).ok_or_else(foreign)?;
        let text = String::from_utf8(text).map_err(|_| foreign())?;
        if text.is_empty() {
            return Ok(None);
        }
        let (word, user) = text.split_once('\0').ok_or_else(foreign)?;
        Ok(Some(NameEntry { word: word.to_owned(), user: user.parse().map_err(|_| foreign())? }))
    }

    /// What tells searches apart: who asks, and for which words.
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in std::iter::once(self.caller.user.as_str()).chain(self.wanted.words()) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

fn words_of(profile: &Profile) -> BTreeSet<String> {
    name_words(&profile.id, &typed(&profile.name))
}

impl From<InvalidNameQuery> for Refusal {
    fn from(error: InvalidNameQuery) -> Self {
        Self::invalid(error.to_string())
    }
}
