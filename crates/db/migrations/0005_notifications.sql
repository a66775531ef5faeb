-- Who is told what happens, and what they answered.

CREATE TABLE notification_configurations (
  id               TEXT    NOT NULL PRIMARY KEY,
  -- What it is about: one of these.
  workspace_id     TEXT    REFERENCES workspaces (id) ON DELETE CASCADE,
  project_id       TEXT    REFERENCES projects (id) ON DELETE CASCADE,
  team_id          TEXT    REFERENCES teams (id) ON DELETE CASCADE,
  name             TEXT    NOT NULL,
  destination_type TEXT    NOT NULL,
  enabled          BOOLEAN NOT NULL,
  -- Sealed: addresses of chat services carry their secret.
  url              TEXT,
  -- Sealed.
  token            TEXT,
  -- JSON: lists of words, of addresses, of users' ids.
  triggers         TEXT    NOT NULL,
  email_addresses  TEXT    NOT NULL,
  user_ids         TEXT    NOT NULL,
  created_at       BIGINT  NOT NULL,
  updated_at       BIGINT  NOT NULL
);
CREATE INDEX notification_configurations_workspace ON notification_configurations (workspace_id) WHERE workspace_id IS NOT NULL;
CREATE INDEX notification_configurations_project ON notification_configurations (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX notification_configurations_team ON notification_configurations (team_id) WHERE team_id IS NOT NULL;

CREATE TABLE notification_deliveries (
  id               TEXT    NOT NULL PRIMARY KEY,
  configuration_id TEXT    NOT NULL REFERENCES notification_configurations (id) ON DELETE CASCADE,
  -- What caused it, such as run:completed, or verification.
  cause            TEXT    NOT NULL,
  -- Sealed.
  url              TEXT,
  -- Of the answer; without one there was none.
  code             BIGINT,
  -- JSON: lists of values by name.
  headers          TEXT    NOT NULL,
  body             TEXT    NOT NULL,
  successful       BOOLEAN NOT NULL,
  sent_at          BIGINT  NOT NULL
);
CREATE INDEX notification_deliveries_configuration ON notification_deliveries (configuration_id, sent_at);
