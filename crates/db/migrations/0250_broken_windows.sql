-- A freeze is broken until the end of the window that was open then, and no other freeze with it. Of what was broken
-- before, windows that are once are known; those that come again hold the run up until somebody breaks them anew.
CREATE TABLE broken_windows (
  run_id     TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  freeze_id  TEXT   NOT NULL REFERENCES freezes (id) ON DELETE CASCADE,
  ends_at    BIGINT NOT NULL,
  user_id    TEXT,
  reason     TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (run_id, freeze_id)
);
INSERT INTO broken_windows (run_id, freeze_id, ends_at, user_id, reason, created_at)
SELECT b.run_id, f.id, f.ends_at, b.user_id, b.reason, b.created_at
FROM freeze_breaks b
JOIN runs r ON r.id = b.run_id
JOIN workspaces w ON w.id = r.workspace_id
JOIN freezes f ON f.organization_name = w.organization_name
  AND (f.project_id IS NULL OR f.project_id = w.project_id)
  AND (f.workspace_id IS NULL OR f.workspace_id = w.id)
WHERE f.starts_at <= b.created_at AND b.created_at < f.ends_at;
DROP TABLE freeze_breaks;
ALTER TABLE broken_windows RENAME TO freeze_breaks;
