-- Who did what: copied from the events, each entry chained to the one before it, and kept when the events are gone.
ALTER TABLE events ADD COLUMN token_id TEXT;
ALTER TABLE events ADD COLUMN address TEXT;

CREATE TABLE audit_entries (
  number          BIGINT NOT NULL PRIMARY KEY,
  event_id        TEXT   NOT NULL UNIQUE,
  at              BIGINT NOT NULL,
  organization_id TEXT,
  body            TEXT   NOT NULL,
  hash            TEXT   NOT NULL
);
CREATE INDEX audit_entries_organization ON audit_entries (organization_id, at, number);
INSERT INTO event_readers (name, number) VALUES ('audit', 0);
