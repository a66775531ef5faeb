-- A run keeps who has confirmed it, whatever becomes of their account; the yes of somebody who is gone counts no more.
CREATE TABLE kept_confirmations (
  id         TEXT   NOT NULL PRIMARY KEY,
  run_id     TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  user_id    TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (run_id, user_id)
);
INSERT INTO kept_confirmations (id, run_id, user_id, created_at)
SELECT id, run_id, user_id, created_at FROM run_confirmations;
DROP TABLE run_confirmations;
ALTER TABLE kept_confirmations RENAME TO run_confirmations;
