-- Identifiers are 16 bytes. Instants are milliseconds since the Unix epoch. Texts of kinds, reasons and purposes are
-- those of `core` and never change their meaning.

CREATE TABLE account (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email           TEXT    NOT NULL,
    canonical_email TEXT    NOT NULL UNIQUE,
    password        TEXT    NOT NULL,
    opened_at       INTEGER NOT NULL,
    password_set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    account         BLOB    NOT NULL REFERENCES account (id),
    opened_at       INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL,
    absolute_until  INTEGER NOT NULL,
    remember        INTEGER NOT NULL CHECK (remember IN (0, 1)),
    method          TEXT    NOT NULL,
    user_agent      TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    generation      INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    rotated_at      INTEGER NOT NULL,
    issue           INTEGER NOT NULL CHECK (issue BETWEEN 0 AND 4294967295),
    issued_at       INTEGER NOT NULL,
    acknowledged_at INTEGER,
    late_repeats    INTEGER NOT NULL CHECK (late_repeats BETWEEN 0 AND 255),
    refresh_key     BLOB    NOT NULL CHECK (length(refresh_key) = 16),
    seed            BLOB    NOT NULL CHECK (length(seed) = 16),
    ended_at        INTEGER,
    ended_reason    TEXT,
    CHECK ((ended_at IS NULL) = (ended_reason IS NULL))
) STRICT, WITHOUT ROWID;

-- What a rotation changes is in none of these.
CREATE INDEX session_of_account ON session (account) WHERE ended_at IS NULL;
CREATE INDEX session_absolute_until ON session (absolute_until);
CREATE INDEX session_ended_at ON session (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE ring_key (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    purpose      TEXT    NOT NULL,
    algorithm    TEXT    NOT NULL,
    sealed       BLOB    NOT NULL,
    made_at      INTEGER NOT NULL,
    active_from  INTEGER NOT NULL,
    withdrawn_at INTEGER
) STRICT, WITHOUT ROWID;

-- One row: how often the ring has changed.
CREATE TABLE ring (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL CHECK (version >= 0)
) STRICT;
INSERT INTO ring (one, version) VALUES (1, 0);
CREATE TRIGGER ring_key_inserted AFTER INSERT ON ring_key BEGIN UPDATE ring SET version = version + 1; END;
CREATE TRIGGER ring_key_updated AFTER UPDATE ON ring_key BEGIN UPDATE ring SET version = version + 1; END;
CREATE TRIGGER ring_key_deleted AFTER DELETE ON ring_key BEGIN UPDATE ring SET version = version + 1; END;

-- No reference to what a line tells of: the trail outlives it.
CREATE TABLE event (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    account  BLOB,
    session  BLOB,
    ring_key BLOB
) STRICT;

CREATE TABLE revocation (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL,
    subject      BLOB    NOT NULL CHECK (length(subject) = 16),
    generation   INTEGER,
    oldest_issue INTEGER,
    good_from    INTEGER,
    until        INTEGER NOT NULL
) STRICT;
CREATE INDEX revocation_until ON revocation (until);
