//! The index of names: one row for each word by which somebody is found.
//!
//! It follows from profiles and names of tokens, and changes in the transaction that changes these. Safe to
//! repeat because the rows of a person are made anew as a whole.

use super::column;
use eventflow_ports::NameEntry;
use eventflow_protocol::UserId;
use eventflow_protocol::search::name_words;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// `name_word.word` is a folded word of the name or the id of a person. It follows from the profile and the
/// name of the token; only whoever may be found has entries.
pub(super) const NAMES: &str = "
    -- Whose name has a word that begins like this?
    CREATE TABLE name_word (
        word    TEXT NOT NULL,
        user_id TEXT NOT NULL,
        PRIMARY KEY (word, user_id)
    ) STRICT, WITHOUT ROWID;
    -- By which words is somebody found?
    CREATE INDEX name_word_by_user ON name_word (user_id);
";

/// Behind every word with the same beginning: no character comes later in the order of bytes.
const LAST: char = '\u{10FFFF}';

/// The entries whose words begin like this, after another one.
pub(super) fn page(
    connection: &Connection,
    beginning: &str,
    after: Option<NameEntry>,
    limit: u32,
) -> Result<Vec<NameEntry>> {
    let (word, user) =
        after.map_or_else(|| (beginning.to_owned(), String::new()), |entry| (entry.word, entry.user.into()));
    let mut statement = connection.prepare_cached(
        "SELECT word, user_id FROM name_word WHERE (word, user_id) > (?1, ?2) AND word < ?3
         ORDER BY word, user_id LIMIT ?4",
    )?;
    let end = format!("{beginning}{LAST}");
    let read = |row: &Row<'_>| Ok(NameEntry { word: row.get("word")?, user: column::user(row, "user_id")? });
    statement.query_map(params![word, user, end, limit], read)?.collect()
}

/// Whether a person is in the index.
pub(super) fn is_listed(connection: &Connection, user: &str) -> Result<bool> {
    connection.prepare_cached("SELECT 1 FROM name_word WHERE user_id = ?1 LIMIT 1")?.exists([user])
}

/// Makes the rows of a person anew.
pub(super) fn index(connection: &Connection, user: &UserId) -> Result<()> {
    take_out(connection, user.as_str())?;
    let name = connection
        .prepare_cached(
            "SELECT coalesce((SELECT name FROM profile WHERE user_id = ?1),
                (SELECT name FROM token_name WHERE user_id = ?1))",
        )?
        .query_row([user.as_str()], |row| row.get::<_, Option<String>>(0))
        .optional()?;
    let Some(name) = name.flatten() else { return Ok(()) };
    let mut insert = connection.prepare_cached("INSERT INTO name_word (word, user_id) VALUES (?1, ?2)")?;
    for word in name_words(user, &name) {
        insert.execute(params![word, user.as_str()])?;
    }
    Ok(())
}

/// Takes a person out of the index.
pub(super) fn take_out(connection: &Connection, user: &str) -> Result<()> {
    connection.prepare_cached("DELETE FROM name_word WHERE user_id = ?1")?.execute([user]).map(drop)
}

/// Indexes everybody whom an earlier version stored without an index, in one transaction. An index that has
/// an entry has everybody.
pub(super) fn index_everybody(connection: &Connection) -> Result<()> {
    if connection.prepare("SELECT 1 FROM name_word LIMIT 1")?.exists([])? {
        return Ok(());
    }
    let mut people = connection.prepare(
        "SELECT user_id FROM (SELECT user_id FROM profile UNION SELECT user_id FROM token_name) AS person
         WHERE NOT EXISTS (SELECT 1 FROM revocation WHERE revocation.user_id = person.user_id AND session = '')",
    )?;
    let people: Vec<UserId> =
        people.query_map([], |row| column::user(row, "user_id"))?.collect::<Result<_>>()?;
    people.iter().try_for_each(|user| index(connection, user))
}
