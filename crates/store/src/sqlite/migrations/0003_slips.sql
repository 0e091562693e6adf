-- Slips: small records, each of which belongs to one use case. Accounts whose address was proven, and accounts that can be
-- deleted: what refers to an account is found by an index, ended sessions and old lines of the trail as well.

CREATE TABLE slip (
    kind       TEXT    NOT NULL,
    key        BLOB    NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
    account    BLOB    REFERENCES account (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL CHECK (version BETWEEN 0 AND 4294967295),
    due_at     INTEGER,
    expires_at INTEGER,
    data       BLOB    NOT NULL CHECK (length(data) <= 65536),
    PRIMARY KEY (kind, key)
) STRICT;
CREATE INDEX slip_of_account ON slip (account, kind, key) WHERE account IS NOT NULL;
CREATE INDEX slip_due ON slip (kind, due_at, key) WHERE due_at IS NOT NULL;
CREATE INDEX slip_expires_at ON slip (expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE account ADD COLUMN email_verified_at INTEGER;

-- In place of the one without ended sessions, which are deleted with their account.
DROP INDEX session_of_account;
CREATE INDEX session_of_account ON session (account, ended_at);

CREATE INDEX event_of_account ON event (account) WHERE account IS NOT NULL;
