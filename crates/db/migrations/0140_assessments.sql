-- Whether what is there is still as it was applied: assessments, and what they have found.
CREATE TABLE assessments (
  id           TEXT   NOT NULL PRIMARY KEY,
  workspace_id TEXT   NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  run_id       TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  status       TEXT   NOT NULL,
  artifacts    TEXT   NOT NULL,
  created_at   BIGINT NOT NULL,
  started_at   BIGINT,
  ended_at     BIGINT
);
CREATE UNIQUE INDEX assessments_under_way ON assessments (workspace_id) WHERE status IN ('queued', 'running');
CREATE INDEX assessments_of_workspace ON assessments (workspace_id, created_at);
CREATE INDEX assessments_of_run ON assessments (run_id);

CREATE TABLE assessment_results (
  id                   TEXT    NOT NULL PRIMARY KEY,
  assessment_id        TEXT    NOT NULL UNIQUE REFERENCES assessments (id) ON DELETE CASCADE,
  workspace_id         TEXT    NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  succeeded            BOOLEAN NOT NULL,
  drifted              BOOLEAN NOT NULL,
  all_checks_succeeded BOOLEAN NOT NULL,
  resources_drifted    BIGINT,
  resources_undrifted  BIGINT,
  checks_passed        BIGINT,
  checks_failed        BIGINT,
  checks_errored       BIGINT,
  checks_unknown       BIGINT,
  error_message        TEXT,
  findings             TEXT    NOT NULL,
  created_at           BIGINT  NOT NULL
);
CREATE INDEX assessment_results_of_workspace ON assessment_results (workspace_id, created_at);

-- The newest one, and when that was.
ALTER TABLE workspaces ADD COLUMN current_assessment_result_id TEXT;
ALTER TABLE workspaces ADD COLUMN last_assessment_result_at BIGINT;
