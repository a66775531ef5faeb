-- Wrong passwords are counted for an account and where they come from, so that nobody is shut out by strangers.
CREATE TABLE sign_in_attempts (
  user_id      TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  origin       TEXT   NOT NULL,
  attempts     BIGINT NOT NULL,
  attempted_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, origin)
);
ALTER TABLE users DROP COLUMN sign_in_attempts;
ALTER TABLE users DROP COLUMN sign_in_attempted_at;
