-- What belongs together: this database, the keys that have sealed something in it, and its blobs.

-- By their names in the key file. A fingerprint tells two keys of one name apart.
CREATE TABLE sealing_keys (
  id            TEXT   NOT NULL PRIMARY KEY,
  fingerprint   TEXT   NOT NULL,
  first_used_at BIGINT NOT NULL
);

-- One row, from the first start on. The same id stands in the mark beside the blobs, once blobs_marked says so.
CREATE TABLE installations (
  one          BIGINT  NOT NULL PRIMARY KEY CHECK (one = 1),
  id           TEXT    NOT NULL,
  blobs_marked BOOLEAN NOT NULL
);

-- Until then nobody deletes a blob that has lost its row: a backup is copying what rows named a moment ago.
CREATE TABLE blob_holds (
  id       TEXT   NOT NULL PRIMARY KEY,
  until_at BIGINT NOT NULL
);
