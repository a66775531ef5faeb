-- Repositories at a provider that workspaces or policy sets take their files from: one row for each connection and name.
CREATE TABLE repositories (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  connection        TEXT   NOT NULL,
  provider          TEXT   NOT NULL,
  identifier        TEXT   NOT NULL,
  webhook_id        TEXT   NOT NULL UNIQUE,
  webhook_secret    TEXT   NOT NULL,
  hook_id           TEXT,
  hook_error        TEXT,
  provider_id       TEXT,
  default_branch    TEXT,
  clone_url         TEXT,
  page_url          TEXT,
  refs              TEXT,
  poll_at           BIGINT NOT NULL,
  poll_failures     BIGINT NOT NULL,
  busy_until        BIGINT NOT NULL,
  last_error        TEXT,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX repositories_connection ON repositories (organization_name, connection, identifier);

ALTER TABLE workspaces ADD COLUMN repository_id TEXT REFERENCES repositories (id) ON DELETE SET NULL;
CREATE INDEX workspaces_repository ON workspaces (repository_id);
ALTER TABLE policy_sets ADD COLUMN repository_id TEXT REFERENCES repositories (id) ON DELETE SET NULL;
CREATE INDEX policy_sets_repository ON policy_sets (repository_id);

-- What a provider has sent, kept until it was worked off and, without its body, for some days to know it again.
CREATE TABLE webhook_deliveries (
  id            TEXT   NOT NULL PRIMARY KEY,
  repository_id TEXT   NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
  delivery      TEXT   NOT NULL,
  digest        TEXT   NOT NULL,
  event         TEXT   NOT NULL,
  body          TEXT   NOT NULL,
  received_at   BIGINT NOT NULL,
  done_at       BIGINT,
  attempts      BIGINT NOT NULL,
  error         TEXT
);
CREATE UNIQUE INDEX webhook_deliveries_delivery ON webhook_deliveries (repository_id, delivery);
CREATE UNIQUE INDEX webhook_deliveries_digest ON webhook_deliveries (repository_id, digest);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (done_at, received_at);

-- Which commit a configuration version is made of, and how it came.
CREATE TABLE ingress_attributes (
  id                       TEXT    NOT NULL PRIMARY KEY,
  configuration_version_id TEXT    NOT NULL UNIQUE REFERENCES configuration_versions (id) ON DELETE CASCADE,
  workspace_id             TEXT    NOT NULL,
  repository_id            TEXT    NOT NULL,
  kind                     TEXT    NOT NULL,
  commit_sha               TEXT    NOT NULL,
  commit_message           TEXT    NOT NULL,
  commit_url               TEXT,
  compare_url              TEXT,
  clone_url                TEXT,
  identifier               TEXT    NOT NULL,
  branch                   TEXT    NOT NULL,
  on_default_branch        BOOLEAN NOT NULL,
  tag                      TEXT,
  pull_request_number      BIGINT,
  pull_request_url         TEXT,
  pull_request_title       TEXT,
  pull_request_body        TEXT,
  sender_username          TEXT,
  sender_avatar_url        TEXT,
  sender_html_url          TEXT,
  changed_files            TEXT    NOT NULL,
  submodules               BOOLEAN NOT NULL,
  reason                   TEXT    NOT NULL,
  happened_at              BIGINT  NOT NULL
);
CREATE INDEX ingress_attributes_commit ON ingress_attributes (repository_id, commit_sha);
CREATE INDEX ingress_attributes_workspace ON ingress_attributes (workspace_id, commit_sha);
