//! Blocks of messages for search.
//!
//! Blocks of a thread lie side by side, so those of a person are one short scan a thread. Signatures are
//! compared where they lie, without a copy. Safe to repeat because a block replaces only one that goes less
//! far.

use super::away::IS_AWAY;
use super::{EmbeddedStore, column, in_time, message};
use crate::DatabaseError;
use async_trait::async_trait;
use eventflow_ports::search::{Block, BlockEnd, BlockFilter, Reach, Run};
use eventflow_ports::{SearchIndex, StoreError};
use eventflow_protocol::document::Message;
use eventflow_protocol::{ThreadId, Timestamp, UserId};
use rusqlite::ffi::{self, SQLITE_INTERRUPT};
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time limit of one read of blocks or messages: a reader that is at it answers nobody else.
const READ_LIMIT: Duration = Duration::from_secs(3);
/// Rows between two looks at the time: signatures of some 100 KB.
const ROWS_BETWEEN: usize = 64;

const SEARCH: &str = "search messages";
const INDEX: &str = "index messages";

#[async_trait]
impl SearchIndex for EmbeddedStore {
    async fn reaches_of(
        &self,
        user: &UserId,
        only: Option<ThreadId>,
        limit: u32,
    ) -> Result<Vec<Reach>, StoreError> {
        let user = user.clone();
        self.read_in_turn(SEARCH, move |connection| reaches_of(connection, &user, only, limit)).await
    }

    async fn blocks(&self, threads: &[ThreadId], filter: &BlockFilter) -> Result<Vec<Run>, StoreError> {
        let (threads, filter) = (threads.to_vec(), filter.clone());
        self.read_in_turn(SEARCH, move |connection| blocks(connection, &threads, &filter)).await
    }

    async fn messages_of(
        &self,
        runs: &[Run],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Message>, StoreError> {
        let runs = runs.to_vec();
        self.read_in_turn(SEARCH, move |connection| messages(connection, &runs, from, to)).await
    }

    async fn reaches(&self, threads: &[ThreadId]) -> Result<Vec<Reach>, StoreError> {
        let threads = threads.to_vec();
        self.read_in_turn(INDEX, move |connection| reaches(connection, &threads)).await
    }

    async fn behind(
        &self,
        after: Option<ThreadId>,
        limit: u32,
    ) -> Result<(Vec<Reach>, Option<ThreadId>), StoreError> {
        self.read_in_turn(INDEX, move |connection| behind(connection, after, limit)).await
    }

    async fn block_ends(&self, threads: &[ThreadId]) -> Result<Vec<(ThreadId, BlockEnd)>, StoreError> {
        let threads = threads.to_vec();
        self.read_in_turn(INDEX, move |connection| block_ends(connection, &threads)).await
    }

    async fn add_blocks(&self, blocks: &[Block], reached: &[(ThreadId, u64)]) -> Result<(), StoreError> {
        let (blocks, reached) = (blocks.to_vec(), reached.to_vec());
        in_time(INDEX, self.database.write(move |tx| add(tx, &blocks, &reached))).await
    }

    async fn add_edited(&self, blocks: &[Block]) -> Result<(), StoreError> {
        self.add_blocks(blocks, &[]).await
    }
}

impl EmbeddedStore {
    /// Reads when it is its turn. The turn lasts until the read has ended, also if nobody waits for its
    /// answer any more.
    async fn read_in_turn<T, F>(&self, what: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let read = async {
            let turn =
                Arc::clone(&self.searching).acquire_owned().await.map_err(|_| DatabaseError::Closed)?;
            let work = move |connection: &Connection| {
                let _turn = turn;
                work(connection)
            };
            self.database.read(work).await
        };
        in_time(what, read).await
    }
}

fn reaches_of(
    connection: &Connection,
    user: &UserId,
    only: Option<ThreadId>,
    limit: u32,
) -> Result<Vec<Reach>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, last_seq, indexed_seq, since_seq FROM thread_participant JOIN thread ON thread.id = thread_id
         WHERE user_id = ?1 AND (?2 IS NULL OR thread_id = ?2) AND NOT {IS_AWAY}
         ORDER BY active_at DESC, id DESC LIMIT ?3"
    ))?;
    statement.query_map(params![user.as_str(), only.map(|id| id.bytes()), limit], read_reach)?.collect()
}

fn reaches(connection: &Connection, threads: &[ThreadId]) -> Result<Vec<Reach>> {
    let mut statement = connection
        .prepare_cached("SELECT id, last_seq, indexed_seq, 0 AS since_seq FROM thread WHERE id = ?1")?;
    let read = threads.iter().map(|id| statement.query_row([id.bytes()], read_reach).optional());
    read.filter_map(Result::transpose).collect()
}

/// Looks at a page of all threads, so that it ends soon however few of them are behind.
fn behind(
    connection: &Connection,
    after: Option<ThreadId>,
    limit: u32,
) -> Result<(Vec<Reach>, Option<ThreadId>)> {
    let mut statement = connection.prepare_cached(
        "SELECT id, last_seq, indexed_seq, 0 AS since_seq FROM thread WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    // Every id is behind the empty one.
    let after = after.map_or_else(Vec::new, |id| id.bytes().to_vec());
    let page = statement.query_map(params![after, limit], read_reach)?;
    let mut page = page.collect::<Result<Vec<_>>>()?;
    let next = page.last().map(|last| last.thread).filter(|_| u32::try_from(page.len()) == Ok(limit));
    page.retain(Reach::is_behind);
    Ok((page, next))
}

fn read_reach(row: &Row<'_>) -> Result<Reach> {
    Ok(Reach {
        thread: ThreadId::from_bytes(row.get("id")?),
        stored: column::read_integer(row, "last_seq")?,
        indexed: column::read_integer(row, "indexed_seq")?,
        since: column::read_integer(row, "since_seq")?,
    })
}

fn blocks(connection: &Connection, threads: &[ThreadId], filter: &BlockFilter) -> Result<Vec<Run>> {
    let end = Instant::now() + READ_LIMIT;
    let mut statement = connection.prepare_cached(
        "SELECT first, last, newest, bits FROM search_block WHERE thread_id = ?1 AND newest >= ?2 AND oldest <= ?3",
    )?;
    let mut found = Vec::new();
    let mut rows_read = 0;
    for thread in threads {
        in_time_still(end)?;
        let mut rows = statement.query(params![thread.bytes(), filter.from.0, filter.to.0])?;
        while let Some(row) = rows.next()? {
            rows_read += 1;
            if rows_read % ROWS_BETWEEN == 0 {
                in_time_still(end)?;
            }
            if filter.wanted.may_be_in(row.get_ref(3)?.as_blob()?) {
                found.push(Run {
                    thread: *thread,
                    first: column::read_integer(row, "first")?,
                    last: column::read_integer(row, "last")?,
                    newest: column::time(row, "newest")?,
                });
            }
        }
    }
    Ok(found)
}

fn messages(connection: &Connection, runs: &[Run], from: Timestamp, to: Timestamp) -> Result<Vec<Message>> {
    let end = Instant::now() + READ_LIMIT;
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message WHERE thread_id = ?1 AND seq BETWEEN ?2 AND ?3 AND created_at BETWEEN ?4 AND ?5",
    )?;
    let mut found = Vec::new();
    for run in runs {
        in_time_still(end)?;
        let range = [run.first, run.last].map(column::integer);
        let of_run = params![run.thread.bytes(), range[0], range[1], from.0, to.0];
        for message in statement.query_map(of_run, message::read)? {
            found.push(message?);
        }
    }
    Ok(found)
}

fn in_time_still(end: Instant) -> Result<()> {
    if Instant::now() < end {
        Ok(())
    } else {
        Err(Error::SqliteFailure(ffi::Error::new(SQLITE_INTERRUPT), None))
    }
}

fn block_ends(connection: &Connection, threads: &[ThreadId]) -> Result<Vec<(ThreadId, BlockEnd)>> {
    let mut statement = connection.prepare_cached(
        "SELECT first, last, is_open FROM search_block WHERE thread_id = ?1 AND mark = 0 ORDER BY first DESC LIMIT 1",
    )?;
    let read = |row: &Row<'_>| {
        Ok(BlockEnd {
            first: column::read_integer(row, "first")?,
            last: column::read_integer(row, "last")?,
            is_open: row.get("is_open")?,
        })
    };
    let ends = threads.iter().map(|id| {
        let end = statement.query_row([id.bytes()], read).optional()?;
        Ok(end.map(|end| (*id, end)))
    });
    ends.filter_map(Result::transpose).collect()
}

fn add(connection: &Connection, blocks: &[Block], reached: &[(ThreadId, u64)]) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO search_block (thread_id, mark, first, last, oldest, newest, is_open, bits)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (thread_id, mark, first) DO UPDATE SET last = excluded.last, oldest = excluded.oldest,
             newest = excluded.newest, is_open = excluded.is_open, bits = excluded.bits
         WHERE excluded.last > last",
    )?;
    for Block { run, oldest, mark, is_open, bits } in blocks {
        let [first, last] = [run.first, run.last].map(column::integer);
        insert.execute(params![
            run.thread.bytes(),
            mark,
            first,
            last,
            oldest.0,
            run.newest.0,
            is_open,
            bits
        ])?;
    }
    let mut note =
        connection.prepare_cached("UPDATE thread SET indexed_seq = max(indexed_seq, ?2) WHERE id = ?1")?;
    for (thread, seq) in reached {
        note.execute(params![thread.bytes(), column::integer(*seq)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;
    use std::sync::mpsc::channel;
    use tokio::time::timeout;

    #[tokio::test]
    async fn searches_leave_readers_to_others_even_if_nobody_waits_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(Database::open_in(folder.path()).unwrap()).await.unwrap();
        let mut ends = Vec::new();
        for _ in 0..8 {
            let (end, ended) = channel::<()>();
            let read = store.read_in_turn(SEARCH, move |_| {
                let _ = ended.recv();
                Ok(())
            });
            // Polled once, then given up, as by a caller who hangs up.
            assert!(timeout(Duration::from_millis(20), read).await.is_err());
            ends.push(end);
        }
        let others = store.database.read(|connection| connection.query_row("SELECT 1", [], |row| row.get(0)));
        let answer: i64 = timeout(Duration::from_secs(5), others).await.expect("in time").unwrap();
        assert_eq!(answer, 1);
        drop(ends);
        store.read_in_turn(SEARCH, |_| Ok(())).await.unwrap();
    }
}
