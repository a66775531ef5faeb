-- How many workspaces an organization may have, which administrators of the site say.
ALTER TABLE organizations ADD COLUMN workspace_limit BIGINT;
