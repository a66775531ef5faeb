-- A flat tag and a key without a value are two kinds of tags.

ALTER TABLE tag_bindings ADD COLUMN is_flat BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE tag_bindings SET is_flat = TRUE WHERE workspace_id IS NOT NULL AND tag_value = '';
