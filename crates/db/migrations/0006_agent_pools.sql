-- Agents of one's own, in pools; and what an engine shows to the server while its job is held.

-- The hash of the token that the job was handed out with.
ALTER TABLE jobs ADD COLUMN token_hash TEXT;
CREATE UNIQUE INDEX jobs_token ON jobs (token_hash) WHERE token_hash IS NOT NULL;

CREATE TABLE agent_pools (
  id                  TEXT    NOT NULL PRIMARY KEY,
  organization_name   TEXT    NOT NULL REFERENCES organizations (name) ON UPDATE CASCADE ON DELETE CASCADE,
  name                TEXT    NOT NULL,
  organization_scoped BOOLEAN NOT NULL,
  created_at          BIGINT  NOT NULL
);
CREATE UNIQUE INDEX agent_pools_name ON agent_pools (organization_name, lower(name));

-- Workspaces that may use a pool which is not for the whole organization, and those that may not use one which is.
CREATE TABLE agent_pool_workspaces (
  agent_pool_id TEXT NOT NULL REFERENCES agent_pools (id) ON DELETE CASCADE,
  workspace_id  TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  standing      TEXT NOT NULL,
  PRIMARY KEY (agent_pool_id, workspace_id, standing)
);
CREATE INDEX agent_pool_workspaces_workspace ON agent_pool_workspaces (workspace_id);

-- Projects whose workspaces may use it.
CREATE TABLE agent_pool_projects (
  agent_pool_id TEXT NOT NULL REFERENCES agent_pools (id) ON DELETE CASCADE,
  project_id    TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  PRIMARY KEY (agent_pool_id, project_id)
);
CREATE INDEX agent_pool_projects_project ON agent_pool_projects (project_id);

ALTER TABLE agents ADD COLUMN ip_address TEXT;
-- It said goodbye.
ALTER TABLE agents ADD COLUMN has_exited BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX agents_pool ON agents (agent_pool_id);
CREATE INDEX tokens_agent_pool ON tokens (agent_pool_id) WHERE agent_pool_id IS NOT NULL;
CREATE INDEX workspaces_agent_pool ON workspaces (agent_pool_id) WHERE agent_pool_id IS NOT NULL;

-- JSON: who executed it, by the names of that time.
ALTER TABLE phases ADD COLUMN executor TEXT;
