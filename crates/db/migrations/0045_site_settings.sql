-- Who decided a setting of the site, and when.
ALTER TABLE site_settings ADD COLUMN changed_at BIGINT;
ALTER TABLE site_settings ADD COLUMN changed_by TEXT;
