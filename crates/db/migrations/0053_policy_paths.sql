-- What a run was told of policies on the machine that asked for it.

ALTER TABLE runs ADD COLUMN policy_paths TEXT NOT NULL DEFAULT '[]';
