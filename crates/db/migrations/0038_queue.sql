-- What waits is found by reading an index, however much is unfinished: by status, by workspace, by organization.
CREATE INDEX runs_waiting ON runs (status, created_at, id, workspace_id);
CREATE INDEX runs_turn ON runs (workspace_id, is_final, number);
CREATE INDEX runs_organization_status ON runs (organization_name, status, created_at);
