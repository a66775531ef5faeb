-- What workspaces refer to and share: SSH keys, remote state, reserved tag keys; archives of engines by platform.

-- JSON: a list of objects with url, sha, os and arch.
ALTER TABLE tool_versions ADD COLUMN archs TEXT NOT NULL DEFAULT '[]';

-- What became of the last scheduled destruction.
ALTER TABLE workspaces ADD COLUMN auto_destroy_status TEXT;
-- JSON: averages and failures of the last runs, kept up to date whenever one ends.
ALTER TABLE workspaces ADD COLUMN performance TEXT NOT NULL DEFAULT '{}';
CREATE INDEX workspaces_auto_destroy ON workspaces (auto_destroy_at) WHERE auto_destroy_at IS NOT NULL;
CREATE INDEX workspaces_ssh_key ON workspaces (ssh_key_id) WHERE ssh_key_id IS NOT NULL;

-- The value is sealed.
CREATE TABLE ssh_keys (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name              TEXT   NOT NULL,
  value             TEXT   NOT NULL,
  created_at        BIGINT NOT NULL
);
CREATE INDEX ssh_keys_organization ON ssh_keys (organization_name, name);

-- Whose runs may read the state of a workspace that does not share it with all.
CREATE TABLE remote_state_consumers (
  workspace_id TEXT   NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  consumer_id  TEXT   NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, consumer_id)
);
CREATE INDEX remote_state_consumers_consumer ON remote_state_consumers (consumer_id);

CREATE TABLE reserved_tag_keys (
  id                TEXT    NOT NULL PRIMARY KEY,
  organization_name TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  tag_key           TEXT    NOT NULL,
  disable_overrides BOOLEAN NOT NULL,
  created_at        BIGINT  NOT NULL,
  updated_at        BIGINT  NOT NULL,
  UNIQUE (organization_name, tag_key)
);
