-- Accounts that are disabled, or whose older sessions are all over. Sessions by how they live in the browser: until now
-- there was one way. Entries of the feed of the kinds `account` and `everything`: `good_from` is the instant before which
-- nothing is good; the subject of everything is 16 zero bytes.

ALTER TABLE account ADD COLUMN disabled_at INTEGER;
ALTER TABLE account ADD COLUMN not_before INTEGER;

ALTER TABLE session ADD COLUMN strategy TEXT NOT NULL DEFAULT 'cookie';

-- The issue of the access token that accompanied the rotation to the newest generation.
ALTER TABLE session ADD COLUMN rotated_with INTEGER NOT NULL DEFAULT 0 CHECK (rotated_with BETWEEN 0 AND 4294967295);
