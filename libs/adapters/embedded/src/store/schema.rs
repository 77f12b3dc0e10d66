//! The tables of the store, each column with its unit, each index with the question it answers.
//!
//! Ids of documents are their 12 bytes, times are milliseconds since 1970 UTC, lists and free-form objects are MessagePack
//! with names (NULL if empty). Tables are `WITHOUT ROWID`: rows live in the order of their primary key, so a page of
//! history is a few neighbouring pages of the file.

/// Whose versions these are.
pub(super) const PIECE: &str = "store";

/// One step per released layout; a step never changes.
pub(super) const STEPS: &[&str] = &[FIRST];

/// `thread.active_at` is the newest message's time, or the thread's own while it has none.
///
/// A participant's unread count is derived: `seq` has no gaps, so others have written `last_seq - sent` messages, of which
/// the participant has seen `seen`. A message to a thread of 10,000 people therefore changes two rows, not 10,000.
const FIRST: &str = "
    CREATE TABLE thread (
        id              BLOB    NOT NULL PRIMARY KEY,
        last_seq        INTEGER NOT NULL DEFAULT 0,
        last_message_id BLOB,
        active_at       INTEGER NOT NULL,
        status          INTEGER NOT NULL,
        metadata        BLOB,
        created_at      INTEGER NOT NULL,
        updated_at      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE thread_participant (
        thread_id BLOB    NOT NULL,
        user_id   TEXT    NOT NULL,
        sent      INTEGER NOT NULL DEFAULT 0,
        seen      INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (thread_id, user_id)
    ) STRICT, WITHOUT ROWID;
    -- Which threads is somebody in?
    CREATE INDEX thread_participant_by_user ON thread_participant (user_id, thread_id);

    CREATE TABLE message (
        thread_id         BLOB    NOT NULL,
        seq               INTEGER NOT NULL,
        id                BLOB    NOT NULL,
        sender_id         TEXT    NOT NULL,
        content           TEXT    NOT NULL,
        attachments       BLOB,
        reactions         BLOB,
        status            INTEGER NOT NULL,
        read_by           BLOB,
        delivered_to      BLOB,
        client_message_id TEXT,
        created_at        INTEGER NOT NULL,
        updated_at        INTEGER NOT NULL,
        PRIMARY KEY (thread_id, seq)
    ) STRICT, WITHOUT ROWID;
    -- Was this command done before?
    CREATE UNIQUE INDEX message_by_id ON message (id);
    -- Did this sender use this key before?
    CREATE UNIQUE INDEX message_by_key ON message (sender_id, client_message_id) WHERE client_message_id IS NOT NULL;
";
