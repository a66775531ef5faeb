-- Lists ask for the newest run of a workspace, too, where that only plans and so never becomes the current one: what
-- they ask for stands in the workspace's row, and counts look at its index alone.
ALTER TABLE workspaces ADD COLUMN latest_plan_status TEXT;
UPDATE workspaces SET latest_plan_status = (
  SELECT status FROM runs WHERE runs.id = workspaces.latest_run_id AND runs.plan_only = TRUE
) WHERE latest_run_id IS NOT NULL;
DROP INDEX workspaces_list;
CREATE INDEX workspaces_list ON workspaces (organization_name, name, id, project_id, current_run_status, latest_plan_status);
