-- What one of several servers does for all, and until when the others leave it to it.
CREATE TABLE leases (
  name   TEXT   NOT NULL PRIMARY KEY,
  server TEXT,
  until  BIGINT NOT NULL
);
INSERT INTO leases (name, server, until) VALUES ('house', NULL, 0);
