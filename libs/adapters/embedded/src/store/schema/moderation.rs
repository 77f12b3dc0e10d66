//! The layouts of what people have against each other, blocks and reports of messages, and of what is erased
//! of them.

/// First layout: blocks, and whose block takes a thread from whom. `blocked_at` is NULL for a block that has
/// ended, `done` are the last commands about it.
pub(super) const BLOCKS: &str = "
    CREATE TABLE person_block (
        user_id    TEXT    NOT NULL,
        other_id   TEXT    NOT NULL,
        blocked_at INTEGER,
        done       BLOB    NOT NULL,
        PRIMARY KEY (user_id, other_id)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE thread_participant ADD COLUMN apart_from TEXT;
    UPDATE thread_participant SET apart_from = (
        SELECT other.user_id FROM thread_participant AS other
        WHERE other.thread_id = thread_participant.thread_id AND other.user_id <> thread_participant.user_id
    ) WHERE thread_id IN (SELECT id FROM thread WHERE people = 2 AND group_doc IS NULL);
";

/// First layout: reports. Of the report itself nothing else is ever asked for.
pub(super) const REPORTS: &str = "
    CREATE TABLE report (
        id         BLOB    NOT NULL PRIMARY KEY,
        created_at INTEGER NOT NULL,
        is_handled INTEGER NOT NULL,
        report     BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Which reports wait, or were handled, the last first?
    CREATE INDEX report_by_time ON report (is_handled, created_at, id);
";

/// First layout: who is erased, and how far that has come. `record` is the whole erasure but for its
/// revision.
pub(super) const ERASURES: &str = "
    CREATE TABLE erasure (
        user_id  TEXT    NOT NULL PRIMARY KEY,
        marked_at INTEGER NOT NULL,
        due_at   INTEGER,
        revision INTEGER NOT NULL,
        record   BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Whose next step is due?
    CREATE INDEX erasure_due ON erasure (due_at) WHERE due_at IS NOT NULL;
    -- Who was marked after this time?
    CREATE INDEX erasure_by_time ON erasure (marked_at, user_id);
";
