-- The commit of a repository that a version of a policy set is made of, as JSON; absent for what was uploaded.
ALTER TABLE policy_set_versions ADD COLUMN ingress TEXT;
-- What the configurations of its provider are from; absent likewise.
ALTER TABLE policy_set_versions ADD COLUMN source TEXT;
