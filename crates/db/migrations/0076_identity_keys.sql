-- Keys by which runs are vouched for: the newest signs, all of them are published.
CREATE TABLE identity_keys (
  kid         TEXT   NOT NULL PRIMARY KEY,
  private_key TEXT   NOT NULL,
  n           TEXT   NOT NULL,
  e           TEXT   NOT NULL,
  created_at  BIGINT NOT NULL
);
