-- Draft policies asked about plans of runs that are over: what was asked is sealed, and so is what each plan led to.
CREATE TABLE policy_replays (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  created_by_id     TEXT,
  kind              TEXT   NOT NULL,
  status            TEXT   NOT NULL,
  draft             TEXT   NOT NULL,
  -- JSON.
  counts            TEXT   NOT NULL,
  created_at        BIGINT NOT NULL,
  finished_at       BIGINT
);
CREATE INDEX policy_replays_organization ON policy_replays (organization_name, created_at, id);

CREATE TABLE policy_replay_results (
  id           TEXT   NOT NULL PRIMARY KEY,
  replay_id    TEXT   NOT NULL REFERENCES policy_replays (id) ON DELETE CASCADE,
  position     BIGINT NOT NULL,
  workspace_id TEXT   NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  run_id       TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  status       TEXT   NOT NULL,
  said         TEXT,
  UNIQUE (replay_id, position)
);
CREATE INDEX policy_replay_results_workspace ON policy_replay_results (workspace_id);
CREATE INDEX policy_replay_results_run ON policy_replay_results (run_id);
