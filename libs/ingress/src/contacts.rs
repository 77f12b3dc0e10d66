//! Contacts: the people somebody shares a thread with, and whose presence they may see. Others are shown like
//! somebody never seen.
//!
//! In comes a viewer and the people asked about, out come those they may see. A viewer's contacts are read
//! from their threads, newest first, and remembered. If somebody asked about is not among them, they are read
//! again, so a new thread counts within two seconds, or at once where it was announced.

use crate::refusal::Refusal;
use crate::thread_list::ThreadList;
use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Apart, Store};
use eventflow_protocol::document::{ThreadStatus, ThreadView};
use eventflow_protocol::presence::Presence;
use eventflow_protocol::{Timestamp, UserId};
use moka::sync::Cache;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// People remembered over all lists: about 64 MB with long ids.
const CAPACITY_PEOPLE: u64 = 500_000;
/// How long a list is remembered: a thread that somebody left or that was deleted counts for this long.
const LIST_LIFE: Duration = Duration::from_mins(1);
/// A list is not read again within this time: asking about strangers must not become a way to load the store.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// Most pages of threads that a list is read from, per status: the 1,000 most recently active threads.
const PAGES_MAX: usize = 10;
/// Most people in a list: four threads of the largest size.
const LIST_MAX: usize = 20_000;

/// Large threads whose people are read at a time: as many as fill a list.
const LARGE_TOGETHER: usize = 4;

/// The contacts of one person, and when they were read.
struct ContactList {
    people: HashSet<UserId>,
    read_at: Instant,
}

impl ContactList {
    /// Whether `viewer`, whose list this is, may see `user`.
    fn includes(&self, viewer: &UserId, user: &UserId) -> bool {
        user == viewer || self.people.contains(user)
    }

    fn includes_all(&self, viewer: &UserId, users: &[UserId]) -> bool {
        users.iter().all(|user| self.includes(viewer, user))
    }
}

/// Whose presence somebody may see.
#[derive(Default)]
pub struct Present {
    /// Those who are shown as they are.
    pub shown: Vec<UserId>,
    /// Those whom a block keeps apart from the viewer since then: they are shown as who has gone at that
    /// moment ([`Presence::gone_since`]), so that nobody sees that they are blocked.
    pub gone: HashMap<UserId, Timestamp>,
}

impl Present {
    /// All of these people, as an administrator sees them.
    pub fn all(users: &[UserId]) -> Self {
        Self { shown: users.to_vec(), ..Self::default() }
    }

    /// Everybody of whom the viewer is shown something.
    pub fn everybody(&self) -> Vec<UserId> {
        self.shown.iter().chain(self.gone.keys()).cloned().collect()
    }

    /// The presence of this person as the viewer may see it, of whom `found` is known.
    pub fn show(&self, user: UserId, found: Option<Presence>) -> Presence {
        let Some(presence) = found else { return Presence::never_seen(user) };
        match self.gone.get(&user) {
            Some(since) => presence.gone_since(*since),
            None => presence,
        }
    }
}

/// Everybody's contacts, remembered for a while.
#[derive(Clone)]
pub struct Contacts {
    store: Arc<dyn Store>,
    lists: Cache<UserId, Arc<ContactList>>,
}

impl Contacts {
    /// Reads contacts from `store`; none are remembered yet.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let weigh = |_: &UserId, list: &Arc<ContactList>| {
            u32::try_from(list.people.len()).unwrap_or(u32::MAX).saturating_add(4)
        };
        let lists =
            Cache::builder().max_capacity(CAPACITY_PEOPLE).weigher(weigh).time_to_live(LIST_LIFE).build();
        Self { store, lists }
    }

    /// Those of `users` whom `viewer` may see: themselves, and whoever shares a thread with them.
    pub async fn visible(&self, viewer: &UserId, users: &[UserId]) -> Result<HashSet<UserId>, Refusal> {
        let list = match self.lists.get(viewer) {
            Some(list) if list.includes_all(viewer, users) || list.read_at.elapsed() < FRESH_FOR => list,
            // Somebody is not in the list: they may have got into a thread with the viewer since it was read.
            _ => {
                let list = Arc::new(self.read(viewer).await?);
                self.lists.insert(viewer.clone(), Arc::clone(&list));
                list
            }
        };
        Ok(users.iter().filter(|user| list.includes(viewer, user)).cloned().collect())
    }

    /// Those of `users` whose presence `viewer` may see.
    pub async fn present_to(
        &self,
        viewer: &UserId,
        users: &[UserId],
        apart: &Apart,
    ) -> Result<Present, Refusal> {
        let visible = self.visible(viewer, users).await?;
        let lists = apart.lists(visible.iter().chain([viewer])).await?;
        let mut present = Present::default();
        for user in visible {
            match lists.apart_since(viewer, &user) {
                None => present.shown.push(user),
                Some(since) => drop(present.gone.insert(user, since)),
            }
        }
        Ok(present)
    }

    /// These people have got into a thread together, or have left one: what is remembered of them may lack
    /// somebody, or have somebody too many.
    pub fn forget(&self, people: &[UserId]) {
        for viewer in people {
            self.lists.invalidate(viewer);
        }
    }

    async fn read(&self, viewer: &UserId) -> Result<ContactList, Refusal> {
        let mut people = HashSet::new();
        for status in [ThreadStatus::Active, ThreadStatus::Archived] {
            self.read_threads(viewer, status, &mut people).await?;
        }
        Ok(ContactList { people, read_at: Instant::now() })
    }

    async fn read_threads(
        &self,
        viewer: &UserId,
        status: ThreadStatus,
        people: &mut HashSet<UserId>,
    ) -> Result<(), Refusal> {
        let list = ThreadList { store: &*self.store, viewer, status };
        let mut place = None;
        for _ in 0..PAGES_MAX {
            let (page, next) = list.page(place, 0, PAGE_MAX).await?;
            self.add_people(page, people).await?;
            place = next;
            if place.is_none() || people.len() >= LIST_MAX {
                break;
            }
        }
        Ok(())
    }
}

impl Contacts {
    /// Adds everybody in these threads. A view names only the first people of a large one.
    async fn add_people(&self, page: Vec<ThreadView>, people: &mut HashSet<UserId>) -> Result<(), Refusal> {
        let mut large = Vec::new();
        for ThreadView { thread, .. } in page {
            if thread.participant_count > thread.participants.len() as u64 {
                large.push(thread.id);
            }
            people.extend(thread.participants);
        }
        for threads in large.chunks(LARGE_TOGETHER) {
            if people.len() >= LIST_MAX {
                break;
            }
            let known = self.store.participants(threads).await?;
            people.extend(known.values().flat_map(|people| people.stored().iter().cloned()));
        }
        Ok(())
    }
}
