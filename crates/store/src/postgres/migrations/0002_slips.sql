-- Slips: small records, each of which belongs to one use case. Accounts whose address was proven, and accounts that can be
-- deleted: what refers to an account is found by an index, ended sessions and old lines of the trail as well.

CREATE TABLE cloakroom.slip (
    kind       TEXT   NOT NULL,
    key        BYTEA  NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 64),
    account    BYTEA  REFERENCES cloakroom.account (id) ON DELETE CASCADE,
    version    BIGINT NOT NULL CHECK (version BETWEEN 0 AND 4294967295),
    due_at     BIGINT,
    expires_at BIGINT,
    data       BYTEA  NOT NULL CHECK (octet_length(data) <= 65536),
    PRIMARY KEY (kind, key)
);
CREATE INDEX slip_of_account ON cloakroom.slip (account, kind, key) WHERE account IS NOT NULL;
CREATE INDEX slip_due ON cloakroom.slip (kind, due_at, key) WHERE due_at IS NOT NULL;
CREATE INDEX slip_expires_at ON cloakroom.slip (expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE cloakroom.account ADD COLUMN email_verified_at BIGINT;

-- In place of the one without ended sessions, which are deleted with their account.
DROP INDEX cloakroom.session_of_account;
CREATE INDEX session_of_account ON cloakroom.session (account, ended_at);

-- With `seq`: lines of an account that have no place in the trail yet are found by it as well.
CREATE INDEX event_of_account ON cloakroom.event (account, seq) WHERE account IS NOT NULL;

-- Answers how many accounts were changed. An address that is taken is caught in here, because the server's log would show it.
CREATE FUNCTION cloakroom.set_email(who BYTEA, expected TEXT, chosen TEXT, canonical TEXT, verified_at BIGINT)
RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    changed BIGINT;
BEGIN
    UPDATE cloakroom.account SET email = chosen, canonical_email = canonical, email_verified_at = verified_at
        WHERE id = who AND canonical_email = expected;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
EXCEPTION WHEN unique_violation THEN
    RETURN 0;
END $$;
