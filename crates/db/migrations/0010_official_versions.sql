-- Official releases that the binary knows by itself.

-- Known from the built-in list alone: nobody has enabled it, and no agent and no synchronisation has found it.
ALTER TABLE tool_versions ADD COLUMN dormant BOOLEAN NOT NULL DEFAULT FALSE;
