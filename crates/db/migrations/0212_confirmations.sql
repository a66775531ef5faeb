-- How many people have to confirm the runs of a workspace, and whether one of them has to be another than who has queued the run.
ALTER TABLE workspaces ADD COLUMN confirmations_required BIGINT NOT NULL DEFAULT 1;
ALTER TABLE workspaces ADD COLUMN confirmed_by_others BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE run_confirmations (
  id         TEXT   NOT NULL PRIMARY KEY,
  run_id     TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  UNIQUE (run_id, user_id)
);
CREATE INDEX run_confirmations_of_user ON run_confirmations (user_id);
