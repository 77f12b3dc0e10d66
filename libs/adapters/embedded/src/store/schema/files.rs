//! The layout of the records of uploaded files.

/// First layout.
pub(super) const UPLOADS: &str = "
    -- `record` is the whole upload but for its revision; the other columns repeat what is asked for.
    -- `counted` is what counts as its owner's: NULL when it is deleted.
    CREATE TABLE upload (
        id         BLOB    NOT NULL PRIMARY KEY,
        owner_id   TEXT    NOT NULL,
        counted    INTEGER,
        is_waiting INTEGER NOT NULL,
        due_at     INTEGER,
        revision   INTEGER NOT NULL,
        record     BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- What do somebody's files come to?
    CREATE INDEX upload_by_owner ON upload (owner_id, counted, is_waiting) WHERE counted IS NOT NULL;
    -- Which are due?
    CREATE INDEX upload_due ON upload (due_at) WHERE due_at IS NOT NULL;

    CREATE TABLE upload_use (
        message_id BLOB NOT NULL,
        upload_id  BLOB NOT NULL,
        PRIMARY KEY (message_id, upload_id)
    ) STRICT, WITHOUT ROWID;
    -- Which messages use this file?
    CREATE INDEX upload_use_by_upload ON upload_use (upload_id);
";

/// Second layout: all of somebody's files, also those that wait to be removed.
pub(super) const UPLOADS_OF_PERSON: &str = "
    -- Which files are somebody's?
    CREATE INDEX upload_of_person ON upload (owner_id, id);
";
