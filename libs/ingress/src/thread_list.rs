//! A person's list of threads, page by page, so that no thread is missed while the list changes.
//!
//! In goes the place where the page before ended, out come the threads that follow, most recently active
//! first, and the place of the next page. A list is ordered by activity, so a thread that becomes active
//! between two pages moves from the part that is still to be read into the part that was read. Each page
//! therefore begins with the threads that have moved above the list's top since. A thread may come twice by
//! that, never not at all.

use eventflow_ports::store::PAGE_MAX;
use eventflow_ports::{Store, StoreError, ThreadPage};
use eventflow_protocol::document::{ThreadStatus, ThreadView};
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

/// Pages of moved threads read for one page. More than 1,000 threads that move between two pages are those of
/// a place that is hours old; whoever comes back with one begins the list anew.
const MOVED_PAGES_MAX: usize = 10;

/// Where a thread stands in a list: its activity, then its id.
pub(crate) type Standing = (Timestamp, ThreadId);

/// Whose list is read, and which one.
#[derive(Clone, Copy)]
pub(crate) struct ThreadList<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) viewer: &'a UserId,
    pub(crate) status: ThreadStatus,
}

/// Where the next page of a list begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListPlace {
    /// The list goes on below this thread.
    pub(crate) below: Standing,
    /// The highest thread that was read. `None` in a place that an earlier version gave out, and after
    /// `skip`: then nothing is known of the threads above.
    pub(crate) top: Option<Standing>,
}

/// Threads, most recently active first, and where the next page begins.
pub(crate) type ListPage = (Vec<ThreadView>, Option<ListPlace>);

/// The text is not a place of a list.
pub(crate) struct ForeignPlace;

/// Where a thread stands in a list.
pub(crate) fn standing(view: &ThreadView) -> Standing {
    (view.thread.last_message_at.unwrap_or(view.thread.created_at), view.thread.id)
}

impl ThreadList<'_> {
    /// The page at `place`, or the first one, after passing over `skip` threads; and where the next one
    /// begins, `None` after the last one.
    ///
    /// The list below is read before the threads that have moved: a thread that moves in between is found by
    /// both, and kept once.
    pub(crate) async fn page(
        self,
        place: Option<ListPlace>,
        skip: u32,
        limit: u32,
    ) -> Result<ListPage, StoreError> {
        let mut below = self.read(place.map(|place| place.below), skip, limit).await?;
        let is_end = below.len() < limit as usize;
        let known_top = match place {
            Some(place) => place.top,
            None => below.first().filter(|_| skip == 0).map(standing),
        };
        let (moved, are_all) = match place {
            Some(_) => self.moved(known_top, limit).await?,
            None => (Vec::new(), true),
        };
        let ids: HashSet<ThreadId> = moved.iter().map(|view| view.thread.id).collect();
        below.retain(|view| !ids.contains(&view.thread.id));
        let room = (limit as usize).saturating_sub(moved.len());
        let is_cut = below.len() > room;
        below.truncate(room);
        let end = below.last().map(standing).or(place.map(|place| place.below));
        let top = moved.first().map(standing).or(known_top);
        let next = end.map(|below| ListPlace { below, top });
        let page = moved.into_iter().chain(below).collect();
        Ok((page, next.filter(|_| !is_end || is_cut || !are_all)))
    }

    /// The threads that stand above `top` now. If the page has no room for all of them beside one that
    /// follows below, those that moved first, and `false`: the others are above the next page.
    async fn moved(self, top: Option<Standing>, limit: u32) -> Result<(Vec<ThreadView>, bool), StoreError> {
        let Some(top) = top else { return Ok((Vec::new(), true)) };
        let mut moved: Vec<ThreadView> = Vec::new();
        // Mostly nothing has moved, and one thread shows that.
        let mut size = 1;
        for _ in 0..MOVED_PAGES_MAX {
            let page = self.read(moved.last().map(standing), 0, size).await?;
            let before = moved.len();
            moved.extend(page.into_iter().take_while(|view| standing(view) > top));
            if moved.len() - before < size as usize {
                break;
            }
            size = PAGE_MAX;
        }
        let room = (limit as usize).saturating_sub(1).max(1);
        let excess = moved.len().saturating_sub(room);
        Ok((moved.split_off(excess), excess == 0))
    }

    async fn read(
        self,
        after: Option<Standing>,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<ThreadView>, StoreError> {
        self.store.threads_of(self.viewer, ThreadPage { status: self.status, after, skip, limit }).await
    }
}

impl fmt::Display for ListPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, id) = self.below;
        write!(f, "{}.{id}", at.0)?;
        match self.top {
            Some((at, id)) => write!(f, ".{}.{id}", at.0),
            None => Ok(()),
        }
    }
}

impl FromStr for ListPlace {
    type Err = ForeignPlace;

    fn from_str(text: &str) -> Result<Self, ForeignPlace> {
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            [at, id] => Ok(Self { below: parse(at, id)?, top: None }),
            [at, id, top_at, top_id] => Ok(Self { below: parse(at, id)?, top: Some(parse(top_at, top_id)?) }),
            _ => Err(ForeignPlace),
        }
    }
}

fn parse(at: &str, id: &str) -> Result<Standing, ForeignPlace> {
    let at = at.parse().map_err(|_| ForeignPlace)?;
    Ok((Timestamp(at), id.parse().map_err(|_| ForeignPlace)?))
}

#[cfg(test)]
mod tests {
    use super::{ListPlace, ThreadList};
    use crate::testing::{NOW, TestStore, World};
    use eventflow_ports::Store;
    use eventflow_protocol::command::SendMessage;
    use eventflow_protocol::content::Content;
    use eventflow_protocol::document::ThreadStatus;
    use eventflow_protocol::{CommandId, ThreadId, Timestamp, UserId};

    /// Ten threads of Ann, the last one the most recently active.
    fn threads(store: &TestStore) -> Vec<ThreadId> {
        let of = |n: usize| {
            let thread = store.thread_of(&["ann", &format!("other{n}")]);
            write_in(store, thread, n);
            thread
        };
        (0..10).map(of).collect()
    }

    fn write_in(store: &TestStore, thread_id: ThreadId, second: usize) {
        let at = Timestamp(NOW.0 + i64::try_from(second).unwrap() * 1_000);
        let send = SendMessage {
            thread_id,
            sender_id: "ann".parse().unwrap(),
            content: Content::parse("x").unwrap(),
            attachments: Vec::new(),
            client_message_id: None,
            pairing: None,
            typed: None,
            reply_to: None,
            repeat_only: false,
            mentions: Vec::new(),
            at,
        };
        store.append(CommandId::new(), send);
    }

    /// Reads the whole list in pages of `limit`, and does something to the store between the pages.
    async fn read_all(store: &dyn Store, limit: u32, mut between: impl FnMut(usize)) -> Vec<Vec<ThreadId>> {
        let viewer: UserId = "ann".parse().unwrap();
        let list = ThreadList { store, viewer: &viewer, status: ThreadStatus::Active };
        let (mut pages, mut place) = (Vec::new(), None);
        loop {
            let (page, next) = list.page(place, 0, limit).await.unwrap();
            assert!(page.len() <= limit as usize, "a page keeps to its size");
            assert!(page.is_sorted_by_key(|view| std::cmp::Reverse(super::standing(view))), "it is in order");
            pages.push(page.iter().map(|view| view.thread.id).collect());
            // The place goes to the client and comes back.
            place = next.map(|next| next.to_string().parse().ok().unwrap());
            if place.is_none() {
                return pages;
            }
            between(pages.len());
        }
    }

    #[tokio::test]
    async fn a_list_in_which_nothing_moves_shows_each_thread_once() {
        let world = World::new().await;
        let mut expected = threads(&world.store);
        expected.reverse();
        for limit in [1, 2, 3, 10, 100] {
            assert_eq!(read_all(&*world.store, limit, |_| ()).await.concat(), expected, "pages of {limit}");
        }
    }

    #[tokio::test]
    async fn a_thread_that_becomes_active_between_two_pages_begins_the_next_one() {
        let world = World::new().await;
        let all = threads(&world.store);
        let pages = read_all(&*world.store, 4, |page| {
            if page == 1 {
                write_in(&world.store, all[0], 20);
            }
        });
        let pages = pages.await;
        assert_eq!(pages[1], [all[0], all[5], all[4], all[3]]);
        assert_eq!(pages[2], [all[2], all[1]]);
    }

    #[tokio::test]
    async fn more_threads_than_a_page_has_may_move_and_all_are_seen() {
        let world = World::new().await;
        let all = threads(&world.store);
        for limit in [1, 2, 3] {
            let mut second = 100 * usize::try_from(limit).unwrap();
            let pages = read_all(&*world.store, limit, |page| {
                let moved = if page == 2 { &all[..] } else { &[] };
                for thread in moved {
                    second += 1;
                    write_in(&world.store, *thread, second);
                }
            });
            let seen = pages.await.concat();
            assert!(all.iter().all(|thread| seen.contains(thread)), "pages of {limit}: {seen:?}");
        }
    }

    #[tokio::test]
    async fn a_thread_that_is_new_between_two_pages_is_seen_too() {
        let world = World::new().await;
        threads(&world.store);
        let mut new = None;
        let pages = read_all(&*world.store, 9, |_| {
            let thread = world.store.thread_of(&["ann", "zoe"]);
            write_in(&world.store, thread, 30);
            new = Some(thread);
        });
        let pages = pages.await;
        assert_eq!(pages[1].first().copied(), new);
    }

    #[test]
    fn a_place_of_an_earlier_version_is_read_and_nonsense_is_not() {
        let id = "0123456789abcdef01234567";
        let old: ListPlace = format!("1800000000000.{id}").parse().ok().unwrap();
        assert_eq!(old, ListPlace { below: (NOW, id.parse().unwrap()), top: None });
        for foreign in ["", "x", "1", "1.zz", &format!("1.{id}.1"), &format!("1.{id}.1.{id}.1")] {
            assert!(foreign.parse::<ListPlace>().is_err(), "{foreign}");
        }
    }
}
