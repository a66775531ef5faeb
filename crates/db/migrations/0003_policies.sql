-- Policies, the sets that bring them to workspaces, and what became of them in runs.

CREATE TABLE policies (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name              TEXT   NOT NULL,
  description       TEXT,
  kind              TEXT   NOT NULL,
  query             TEXT,
  enforcement_level TEXT   NOT NULL,
  path              TEXT   NOT NULL,
  -- The blob with the code, by an id of its own: new with every upload.
  code_id           TEXT,
  code_updated_at   BIGINT,
  created_at        BIGINT NOT NULL,
  UNIQUE (organization_name, name)
);

-- vcs_repo, policy_update_patterns and tag_selectors are JSON.
CREATE TABLE policy_sets (
  id                     TEXT    NOT NULL PRIMARY KEY,
  organization_name      TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name                   TEXT    NOT NULL,
  description            TEXT,
  kind                   TEXT    NOT NULL,
  is_global              BOOLEAN NOT NULL,
  agent_enabled          BOOLEAN NOT NULL,
  policy_tool_version    TEXT,
  overridable            BOOLEAN NOT NULL,
  policies_path          TEXT,
  vcs_repo               TEXT,
  policy_update_patterns TEXT    NOT NULL,
  tag_selectors          TEXT    NOT NULL,
  current_version_id     TEXT,
  newest_version_id      TEXT,
  created_at             BIGINT  NOT NULL,
  updated_at             BIGINT  NOT NULL,
  UNIQUE (organization_name, name)
);

-- What a set is made of and where it counts: exactly one of the three ids is there, and member_id repeats it.
CREATE TABLE policy_set_members (
  policy_set_id TEXT   NOT NULL REFERENCES policy_sets (id) ON DELETE CASCADE,
  role          TEXT   NOT NULL,
  member_id     TEXT   NOT NULL,
  policy_id     TEXT   REFERENCES policies (id) ON DELETE CASCADE,
  workspace_id  TEXT   REFERENCES workspaces (id) ON DELETE CASCADE,
  project_id    TEXT   REFERENCES projects (id) ON DELETE CASCADE,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (policy_set_id, role, member_id)
);
CREATE INDEX policy_set_members_policy ON policy_set_members (policy_id) WHERE policy_id IS NOT NULL;
CREATE INDEX policy_set_members_workspace ON policy_set_members (workspace_id) WHERE workspace_id IS NOT NULL;
CREATE INDEX policy_set_members_project ON policy_set_members (project_id) WHERE project_id IS NOT NULL;

-- The value is sealed.
CREATE TABLE policy_set_parameters (
  id            TEXT    NOT NULL PRIMARY KEY,
  policy_set_id TEXT    NOT NULL REFERENCES policy_sets (id) ON DELETE CASCADE,
  name          TEXT    NOT NULL,
  value         TEXT    NOT NULL,
  sensitive     BOOLEAN NOT NULL,
  description   TEXT,
  version_id    TEXT    NOT NULL,
  created_at    BIGINT  NOT NULL,
  UNIQUE (policy_set_id, name)
);

-- policies: JSON, what the archive declares.
CREATE TABLE policy_set_versions (
  id                TEXT   NOT NULL PRIMARY KEY,
  policy_set_id     TEXT   NOT NULL REFERENCES policy_sets (id) ON DELETE CASCADE,
  status            TEXT   NOT NULL,
  error             TEXT,
  error_message     TEXT,
  policies          TEXT   NOT NULL,
  status_timestamps TEXT   NOT NULL,
  created_by_id     TEXT,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL
);
CREATE INDEX policy_set_versions_set ON policy_set_versions (policy_set_id, created_at);

-- What is done between the phases of a run.
CREATE TABLE task_stages (
  id                TEXT   NOT NULL PRIMARY KEY,
  run_id            TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  stage             TEXT   NOT NULL,
  status            TEXT   NOT NULL,
  -- Whoever works on it has it until then; how often somebody began.
  leased_until      BIGINT,
  attempts          BIGINT NOT NULL,
  status_timestamps TEXT   NOT NULL,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL,
  UNIQUE (run_id, stage)
);

-- result_count: JSON.
CREATE TABLE policy_evaluations (
  id                TEXT   NOT NULL PRIMARY KEY,
  task_stage_id     TEXT   NOT NULL REFERENCES task_stages (id) ON DELETE CASCADE,
  kind              TEXT   NOT NULL,
  status            TEXT   NOT NULL,
  result_count      TEXT   NOT NULL,
  status_timestamps TEXT   NOT NULL,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL,
  UNIQUE (task_stage_id, kind)
);

-- A set as it was when it was evaluated. outcomes: sealed JSON, for policies may tell values of the plan.
CREATE TABLE policy_set_outcomes (
  id                     TEXT    NOT NULL PRIMARY KEY,
  policy_evaluation_id   TEXT    NOT NULL REFERENCES policy_evaluations (id) ON DELETE CASCADE,
  position               BIGINT  NOT NULL,
  policy_set_name        TEXT    NOT NULL,
  policy_set_description TEXT,
  policy_tool_version    TEXT    NOT NULL,
  overridable            BOOLEAN NOT NULL,
  error                  TEXT,
  outcomes               TEXT    NOT NULL,
  result_count           TEXT    NOT NULL,
  UNIQUE (policy_evaluation_id, position)
);

CREATE TABLE policy_checks (
  id                TEXT   NOT NULL PRIMARY KEY,
  run_id            TEXT   NOT NULL UNIQUE REFERENCES runs (id) ON DELETE CASCADE,
  status            TEXT   NOT NULL,
  output            TEXT,
  status_timestamps TEXT   NOT NULL,
  created_at        BIGINT NOT NULL
);

-- JSON: the ids of what is above, so that lists of runs need not look there.
ALTER TABLE runs ADD COLUMN task_stages TEXT NOT NULL DEFAULT '[]';
ALTER TABLE runs ADD COLUMN policy_checks TEXT NOT NULL DEFAULT '[]';
