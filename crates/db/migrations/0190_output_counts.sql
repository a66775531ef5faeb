-- How many outputs a state has, so that very many of them are not counted, listed or waited for by everybody.
ALTER TABLE state_versions ADD COLUMN output_count BIGINT NOT NULL DEFAULT 0;
UPDATE state_versions SET output_count = (
  SELECT COUNT(*) FROM state_version_outputs WHERE state_version_outputs.state_version_id = state_versions.id
);
