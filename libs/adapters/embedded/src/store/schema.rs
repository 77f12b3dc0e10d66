//! The tables of the store, the inbox and the directory, each column with its unit, each index with the
//! question it answers.
//!
//! Ids of documents are their 12 bytes, times are milliseconds since 1970 UTC, lists and free-form objects
//! are MessagePack with names (NULL if empty). Tables are `WITHOUT ROWID`: rows live in the order of their
//! primary key, so a page of history is a few neighbouring pages of the file.

mod conversations;
mod files;
mod moderation;

use conversations::{DRAFTS, FORMERS, GROUPS, MENTIONS, PINS, REPLIES, SCHEDULED, SEARCH, UNREAD, WORDINGS};
use files::{UPLOADS, UPLOADS_OF_PERSON};
use moderation::{BLOCKS, ERASURES, REPORTS};

/// The pieces of the store, each with versions of its own: its name and its steps. One step per released
/// layout; a step never changes.
pub(super) const PIECES: [(&str, &[&str]); 12] = [
    ("store", STORE),
    ("blocks", &[BLOCKS]),
    ("reports", &[REPORTS]),
    ("suppressions", &[SUPPRESSIONS]),
    ("outbox", &[OUTBOX]),
    ("sends", &[SENDS]),
    ("names", &[super::names::NAMES]),
    ("drafts", &[DRAFTS]),
    ("scheduled messages", &[SCHEDULED]),
    ("dead letters", &[super::dead_letters::schema::DEAD_LETTERS]),
    ("uploads", &[UPLOADS, UPLOADS_OF_PERSON]),
    ("erasures", &[ERASURES]),
];

/// The store, the inbox, the directory, windows and devices.
const STORE: &[&str] = &[
    FIRST,
    SECOND,
    THIRD,
    TAKEN_BACK,
    PEOPLE,
    CHANGES,
    TOKEN_NAMES,
    OUTBOUND,
    PUSH_DEVICES,
    HIDDEN,
    ROLES,
    WAITING,
    MAILS,
    REPLIES,
    WORDINGS,
    UNREAD,
    PINS,
    SEARCH,
    MENTIONS,
    GROUPS,
    FORMERS,
];

/// `thread.active_at` is the newest message's time, or the thread's own while it has none.
///
/// A participant's unread count is derived: `seq` has no gaps, so others have written `last_seq - sent`
/// messages, of which the participant has seen `seen`. A message to a thread of 10,000 people therefore
/// changes two rows, not 10,000.
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

/// Second layout: changes of messages, cursors and archives of threads, and what the system knows of people.
///
/// `message.pair_socket` and `pair_rest` are the commands of the two legs of one click; without a `pair_key`
/// a message never pairs. The unread count is still derived from `thread_participant.seen`, which follows
/// `read_seq` at each step of that cursor. A deleted notification keeps its row without its content, so that
/// a repetition finds it. `revocation.session` is empty for every token of that person.
const SECOND: &str = "
    ALTER TABLE message ADD COLUMN marks BLOB;
    ALTER TABLE message ADD COLUMN edited_at INTEGER;
    ALTER TABLE message ADD COLUMN deleted_at INTEGER;
    ALTER TABLE message ADD COLUMN pair_key TEXT;
    ALTER TABLE message ADD COLUMN pair_socket BLOB;
    ALTER TABLE message ADD COLUMN pair_rest BLOB;
    -- Which messages near this time may a leg with this key join?
    CREATE INDEX message_by_pair ON message (pair_key, created_at) WHERE pair_key IS NOT NULL;

    ALTER TABLE thread_participant ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE thread_participant ADD COLUMN delivered_seq INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE thread_participant ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
    -- Who has put this thread away?
    CREATE INDEX thread_participant_archived ON thread_participant (thread_id) WHERE archived = 1;

    CREATE TABLE notification (
        id         BLOB    NOT NULL PRIMARY KEY,
        user_id    TEXT    NOT NULL,
        kind       TEXT    NOT NULL,
        title      TEXT    NOT NULL,
        text       TEXT    NOT NULL,
        data       BLOB,
        thread_id  BLOB,
        is_read    INTEGER NOT NULL DEFAULT 0,
        read_at    INTEGER,
        created_at INTEGER NOT NULL,
        is_deleted INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    -- What was somebody told, newest first?
    CREATE INDEX notification_by_user ON notification (user_id, created_at, id) WHERE is_deleted = 0;
    -- What of it have they not read?
    CREATE INDEX notification_unread ON notification (user_id, created_at, id) WHERE is_deleted = 0 AND is_read = 0;

    CREATE TABLE preferences (
        user_id     TEXT    NOT NULL PRIMARY KEY,
        preferences BLOB    NOT NULL,
        updated_at  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE profile (
        user_id TEXT NOT NULL PRIMARY KEY,
        name    TEXT NOT NULL,
        avatar  TEXT,
        email   TEXT
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE revocation (
        user_id TEXT    NOT NULL,
        session TEXT    NOT NULL,
        at      INTEGER NOT NULL,
        PRIMARY KEY (user_id, session)
    ) STRICT, WITHOUT ROWID;
";

/// Third layout: makes repetitions exact that come after other commands.
///
/// `message.sent_as` is the fingerprint of what was sent under a key, from the first edit or deletion on;
/// `notification.body` that of a keyed notification. `thread_participant.archives` are the last commands that
/// put the thread away or brought it back.
const THIRD: &str = "
    ALTER TABLE message ADD COLUMN sent_as BLOB;
    ALTER TABLE notification ADD COLUMN body BLOB;
    ALTER TABLE thread_participant ADD COLUMN archives BLOB;
";

/// Messages that were taken back leave the unread counts of who had not read them. Only such messages are in
/// this index, which holds everything that the count asks for.
const TAKEN_BACK: &str = "
    -- How many messages beyond somebody's read cursor were taken back by others?
    CREATE INDEX message_taken_back ON message (thread_id, seq, sender_id, deleted_at) WHERE deleted_at IS NOT NULL;
";

/// How many people are in a thread, so that a list need not count those of every thread.
const PEOPLE: &str = "
    ALTER TABLE thread ADD COLUMN people INTEGER NOT NULL DEFAULT 0;
    UPDATE thread SET people = (SELECT COUNT(*) FROM thread_participant WHERE thread_id = thread.id);
";

/// Sixth layout: a thread's messages by time, and what changed in a thread.
///
/// `message.change` is the number of the message's last change in its thread, 0 before the first;
/// `thread.last_change` the newest one of the thread.
const CHANGES: &str = "
    ALTER TABLE message ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE thread ADD COLUMN last_change INTEGER NOT NULL DEFAULT 0;
    -- Which messages of this thread changed after this one?
    CREATE INDEX message_by_change ON message (thread_id, change) WHERE change > 0;
    -- Which messages of this thread were accepted before or after this time?
    CREATE INDEX message_by_time ON message (thread_id, created_at, seq);
";

/// Seventh layout: `token_name.name` is what a person's token called them last.
const TOKEN_NAMES: &str = "
    CREATE TABLE token_name (
        user_id TEXT NOT NULL PRIMARY KEY,
        name    TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Eighth layout: what people are told by e-mail and push.
///
/// A window is open (1) until somebody claims it (0), and again when it is postponed; never more (-1) once
/// whoever took it has died, since its mail may have been sent. `outbound_window.claimable_at` is when it may
/// be claimed: when it is due, then when the claim runs out, and never (NULL) once its job is in a queue.
/// `taken_until` is when whoever sends it lets go of it. `item_count` counts the items; windows of earlier
/// versions have more than `outbound_item` keeps. `delivery.entry` is a row of the log; its other columns
/// repeat what is asked for.
const OUTBOUND: &str = "
    CREATE TABLE outbound_window (
        id           BLOB    NOT NULL PRIMARY KEY,
        user_id      TEXT    NOT NULL,
        channel      TEXT    NOT NULL,
        key          TEXT    NOT NULL,
        is_open      INTEGER NOT NULL DEFAULT 1,
        opened_at    INTEGER NOT NULL,
        due_at       INTEGER NOT NULL,
        claimable_at INTEGER,
        taken_until  INTEGER,
        item_count   INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    -- Which window takes this item in? There is one.
    CREATE UNIQUE INDEX outbound_window_open ON outbound_window (user_id, channel, key) WHERE is_open = 1;
    -- Which windows are due?
    CREATE INDEX outbound_window_claimable ON outbound_window (channel, claimable_at) WHERE claimable_at IS NOT NULL;
    -- Which windows has nobody ever closed?
    CREATE INDEX outbound_window_by_due ON outbound_window (due_at);

    CREATE TABLE outbound_item (
        window_id BLOB    NOT NULL,
        place     INTEGER NOT NULL,
        told      BLOB    NOT NULL,
        PRIMARY KEY (window_id, place)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE delivery (
        id        BLOB    NOT NULL PRIMARY KEY,
        user_id   TEXT    NOT NULL,
        reference TEXT    NOT NULL,
        at        INTEGER NOT NULL,
        entry     BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- What was somebody told, newest first?
    CREATE INDEX delivery_by_user ON delivery (user_id, at, id);
    -- What became of this message or notification?
    CREATE INDEX delivery_by_reference ON delivery (reference, at, id);
    -- Which rows are old enough to be deleted?
    CREATE INDEX delivery_by_time ON delivery (at);
";

/// Ninth layout: push devices, and what they show.
///
/// `push_device.target` is MessagePack; a removed device has no owner and no target, and `at` is when it was
/// removed. `push_shown.push` is the newest push under its tag, which tells of messages up to `seq`.
const PUSH_DEVICES: &str = "
    CREATE TABLE push_device (
        id      BLOB    NOT NULL PRIMARY KEY,
        user_id TEXT,
        target  BLOB,
        name    TEXT    NOT NULL,
        at      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Where do the pushes of somebody go, the newest device first?
    CREATE INDEX push_device_by_user ON push_device (user_id, at) WHERE user_id IS NOT NULL;
    -- Which devices were removed long ago?
    CREATE INDEX push_device_removed ON push_device (at) WHERE user_id IS NULL;

    CREATE TABLE push_shown (
        device_id BLOB    NOT NULL,
        tag       TEXT    NOT NULL,
        user_id   TEXT    NOT NULL,
        push      TEXT    NOT NULL,
        seq       INTEGER NOT NULL,
        at        INTEGER NOT NULL,
        PRIMARY KEY (device_id, tag)
    ) STRICT, WITHOUT ROWID;
    -- What was pushed long ago?
    CREATE INDEX push_shown_by_time ON push_shown (at);
";

/// Tenth layout: notifications that their owners are told of by e-mail and push only, and those about a
/// thread.
const HIDDEN: &str = "
    ALTER TABLE notification ADD COLUMN is_hidden INTEGER NOT NULL DEFAULT 0;
    DROP INDEX notification_by_user;
    DROP INDEX notification_unread;
    -- What was somebody told, newest first?
    CREATE INDEX notification_by_user ON notification (user_id, created_at, id) WHERE is_deleted = 0 AND is_hidden = 0;
    -- What of it have they not read?
    CREATE INDEX notification_unread ON notification (user_id, created_at, id)
        WHERE is_deleted = 0 AND is_hidden = 0 AND is_read = 0;
    -- What was somebody told about this thread, and has not read, or read at this moment?
    CREATE INDEX notification_about ON notification (user_id, thread_id, read_at)
        WHERE is_deleted = 0 AND is_hidden = 0 AND thread_id IS NOT NULL;
";

/// Eleventh layout: what people are to the host application.
const ROLES: &str = "
    ALTER TABLE profile ADD COLUMN role TEXT;
    -- Who has this role?
    CREATE INDEX profile_by_role ON profile (role, user_id) WHERE role IS NOT NULL;
";

/// Twelfth layout: what waits for one person is found without the windows of everybody else.
const WAITING: &str = "
    -- Which windows of this person may be claimed, and when?
    CREATE INDEX outbound_window_by_user ON outbound_window (user_id, claimable_at) WHERE claimable_at IS NOT NULL;
";

/// Thirteenth layout: `outbound_window.mail` is the mail that its recipient may have (MessagePack); NULL if
/// there is none, and for pushes.
const MAILS: &str = "
    ALTER TABLE outbound_window ADD COLUMN mail BLOB;
";

const SUPPRESSIONS: &str = "
    -- `key` is the address in lower case; `changed_at` is the time of the last change, `since` that of the
    -- suppression.
    CREATE TABLE suppression (
        key        TEXT    NOT NULL PRIMARY KEY,
        address    TEXT    NOT NULL,
        reason     BLOB,
        detail     TEXT    NOT NULL DEFAULT '',
        since      INTEGER NOT NULL DEFAULT 0,
        is_active  INTEGER NOT NULL DEFAULT 0,
        changed_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

const OUTBOX: &str = "
    CREATE TABLE outbox (
        id   TEXT    NOT NULL PRIMARY KEY,
        at   INTEGER NOT NULL,
        item BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Which are the newest?
    CREATE INDEX outbox_by_time ON outbox (at, id);
";

const SENDS: &str = "
    -- `send` is the whole record; the other columns repeat what is asked for.
    CREATE TABLE bulk_send (
        id           BLOB    NOT NULL PRIMARY KEY,
        created_at   INTEGER NOT NULL,
        claimable_at INTEGER,
        ended_at     INTEGER,
        send         BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Which sends are due?
    CREATE INDEX bulk_send_claimable ON bulk_send (claimable_at) WHERE claimable_at IS NOT NULL;
    -- Which are the newest?
    CREATE INDEX bulk_send_by_time ON bulk_send (created_at, id);
    -- Which ended long ago?
    CREATE INDEX bulk_send_ended ON bulk_send (ended_at) WHERE ended_at IS NOT NULL;
";

#[cfg(test)]
mod tests {
    use super::PIECES;
    use crate::{Database, EmbeddedStore};
    use eventflow_ports::Store;
    use eventflow_protocol::ThreadId;
    use eventflow_protocol::change::{AdvanceCursor, Cursor};
    use eventflow_protocol::{Timestamp, UserId};

    /// Two people and a message of the first, as the first layout kept them.
    const FILLED: &str = "
        INSERT INTO thread VALUES (x'010101010101010101010101', 1, x'020202020202020202020202', 5, 0, NULL, 5, 5);
        INSERT INTO thread_participant (thread_id, user_id, sent) VALUES
            (x'010101010101010101010101', 'ann', 1), (x'010101010101010101010101', 'bob', 0);
        INSERT INTO message VALUES
            (x'010101010101010101010101', 1, x'020202020202020202020202', 'ann', 'hi', NULL, NULL, 0, NULL, NULL, NULL, 5, 5);
    ";

    #[tokio::test]
    async fn a_file_of_the_first_layout_is_read_on() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_in(folder.path()).unwrap();
        let (piece, steps) = PIECES[0];
        database.migrate(piece, &steps[..1]).await.unwrap();
        database.write(|tx| tx.execute_batch(FILLED)).await.unwrap();
        let store = EmbeddedStore::open(database).await.unwrap();
        let (thread_id, user_id): (_, UserId) = (ThreadId::from_bytes([1; 12]), "bob".parse().unwrap());
        let seen = store.thread_view(thread_id, &user_id).await.unwrap().unwrap();
        assert_eq!((seen.unread_count, seen.thread.participant_count), (1, 2));
        let read = AdvanceCursor { thread_id, user_id, cursor: Cursor::Read, up_to: None, at: Timestamp(9) };
        let advanced = store.advance(&[read]).await.unwrap().remove(0).unwrap();
        assert_eq!(
            (advanced.from, advanced.up_to, advanced.unread_count, advanced.messages.len()),
            (0, 1, 0, 1)
        );
    }
}
