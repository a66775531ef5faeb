-- Variable sets: variables of many workspaces at once. What a run brings with it: run triggers and comments.

CREATE TABLE variable_sets (
  id                TEXT    NOT NULL PRIMARY KEY,
  organization_name TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  -- The project that owns it; without one, the organization does.
  project_id        TEXT    REFERENCES projects (id) ON DELETE CASCADE,
  name              TEXT    NOT NULL,
  description       TEXT    NOT NULL,
  is_global         BOOLEAN NOT NULL,
  is_priority       BOOLEAN NOT NULL,
  created_at        BIGINT  NOT NULL,
  updated_at        BIGINT  NOT NULL
);
CREATE UNIQUE INDEX variable_sets_of_organization ON variable_sets (organization_name, lower(name)) WHERE project_id IS NULL;
CREATE UNIQUE INDEX variable_sets_of_project ON variable_sets (project_id, lower(name)) WHERE project_id IS NOT NULL;
CREATE INDEX variable_sets_name ON variable_sets (organization_name, name);

-- What a set is applied to: one workspace, or all of a project.
CREATE TABLE variable_set_scopes (
  id              TEXT   NOT NULL PRIMARY KEY,
  variable_set_id TEXT   NOT NULL REFERENCES variable_sets (id) ON DELETE CASCADE,
  workspace_id    TEXT   REFERENCES workspaces (id) ON DELETE CASCADE,
  project_id      TEXT   REFERENCES projects (id) ON DELETE CASCADE,
  created_at      BIGINT NOT NULL,
  CHECK ((workspace_id IS NULL) <> (project_id IS NULL)),
  UNIQUE (variable_set_id, workspace_id),
  UNIQUE (variable_set_id, project_id)
);
CREATE INDEX variable_set_scopes_workspace ON variable_set_scopes (workspace_id) WHERE workspace_id IS NOT NULL;
CREATE INDEX variable_set_scopes_project ON variable_set_scopes (project_id) WHERE project_id IS NOT NULL;

-- A variable is a workspace's or a set's.
ALTER TABLE variables RENAME TO variables_of_workspaces;
CREATE TABLE variables (
  id              TEXT    NOT NULL PRIMARY KEY,
  workspace_id    TEXT    REFERENCES workspaces (id) ON DELETE CASCADE,
  variable_set_id TEXT    REFERENCES variable_sets (id) ON DELETE CASCADE,
  name            TEXT    NOT NULL,
  value           TEXT    NOT NULL,
  is_sealed       BOOLEAN NOT NULL,
  category        TEXT    NOT NULL,
  hcl             BOOLEAN NOT NULL,
  sensitive       BOOLEAN NOT NULL,
  description     TEXT,
  version_id      TEXT    NOT NULL,
  created_at      BIGINT  NOT NULL,
  CHECK ((workspace_id IS NULL) <> (variable_set_id IS NULL)),
  UNIQUE (workspace_id, category, name),
  UNIQUE (variable_set_id, category, name)
);
INSERT INTO variables (id, workspace_id, name, value, is_sealed, category, hcl, sensitive, description, version_id, created_at)
SELECT id, workspace_id, name, value, is_sealed, category, hcl, sensitive, description, version_id, created_at
FROM variables_of_workspaces;
DROP TABLE variables_of_workspaces;

-- A successful apply in the source queues a run in the workspace.
CREATE TABLE run_triggers (
  id           TEXT   NOT NULL PRIMARY KEY,
  workspace_id TEXT   NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  source_id    TEXT   NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  created_at   BIGINT NOT NULL,
  UNIQUE (workspace_id, source_id)
);
CREATE INDEX run_triggers_source ON run_triggers (source_id);

-- The run whose apply queued this one. At most one run for each trigger: whoever comes second finds it there.
ALTER TABLE runs ADD COLUMN triggered_by_id TEXT REFERENCES runs (id) ON DELETE SET NULL;
ALTER TABLE runs ADD COLUMN triggering_source_id TEXT REFERENCES workspaces (id) ON DELETE SET NULL;
ALTER TABLE runs ADD COLUMN triggering_source_name TEXT;
CREATE INDEX runs_triggering_source ON runs (triggering_source_id) WHERE triggering_source_id IS NOT NULL;
CREATE UNIQUE INDEX runs_triggered_by ON runs (triggered_by_id, workspace_id) WHERE triggered_by_id IS NOT NULL;

CREATE TABLE comments (
  id         TEXT   NOT NULL PRIMARY KEY,
  run_id     TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  -- The event that tells of it.
  event_id   TEXT   NOT NULL,
  body       TEXT   NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX comments_run ON comments (run_id, created_at);
CREATE UNIQUE INDEX comments_event ON comments (event_id);
