-- What a provider said of whose session it is: one role or group in a line.

ALTER TABLE cloakroom.session ADD COLUMN roles text NOT NULL DEFAULT '';
