//! The layouts that conversations got: replies, earlier wordings, marks "unread", pins, search,
//! mentions, groups; and drafts and scheduled messages.

/// Fourteenth layout: the message that a message answers.
pub(super) const REPLIES: &str = "
    ALTER TABLE message ADD COLUMN reply_to BLOB;
";

/// Fifteenth layout: what messages said before they were edited. In a table of their own, so that a page of a
/// history does not read them. `number` counts the wordings of a message; the first that was kept has 1.
pub(super) const WORDINGS: &str = "
    CREATE TABLE wording (
        message_id BLOB    NOT NULL,
        number     INTEGER NOT NULL,
        content    TEXT    NOT NULL,
        written_at INTEGER NOT NULL,
        is_first   INTEGER NOT NULL,
        PRIMARY KEY (message_id, number)
    ) STRICT, WITHOUT ROWID;
";

/// Sixteenth layout: what a person has marked unread. `read_seq` goes back then; `told_seq` is the highest
/// place where it was before, which others know. `unread_at` is when the last mark was accepted, and
/// `unreads` are the last commands.
pub(super) const UNREAD: &str = "
    ALTER TABLE thread_participant ADD COLUMN told_seq INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE thread_participant ADD COLUMN unread_at INTEGER;
    ALTER TABLE thread_participant ADD COLUMN unreads BLOB;
";

/// Seventeenth layout: which messages are pinned, by whom and when.
pub(super) const PINS: &str = "
    ALTER TABLE message ADD COLUMN pinned_by TEXT;
    ALTER TABLE message ADD COLUMN pinned_at INTEGER;
    -- Which messages of this thread are pinned, the last one first?
    CREATE INDEX message_pinned ON message (thread_id, pinned_at, seq) WHERE pinned_at IS NOT NULL;
";

/// Eighteenth layout: blocks of messages for search ([`eventflow_ports::search`]).
///
/// `search_block.mark` is 0, or tells the texts of an edited message apart; `bits` is the signature.
/// `thread.indexed_seq` is how far the thread is in blocks: files of earlier layouts are indexed in the
/// background.
pub(super) const SEARCH: &str = "
    ALTER TABLE thread ADD COLUMN indexed_seq INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE search_block (
        thread_id BLOB    NOT NULL,
        mark      INTEGER NOT NULL,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        oldest    INTEGER NOT NULL,
        newest    INTEGER NOT NULL,
        is_open   INTEGER NOT NULL,
        bits      BLOB    NOT NULL,
        PRIMARY KEY (thread_id, mark, first)
    ) STRICT, WITHOUT ROWID;
";

pub(super) const DRAFTS: &str = "
    -- A deleted draft has no content, and stays for its revision. `commands` are the last that changed it.
    CREATE TABLE draft (
        user_id    TEXT    NOT NULL,
        thread_id  BLOB    NOT NULL,
        content    TEXT    NOT NULL,
        reply_to   BLOB,
        revision   INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        commands   BLOB    NOT NULL,
        PRIMARY KEY (user_id, thread_id)
    ) STRICT, WITHOUT ROWID;
    -- What has somebody begun to write, the last first?
    CREATE INDEX draft_by_time ON draft (user_id, updated_at, thread_id) WHERE content <> '';
";

/// Nineteenth layout: whom messages mention. `mention` has a row for each person whom a message of somebody
/// else mentions that was not taken back.
pub(super) const MENTIONS: &str = "
    ALTER TABLE message ADD COLUMN mentions BLOB;
    -- Which messages of this thread beyond a place mention somebody?
    CREATE TABLE mention (
        thread_id BLOB    NOT NULL,
        user_id   TEXT    NOT NULL,
        seq       INTEGER NOT NULL,
        PRIMARY KEY (thread_id, user_id, seq)
    ) STRICT, WITHOUT ROWID;
";

/// Twentieth layout: groups. `thread.group_doc` is name, picture and owners (NULL: the thread is no group),
/// `thread.group_done` the last commands that changed it. `joined_at` is when a person was added (NULL: they
/// were there from the beginning); they see messages after `since_seq`. `thread_former.sent` is how many
/// messages somebody sent to a group who is not in it any more.
pub(super) const GROUPS: &str = "
    ALTER TABLE thread ADD COLUMN group_doc BLOB;
    ALTER TABLE thread ADD COLUMN group_done BLOB;
    ALTER TABLE thread_participant ADD COLUMN joined_at INTEGER;
    ALTER TABLE thread_participant ADD COLUMN since_seq INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE thread_former (
        thread_id BLOB    NOT NULL,
        user_id   TEXT    NOT NULL,
        sent      INTEGER NOT NULL,
        PRIMARY KEY (thread_id, user_id)
    ) STRICT, WITHOUT ROWID;
";

/// Twenty-first layout: whoever has left any thread is a former of it, so that what they wrote there is
/// found. Who left before is known by their messages.
pub(super) const FORMERS: &str = "
    -- Which threads was somebody in?
    CREATE INDEX thread_former_by_user ON thread_former (user_id, thread_id);
    INSERT OR IGNORE INTO thread_former (thread_id, user_id, sent)
        SELECT thread_id, sender_id, COUNT(*) FROM message
        WHERE NOT EXISTS (SELECT 1 FROM thread_participant AS present
            WHERE present.thread_id = message.thread_id AND present.user_id = message.sender_id)
        GROUP BY thread_id, sender_id;
";

/// Messages that wait for their time. `message` is the whole record; the other columns repeat what is asked
/// for. `due_at` is `send_at` until the message has ended.
pub(super) const SCHEDULED: &str = "
    CREATE TABLE scheduled_message (
        id         BLOB    NOT NULL PRIMARY KEY,
        sender_id  TEXT    NOT NULL,
        thread_id  BLOB    NOT NULL,
        send_at    INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        due_at     INTEGER,
        ended_at   INTEGER,
        message    BLOB    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Which messages are due, what is due first and was scheduled first? Covers the answer.
    CREATE INDEX scheduled_message_due ON scheduled_message (due_at, created_at, id, thread_id)
        WHERE due_at IS NOT NULL;
    -- How many of somebody's messages wait?
    CREATE INDEX scheduled_message_waiting ON scheduled_message (sender_id, due_at) WHERE due_at IS NOT NULL;
    -- What has somebody scheduled, what is due last first?
    CREATE INDEX scheduled_message_by_sender ON scheduled_message (sender_id, send_at, id);
    -- Which ended long ago?
    CREATE INDEX scheduled_message_ended ON scheduled_message (ended_at) WHERE ended_at IS NOT NULL;
";
