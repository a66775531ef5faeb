-- What a service is asked in a stage of a run, as it was configured when the run was made, and what it says.
CREATE TABLE task_results (
  id                TEXT    NOT NULL PRIMARY KEY,
  task_stage_id     TEXT    NOT NULL REFERENCES task_stages (id) ON DELETE CASCADE,
  -- Both may be gone.
  run_task_id       TEXT    NOT NULL,
  workspace_task_id TEXT,
  task_name         TEXT    NOT NULL,
  task_url          TEXT    NOT NULL,
  -- Sealed.
  hmac_key          TEXT,
  stage             TEXT    NOT NULL,
  enforcement_level TEXT    NOT NULL,
  is_speculative    BOOLEAN NOT NULL,
  status            TEXT    NOT NULL,
  message           TEXT,
  url               TEXT,
  -- By which the service comes back: sealed, and as a hash. It is good until then.
  token             TEXT,
  token_hash        TEXT,
  token_ends_at     BIGINT,
  -- If nothing is heard until then, and whatever is heard until then.
  silent_until      BIGINT,
  ends_at           BIGINT,
  status_timestamps TEXT    NOT NULL,
  created_at        BIGINT  NOT NULL,
  updated_at        BIGINT  NOT NULL,
  UNIQUE (task_stage_id, run_task_id)
);
CREATE UNIQUE INDEX task_results_token ON task_results (token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX task_results_silent ON task_results (silent_until) WHERE silent_until IS NOT NULL;

CREATE TABLE task_result_outcomes (
  id             TEXT   NOT NULL PRIMARY KEY,
  task_result_id TEXT   NOT NULL REFERENCES task_results (id) ON DELETE CASCADE,
  outcome_id     TEXT   NOT NULL,
  description    TEXT   NOT NULL,
  url            TEXT,
  -- JSON: lists of labels by name.
  tags           TEXT   NOT NULL,
  -- Bytes of its text; 0 if it has none.
  body_size      BIGINT NOT NULL,
  created_at     BIGINT NOT NULL,
  UNIQUE (task_result_id, outcome_id)
);

-- Sealed, for a service may tell values of the plan. Not read with lists.
CREATE TABLE task_result_bodies (
  outcome_id TEXT NOT NULL PRIMARY KEY REFERENCES task_result_outcomes (id) ON DELETE CASCADE,
  content    TEXT NOT NULL
);
