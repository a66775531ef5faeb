-- Lists of workspaces at size: pages come in the order of an index, and counts look at indexes alone.

-- What lists ask of a workspace's current run, as its row says it.
ALTER TABLE workspaces ADD COLUMN current_run_status TEXT;
ALTER TABLE workspaces ADD COLUMN current_run_created_at BIGINT;
UPDATE workspaces SET
  current_run_status = (SELECT status FROM runs WHERE runs.id = workspaces.current_run_id),
  current_run_created_at = (SELECT created_at FROM runs WHERE runs.id = workspaces.current_run_id)
WHERE current_run_id IS NOT NULL;

CREATE INDEX workspaces_list ON workspaces (organization_name, name, id, project_id, current_run_status);
CREATE INDEX workspaces_current_run ON workspaces (organization_name, current_run_created_at);
DROP INDEX tag_bindings_key;
CREATE INDEX tag_bindings_key ON tag_bindings (tag_key, tag_value, workspace_id, project_id);
