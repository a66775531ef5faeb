-- Up to when people have been reminded of a scheduled destruction; earlier reminders are not due any more.
ALTER TABLE workspaces ADD COLUMN auto_destroy_reminded_at BIGINT;
UPDATE workspaces SET auto_destroy_reminded_at = 0 WHERE auto_destroy_at IS NOT NULL;
