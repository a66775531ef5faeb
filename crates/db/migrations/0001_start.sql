-- One schema for SQLite and PostgreSQL: TEXT, BIGINT, BOOLEAN and DOUBLE PRECISION only.
-- Times are BIGINT milliseconds since 1970, JSON is TEXT, bytes are blobs outside the database.

-- People and what they prove themselves with -----------------------------------------------------

CREATE TABLE users (
  id                   TEXT    NOT NULL PRIMARY KEY,
  username             TEXT    NOT NULL,
  email                TEXT    NOT NULL,
  password_hash        TEXT,
  is_site_admin        BOOLEAN NOT NULL,
  is_suspended         BOOLEAN NOT NULL,
  sign_in_attempts     BIGINT  NOT NULL,
  sign_in_attempted_at BIGINT  NOT NULL,
  created_at           BIGINT  NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (lower(username));
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE organizations (
  name                             TEXT    NOT NULL PRIMARY KEY,
  id                               TEXT    NOT NULL UNIQUE,
  email                            TEXT    NOT NULL,
  session_timeout                  BIGINT,
  session_remember                 BIGINT,
  collaborator_auth_policy         TEXT    NOT NULL,
  cost_estimation_enabled          BOOLEAN NOT NULL,
  passing_statuses_for_untriggered BOOLEAN NOT NULL,
  aggregated_commit_status_enabled BOOLEAN NOT NULL,
  speculative_plan_management      BOOLEAN NOT NULL,
  allow_force_delete_workspaces    BOOLEAN NOT NULL,
  assessments_enforced             BOOLEAN NOT NULL,
  default_execution_mode           TEXT    NOT NULL,
  default_agent_pool_id            TEXT,
  default_project_id               TEXT,
  owners_team_saml_role_id         TEXT,
  user_tokens_enabled              BOOLEAN NOT NULL,
  created_at                       BIGINT  NOT NULL
);
CREATE UNIQUE INDEX organizations_name ON organizations (lower(name));

CREATE TABLE organization_memberships (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  user_id           TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  status            TEXT   NOT NULL,
  created_at        BIGINT NOT NULL,
  UNIQUE (organization_name, user_id)
);
CREATE INDEX organization_memberships_user ON organization_memberships (user_id);

CREATE TABLE teams (
  id                            TEXT    NOT NULL PRIMARY KEY,
  organization_name             TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name                          TEXT    NOT NULL,
  visibility                    TEXT    NOT NULL,
  sso_team_id                   TEXT,
  organization_access           TEXT    NOT NULL,
  allow_member_token_management BOOLEAN NOT NULL,
  created_at                    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX teams_name ON teams (organization_name, lower(name));

CREATE TABLE team_memberships (
  team_id TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_memberships_user ON team_memberships (user_id);

CREATE TABLE tokens (
  id                TEXT   NOT NULL PRIMARY KEY,
  hash              TEXT   NOT NULL UNIQUE,
  kind              TEXT   NOT NULL,
  user_id           TEXT   REFERENCES users (id) ON DELETE CASCADE,
  team_id           TEXT   REFERENCES teams (id) ON DELETE CASCADE,
  organization_name TEXT   REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  agent_pool_id     TEXT,
  description       TEXT,
  created_by_id     TEXT,
  created_at        BIGINT NOT NULL,
  last_used_at      BIGINT,
  expires_at        BIGINT
);
CREATE INDEX tokens_user ON tokens (user_id);
CREATE INDEX tokens_team ON tokens (team_id);
CREATE INDEX tokens_organization ON tokens (organization_name);

CREATE TABLE sessions (
  hash       TEXT   NOT NULL PRIMARY KEY,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE authorization_codes (
  hash           TEXT   NOT NULL PRIMARY KEY,
  user_id        TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  client_id      TEXT   NOT NULL,
  redirect_uri   TEXT   NOT NULL,
  code_challenge TEXT   NOT NULL,
  created_at     BIGINT NOT NULL,
  expires_at     BIGINT NOT NULL
);

CREATE TABLE site_settings (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- Projects and workspaces ------------------------------------------------------------------------

CREATE TABLE projects (
  id                             TEXT   NOT NULL PRIMARY KEY,
  organization_name              TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name                           TEXT   NOT NULL,
  description                    TEXT,
  auto_destroy_activity_duration TEXT,
  default_execution_mode         TEXT,
  default_agent_pool_id          TEXT,
  created_at                     BIGINT NOT NULL
);
CREATE UNIQUE INDEX projects_name ON projects (organization_name, lower(name));

CREATE TABLE team_projects (
  id               TEXT   NOT NULL PRIMARY KEY,
  team_id          TEXT   NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  project_id       TEXT   NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  access           TEXT   NOT NULL,
  project_access   TEXT   NOT NULL,
  workspace_access TEXT   NOT NULL,
  created_at       BIGINT NOT NULL,
  UNIQUE (team_id, project_id)
);
CREATE INDEX team_projects_project ON team_projects (project_id);

CREATE TABLE workspaces (
  id                             TEXT    NOT NULL PRIMARY KEY,
  organization_name              TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  project_id                     TEXT    NOT NULL REFERENCES projects (id),
  name                           TEXT    NOT NULL,
  description                    TEXT,
  execution_mode                 TEXT,
  agent_pool_id                  TEXT,
  terraform_version              TEXT    NOT NULL,
  working_directory              TEXT    NOT NULL,
  auto_apply                     BOOLEAN NOT NULL,
  auto_apply_run_trigger         BOOLEAN NOT NULL,
  auto_destroy_at                BIGINT,
  auto_destroy_activity_duration TEXT,
  inherits_project_auto_destroy  BOOLEAN NOT NULL,
  allow_destroy_plan             BOOLEAN NOT NULL,
  assessments_enabled            BOOLEAN NOT NULL,
  file_triggers_enabled          BOOLEAN NOT NULL,
  trigger_prefixes               TEXT    NOT NULL,
  trigger_patterns               TEXT    NOT NULL,
  queue_all_runs                 BOOLEAN NOT NULL,
  speculative_enabled            BOOLEAN NOT NULL,
  structured_run_output_enabled  BOOLEAN NOT NULL,
  global_remote_state            BOOLEAN NOT NULL,
  project_remote_state           BOOLEAN NOT NULL,
  source                         TEXT    NOT NULL,
  source_name                    TEXT,
  source_url                     TEXT,
  vcs_repo                       TEXT,
  ssh_key_id                     TEXT,
  lock_kind                      TEXT,
  lock_holder_id                 TEXT,
  lock_reason                    TEXT,
  locked_at                      BIGINT,
  current_run_id                 TEXT,
  latest_run_id                  TEXT,
  current_state_version_id       TEXT,
  current_configuration_id       TEXT,
  latest_change_at               BIGINT  NOT NULL,
  resource_count                 BIGINT  NOT NULL,
  run_count                      BIGINT  NOT NULL,
  created_at                     BIGINT  NOT NULL,
  updated_at                     BIGINT  NOT NULL
);
CREATE UNIQUE INDEX workspaces_name ON workspaces (organization_name, lower(name));
CREATE INDEX workspaces_project ON workspaces (project_id);
CREATE INDEX workspaces_latest_change ON workspaces (organization_name, latest_change_at);

CREATE TABLE team_workspaces (
  id           TEXT   NOT NULL PRIMARY KEY,
  team_id      TEXT   NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  workspace_id TEXT   NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  access       TEXT   NOT NULL,
  custom       TEXT   NOT NULL,
  created_at   BIGINT NOT NULL,
  UNIQUE (team_id, workspace_id)
);
CREATE INDEX team_workspaces_workspace ON team_workspaces (workspace_id);

CREATE TABLE tags (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name              TEXT   NOT NULL,
  created_at        BIGINT NOT NULL,
  UNIQUE (organization_name, name)
);

-- A flat tag is a binding without a value, so that both kinds are one truth.
CREATE TABLE tag_bindings (
  id           TEXT   NOT NULL PRIMARY KEY,
  workspace_id TEXT   REFERENCES workspaces (id) ON DELETE CASCADE,
  project_id   TEXT   REFERENCES projects (id) ON DELETE CASCADE,
  tag_key      TEXT   NOT NULL,
  tag_value    TEXT   NOT NULL,
  created_at   BIGINT NOT NULL,
  UNIQUE (workspace_id, tag_key),
  UNIQUE (project_id, tag_key)
);
CREATE INDEX tag_bindings_key ON tag_bindings (tag_key, tag_value);

CREATE TABLE variables (
  id           TEXT    NOT NULL PRIMARY KEY,
  workspace_id TEXT    NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  name         TEXT    NOT NULL,
  value        TEXT    NOT NULL,
  is_sealed    BOOLEAN NOT NULL,
  category     TEXT    NOT NULL,
  hcl          BOOLEAN NOT NULL,
  sensitive    BOOLEAN NOT NULL,
  description  TEXT,
  version_id   TEXT    NOT NULL,
  created_at   BIGINT  NOT NULL,
  UNIQUE (workspace_id, category, name)
);

-- Runs -------------------------------------------------------------------------------------------

CREATE TABLE configuration_versions (
  id                TEXT    NOT NULL PRIMARY KEY,
  workspace_id      TEXT    NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  status            TEXT    NOT NULL,
  source            TEXT    NOT NULL,
  speculative       BOOLEAN NOT NULL,
  provisional       BOOLEAN NOT NULL,
  auto_queue_runs   BOOLEAN NOT NULL,
  error             TEXT,
  error_message     TEXT,
  size              BIGINT,
  status_timestamps TEXT    NOT NULL,
  created_by_id     TEXT,
  created_at        BIGINT  NOT NULL
);
CREATE INDEX configuration_versions_workspace ON configuration_versions (workspace_id, created_at);

CREATE TABLE runs (
  id                        TEXT    NOT NULL PRIMARY KEY,
  workspace_id              TEXT    NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  organization_name         TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  configuration_version_id  TEXT,
  number                    BIGINT  NOT NULL,
  status                    TEXT    NOT NULL,
  is_final                  BOOLEAN NOT NULL,
  message                   TEXT    NOT NULL,
  source                    TEXT    NOT NULL,
  trigger_reason            TEXT    NOT NULL,
  terraform_version         TEXT,
  is_destroy                BOOLEAN NOT NULL,
  auto_apply                BOOLEAN NOT NULL,
  allow_empty_apply         BOOLEAN NOT NULL,
  allow_config_generation   BOOLEAN NOT NULL,
  plan_only                 BOOLEAN NOT NULL,
  save_plan                 BOOLEAN NOT NULL,
  refresh                   BOOLEAN NOT NULL,
  refresh_only              BOOLEAN NOT NULL,
  debugging_mode            BOOLEAN NOT NULL,
  target_addrs              TEXT    NOT NULL,
  replace_addrs             TEXT    NOT NULL,
  invoke_action_addrs       TEXT    NOT NULL,
  variables                 TEXT    NOT NULL,
  has_changes               BOOLEAN NOT NULL,
  cancel                    TEXT    NOT NULL,
  force_cancel_available_at BIGINT,
  canceled_at               BIGINT,
  status_timestamps         TEXT    NOT NULL,
  created_by_id             TEXT,
  confirmed_by_id           TEXT,
  canceled_by_id            TEXT,
  plan_id                   TEXT    NOT NULL,
  apply_id                  TEXT    NOT NULL,
  created_at                BIGINT  NOT NULL,
  updated_at                BIGINT  NOT NULL,
  UNIQUE (workspace_id, number)
);
CREATE INDEX runs_unfinished ON runs (is_final, organization_name);
CREATE INDEX runs_organization ON runs (organization_name, created_at);

-- The plan and the apply of a run: two rows of one shape.
CREATE TABLE phases (
  id                      TEXT    NOT NULL PRIMARY KEY,
  run_id                  TEXT    NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  kind                    TEXT    NOT NULL,
  status                  TEXT    NOT NULL,
  has_changes             BOOLEAN NOT NULL,
  generated_configuration BOOLEAN NOT NULL,
  resource_additions      BIGINT,
  resource_changes        BIGINT,
  resource_destructions   BIGINT,
  resource_imports        BIGINT,
  message                 TEXT,
  artifacts               TEXT    NOT NULL,
  agent_id                TEXT,
  status_timestamps       TEXT    NOT NULL,
  UNIQUE (run_id, kind)
);

-- Work for agents. Whenever a job is handed out again it gets a new id, so that whoever had it is refused.
CREATE TABLE jobs (
  id            TEXT   NOT NULL PRIMARY KEY,
  run_id        TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  workspace_id  TEXT   NOT NULL,
  phase         TEXT   NOT NULL,
  status        TEXT   NOT NULL,
  agent_pool_id TEXT,
  agent_id      TEXT,
  leased_until  BIGINT,
  attempts      BIGINT NOT NULL,
  created_at    BIGINT NOT NULL,
  UNIQUE (run_id, phase)
);
CREATE INDEX jobs_status ON jobs (status, created_at);

CREATE TABLE agents (
  id            TEXT   NOT NULL PRIMARY KEY,
  agent_pool_id TEXT,
  name          TEXT   NOT NULL,
  version       TEXT   NOT NULL,
  instance      TEXT   NOT NULL UNIQUE,
  engines       TEXT   NOT NULL,
  last_ping_at  BIGINT NOT NULL,
  created_at    BIGINT NOT NULL
);

CREATE TABLE tool_versions (
  id                TEXT    NOT NULL PRIMARY KEY,
  kind              TEXT    NOT NULL,
  version           TEXT    NOT NULL,
  url               TEXT,
  sha               TEXT,
  official          BOOLEAN NOT NULL,
  enabled           BOOLEAN NOT NULL,
  beta              BOOLEAN NOT NULL,
  deprecated        BOOLEAN NOT NULL,
  deprecated_reason TEXT,
  created_at        BIGINT  NOT NULL,
  UNIQUE (kind, version)
);

-- State ------------------------------------------------------------------------------------------

CREATE TABLE state_versions (
  id                  TEXT    NOT NULL PRIMARY KEY,
  workspace_id        TEXT    NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  number              BIGINT  NOT NULL,
  serial              BIGINT  NOT NULL,
  lineage             TEXT    NOT NULL,
  md5                 TEXT    NOT NULL,
  size                BIGINT  NOT NULL,
  status              TEXT    NOT NULL,
  intermediate        BOOLEAN NOT NULL,
  state_format        BIGINT,
  terraform_version   TEXT,
  resources_processed BOOLEAN NOT NULL,
  resources           TEXT    NOT NULL,
  modules             TEXT    NOT NULL,
  providers           TEXT    NOT NULL,
  resource_count      BIGINT  NOT NULL,
  has_json_state      BOOLEAN NOT NULL,
  run_id              TEXT,
  created_by_id       TEXT,
  rollback_of_id      TEXT,
  created_at          BIGINT  NOT NULL,
  UNIQUE (workspace_id, number)
);

CREATE TABLE state_version_outputs (
  id               TEXT    NOT NULL PRIMARY KEY,
  state_version_id TEXT    NOT NULL REFERENCES state_versions (id) ON DELETE CASCADE,
  name             TEXT    NOT NULL,
  sensitive        BOOLEAN NOT NULL,
  kind             TEXT    NOT NULL,
  detailed_type    TEXT    NOT NULL,
  value            TEXT    NOT NULL,
  UNIQUE (state_version_id, name)
);

-- What happened, and what has yet to be done -----------------------------------------------------

CREATE TABLE events (
  id                TEXT   NOT NULL PRIMARY KEY,
  at                BIGINT NOT NULL,
  action            TEXT   NOT NULL,
  actor_kind        TEXT   NOT NULL,
  actor_id          TEXT,
  organization_name TEXT,
  workspace_id      TEXT,
  run_id            TEXT,
  resource_type     TEXT   NOT NULL,
  resource_id       TEXT   NOT NULL,
  detail            TEXT   NOT NULL
);
CREATE INDEX events_run ON events (run_id, at);
CREATE INDEX events_organization ON events (organization_name, at);

CREATE TABLE tasks (
  id         TEXT   NOT NULL PRIMARY KEY,
  kind       TEXT   NOT NULL,
  payload    TEXT   NOT NULL,
  due_at     BIGINT NOT NULL,
  attempts   BIGINT NOT NULL,
  last_error TEXT,
  created_at BIGINT NOT NULL
);
CREATE INDEX tasks_due ON tasks (due_at);
