-- When a session was used the last time, for organizations that end idle ones; and whether its person has still to show
-- a second factor.
ALTER TABLE sessions ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN awaits_code BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE sessions SET used_at = created_at;

-- Since when people sign in with a second factor.
ALTER TABLE users ADD COLUMN second_factor_at BIGINT;

-- What an authenticator was given; it counts once users.second_factor_at is there.
CREATE TABLE second_factors (
  user_id    TEXT   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  secret     TEXT   NOT NULL,
  -- The number of the last half minute whose code was used: each is good once.
  used_step  BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Each lets its person in once without the authenticator.
CREATE TABLE recovery_codes (
  hash    TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX recovery_codes_user ON recovery_codes (user_id);
