//! The tables of dead letters, replays and the audit log.

/// The first layout.
pub(crate) const DEAD_LETTERS: &str = "
    -- `letter` is the whole letter as JSON; the other columns repeat what is asked for.
    CREATE TABLE dead_letter (
        id       TEXT    NOT NULL PRIMARY KEY,
        queue    TEXT    NOT NULL,
        cause    TEXT    NOT NULL,
        kind     TEXT,
        state    TEXT    NOT NULL,
        last_at  INTEGER NOT NULL,
        ended_at INTEGER,
        replay   TEXT,
        reason   TEXT    NOT NULL,
        letter   TEXT    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Which wait, the newest first or the oldest?
    CREATE INDEX dead_letter_by_state ON dead_letter (state, last_at, id);
    CREATE INDEX dead_letter_by_time ON dead_letter (last_at, id);
    -- Which of a replay failed again?
    CREATE INDEX dead_letter_by_replay ON dead_letter (replay) WHERE replay IS NOT NULL;
    -- Which ended long ago?
    CREATE INDEX dead_letter_ended ON dead_letter (ended_at) WHERE ended_at IS NOT NULL;

    -- With row ids, since a body may have many pages.
    CREATE TABLE dead_letter_body (
        id      TEXT    NOT NULL,
        version INTEGER NOT NULL,
        body    BLOB    NOT NULL,
        PRIMARY KEY (id, version)
    ) STRICT;

    CREATE TABLE dead_letter_replay (
        id           TEXT NOT NULL PRIMARY KEY,
        claimable_at INTEGER,
        replay       TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Which replays are due?
    CREATE INDEX dead_letter_replay_claimable ON dead_letter_replay (claimable_at) WHERE claimable_at IS NOT NULL;

    -- Rows are added and never changed.
    CREATE TABLE audit (
        id     TEXT    NOT NULL PRIMARY KEY,
        at     INTEGER NOT NULL,
        letter TEXT,
        replay TEXT,
        action TEXT    NOT NULL,
        entry  TEXT    NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Which are the newest, and those about one letter?
    CREATE INDEX audit_by_time ON audit (at, id);
    CREATE INDEX audit_by_letter ON audit (letter, at, id) WHERE letter IS NOT NULL;
    -- How far has a replay come?
    CREATE INDEX audit_by_replay ON audit (replay, action) WHERE replay IS NOT NULL;
    -- Nothing changes or deletes what is recorded, not even a fault of this program.
    CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log only grows'); END;
    CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log only grows'); END;
";
