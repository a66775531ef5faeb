-- What a phase has used of its machine, and what it was kept apart by, as JSON; absent where its agent did not say.
ALTER TABLE phases ADD COLUMN peaks TEXT;
ALTER TABLE phases ADD COLUMN layers TEXT;
-- What plans and applies may use at most, as JSON.
ALTER TABLE organizations ADD COLUMN run_limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE agent_pools ADD COLUMN run_limits TEXT NOT NULL DEFAULT '{}';
