-- Identifiers are 16 bytes. Instants are milliseconds since the Unix epoch. Texts of kinds, reasons and purposes are
-- those of `core` and never change their meaning.

-- One row: whose schema this is, and how many migrations were run.
CREATE TABLE cloakroom.schema_version (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    application TEXT    NOT NULL CHECK (application = 'Cloakroom'),
    version     BIGINT  NOT NULL
);
INSERT INTO cloakroom.schema_version VALUES (1, 'Cloakroom', 0);

-- Ends the transaction of a unit of work whose expectation was not met. So a whole unit can be sent at once.
CREATE FUNCTION cloakroom.expect(met BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    IF met = 0 THEN
        RAISE EXCEPTION 'cloakroom: what this was judged against has changed meanwhile' USING ERRCODE = 'CLK01';
    END IF;
END $$;

CREATE TABLE cloakroom.account (
    id              BYTEA  PRIMARY KEY CHECK (octet_length(id) = 16),
    email           TEXT   NOT NULL,
    canonical_email TEXT   NOT NULL UNIQUE,
    password        TEXT   NOT NULL,
    opened_at       BIGINT NOT NULL,
    password_set_at BIGINT NOT NULL,
    disabled_at     BIGINT,
    not_before      BIGINT
);

-- Room in every page, so that a rotation, which changes nothing that is in an index, stays in its page.
CREATE TABLE cloakroom.session (
    id              BYTEA   PRIMARY KEY CHECK (octet_length(id) = 16),
    account         BYTEA   NOT NULL REFERENCES cloakroom.account (id),
    opened_at       BIGINT  NOT NULL,
    last_used_at    BIGINT  NOT NULL,
    absolute_until  BIGINT  NOT NULL,
    remember        BOOLEAN NOT NULL,
    method          TEXT    NOT NULL,
    strategy        TEXT    NOT NULL,
    user_agent      TEXT    NOT NULL,
    address         TEXT    NOT NULL,
    generation      BIGINT  NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    rotated_at      BIGINT  NOT NULL,
    issue           BIGINT  NOT NULL CHECK (issue BETWEEN 0 AND 4294967295),
    issued_at       BIGINT  NOT NULL,
    acknowledged_at BIGINT,
    late_repeats    BIGINT  NOT NULL CHECK (late_repeats BETWEEN 0 AND 255),
    rotated_with    BIGINT  NOT NULL CHECK (rotated_with BETWEEN 0 AND 4294967295),
    refresh_key     BYTEA   NOT NULL CHECK (octet_length(refresh_key) = 16),
    seed            BYTEA   NOT NULL CHECK (octet_length(seed) = 16),
    ended_at        BIGINT,
    ended_reason    TEXT,
    CHECK ((ended_at IS NULL) = (ended_reason IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX session_of_account ON cloakroom.session (account) WHERE ended_at IS NULL;
CREATE INDEX session_absolute_until ON cloakroom.session (absolute_until);
CREATE INDEX session_ended_at ON cloakroom.session (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE cloakroom.ring_key (
    id           BYTEA  PRIMARY KEY CHECK (octet_length(id) = 16),
    purpose      TEXT   NOT NULL,
    algorithm    TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,
    made_at      BIGINT NOT NULL,
    active_from  BIGINT NOT NULL,
    withdrawn_at BIGINT
);

-- One row: how often the ring has changed. A change made by hand is counted as well.
CREATE TABLE cloakroom.ring (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version BIGINT  NOT NULL CHECK (version >= 0)
);
INSERT INTO cloakroom.ring VALUES (1, 0);
CREATE FUNCTION cloakroom.count_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cloakroom.ring SET version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER ring_key_changed AFTER INSERT OR UPDATE OR DELETE ON cloakroom.ring_key
    FOR EACH ROW EXECUTE FUNCTION cloakroom.count_change();

-- The trail. Every rotation writes a line, so writers must not wait for each other: a unit takes a number of its own from
-- a sequence, and its lines get their place in the trail (`seq`) when they are first read. A line has a place in the one
-- index or in the other. No reference to what a line tells of: the trail outlives it.
CREATE SEQUENCE cloakroom.event_unit;
CREATE TABLE cloakroom.event (
    unit     BIGINT  NOT NULL,
    line     INTEGER NOT NULL,
    seq      BIGINT,
    id       BYTEA   NOT NULL CHECK (octet_length(id) = 16),
    at       BIGINT  NOT NULL,
    kind     TEXT    NOT NULL,
    account  BYTEA,
    session  BYTEA,
    ring_key BYTEA
);
CREATE UNIQUE INDEX event_unread ON cloakroom.event (unit, line) WHERE seq IS NULL;
CREATE UNIQUE INDEX event_read ON cloakroom.event (seq) WHERE seq IS NOT NULL;

-- One row: the place of the newest line that was read. Who holds its lock gives out places.
CREATE TABLE cloakroom.trail (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    newest BIGINT  NOT NULL
);
INSERT INTO cloakroom.trail VALUES (1, 0);

-- Gives places to lines that have none, in the order of their units: to so many, and to the rest of the last unit. Each
-- statement in here sees what was committed before it began, so what the last holder of the lock did is seen.
CREATE FUNCTION cloakroom.place_events(at_most BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    start  BIGINT;
    up_to  BIGINT;
    placed BIGINT;
BEGIN
    IF NOT EXISTS (SELECT FROM cloakroom.event WHERE seq IS NULL) THEN
        RETURN;
    END IF;
    SELECT newest INTO start FROM cloakroom.trail FOR UPDATE;
    SELECT max(unit) INTO up_to
        FROM (SELECT unit FROM cloakroom.event WHERE seq IS NULL ORDER BY unit, line LIMIT at_most) AS unread;
    UPDATE cloakroom.event SET seq = start + unread.n
        FROM (SELECT unit, line, row_number() OVER (ORDER BY unit, line) AS n
              FROM cloakroom.event WHERE seq IS NULL AND unit <= up_to) AS unread
        WHERE event.seq IS NULL AND event.unit = unread.unit AND event.line = unread.line;
    GET DIAGNOSTICS placed = ROW_COUNT;
    UPDATE cloakroom.trail SET newest = start + placed WHERE placed > 0;
END $$;

-- The feed. Its numbers come from one row, whose lock is taken last in a unit and kept to its end: so they have no gaps, and
-- become visible in their order.
CREATE TABLE cloakroom.revocation (
    seq          BIGINT PRIMARY KEY,
    kind         TEXT   NOT NULL,
    subject      BYTEA  NOT NULL CHECK (octet_length(subject) = 16),
    generation   BIGINT,
    oldest_issue BIGINT,
    good_from    BIGINT,
    until        BIGINT NOT NULL
);
CREATE INDEX revocation_until ON cloakroom.revocation (until);
CREATE TABLE cloakroom.feed (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    newest BIGINT  NOT NULL
);
INSERT INTO cloakroom.feed VALUES (1, 0);
