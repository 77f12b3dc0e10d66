//! Schema versions, one per piece: the broker's tables and the store's tables come from different modules and
//! age apart.
//!
//! `PRAGMA user_version` holds one number for the whole file, so it counts the layout of the version table
//! itself.

use rusqlite::{OptionalExtension, Transaction, params};

/// Version of the table of versions.
const LAYOUT: i64 = 1;

/// Runs the steps that this file has not seen. Gives the version of the piece afterwards. It is larger than
/// the number of steps if a newer program wrote the file; then nothing is changed.
pub(super) fn apply(tx: &Transaction<'_>, piece: &str, steps: &[&str]) -> rusqlite::Result<u32> {
    tx.execute("CREATE TABLE IF NOT EXISTS schema_version (piece TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID", [])?;
    tx.pragma_update(None, "user_version", LAYOUT)?;
    let seen = tx
        .query_row("SELECT version FROM schema_version WHERE piece = ?1", [piece], |row| row.get(0))
        .optional()?;
    let seen: u32 = seen.unwrap_or(0);
    for (_, step) in (0_u32..).zip(steps).filter(|(index, _)| *index >= seen) {
        tx.execute_batch(step)?;
    }
    let version = seen.max(known(steps));
    tx.execute(
        "INSERT OR REPLACE INTO schema_version (piece, version) VALUES (?1, ?2)",
        params![piece, version],
    )?;
    Ok(version)
}

/// The version that these steps lead to.
pub(super) fn known(steps: &[&str]) -> u32 {
    u32::try_from(steps.len()).expect("there are fewer than four billion steps")
}
