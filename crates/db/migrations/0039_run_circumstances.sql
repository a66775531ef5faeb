-- What a run was planned with, kept for its apply and forgotten at its end.
CREATE TABLE run_circumstances (
  run_id           TEXT NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  state_version_id TEXT,
  content          TEXT NOT NULL
);
