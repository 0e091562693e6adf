-- What a provider said of whose session it is: one role or group in a line.

ALTER TABLE session ADD COLUMN roles TEXT NOT NULL DEFAULT '';
