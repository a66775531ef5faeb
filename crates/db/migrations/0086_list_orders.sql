-- Pages come in the order of an index to the last term, so that none of them costs a sort of the whole list.
DROP INDEX workspaces_latest_change;
CREATE INDEX workspaces_latest_change ON workspaces (organization_name, latest_change_at, id);
DROP INDEX workspaces_current_run;
CREATE INDEX workspaces_current_run ON workspaces (organization_name, current_run_created_at, id);
DROP INDEX runs_organization;
CREATE INDEX runs_organization ON runs (organization_name, created_at, id);
DROP INDEX runs_unfinished;
CREATE INDEX runs_unfinished ON runs (is_final, organization_name, created_at, id);
