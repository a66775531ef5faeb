-- Plans in a form for those who write policies; what was made is a blob, and expires.
CREATE TABLE plan_exports (
  id                TEXT   NOT NULL PRIMARY KEY,
  plan_id           TEXT   NOT NULL REFERENCES phases (id) ON DELETE CASCADE,
  data_type         TEXT   NOT NULL,
  status            TEXT   NOT NULL,
  error_message     TEXT,
  status_timestamps TEXT   NOT NULL,
  created_at        BIGINT NOT NULL,
  expires_at        BIGINT NOT NULL
);
CREATE INDEX plan_exports_plan ON plan_exports (plan_id, created_at);
CREATE INDEX plan_exports_due ON plan_exports (status, expires_at);
