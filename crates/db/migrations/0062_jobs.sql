-- Jobs are of several kinds, and not all of them belong to a run or a workspace.
CREATE TABLE jobs_of_any_kind (
  id            TEXT   NOT NULL PRIMARY KEY,
  kind          TEXT   NOT NULL,
  run_id        TEXT   REFERENCES runs (id) ON DELETE CASCADE,
  workspace_id  TEXT,
  status        TEXT   NOT NULL,
  agent_pool_id TEXT,
  agent_id      TEXT,
  leased_until  BIGINT,
  attempts      BIGINT NOT NULL,
  token_hash    TEXT,
  created_at    BIGINT NOT NULL,
  started_at    BIGINT,
  UNIQUE (run_id, kind)
);
INSERT INTO jobs_of_any_kind
  (id, kind, run_id, workspace_id, status, agent_pool_id, agent_id, leased_until, attempts, token_hash, created_at, started_at)
SELECT id, phase, run_id, workspace_id, status, agent_pool_id, agent_id, leased_until, attempts, token_hash, created_at, started_at
FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_of_any_kind RENAME TO jobs;
CREATE INDEX jobs_status ON jobs (status, created_at);
CREATE UNIQUE INDEX jobs_token ON jobs (token_hash) WHERE token_hash IS NOT NULL;

-- What an agent can do, as JSON: what it says when it registers.
ALTER TABLE agents ADD COLUMN abilities TEXT NOT NULL DEFAULT '{}';
