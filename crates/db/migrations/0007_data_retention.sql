-- How long the data of old configurations and states is kept.

-- Of an organization or of a workspace: exactly one of the two is set.
CREATE TABLE data_retention_policies (
  id                TEXT   NOT NULL PRIMARY KEY,
  organization_name TEXT   REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  workspace_id      TEXT   REFERENCES workspaces (id) ON DELETE CASCADE,
  -- Absent: nothing is ever deleted.
  delete_after_days BIGINT,
  created_at        BIGINT NOT NULL,
  updated_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX data_retention_policies_organization
  ON data_retention_policies (organization_name) WHERE organization_name IS NOT NULL;
CREATE UNIQUE INDEX data_retention_policies_workspace
  ON data_retention_policies (workspace_id) WHERE workspace_id IS NOT NULL;

-- Since when the data can only be restored; it is deleted for good a while later.
ALTER TABLE configuration_versions ADD COLUMN soft_deleted_at BIGINT;
CREATE INDEX configuration_versions_soft_deleted
  ON configuration_versions (soft_deleted_at) WHERE soft_deleted_at IS NOT NULL;
ALTER TABLE state_versions ADD COLUMN soft_deleted_at BIGINT;
CREATE INDEX state_versions_soft_deleted
  ON state_versions (soft_deleted_at) WHERE soft_deleted_at IS NOT NULL;
