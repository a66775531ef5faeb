-- Services that are asked about runs, those of an organization. What holds for all of its workspaces stands here as well.
CREATE TABLE run_tasks (
  id                       TEXT    NOT NULL PRIMARY KEY,
  organization_name        TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name                     TEXT    NOT NULL,
  description              TEXT,
  url                      TEXT    NOT NULL,
  -- Sealed.
  hmac_key                 TEXT,
  enabled                  BOOLEAN NOT NULL,
  global_enabled           BOOLEAN NOT NULL,
  -- JSON: a list of words.
  global_stages            TEXT    NOT NULL,
  global_enforcement_level TEXT    NOT NULL,
  created_at               BIGINT  NOT NULL,
  updated_at               BIGINT  NOT NULL
);
CREATE UNIQUE INDEX run_tasks_name ON run_tasks (organization_name, name);

-- Where they are asked.
CREATE TABLE workspace_tasks (
  id                TEXT   NOT NULL PRIMARY KEY,
  workspace_id      TEXT   NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  run_task_id       TEXT   NOT NULL REFERENCES run_tasks (id) ON DELETE CASCADE,
  -- JSON: a list of words.
  stages            TEXT   NOT NULL,
  enforcement_level TEXT   NOT NULL,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL,
  UNIQUE (workspace_id, run_task_id)
);
CREATE INDEX workspace_tasks_task ON workspace_tasks (run_task_id);
