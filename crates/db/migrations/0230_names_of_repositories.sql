-- What people call a repository at its provider.
ALTER TABLE repositories ADD COLUMN display TEXT;
